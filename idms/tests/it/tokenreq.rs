//! `POST /idms/tokenreq`, row by row, and what the tokens say.

use std::sync::Arc;

use csc_auth::{GrpcKeys, Resource, TokenVerifier, VerifierConfig};
use csc_store::StoreError;
use http::{HeaderMap, Request, StatusCode};
use josekit::jws::{HS256, deserialize_compact};
use serde_json::{Value, json};

use crate::world::{ALEX, PASSWORD, SECRET, START, World, digest, encode, field_client, texts, user};

const REFUSED: (&str, &str) = ("invalid_client", "authcode_verification_failed");

/// The claims of a token, unverified, and its header.
fn claims(token: &str) -> (Value, Value) {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts: Vec<_> = token.split('.').collect();
    let part = |at: usize| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[at]).unwrap()).unwrap();
    (part(1), part(0))
}

#[tokio::test]
async fn what_a_login_gives() {
    let world = World::new().await;
    let code = world.authreq(&[("nonce", "n-1")]).await.text("code");
    world.advance(2);
    let answer = world.tokenreq(&code, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.not_stored("application/json;charset=UTF-8");
    let [access, refresh, id] = ["access_token", "refresh_token", "id_token"].map(|name| answer.text(name));
    assert_eq!(
        answer.body,
        format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","id_token":"{id}","token_type":"Bearer","expires_in":7201}}"#
        )
    );

    let (access, header) = claims(&access);
    assert_eq!((&header["alg"], header["kid"].is_string()), (&json!("RS256"), true));
    let expected = json!({
        "mcptt_id": ALEX,
        "aud": "mcptt_client",
        "exp": START + 2 + 7201,
        "scope": ["openid", "3gpp:mcptt:ptt_server"],
        "iss": "https://idms.example.org",
        "iat": START + 2,
        "jti": access["jti"],
        "sub": access["sub"],
        "client_id": "MCPTT_UE",
        "azp": "MCPTT_UE",
        "csc_org": "city-fire",
        "csc_roles": ["dispatcher"],
    });
    assert_eq!(access, expected);

    let (payload, header) = deserialize_compact(&id, &HS256.verifier_from_bytes(SECRET).unwrap()).unwrap();
    assert_eq!(header.algorithm(), Some("HS256"));
    let expected = json!({
        "mcptt_id": ALEX,
        "iss": "https://idms.example.org",
        "sub": access["sub"],
        "aud": "MCPTT_UE",
        "exp": START + 2 + 3600,
        "iat": START + 2,
        "auth_time": START,
        "acr": "3gpp:acr:password",
        "nonce": "n-1",
    });
    assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), expected);
    assert!(
        !answer.body.contains(&json!(access["sub"]).to_string()),
        "the subject stands only in the tokens"
    );
}

#[tokio::test]
async fn resource_servers_accept_the_access_token() {
    let world = World::new().await;
    let code = world.authreq(&[("scope", "3gpp:mcptt:config_management_server")]).await.text("code");
    let token = world.tokenreq(&code, &[]).await.text("access_token");
    let config = VerifierConfig {
        issuer: "https://idms.example.org".to_owned(),
        audiences: vec!["mcptt_client".to_owned()],
        field_compat: false,
    };
    let keys = Arc::new(GrpcKeys::new(world.channel.clone()));
    let verifier = TokenVerifier::new(keys, config, world.clock.clone());
    let mut headers = HeaderMap::new();
    headers.insert("access_token", token.parse().unwrap());
    let verified = verifier.verify(&headers, Resource::Cms).await.unwrap().unwrap();
    assert_eq!(verified.claims.mcptt_id.as_str(), ALEX);
    assert!(verifier.verify(&headers, Resource::Kms).await.is_err());
    world.advance(7201 + 31);
    assert!(verifier.verify(&headers, Resource::Cms).await.is_err());
}

#[tokio::test]
async fn the_public_key_that_is_served_verifies() {
    let world = World::new().await;
    let answer = world.get("/idms/jwks").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    let set = josekit::jwk::JwkSet::from_bytes(&answer.body).unwrap();
    let token = world.login().await.text("access_token");
    let verifier = josekit::jws::RS256.verifier_from_jwk(set.keys()[0]).unwrap();
    assert!(deserialize_compact(&token, &verifier).is_ok());
}

