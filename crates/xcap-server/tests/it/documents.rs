//! Whole documents: what is answered, media types, sizes.

use http::Method;

use crate::world::{DOCUMENT, ELEMENT, LIMIT, TYPE, World, outcome};

#[tokio::test]
async fn x11_three_puts_three_tags() {
    let world = World::new().await;
    let mut etags = Vec::new();
    for (content, status) in [("<a/>", 201), ("<b/>", 200), ("<a/>", 200)] {
        let answer = world.owner().put(DOCUMENT, TYPE, content).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
        etags.push(answer.etag());
    }
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 3);
    let answer = world.owner().delete(DOCUMENT).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, ""));
    assert_eq!(world.owner().get(DOCUMENT).await.status, 404);
    assert_eq!(world.owner().delete(DOCUMENT).await.status, 404);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let world = World::new().await;
    let content = "<r xmlns='test-app'><a n='1'/></r>";
    world.stored(content).await;
    for target in [DOCUMENT, "/test-app/users/tel:+1/index/~~/r/a", "/test-app/users/tel:+1/index/~~/r/a/@n"]
    {
        let get = world.owner().get(target).await;
        let head = world.owner().send(Method::HEAD, target, &[], "").await;
        assert_eq!(head.status, 200);
        assert!(head.body.is_empty());
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{target} {name}");
        }
        assert_eq!(head.header("content-length"), get.body.len().to_string());
    }
}

#[tokio::test]
async fn x9_media_types() {
    let world = World::new().await;
    for (media_type, status) in [
        (TYPE, 201),
        ("application/test-app+xml; charset=\"utf-8\"", 200),
        ("Application/Test-App+XML ;x=y", 200),
        ("application/xml", 415),
        ("application/test-app+xmlx", 415),
        ("", 415),
    ] {
        assert_eq!(world.owner().put(DOCUMENT, media_type, "<a/>").await.status, status, "{media_type}");
    }
    assert_eq!(world.owner().send(Method::PUT, DOCUMENT, &[], "<a/>").await.status, 415);
}

/// RFC 9110 8.4, 12.5.3: what is refused for its coding is told from what is refused for its media type.
#[tokio::test]
async fn x9_content_codings() {
    let world = World::new().await;
    let etag = world.stored("<r xmlns='test-app'><a/></r>").await;
    let node = format!("{DOCUMENT}/~~/r/a");
    for (target, media_type) in [(DOCUMENT, TYPE), (&node, ELEMENT)] {
        let put = async |media_type: &str, coding: &str, body: &'static str| {
            let headers = [("content-type", media_type), ("content-encoding", coding)];
            world.owner().send(Method::PUT, target, &headers, body).await
        };
        for coding in ["gzip", "identity, br", "x"] {
            let answer = put(media_type, coding, "<a xmlns='test-app'/>").await;
            assert_eq!((answer.status.as_u16(), answer.header("accept-encoding")), (415, "identity"));
        }
        let answer = put("text/plain", "identity", "<a xmlns='test-app'/>").await;
        assert_eq!(answer.status, 415);
        assert!(!answer.headers.contains_key("accept-encoding"));
    }
    assert_eq!(world.owner().get(DOCUMENT).await.etag(), etag);
    let headers = [("content-type", TYPE), ("content-encoding", "Identity")];
    assert_eq!(world.owner().send(Method::PUT, DOCUMENT, &headers, "<r/>").await.status, 200);
}

/// RFC 9110 14.5: a part must not take the place of the whole.
#[tokio::test]
async fn parts_by_range() {
    let world = World::new().await;
    let etag = world.stored("<r xmlns='test-app'><a/></r>").await;
    let node = format!("{DOCUMENT}/~~/r/a");
    for (target, media_type) in [(DOCUMENT, TYPE), (&node, ELEMENT)] {
        for range in ["bytes 0-3/21", "x"] {
            let headers = [("content-type", media_type), ("content-range", range)];
            let answer = world.owner().send(Method::PUT, target, &headers, "<r/>").await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (400, 0), "{target} {range}");
        }
    }
    let answer = world.owner().get(DOCUMENT).await;
    assert_eq!((answer.etag(), answer.text()), (etag, "<r xmlns='test-app'><a/></r>"));
}

#[tokio::test]
async fn x16_x21_what_is_not_stored() {
    let world = World::new().await;
    let deep = "<a>".repeat(13) + &"</a>".repeat(13);
    let etag = world.stored("<a/>").await;
    for (content, condition) in [
        (&b"<a>"[..], "not-well-formed"),
        (b"", "not-well-formed"),
        (b"<a>\xff</a>", "not-utf-8"),
        (b"<!DOCTYPE a><a/>", "constraint-failure"),
        (b"<forbidden/>", "constraint-failure"),
        (deep.as_bytes(), "constraint-failure"),
    ] {
        let answer = world.owner().put(DOCUMENT, TYPE, content.to_vec()).await;
        assert_eq!(outcome(&answer), (409, condition.to_owned()), "{}", String::from_utf8_lossy(content));
    }
    assert_eq!(world.owner().get(DOCUMENT).await.etag(), etag);
}

#[tokio::test]
async fn x21_sizes() {
    let world = World::new().await;
    let content = |octets: usize| format!("<a>{}</a>", "x".repeat(octets - "<a></a>".len()));
    assert_eq!(world.owner().put(DOCUMENT, TYPE, content(LIMIT)).await.status, 201);
    // Before preconditions and media type.
    let headers = [("if-match", "\"x\"")];
    let answer = world.owner().send(Method::PUT, DOCUMENT, &headers, content(LIMIT + 1)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(world.content().await.len(), LIMIT);
}

/// Pictures have no nodes and are not parsed.
#[tokio::test]
async fn documents_that_are_no_xml() {
    let world = World::new().await;
    let target = "/org.openmobilealliance.pres-content/users/tel:+1/oma_status-icon/rcs_status_icon";
    let picture = b"\x89PNG\r\n\x1a\n0000";
    let stored = world.owner().put(target, "image/png", &picture[..]).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    let answer = world.owner().get(target).await;
    assert_eq!((&*answer.body, answer.header("content-type")), (&picture[..], "image/png"));
    let node = format!("{target}/~~/content");
    assert_eq!(world.owner().get(&node).await.status, 404);
    assert_eq!(world.owner().delete(&node).await.status, 404);
    let answer = world.owner().put(&node, "application/xcap-el+xml", "<content/>").await;
    assert_eq!(outcome(&answer), (409, "no-parent".to_owned()));
    // What it says it is, and what it is.
    assert_eq!(world.owner().put(target, "image/gif", &picture[..]).await.status, 415);
    assert_eq!(world.owner().put(target, "image/png", "<content/>").await.status, 415);
}
