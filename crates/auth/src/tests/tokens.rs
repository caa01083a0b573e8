//! What a token may look like.

use std::time::Duration;

use csc_types::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::jws::MAX_TOKEN;
use crate::{Claims, Reason, Scope};

async fn verify(token: &str) -> Result<Claims, Reason> {
    verifier().verify_token(token).await
}

#[tokio::test]
async fn a_good_token() {
    let claims = verify(&OURS.token(&good())).await.unwrap();
    assert_eq!(claims.mcptt_id.as_str(), USER);
    assert_eq!((claims.client_id.as_deref(), claims.jti.as_deref()), (Some("client"), Some("1")));
    assert_eq!(claims.scopes, [Scope::OpenId, Scope::PttConfiguration].into_iter().collect());
    assert_eq!(claims.expires, Timestamp::from_seconds(NOW + 3600));
}

#[tokio::test]
async fn a_bare_token_is_good_enough() {
    let mut claims = good();
    for name in ["sub", "iat", "client_id", "jti", "scope"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    let claims = verify(&OURS.token(&claims)).await.unwrap();
    assert!(claims.scopes.is_empty() && claims.jti.is_none());
}

#[tokio::test]
async fn every_form_of_scope_and_audience() {
    let both = [Scope::OpenId, Scope::Ptt].into_iter().collect();
    for scope in [
        json!("openid 3gpp:mcptt:ptt_server"),
        json!(["openid", "3gpp:mcptt:ptt_server"]),
        json!(["openid 3gpp:mcptt:ptt_server"]),
        json!(["openid%203gpp:mcptt:ptt_server"]),
        json!("openid%203gpp:mc:ptt_service"),
        json!(["openid", "3gpp:mc:ptt_service", "unknown"]),
    ] {
        assert_eq!(verify(&OURS.token(&but("scope", scope.clone()))).await.unwrap().scopes, both, "{scope}");
    }
    for aud in [json!("other_client"), json!(["x", "mcptt_client"])] {
        assert!(verify(&OURS.token(&but("aud", aud))).await.is_ok());
    }
}

#[tokio::test]
async fn claims_that_are_missing_or_wrong() {
    for (name, value) in [
        ("iss", Value::Null),
        ("iss", json!("https://csc.example.org/")),
        ("iss", json!(["https://csc.example.org"])),
        ("aud", Value::Null),
        ("aud", json!([])),
        ("aud", json!("MCPTT_CLIENT")),
        ("aud", json!(["x", "y"])),
        ("aud", json!({ "mcptt_client": true })),
        ("aud", json!([["mcptt_client"]])),
        ("exp", Value::Null),
        ("exp", json!((NOW + 3600).to_string())),
        ("exp", json!(-1)),
        ("exp", json!(253_402_300_800_u64)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(1e300)),
        ("exp", json!(-0.5)),
        ("exp", json!(true)),
        ("nbf", json!("soon")),
        ("nbf", json!(1e300)),
        ("nbf", json!(NOW + 31)),
        ("mcptt_id", Value::Null),
        ("mcptt_id", json!("")),
        ("mcptt_id", json!("nobody")),
        ("mcptt_id", json!("tel:+8257\r\n")),
        ("scope", json!(7)),
        ("scope", json!([["openid"]])),
        ("client_id", json!(7)),
    ] {
        let refused = verify(&OURS.token(&but(name, value.clone()))).await;
        assert_eq!(refused, Err(Reason::Invalid), "{name} = {value}");
    }
}

#[tokio::test]
async fn payloads_that_are_no_claims() {
    let header = r#"{"alg":"RS256","kid":"ours"}"#;
    let good = good().to_string();
    let twice = |claim: &str| format!("{},{claim}}}", &good[..good.len() - 1]);
    for payload in [
        "",
        "null",
        "[]",
        "\"text\"",
        "{}",
        &good[..good.len() - 1],
        &format!("{good}{good}"),
        &twice(&format!(r#""exp":{}"#, NOW + 1)),
        &twice(r#""mcptt_id":"tel:+1""#),
        &twice(r#""aud":"mcptt_client""#),
        &twice(r#""scope":"openid""#),
        &"[".repeat(5000),
    ] {
        assert_eq!(verify(&OURS.raw(header, payload)).await, Err(Reason::Invalid), "{payload}");
    }
    assert!(verify(&OURS.raw(header, &good)).await.is_ok());
    assert!(verify(&OURS.raw(header, &twice(r#""extra":1,"extra":2"#))).await.is_ok());
}

#[tokio::test]
async fn times_are_read_to_the_second_with_leeway() {
    let at = async |clock: u64, claims: &Value| {
        let verifier =
            TokenVerifier::new(Source::of(&[OURS.jwk()]), config(), Arc::new(ManualClock::at(clock)));
        verifier.verify_token(&OURS.token(claims)).await.map(|claims| claims.expires.seconds())
    };
    let exp = |value| but("exp", value);
    assert_eq!(at(NOW + 29, &exp(json!(NOW))).await, Ok(NOW));
    assert_eq!(at(NOW + 30, &exp(json!(NOW))).await, Err(Reason::Expired));
    // Floats, as some libraries write them.
    assert_eq!(at(NOW + 29, &exp(json!(NOW as f64 + 0.9))).await, Ok(NOW));
    assert_eq!(at(NOW + 30, &exp(json!(NOW as f64 + 0.9))).await, Err(Reason::Expired));
    assert_eq!(at(NOW, &exp(json!(0))).await, Err(Reason::Expired));
    assert_eq!(at(NOW, &exp(json!(253_402_300_799_u64))).await, Ok(253_402_300_799));
    assert_eq!(at(NOW, &but("nbf", json!(NOW + 30))).await, Ok(NOW + 3600));
    // The last moment a clock can show.
    assert_eq!(at(u64::MAX / 1_000_000, &good()).await, Err(Reason::Expired));
}

#[tokio::test]
async fn the_leeway_follows_the_clock() {
    let clock = Arc::new(ManualClock::at(NOW));
    let verifier = TokenVerifier::new(Source::of(&[OURS.jwk()]), config(), Arc::clone(&clock) as _);
    let token = OURS.token(&good());
    assert!(verifier.verify_token(&token).await.is_ok());
    clock.advance(Duration::from_secs(3629));
    assert!(verifier.verify_token(&token).await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(verifier.verify_token(&token).await, Err(Reason::Expired));
}

#[tokio::test]
async fn headers_that_ask_for_something_else() {
    let payload = good().to_string();
    for header in [
        r#"{"alg":"none","kid":"ours"}"#,
        r#"{"alg":"None","kid":"ours"}"#,
        r#"{"alg":"HS256","kid":"ours"}"#,
        r#"{"alg":"RS384","kid":"ours"}"#,
        r#"{"alg":"PS256","kid":"ours"}"#,
        r#"{"alg":"ES256","kid":"ours"}"#,
        r#"{"alg":"rs256","kid":"ours"}"#,
        r#"{"alg":"","kid":"ours"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":null}"#,
        r#"{"alg":"RS256","kid":"OURS"}"#,
        r#"{"alg":"RS256","kid":""}"#,
        r#"{"alg":"RS256","kid":"ours","crit":["b64"],"b64":false}"#,
        r#"{"alg":"RS256","kid":"ours","crit":[]}"#,
        r#"{"alg":"RS256","kid":"ours","crit":null}"#,
        r#"{"alg":"RS256","kid":"ours","typ":"logout+jwt"}"#,
        r#"{"alg":"RS256","kid":"ours","typ":""}"#,
    ] {
        assert_eq!(verify(&OURS.raw(header, &payload)).await, Err(Reason::Invalid), "{header}");
    }
    for header in [
        r#"{"alg":"RS256","kid":"ours","typ":"JWT"}"#,
        r#"{"typ":"at+jwt","kid":"ours","alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":"ours","typ":"application/at+JWT","cty":"x","jku":"https://evil.example"}"#,
    ] {
        assert!(verify(&OURS.raw(header, &payload)).await.is_ok(), "{header}");
    }
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    let payload = encode(good().to_string());
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"none","kid":"ours"}"#, r#"{"alg":"RS256","kid":"ours"}"#] {
        assert_eq!(verify(&format!("{}.{payload}.", encode(header))).await, Err(Reason::Invalid), "{header}");
    }
}

#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    // The classic: HS256 with the public key, which everybody has, as the secret.
    let header = encode(r#"{"alg":"HS256","kid":"ours"}"#);
    let signed = format!("{header}.{}", encode(good().to_string()));
    for secret in
        [OURS.pair.to_pem_public_key(), OURS.pair.to_der_public_key(), OURS.jwk().to_string().into_bytes()]
    {
        let signer = josekit::jws::HS256.signer_from_bytes(secret).unwrap();
        let token = format!("{signed}.{}", encode(signer.sign(signed.as_bytes()).unwrap()));
        assert_eq!(verify(&token).await, Err(Reason::Invalid));
    }
}

#[tokio::test]
async fn signatures_of_others() {
    assert_eq!(verify(&FOREIGN.token(&good())).await, Err(Reason::Invalid));
    // A key the token brings along convinces nobody.
    let header = json!({ "alg": "RS256", "kid": "ours", "jwk": FOREIGN.jwk() }).to_string();
    assert_eq!(verify(&FOREIGN.raw(&header, &good().to_string())).await, Err(Reason::Invalid));
    // Signature and payload of two good tokens.
    let (one, other) = (OURS.token(&good()), OURS.token(&but("mcptt_id", json!("tel:+1"))));
    let mixed = format!("{}.{}", one.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    assert_eq!(verify(&mixed).await, Err(Reason::Invalid));
}

#[tokio::test]
async fn texts_that_are_no_jws() {
    let token = OURS.token(&good());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let long =
        format!("{}.{signature}", encode(r#"{"alg":"RS256","kid":"ours"}"#) + "." + &"A".repeat(MAX_TOKEN));
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "not a token",
        "e30.e30.",
        signed,
        &format!("{token}."),
        &format!(".{token}"),
        &format!("{token}="),
        &format!("{token} "),
        &format!("{signed}.{signature}\u{e9}"),
        &token.replacen('.', "", 1),
        &token.replacen('.', ".!", 1),
        &format!("{}.{signed}.{signature}", encode("x")),
        &format!("{}.e30.{signature}", encode(r#"{"alg":"RS256","kid":"ours""#)),
        &format!("{}.e30.{signature}", encode(r#"{"kid":"ours"}"#)),
        &format!("{}.e30.{signature}", encode(r#"{"alg":7,"kid":"ours"}"#)),
        &format!("{}.e30.{signature}", encode(r#"{"alg":"RS256","alg":"RS256","kid":"ours"}"#)),
        &format!("{}.e30.{signature}", encode(r#"{"alg":"RS256","kid":"ours","kid":"ours"}"#)),
        &format!("{}.e30.{signature}", encode("[".repeat(4000))),
        &long,
    ] {
        assert_eq!(verify(text).await, Err(Reason::Malformed), "{text}");
    }
}

#[tokio::test]
async fn every_truncation_and_every_changed_character() {
    let token = OURS.token(&good());
    let verifier = verifier();
    for n in 0..token.len() {
        assert!(verifier.verify_token(&token[..n]).await.is_err(), "cut at {n}");
        let other = if token.as_bytes()[n] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..n], &token[n + 1..]);
        assert!(verifier.verify_token(&changed).await.is_err(), "changed at {n}");
    }
    assert!(verifier.verify_token(&token).await.is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_makes_it_panic(header in ".{0,60}", payload in ".{0,60}", text in ".{0,200}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let verifier = verifier();
            assert!(verifier.verify_token(&text).await.is_err());
            assert!(verifier.verify_token(&format!("{}.{}.AAAA", encode(&header), encode(&payload))).await.is_err());
            let header = r#"{"alg":"RS256","kid":"ours"}"#;
            assert!(verifier.verify_token(&OURS.raw(header, &payload)).await.is_err());
        });
    }
}
