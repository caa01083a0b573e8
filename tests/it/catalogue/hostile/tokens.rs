//! "Presenting a token" of the field interface specification: each case, at each resource server, in both dialects.

use csc_tests::raw::Answer;
use csc_tests::{ALEX, SAM};
use serde_json::json;

use super::forge::Forge;
use super::{World, profile, view};

/// What a case is answered with: status, `error` and `error_description` of the challenge. The description of the standard
/// dialect is for people.
#[derive(Clone, Copy)]
struct Want {
    field: (u16, &'static str, &'static str),
    standard: (u16, &'static str),
}

const MALFORMED: Want =
    Want { field: (401, "invalid_request", "invalid_parameter"), standard: (401, "invalid_token") };
const EXPIRED: Want =
    Want { field: (401, "invalid_token", "access_token_is_expired"), standard: (401, "invalid_token") };
const INVALID: Want =
    Want { field: (401, "invalid_token", "invalid_access_token"), standard: (401, "invalid_token") };
const UNKNOWN_SCOPE: Want =
    Want { field: (401, "Invalid_scope", "uknown_scope"), standard: (403, "insufficient_scope") };
const OTHER_SCOPE: Want =
    Want { field: (401, "insufficient_scope", "not_permitted_scope"), standard: (403, "insufficient_scope") };

/// Something that needs a token.
struct Resource {
    method: &'static str,
    target: String,
    /// What deployed terminals of the field dialect send along. At the KMS the body, too, makes the dialect.
    form: &'static [u8],
}

fn resources() -> [Resource; 4] {
    let get = |path: String| Resource { method: "GET", target: format!("/{path}"), form: b"" };
    let post = |what: &str| Resource {
        method: "POST",
        target: format!("/keymanagement/identity/v1/{what}"),
        form: b"MCPTTID=tel:%2b82571009990",
    };
    [get(profile()), get(view()), post("init"), post("keyprov")]
}

impl Resource {
    async fn field(&self, world: &World, token: &str, more: &[(&str, &str)]) -> Answer {
        let fields = [&[("access_token", token), ("X-3GPP-Asserted-Identity", ALEX.0)], more].concat();
        world.send(self.method, &self.target, &fields, self.form).await
    }

    async fn standard(&self, world: &World, token: &str) -> Answer {
        let credentials = format!("Bearer {token}");
        world.send(self.method, &self.target, &[("Authorization", &credentials)], b"").await
    }

    /// Both dialects give the documented answer.
    async fn expect(&self, world: &World, case: &str, token: &str, want: Want) {
        let case = format!("{case} at {}", self.target);
        let answer = self.field(world, token, &[]).await;
        let (status, error, description) = want.field;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        let challenge =
            format!("Bearer realm=\"csc\", error=\"{error}\", error_description=\"{description}\"");
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{case}");

        let answer = self.standard(world, token).await;
        let (status, error) = want.standard;
        assert_eq!(answer.status, status, "{case}, standard: {answer:?}");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        let start = format!("Bearer realm=\"csc\", error=\"{error}\"");
        assert!(challenge.starts_with(&start), "{case}: {challenge}");
    }
}

async fn world() -> Option<World> {
    // Every request for keys counts.
    World::new(&[("CSC_KMS_REQUESTS_PER_MINUTE", "100000")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_good_token_gets() {
    let Some(mut world) = world().await else { return };
    let forge = Forge::at(&world.server).await;
    // Signed here like the server would: what the cases below are refused for is their one flaw.
    let own = forge.with("jti", json!("made-by-a-test"));
    for resource in resources() {
        for token in [&forge.genuine, &own] {
            assert_eq!(resource.field(&world, token, &[]).await.status, 200, "{}", resource.target);
            assert_eq!(resource.standard(&world, token).await.status, 200, "{}", resource.target);
        }
    }
    world.goes_on().await;
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_two_tokens_and_no_token_at_all() {
    let Some(mut world) = world().await else { return };
    let forge = Forge::at(&world.server).await;
    let own = forge.with("jti", json!("another"));
    for resource in resources() {
        for fields in [&[][..], &[("X-3GPP-Asserted-Identity", ALEX.0)], &[("Authorization", "Basic YTpi")]] {
            let answer = world.send(resource.method, &resource.target, fields, resource.form).await;
            assert_eq!(answer.status, 401, "{}: {answer:?}", resource.target);
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer realm=\"csc\""),
                "{}",
                resource.target
            );
        }
        world.goes_on().await;

        // Both are good, and still nobody can say which one counts.
        let bearer = format!("Bearer {own}");
        let answer = resource.field(&world, &forge.genuine, &[("Authorization", &bearer)]).await;
        assert_eq!(answer.status, 400, "{}: {answer:?}", resource.target);
        world.goes_on().await;

        let long = "a".repeat(20 * 1024);
        let five = format!("{}.a.b", forge.genuine);
        for token in ["", "token", "a.b", "....", &long, &five] {
            resource.expect(&world, token, token, MALFORMED).await;
        }
        world.goes_on().await;
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_what_they_say() {
    let Some(mut world) = world().await else { return };
    let forge = Forge::at(&world.server).await;
    let mut cases = vec![
        ("expired", forge.expired(), EXPIRED),
        ("altered", forge.altered(), INVALID),
        ("signed with a foreign key", forge.foreign(), INVALID),
        ("signed with a key of another name", forge.unknown_key(), INVALID),
        ("HS256 with the public key", forge.confused(), INVALID),
        ("for somebody else", forge.with("aud", json!("another_service")), INVALID),
        ("from somebody else", forge.with("iss", json!("https://idms.example.org")), INVALID),
        ("without a known scope", forge.with("scope", json!(["email", "mcptt"])), UNKNOWN_SCOPE),
        ("for calls alone", forge.with("scope", json!(["openid", "3gpp:mcptt:ptt_server"])), OTHER_SCOPE),
    ];
    cases.extend(forge.unsigned().into_iter().map(|token| ("alg: none", token, INVALID)));
    for (case, token, want) in cases {
        for resource in resources() {
            resource.expect(&world, case, &token, want).await;
        }
        world.goes_on().await;
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_header_that_names_somebody_else() {
    let Some(mut world) = world().await else { return };
    let token = world.server.token(ALEX).await;
    for resource in resources() {
        for header in ["X-3GPP-Asserted-Identity", "X-3GPP-Intended-Identity"] {
            let fields = [("access_token", token.as_str()), (header, SAM.0)];
            let answer = world.send(resource.method, &resource.target, &fields, resource.form).await;
            assert_eq!(answer.status, 403, "{header} at {}: {answer:?}", resource.target);
        }
        world.goes_on().await;
    }
    world.server.stop().await;
}