#[tokio::test]
async fn id_tokens_follow_the_client() {
    let mut world = World::new().await;
    let code = world.authreq(&[("scope", "3gpp:mcptt:ptt_server")]).await.text("code");
    assert!(
        world.tokenreq(&code, &[]).await.json().get("id_token").is_none(),
        "without openid there is none"
    );

    let mut client = field_client();
    client.id_token_algorithm = "RS256".to_owned();
    client.audience = "mc_services".to_owned();
    world.directory.put_client(client).await.unwrap();
    let answer = world.login().await;
    assert_eq!(claims(&answer.text("id_token")).1["alg"], "RS256");
    assert_eq!(claims(&answer.text("access_token")).0["aud"], "mc_services");
}

#[tokio::test]
async fn what_is_missing() {
    let world = World::new().await;
    let code = world.code().await;
    for name in ["grant_type", "code", "client_id", "redirect_uri", "code_verifier"] {
        world.tokenreq(&code, &[(name, "")]).await.refused("invalid_request", "invalid_parameter");
    }
    let long = "v".repeat(129);
    world.tokenreq(&code, &[("code_verifier", &long)]).await.refused("invalid_request", "invalid_parameter");
    let long = "v".repeat(1025);
    for name in ["code", "client_id", "redirect_uri"] {
        world.tokenreq(&code, &[(name, &long)]).await.refused("invalid_request", "invalid_parameter");
    }
    for grant_type in ["refresh_token", "password", "client_credentials", "Authorization_Code"] {
        let answer = world.tokenreq(&code, &[("grant_type", grant_type)]).await;
        answer.refused("unsupported_grant_type", "authorization_code_only");
    }
    // None of these spent the code.
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn parameters_come_in_query_or_body_but_once() {
    let world = World::new().await;
    let code = world.code().await;
    let fields =
        [("client_id", "MCPTT_UE"), ("redirect_uri", "http://mcptt_client/cb"), ("code_verifier", "1234567")];
    let (query, path) = (encode(&fields), "/idms/tokenreq");
    let grant = [("grant_type", "authorization_code"), ("code", code.as_str())];

    let answer = world.post(&format!("{path}?{query}&code=x"), &grant).await;
    answer.refused("invalid_request", "invalid_parameter");
    let request = Request::post(format!("{path}?{query}")).header("content-type", "application/json");
    let answer = world.send(request.body(encode(&grant).into()).unwrap()).await;
    answer.refused("invalid_request", "invalid_parameter");
    assert_eq!(world.post(&format!("{path}?{query}"), &grant).await.status, StatusCode::OK);

    let request = Request::post(path).body("a".repeat(20_000).into()).unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_does_not_belong_to_the_code_spends_it() {
    let mut world = World::new().await;
    let mut other = field_client();
    other.client_id = "OTHER".to_owned();
    world.directory.put_client(other).await.unwrap();
    for change in [
        ("code_verifier", "1234568"),
        ("code_verifier", &digest("1234567")),
        ("redirect_uri", "https://app.example.org/cb?kind=field"),
        ("client_id", "OTHER"),
    ] {
        let code = world.code().await;
        world.tokenreq(&code, &[change]).await.refused(REFUSED.0, REFUSED.1);
        // Whoever guesses at a seven-character verifier has one guess.
        world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);
    }
    let code = world.code().await;
    for client in ["NOBODY", "a b"] {
        world.tokenreq(&code, &[("client_id", client)]).await.refused(REFUSED.0, REFUSED.1);
    }
    for code in ["x", "jbNrz4mGVr86gUXRvH0oI2IAPDAKjaDot_oeHC90KwU", &"A".repeat(44), &format!("{code}=")] {
        world.tokenreq(code, &[]).await.refused(REFUSED.0, REFUSED.1);
    }
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_expires() {
    let world = World::new().await;
    let (early, late) = (world.code().await, world.code().await);
    world.advance(59);
    assert_eq!(world.tokenreq(&early, &[]).await.status, StatusCode::OK);
    world.advance(1);
    world.tokenreq(&late, &[]).await.refused(REFUSED.0, REFUSED.1);
}

#[tokio::test]
async fn a_second_use_revokes_what_the_first_gave() {
    let world = World::new().await;
    for later in [1, 24 * 3600] {
        let code = world.code().await;
        let refresh = world.tokenreq(&code, &[]).await.text("refresh_token");
        let refresh = world.refresh(&refresh, &[]).await.text("refresh_token");
        world.advance(later);
        world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);
        world.refresh(&refresh, &[]).await.refused("invalid_client", "invalid_refresh_token");
    }
    assert_eq!(world.counted(r#"csc_idms_exchanges_total{outcome="reused"}"#), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_uses_at_once_one_succeeds() {
    let world = Arc::new(World::new().await);
    let code = world.code().await;
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (world, code) = (Arc::clone(&world), code.clone());
        uses.spawn(async move { world.tokenreq(&code, &[]).await });
    }
    let answers = uses.join_all().await;
    let (good, bad): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((good.len(), bad.len()), (1, 99));
    bad.iter().for_each(|answer| answer.refused(REFUSED.0, REFUSED.1));
    let refresh = good[0].text("refresh_token");
    world.refresh(&refresh, &[]).await.refused("invalid_client", "invalid_refresh_token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_uses_at_two_processes_one_succeeds() {
    let mut world = World::new().await;
    world.join();
    let world = Arc::new(world);
    for _ in 0..3 {
        let code = world.code().await;
        let mut uses = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (world, code) = (Arc::clone(&world), code.clone());
            uses.spawn(async move { world.tokenreq(&code, &[]).await });
        }
        let answers = uses.join_all().await;
        let good = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        let refused = answers.iter().filter(|answer| answer.status == StatusCode::BAD_REQUEST).count();
        assert_eq!((good, refused), (1, 99));
    }
}

#[tokio::test]
async fn an_account_that_changed_in_between() {
    let mut world = World::new().await;
    let mut alex = user(ALEX);
    let code = world.code().await;
    alex.disabled = true;
    world.directory.put_user(alex.clone()).await.unwrap();
    world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);

    alex.disabled = false;
    world.directory.put_user(alex.clone()).await.unwrap();
    let code = world.code().await;
    alex.password = Some("another".to_owned());
    world.directory.put_user(alex.clone()).await.unwrap();
    world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);

    // A change that has nothing to do with it does no harm.
    alex.password = Some(PASSWORD.to_owned());
    world.directory.put_user(alex.clone()).await.unwrap();
    let code = world.code().await;
    alex.ue_ids = texts(&["urn:gsma:imei:90420156-025763-0"]);
    world.directory.put_user(alex).await.unwrap();
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_client_or_user_may_no_longer() {
    let mut world = World::new().await;
    let code = world.code().await;
    let mut alex = user(ALEX);
    alex.scopes = vec!["openid".to_owned()];
    world.directory.put_user(alex).await.unwrap();
    world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);
    world.directory.put_user(user(ALEX)).await.unwrap();
    let code = world.code().await;
    let mut client = field_client();
    client.scopes = vec!["openid".to_owned()];
    world.directory.put_client(client).await.unwrap();
    world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);
}

