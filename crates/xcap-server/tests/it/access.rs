//! Who comes in, and in which order requests are checked.

use http::Method;

use crate::world::{DOCUMENT, ELEMENT, TYPE, World, outcome};

const INITIAL: &str =
    "/org.3gpp.mcptt.ue-init-config/users/urn:gsma:imei:90420156-025763-0/urn:gsma:imei:90420156-025763-0";
const PROFILE: &str = "/org.3gpp.mcptt.user-profile/users/tel:+1/user-profile";

#[tokio::test]
async fn whoever_is_unknown_gets_what_is_for_everybody() {
    let world = World::new().await;
    let answer = world.nobody().get(INITIAL).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "<initial/>"));
    assert_eq!(world.nobody().send(Method::HEAD, INITIAL, &[], "").await.status, 200);
    assert_eq!(world.nobody().get(&format!("{INITIAL}/~~/nothing")).await.status, 404);
    for method in [Method::PUT, Method::DELETE, Method::POST, Method::PATCH] {
        assert_eq!(world.nobody().send(method.clone(), INITIAL, &[], "").await.status, 401, "{method}");
    }
    // Whoever is known may not change it either.
    let answer = world.as_user(3).put(INITIAL, TYPE, "<a/>").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"));
}

/// Where no row of the table lets nobody in, the store is not asked.
#[tokio::test]
async fn nobody_known_costs_the_store_nothing() {
    let world = World::new().await;
    world.stored("<a/>").await;
    let before = world.reads.count();
    for target in [DOCUMENT, PROFILE, "/unknown/users/tel:+1/index", "/test-app/users/tel:+1/index/~~/a"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::POST] {
            assert_eq!(world.nobody().send(method.clone(), target, &[], "").await.status, 401, "{target}");
        }
    }
    assert_eq!(world.reads.count(), before);
}

#[tokio::test]
async fn a_setting_opens_default_profiles() {
    let content = "<mcptt-user-profile xmlns='urn:3gpp:mcptt:user-profile:1.0'/>";
    let world = World::with(&[("CSC_XCAP_OPEN_PROFILES", "true")]).await;
    assert_eq!(world.nobody().get(PROFILE).await.status, 404, "{content}");
    assert_eq!(world.nobody().put(PROFILE, TYPE, content).await.status, 401);
    assert_eq!(world.nobody().get(DOCUMENT).await.status, 401);
}

/// Target 400, token 401, usage 404, access 403, method 405, part 400, size 413, conditions 412, coding and media type 415,
/// body 409: for a node as for a document.
#[tokio::test]
async fn the_order_of_checks() {
    let world = World::new().await;
    world.stored("<r xmlns='test-app'><a/></r>").await;
    let large = "x".repeat(crate::world::LIMIT + 1);
    let stale = ("if-match", "\"x\"");
    let wrong = ("content-type", "text/plain");
    let right = ("content-type", ELEMENT);
    let part = ("content-range", "bytes 0-0/9");
    let coded = ("content-encoding", "gzip");
    let node = "/test-app/users/tel:+1/index/~~/r/b";
    for (who, method, target, headers, body, status) in [
        (world.nobody(), Method::PUT, "/unknown/users/tel:+1/index/~~/p:b", vec![], "", 400),
        (world.nobody(), Method::PUT, "/unknown/users/tel:+1/index/~~/b", vec![], "", 401),
        (world.as_user(4), Method::PUT, "/unknown/users/tel:+1/index/~~/b", vec![], "", 404),
        (world.as_user(4), Method::PUT, "/test-app/users/tel:+1/index/~~/r/namespace::*", vec![], "", 403),
        (world.as_user(4), Method::GET, "/Org/F/test-app/users/tel:+1/index/~~/r", vec![], "", 404),
        (world.as_user(4), Method::GET, "/test-app/users/tel:+1/missing/~~/r", vec![], "", 403),
        (
            world.owner(),
            Method::PUT,
            "/test-app/users/tel:+1/index/~~/r/namespace::*",
            vec![stale, part],
            &large,
            405,
        ),
        (world.as_user(4), Method::PUT, node, vec![part], "", 403),
        (world.owner(), Method::PUT, "/test-app/users/tel:+1/index/~~/r/b[last()]", vec![part], &large, 404),
        (world.owner(), Method::PUT, node, vec![stale, wrong, part], &large, 400),
        (world.owner(), Method::PUT, node, vec![stale, wrong, coded], &large, 413),
        (world.owner(), Method::PUT, node, vec![stale, wrong, coded], "<", 412),
        (world.owner(), Method::PUT, node, vec![wrong], "<", 415),
        (world.owner(), Method::PUT, node, vec![right, coded], "<", 415),
        (world.owner(), Method::PUT, node, vec![], "<b/>", 415),
        (world.owner(), Method::PUT, node, vec![right], "<", 409),
        (world.owner(), Method::PUT, node, vec![right], "<b xmlns='test-app'/>", 201),
    ] {
        let answer = who.send(method.clone(), target, &headers, body.to_owned()).await;
        assert_eq!(answer.status, status, "{method} {target} {headers:?} {:?}", outcome(&answer));
    }
}

#[tokio::test]
async fn what_is_allowed_is_named() {
    let world = World::new().await;
    world.stored("<r xmlns='test-app'><a n='1'/></r>").await;
    let all = "GET, HEAD, PUT, DELETE";
    for (who, method, target, allow) in [
        (1, Method::POST, DOCUMENT, all),
        (1, Method::PATCH, "/test-app/users/tel:+1/index/~~/r/a", all),
        (1, Method::POST, "/test-app/users/tel:+1/index/~~/r/a/@n", all),
        (1, Method::POST, "/test-app/users/tel:+1/index/~~/r/namespace::*", "GET, HEAD"),
        (1, Method::PUT, "/test-app/users/tel:+1/index/~~/r/namespace::*", "GET, HEAD"),
        (1, Method::DELETE, "/test-app/users/tel:+1/index/~~/r/namespace::*", "GET, HEAD"),
        // What an organisation has its users read.
        (2, Method::PUT, "/test-app/global/fire/index/~~/r", "GET, HEAD"),
        (2, Method::DELETE, "/test-app/global/fire/index/~~/r", "GET, HEAD"),
        (3, Method::PATCH, "/test-app/global/fire/index/~~/r", all),
    ] {
        let answer = world.as_user(who).send(method.clone(), target, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allow), "{method} {target}");
    }
}
