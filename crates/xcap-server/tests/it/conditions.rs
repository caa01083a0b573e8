//! Conditional requests (RFC 9110 section 13; X8, X10): of a node it is the document's tag that counts.

use http::Method;

use crate::world::{ATTRIBUTE, DOCUMENT, ELEMENT, TYPE, World};

const NODE: &str = "/test-app/users/tel:+1/index/~~/r/a";
const NEW: &str = "/test-app/users/tel:+1/index/~~/r/b";
const VALUE: &str = "/test-app/users/tel:+1/index/~~/r/a/@n";
const CONTENT: &str = "<r xmlns='test-app'><a n='1'/></r>";
const ALL: [(&str, &str, &str); 4] = [
    (DOCUMENT, TYPE, CONTENT),
    (NODE, ELEMENT, "<a n='1'/>"),
    (NEW, ELEMENT, "<b/>"),
    (VALUE, ATTRIBUTE, "1"),
];

#[tokio::test]
async fn x8_unchanged() {
    let world = World::new().await;
    let etag = world.stored(CONTENT).await;
    let weak = format!("W/{etag}");
    for target in [DOCUMENT, NODE, VALUE] {
        for (value, status) in
            [(etag.as_str(), 304), (&weak, 304), ("*", 304), (etag.trim_matches('"'), 304), ("\"x\"", 200)]
        {
            for method in [Method::GET, Method::HEAD] {
                let headers = [("if-none-match", value)];
                let answer = world.owner().send(method, target, &headers, "").await;
                assert_eq!(answer.status.as_u16(), status, "{target} {value}");
                assert_eq!(answer.etag(), etag);
                assert!(status != 304 || answer.body.is_empty());
            }
        }
        let answer = world.owner().send(Method::GET, target, &[("if-match", "\"x\"")], "").await;
        assert_eq!(answer.status, 412, "{target}");
    }
    let answer = world.owner().send(Method::GET, NEW, &[("if-none-match", "*")], "").await;
    assert_eq!(answer.status, 404, "there is no such node that could be unchanged");
}

#[tokio::test]
async fn x10_what_fails() {
    let world = World::new().await;
    let etag = world.stored(CONTENT).await;
    let weak = format!("W/{etag}");
    let put = async |target: &str, media_type: &str, body: &str, name: &str, value: &str| {
        let headers = [("content-type", media_type), (name, value)];
        world.owner().send(Method::PUT, target, &headers, body.to_owned()).await
    };
    // Identical bodies, too; and a node that would be new.
    for (target, media_type, body) in ALL {
        for (name, value) in [
            ("if-none-match", "*"),
            ("if-none-match", etag.as_str()),
            ("if-none-match", &weak),
            ("if-match", "\"x\""),
            ("if-match", &weak),
        ] {
            let answer = put(target, media_type, body, name, value).await;
            assert_eq!(answer.status, 412, "{target} {name} {value}");
            assert!(answer.body.is_empty());
        }
    }
    // Before the media type and the body are looked at.
    assert_eq!(put(NODE, "text/plain", "<", "if-none-match", "*").await.status, 412);
    assert_eq!(world.owner().get(DOCUMENT).await.etag(), etag);
    for target in [DOCUMENT, NODE, VALUE] {
        let answer = world.owner().send(Method::DELETE, target, &[("if-match", "\"x\"")], "").await;
        assert_eq!(answer.status, 412, "{target}");
    }
    // Before it is looked at whether the node can go at all.
    let root = "/test-app/users/tel:+1/index/~~/r";
    assert_eq!(world.owner().send(Method::DELETE, root, &[("if-match", "\"x\"")], "").await.status, 412);
    assert_eq!(world.owner().delete(root).await.status, 409);
    assert_eq!(world.content().await, CONTENT);
}

#[tokio::test]
async fn x10_what_holds() {
    let world = World::new().await;
    let mut etag = world.stored(CONTENT).await;
    for (target, media_type, body) in ALL {
        for pattern in ["{}", "\"x\", {}", "bare", "*"] {
            let value = match pattern {
                "bare" => etag.trim_matches('"').to_owned(),
                pattern => pattern.replace("{}", &etag),
            };
            let headers = [("content-type", media_type), ("if-match", value.as_str())];
            let answer = world.owner().send(Method::PUT, target, &headers, body).await;
            assert!(answer.status.is_success(), "{target} {value} {answer:?}");
            assert_ne!(answer.etag(), etag, "identical bodies are changes, too");
            etag = answer.etag();
        }
    }
    let headers = [("if-match", etag.as_str())];
    let answer = world.owner().send(Method::DELETE, VALUE, &headers, "").await;
    assert_eq!(answer.status, 200);
    let headers = [("if-match", answer.header("etag"))];
    assert_eq!(world.owner().send(Method::DELETE, DOCUMENT, &headers, "").await.status, 200);
}

#[tokio::test]
async fn x10_without_a_document() {
    let world = World::new().await;
    for (target, media_type, body) in ALL {
        for value in ["*", "\"x\""] {
            let headers = [("content-type", media_type), ("if-match", value)];
            assert_eq!(world.owner().send(Method::PUT, target, &headers, body).await.status, 412, "{target}");
            // There is nothing to delete, whatever is asked for (RFC 9110 13.2.1).
            let answer = world.owner().send(Method::DELETE, target, &headers, "").await;
            assert_eq!(answer.status, 404, "{target}");
        }
    }
    let headers = [("content-type", TYPE), ("if-none-match", "*")];
    assert_eq!(world.owner().send(Method::PUT, DOCUMENT, &headers, CONTENT).await.status, 201);
    let headers = [("if-match", "\"x\"")];
    assert_eq!(world.owner().send(Method::DELETE, NEW, &headers, "").await.status, 404);
}