#[tokio::test]
async fn a_store_that_is_away() {
    let world = World::new().await;
    let code = world.code().await;
    world.store.fail(Some(("idms.code", StoreError::Unavailable("test".to_owned()))));
    let answer = world.tokenreq(&code, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    world.store.fail(Some(("idms.code", StoreError::Damaged("test".to_owned()))));
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    world.store.fail(None);
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_whose_fate_nobody_knows_gives_nothing_more() {
    let world = World::new().await;
    let code = world.code().await;
    world.store.forget();
    let answer = world.tokenreq(&code, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    // Who asks again may be the terminal, or somebody who saw its request: the terminal logs in again.
    for _ in 0..2 {
        world.tokenreq(&code, &[]).await.refused(REFUSED.0, REFUSED.1);
    }
    assert_eq!(world.login().await.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_secret_lies_in_the_store() {
    let world = World::new().await;
    let code = world.code().await;
    let other = world.code().await;
    let refresh = world.tokenreq(&code, &[]).await.text("refresh_token");
    let file = world.file();
    let hex_or_raw = |text: &str| {
        use base64::Engine;
        let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
        [text.as_bytes().to_vec(), hex::encode(&raw).into_bytes(), raw[raw.len() - 16..].to_vec()]
    };
    let mut secrets = vec![SECRET.as_bytes().to_vec(), PASSWORD.as_bytes().to_vec()];
    secrets.extend([code.as_str(), &other, &refresh, &digest(PASSWORD)].into_iter().flat_map(hex_or_raw));
    assert!(file.windows(ALEX.len()).any(|part| part == ALEX.as_bytes()), "the file is read");
    for secret in secrets {
        assert!(
            !file.windows(secret.len()).any(|part| part == secret),
            "{}",
            String::from_utf8_lossy(&secret)
        );
    }
}
