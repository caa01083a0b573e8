//! What is served where, and what is not.

use http::{Method, Request, StatusCode};

use crate::world::World;

#[tokio::test]
async fn methods() {
    let world = World::new().await;
    for (path, allowed) in
        [("authreq", "GET"), ("tokenreq", "POST"), ("tokenrefresh", "POST"), ("jwks", "GET, HEAD")]
    {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = Request::builder().method(&method).uri(format!("/idms/{path}")).body("".into());
            let answer = world.send(request.unwrap()).await;
            let refused = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(
                refused,
                !allowed.split(", ").any(|allowed| allowed == method.as_str()),
                "{method} {path}"
            );
            assert_eq!(answer.header("allow"), if refused { allowed } else { "" });
        }
    }
}

#[tokio::test]
async fn paths() {
    let world = World::new().await;
    for path in [
        "/idms/",
        "/idms",
        "/idms/authreq/",
        "/idms//authreq",
        "/idms/AuthReq",
        "/idms/x/idms/authreq",
        "/idms/authorize",
        "/idms/token",
        "/idms/introspect",
        "/idms/authreq%00",
    ] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(world.get("/MissionCriticalOrg/MCO-12345/idms/jwks").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_the_store_the_keys_are_served_and_the_rest_is_to_be_tried_again() {
    let world = World::new().await;
    let (code, token) = (world.code().await, world.login().await.text("refresh_token"));
    let keys = world.get("/idms/jwks").await.body;
    world.store.down(true);
    for _ in 0..2 {
        let answers =
            [world.authreq(&[]).await, world.tokenreq(&code, &[]).await, world.refresh(&token, &[]).await];
        for answer in answers {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
            assert!((1..=5).contains(&answer.header("retry-after").parse().unwrap()));
        }
        let answer = world.get("/idms/jwks").await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, keys.clone()));
    }
    world.store.down(false);
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK, "nothing was spent");
    assert_eq!(world.refresh(&token, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn hostile_queries_are_refused_and_the_service_goes_on() {
    let world = World::new().await;
    let good = "client_id=MCPTT_UE&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb";
    for query in [
        String::new(),
        "&&&===%%%".to_owned(),
        "%00=%00".to_owned(),
        "client_id=%ff%fe".to_owned(),
        format!("{good}&state=%ff%00"),
        format!("{good}&{}", "a=&".repeat(10_000)),
        format!("{good}&user_password={}", "%41".repeat(10_000)),
    ] {
        let answer = world.get(&format!("/idms/authreq?{query}")).await;
        assert!([StatusCode::BAD_REQUEST, StatusCode::FOUND].contains(&answer.status), "{query:.80}");
        for path in ["/idms/tokenreq", "/idms/tokenrefresh"] {
            let request = Request::post(format!("{path}?{query}")).body("".into()).unwrap();
            assert_eq!(world.send(request).await.status, StatusCode::BAD_REQUEST, "{query:.80}");
        }
    }
    assert_eq!(world.login().await.status, StatusCode::OK);
}
