//! The table "Presenting a token" of `spec/csc-interface.md`, row by row, in both dialects.

use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status;
use csc_types::{Caller, Role, User};
use http::StatusCode;

use super::*;
use crate::{Dialect, Reason, Refused, Resource, Verified};

/// The token in the field dialect and in the standard one.
fn both(token: &str) -> [(Dialect, HeaderMap); 2] {
    let bearer = format!("Bearer {token}");
    [
        (Dialect::Field, headers([("access_token", token)])),
        (Dialect::Standard, headers([("authorization", bearer.as_str())])),
    ]
}

async fn refused(headers: &HeaderMap) -> Refused {
    verifier().verify(headers, Resource::Cms).await.unwrap_err()
}

/// That `token` is answered with these in the two dialects.
async fn row(token: &str, field: (u16, &str, &str), standard: (u16, &str)) {
    let [(_, in_field), (_, in_standard)] = both(token);
    let answer = refused(&in_field).await.response::<()>();
    let challenge = format!(r#"Bearer realm="csc", error="{}", error_description="{}""#, field.1, field.2);
    assert_eq!(answer.status(), field.0, "{token}");
    assert_eq!(answer.headers()["www-authenticate"], challenge.as_str(), "{token}");

    let answer = refused(&in_standard).await.response::<()>();
    let begin = format!(r#"Bearer realm="csc", error="{}", error_description=""#, standard.1);
    assert_eq!(answer.status(), standard.0, "{token}");
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with(&begin), "{token}");
}

#[tokio::test]
async fn a_good_token_in_both_dialects() {
    for (dialect, headers) in both(&OURS.token(&good())) {
        let verified = verifier().verify(&headers, Resource::Cms).await.unwrap().unwrap();
        assert_eq!((verified.dialect, verified.claims.mcptt_id.as_str()), (dialect, USER));
    }
}

#[tokio::test]
async fn no_token() {
    for headers in [
        headers([]),
        headers([("x-3gpp-asserted-identity", USER)]),
        headers([("authorization", "Basic dXNlcjpwYXNz")]),
        headers([("authorization", "Digest username=\"x\"")]),
    ] {
        assert_eq!(verifier().verify(&headers, Resource::Cms).await, Ok(None));
    }
    let answer = Refused::NO_TOKEN.response::<()>();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["www-authenticate"], r#"Bearer realm="csc""#);
}

#[tokio::test]
async fn two_different_tokens() {
    let (one, other) = (OURS.token(&good()), OURS.token(&but("jti", json!("2"))));
    let (bearer_one, bearer_other) = (format!("Bearer {one}"), format!("Bearer {other}"));
    for headers in [
        headers([("access_token", &*one), ("authorization", &*bearer_other)]),
        headers([("access_token", &*one), ("access_token", &*other)]),
        headers([("authorization", &*bearer_one), ("authorization", &*bearer_other)]),
        headers([("access_token", &*one), ("authorization", "Bearer")]),
        headers([("access_token", ""), ("authorization", &*bearer_one)]),
    ] {
        let answer = refused(&headers).await.response::<()>();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(!answer.headers().contains_key("www-authenticate"));
    }
    // The same one twice is one.
    let same = headers([("authorization", &*bearer_one), ("access_token", &*one)]);
    let verified = verifier().verify(&same, Resource::Cms).await.unwrap().unwrap();
    assert_eq!(verified.dialect, Dialect::Field);
}

#[tokio::test]
async fn empty_or_no_jws() {
    for token in ["", "x", "a.b.c", "eyJhbGciOiJSUzI1NiJ9"] {
        row(token, (401, "invalid_request", "invalid_parameter"), (401, "invalid_token")).await;
    }
    for value in ["", "Bearer", "bearer ", "Bearer  x"] {
        let refused = refused(&headers([("authorization", value)])).await;
        assert_eq!(refused, Refused { reason: Reason::Malformed, dialect: Dialect::Standard }, "{value:?}");
    }
    let mut unreadable = HeaderMap::new();
    unreadable.insert("access_token", HeaderValue::from_bytes(b"\xff").unwrap());
    assert_eq!(refused(&unreadable).await.reason, Reason::Malformed);
}

#[tokio::test]
async fn the_scheme_is_case_insensitive_and_blanks_are_trimmed() {
    let token = OURS.token(&good());
    for value in [format!("bearer {token}"), format!("BEARER   {token} ")] {
        assert!(verifier().verify(&headers([("authorization", &*value)]), Resource::Cms).await.is_ok());
    }
    let blanks = format!(" {token}\t");
    assert!(verifier().verify(&headers([("access_token", &*blanks)]), Resource::Cms).await.is_ok());
}

#[tokio::test]
async fn expired() {
    let token = OURS.token(&but("exp", json!(NOW - 60)));
    row(&token, (401, "invalid_token", "access_token_is_expired"), (401, "invalid_token")).await;
}

#[tokio::test]
async fn bad_signature_foreign_key_wrong_audience() {
    let field = (401, "invalid_token", "invalid_access_token");
    row(&FOREIGN.token(&good()), field, (401, "invalid_token")).await;
    row(&OURS.token(&but("aud", json!("x"))), field, (401, "invalid_token")).await;
    row(&OURS.token(&but("iss", json!("x"))), field, (401, "invalid_token")).await;
    // A foreign token that has also expired does not tell that it has.
    row(&FOREIGN.token(&but("exp", json!(1))), field, (401, "invalid_token")).await;
}

#[tokio::test]
async fn the_tokens_printed_in_the_interface_document() {
    let Some(path) = csc_test_support::shared("printed tokens", "seeds/000_30e3afbea7bb02e2.txt") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let tokens: Vec<&str> = text
        .match_indices("eyJ")
        .map(|(at, _)| text[at..].split(|c| !inside(c)).next().unwrap())
        .filter(|token| token.split('.').count() == 3)
        .collect();
    assert!(tokens.len() > 10);
    for token in tokens {
        for (_, headers) in both(token) {
            assert_eq!(refused(&headers).await.status(), StatusCode::UNAUTHORIZED, "{token}");
        }
    }
}

#[tokio::test]
async fn no_known_scope() {
    for scope in [json!([]), json!(""), json!("profile email"), Value::Null] {
        let token = OURS.token(&but("scope", scope));
        row(&token, (401, "Invalid_scope", "uknown_scope"), (403, "insufficient_scope")).await;
    }
}

#[tokio::test]
async fn insufficient_scope() {
    for scope in
        ["openid", "3gpp:mcptt:ptt_server", "3gpp:mcptt:group_management_server", "3gpp:mc:data_service"]
    {
        let token = OURS.token(&but("scope", json!(scope)));
        row(&token, (401, "insufficient_scope", "not_permitted_scope"), (403, "insufficient_scope")).await;
    }
}

#[tokio::test]
async fn each_resource_has_its_scope_in_both_releases() {
    let names = |part: &str| [format!("3gpp:mcptt:{part}_server"), format!("3gpp:mc:ptt_{part}_service")];
    let all = [Resource::Cms, Resource::Gms, Resource::Kms];
    for (resource, scopes) in
        all.into_iter().zip(["config_management", "group_management", "key_management"].map(names))
    {
        for scope in scopes {
            let headers = headers([("access_token", &*OURS.token(&but("scope", json!(scope))))]);
            for asked in all {
                assert_eq!(
                    verifier().verify(&headers, asked).await.is_ok(),
                    asked == resource,
                    "{scope} {asked:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn field_compat_lets_ptt_stand_for_all() {
    let compat = VerifierConfig { field_compat: true, ..config() };
    let verifier = TokenVerifier::new(Source::of(&[OURS.jwk()]), compat, Arc::new(ManualClock::at(NOW)));
    for (scope, good) in [
        ("openid%203gpp:mcptt:ptt_server", true),
        ("3gpp:mc:ptt_service", true),
        ("openid 3gpp:mc:video_service", false),
    ] {
        let headers = headers([("access_token", &*OURS.token(&but("scope", json!([scope]))))]);
        for resource in [Resource::Cms, Resource::Gms, Resource::Kms] {
            assert_eq!(verifier.verify(&headers, resource).await.is_ok(), good, "{scope}");
        }
    }
}

#[tokio::test]
async fn the_identity_header_must_agree() {
    let token = OURS.token(&good());
    for name in ["x-3gpp-asserted-identity", "x-3gpp-intended-identity"] {
        for (value, agrees) in [
            (USER, true),
            (" tel:+82571009990 ", true),
            ("\"tel:+82571009990\"", true),
            ("TEL:+82571009990", true),
            ("tel:+82571009991", false),
            ("sip:+82571009990@example.org", false),
            ("", false),
            ("\"", false),
            ("tel:+82571009990, tel:+82571009990", false),
        ] {
            let result =
                verifier().verify(&headers([("access_token", &*token), (name, value)]), Resource::Cms).await;
            match result {
                Ok(_) => assert!(agrees, "{value:?}"),
                Err(refused) => {
                    assert!(!agrees, "{value:?}");
                    assert_eq!(
                        (refused.reason, refused.status()),
                        (Reason::OtherUser, StatusCode::FORBIDDEN)
                    );
                    assert_eq!(refused.challenge(), None);
                }
            }
        }
    }
    let one_of_two = [
        ("access_token", &*token),
        ("x-3gpp-asserted-identity", USER),
        ("x-3gpp-asserted-identity", "tel:+1"),
    ];
    assert_eq!(refused(&headers(one_of_two)).await.reason, Reason::OtherUser);
}

#[tokio::test]
async fn the_account_record_decides_who_it_is() {
    let verified = async |token: &str| {
        let headers = headers([("access_token", token)]);
        verifier().verify(&headers, Resource::Cms).await.unwrap().unwrap()
    };
    let verified: Verified = verified(&OURS.token(&good())).await;
    let account = Account {
        status: Status::Enabled.into(),
        organisation: "brigade".to_owned(),
        roles: vec!["dispatcher".to_owned(), "role-of-a-later-release".to_owned()],
        ue_ids: vec!["urn:gsma:imei:90420156-025763-0".to_owned()],
        ..Account::default()
    };
    let caller = verified.caller(Some(&account)).unwrap();
    let expected = User {
        id: USER.parse().unwrap(),
        org: "brigade".parse().unwrap(),
        roles: [Role::Dispatcher].into_iter().collect(),
        ue_ids: vec!["urn:gsma:imei:90420156-025763-0".parse().unwrap()],
    };
    assert_eq!(caller, Caller::User(expected));

    let disabled = Account { status: Status::Disabled.into(), ..account.clone() };
    let unknown = Account { status: 99, ..account.clone() };
    // The name was given to another user since.
    let another = Account { subject: "8".to_owned(), ..account.clone() };
    for account in [None, Some(&disabled), Some(&unknown), Some(&another), Some(&Account::default())] {
        let refused = verified.caller(account).unwrap_err();
        assert_eq!(refused, Refused { reason: Reason::Invalid, dialect: Dialect::Field });
    }
    let same = Account { subject: "7".to_owned(), ..account.clone() };
    assert_eq!(verified.caller(Some(&same)).unwrap(), caller);
    let damaged = Account { organisation: String::new(), ..account };
    let answer = verified.caller(Some(&damaged)).unwrap_err().response::<()>();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
}
