//! `POST /idms/tokenrefresh`, row by row; rotation, retries, replays.

use std::sync::Arc;

use csc_store::StoreError;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::world::{ALEX, PASSWORD, World, field_client, user};

const REFUSED: (&str, &str) = ("invalid_client", "invalid_refresh_token");
const DAY: u64 = 24 * 3600;

fn scope(access_token: &str) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = URL_SAFE_NO_PAD.decode(access_token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["scope"].clone()
}

#[tokio::test]
async fn the_sample_of_the_document() {
    let world = World::new().await;
    let first = world.login().await;
    let token = first.text("refresh_token");
    let body = format!("grant_type=refresh_token&refresh_token= {token} &scope=openid 3gpp:mcptt:ptt_server");
    let request =
        Request::post("/idms/tokenrefresh").header("content-type", "application/x-www-form-urlencoded");
    let answer = world.send(request.body(body.into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.not_stored("application/json;charset=UTF-8");
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| answer.text(name));
    assert_eq!(
        answer.body,
        format!(
            r#"{{"access_token":"{access}","refresh_token":"{refresh}","token_type":"Bearer","expires_in":7201}}"#
        )
    );
    assert_ne!((access, refresh), (first.text("access_token"), token));
}

#[tokio::test]
async fn what_is_missing() {
    let world = World::new().await;
    let token = world.login().await.text("refresh_token");
    for (name, value) in [
        ("grant_type", ""),
        ("refresh_token", ""),
        ("refresh_token", "   "),
        ("refresh_token", &"x".repeat(1025)),
        ("scope", "  "),
        ("scope", &"x".repeat(1025)),
        ("client_id", &"x".repeat(1025)),
    ] {
        let answer = world.refresh(&token, &[(name, value)]).await;
        answer.refused("invalid_request", "invalid_parameter");
    }
    let answer = world.post("/idms/tokenrefresh?scope=openid", &[("scope", "openid")]).await;
    answer.refused("invalid_request", "invalid_parameter");
    for grant_type in ["authorization_code", "password"] {
        let answer = world.refresh(&token, &[("grant_type", grant_type)]).await;
        answer.refused("unsupported_grant_type", "authorization_code_only");
    }
    assert_eq!(world.refresh(&token, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn scopes_may_narrow_one_access_token() {
    let world = World::new().await;
    let token = world.login().await.text("refresh_token");
    world.refresh(&token, &[("scope", "openid email")]).await.refused("Invalid_scope", "uknown_scope");
    let wider = "openid 3gpp:mcptt:config_management_server";
    world.refresh(&token, &[("scope", wider)]).await.refused("Invalid_scope", "not_permitted_scope");

    let narrow = world.refresh(&token, &[("scope", "3gpp:mcptt:ptt_server")]).await;
    assert_eq!(scope(&narrow.text("access_token")), json!(["3gpp:mcptt:ptt_server"]));
    let whole =
        world.refresh(&narrow.text("refresh_token"), &[("scope", "openid%203gpp:mcptt:ptt_server")]).await;
    assert_eq!(
        scope(&whole.text("access_token")),
        json!(["openid", "3gpp:mcptt:ptt_server"]),
        "the grant kept it"
    );
    let whole = world.refresh(&whole.text("refresh_token"), &[]).await;
    assert_eq!(scope(&whole.text("access_token")), json!(["openid", "3gpp:mcptt:ptt_server"]));
}

#[tokio::test]
async fn what_client_or_user_may_no_longer() {
    let mut world = World::new().await;
    let token = world.login().await.text("refresh_token");
    let mut alex = user(ALEX);
    alex.scopes = vec!["openid".to_owned()];
    world.directory.put_user(alex).await.unwrap();
    world.refresh(&token, &[]).await.refused("Invalid_scope", "not_permitted_scope");
    world.directory.put_user(user(ALEX)).await.unwrap();
    let mut client = field_client();
    client.scopes = vec!["openid".to_owned()];
    world.directory.put_client(client).await.unwrap();
    world.refresh(&token, &[]).await.refused("Invalid_scope", "not_permitted_scope");
    assert_eq!(world.refresh(&token, &[("scope", "openid")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_for_a_while() {
    let world = World::new().await;
    let parent = world.login().await.text("refresh_token");
    let first = world.refresh(&parent, &[]).await;
    world.advance(30);
    for _ in 0..3 {
        let again = world.refresh(&parent, &[]).await;
        assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    }
    assert_eq!(world.counted(r#"csc_idms_refreshes_total{outcome="granted"}"#), 4);
    let child = first.text("refresh_token");
    assert_eq!(world.refresh(&child, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn after_the_while_it_is_theft() {
    let world = World::new().await;
    let parent = world.login().await.text("refresh_token");
    let child = world.refresh(&parent, &[]).await.text("refresh_token");
    world.advance(31);
    world.refresh(&parent, &[]).await.refused(REFUSED.0, REFUSED.1);
    world.refresh(&child, &[]).await.refused(REFUSED.0, REFUSED.1);
    assert_eq!(world.counted(r#"csc_idms_refreshes_total{outcome="replayed"}"#), 1);
    assert_eq!(world.counted(r#"csc_idms_refreshes_total{outcome="revoked"}"#), 1);
    // Another session of the same user goes on.
    let other = world.login().await.text("refresh_token");
    assert_eq!(world.refresh(&other, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn once_the_child_was_used_its_parent_is_theft() {
    let world = World::new().await;
    let parent = world.login().await.text("refresh_token");
    let child = world.refresh(&parent, &[]).await.text("refresh_token");
    let grandchild = world.refresh(&child, &[]).await.text("refresh_token");
    world.refresh(&parent, &[]).await.refused(REFUSED.0, REFUSED.1);
    for token in [&child, &grandchild] {
        world.refresh(token, &[]).await.refused(REFUSED.0, REFUSED.1);
    }
}

#[tokio::test]
async fn another_request_with_a_used_token_is_theft() {
    let world = World::new().await;
    let parent = world.login().await.text("refresh_token");
    let child = world.refresh(&parent, &[]).await.text("refresh_token");
    world.refresh(&parent, &[("scope", "openid")]).await.refused(REFUSED.0, REFUSED.1);
    world.refresh(&child, &[]).await.refused(REFUSED.0, REFUSED.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_at_once_get_one_answer() {
    let world = Arc::new(World::new().await);
    let parent = world.login().await.text("refresh_token");
    let mut uses = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (world, parent) = (Arc::clone(&world), parent.clone());
        uses.spawn(async move { world.refresh(&parent, &[]).await });
    }
    let answers = uses.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK && answer.body == answers[0].body));
    assert_eq!(world.refresh(&answers[0].text("refresh_token"), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unused_token_expires() {
    let world = World::new().await;
    let mut token = world.login().await.text("refresh_token");
    for _ in 0..3 {
        world.advance(30 * DAY - 1);
        token = world.refresh(&token, &[]).await.text("refresh_token");
    }
    world.advance(30 * DAY);
    world.refresh(&token, &[]).await.refused("invalid_client", "refresh_token_is_expired");
    world.advance(8 * DAY);
    world.refresh(&token, &[]).await.refused(REFUSED.0, REFUSED.1);
}

#[tokio::test]
async fn tokens_that_are_none() {
    let mut world = World::new().await;
    let token = world.login().await.text("refresh_token");
    let mut other = field_client();
    other.client_id = "OTHER".to_owned();
    world.directory.put_client(other).await.unwrap();
    for client in ["OTHER", "NOBODY", "a b"] {
        world.refresh(&token, &[("client_id", client)]).await.refused(REFUSED.0, REFUSED.1);
    }
    for bad in ["vgJo1hj2xrdiLNgSeUglxuyvTMlEZXF4Id174mC66Kg", "x", &format!("{token}A"), &"A".repeat(66)] {
        world.refresh(bad, &[]).await.refused(REFUSED.0, REFUSED.1);
    }
    let answer = world.refresh(&token, &[("client_id", "MCPTT_UE")]).await;
    assert_eq!(answer.status, StatusCode::OK, "none of these harmed the family");
}

#[tokio::test]
async fn an_account_that_changed() {
    let mut world = World::new().await;
    let mut alex = user(ALEX);
    for (disabled, password) in [(true, PASSWORD), (false, "another")] {
        let token = world.login().await.text("refresh_token");
        alex.disabled = disabled;
        alex.password = Some(password.to_owned());
        world.directory.put_user(alex.clone()).await.unwrap();
        world.refresh(&token, &[]).await.refused(REFUSED.0, REFUSED.1);
        world.directory.put_user(user(ALEX)).await.unwrap();
        world.refresh(&token, &[]).await.refused(REFUSED.0, REFUSED.1);
    }
}

#[tokio::test]
async fn everything_outlives_the_process() {
    let world = World::new().await;
    let code = world.code().await;
    let parent = world.login().await.text("refresh_token");
    let answer = world.refresh(&parent, &[]).await;
    world.advance(1);
    let world = world.restart().await;
    assert_eq!(world.refresh(&parent, &[]).await.body, answer.body, "a retry across the restart");
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
    let child = world.refresh(&answer.text("refresh_token"), &[]).await.text("refresh_token");
    let world = world.restart().await;
    world.tokenreq(&code, &[]).await.refused("invalid_client", "authcode_verification_failed");
    assert_eq!(world.refresh(&child, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_is_away() {
    let world = World::new().await;
    let token = world.login().await.text("refresh_token");
    world.store.fail(Some(("idms.refresh", StoreError::Unavailable("test".to_owned()))));
    let answer = world.refresh(&token, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    world.store.fail(None);
    assert_eq!(world.refresh(&token, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_whose_fate_nobody_knows_may_be_repeated() {
    let world = World::new().await;
    let parent = world.login().await.text("refresh_token");
    world.store.forget();
    let answer = world.refresh(&parent, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    let child = world.refresh(&parent, &[]).await.text("refresh_token");
    assert_eq!(world.refresh(&parent, &[]).await.text("refresh_token"), child, "one child, however often");
    assert_eq!(world.refresh(&child, &[]).await.status, StatusCode::OK);
}
