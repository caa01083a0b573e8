//! Elements and attributes: what is answered. What an edit makes of a document is tested in `csc_xcap::edit`.

use http::Method;

use crate::world::{ATTRIBUTE, DOCUMENT, ELEMENT, World, outcome};

const CONTENT: &str =
    "<?xml version='1.0'?>\n<r xmlns='test-app'><!-- 그 -->\n <a n = '1'/><![CDATA[<]]>\n</r>\n";

fn node(selector: &str) -> String {
    format!("{DOCUMENT}/~~/{selector}")
}

#[tokio::test]
async fn x11_x17_x18_a_node_lives() {
    let world = World::new().await;
    let mut etag = world.stored(CONTENT).await;
    let owner = world.owner();
    let mut changed = |answer: &csc_xcap_server::testing::Answer, status: u16| {
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0), "{answer:?}");
        assert_ne!(std::mem::replace(&mut etag, answer.etag()), answer.etag());
    };
    let (element, value) = (node("r/b"), node("r/a/@n"));
    changed(&owner.put(&element, ELEMENT, "<b x='&lt;'/>").await, 201);
    changed(&owner.put(&element, ELEMENT, "<b x='&lt;'/>").await, 200);
    changed(&owner.put(&value, ATTRIBUTE, "a&amp;b").await, 200);
    changed(&owner.put(&node("r/a/@m"), ATTRIBUTE, "2").await, 201);
    assert_eq!(owner.get(&element).await.text(), "<b x='&lt;'/>");
    assert_eq!(owner.get(&value).await.text(), "a&amp;b");
    changed(&owner.delete(&node("r/a/@m")).await, 200);
    changed(&owner.delete(&element).await, 200);
    assert_eq!(owner.get(&element).await.status, 404);
    assert_eq!(owner.delete(&element).await.status, 404);
    let answer = owner.get(DOCUMENT).await;
    assert_eq!(answer.etag(), etag);
    assert_eq!(answer.text(), CONTENT.replace("'1'/", "'a&amp;b'/"));
}

#[tokio::test]
async fn x9_media_types() {
    let world = World::new().await;
    world.stored(CONTENT).await;
    let (element, value) = (node("r/a"), node("r/a/@n"));
    for (target, media_type, status) in [
        (&element, ELEMENT, 200),
        (&element, "application/XCAP-el+xml;charset=utf-8", 200),
        (&element, ATTRIBUTE, 415),
        (&element, "application/test-app+xml", 415),
        (&element, "", 415),
        (&value, ATTRIBUTE, 200),
        (&value, "application/xcap-att+xml ; charset=utf-8", 200),
        (&value, ELEMENT, 415),
        (&value, "text/plain", 415),
    ] {
        let body = if *target == element { "<a n='1'/>" } else { "1" };
        assert_eq!(world.owner().put(target, media_type, body).await.status, status, "{media_type}");
    }
    assert_eq!(world.owner().send(Method::PUT, &value, &[], "1").await.status, 415);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let world = World::new().await;
    let etag = world.stored(CONTENT).await;
    let owner = world.owner();
    for (selector, media_type, body, expected) in [
        ("r/b", ELEMENT, &b"<b>"[..], (409, "not-xml-frag")),
        ("r/b", ELEMENT, b"<b/><b/>", (409, "not-xml-frag")),
        ("r/b", ELEMENT, b"", (409, "not-xml-frag")),
        ("r/b", ELEMENT, b"<b>\xff</b>", (409, "not-utf-8")),
        ("r/b", ELEMENT, b"<forbidden/>", (409, "cannot-insert")),
        ("r/forbidden", ELEMENT, b"<forbidden/>", (409, "constraint-failure")),
        ("r/b[3]", ELEMENT, b"<b/>", (409, "cannot-insert")),
        ("r/b/c", ELEMENT, b"<c/>", (409, "no-parent")),
        ("r/b/@n", ATTRIBUTE, b"1", (409, "no-parent")),
        ("r/a/@n", ATTRIBUTE, b"<", (409, "not-xml-att-value")),
        // Nothing that the grammar knows.
        ("r/b[last()]", ELEMENT, b"<b/>", (404, "")),
        ("", ELEMENT, b"<b/>", (404, "")),
        ("p:b", ELEMENT, b"<b/>", (400, "")),
    ] {
        let answer = owner.put(&node(selector), media_type, body.to_vec()).await;
        assert_eq!(outcome(&answer), (expected.0, expected.1.to_owned()), "{selector}");
    }
    for (selector, expected) in [
        ("r", (409, "cannot-delete")),
        ("r/b", (404, "")),
        ("r/b/@n", (404, "")),
        ("r/a/@m", (404, "")),
        ("r/a[last()]", (404, "")),
        ("p:a", (400, "")),
    ] {
        let answer = owner.delete(&node(selector)).await;
        assert_eq!(outcome(&answer), (expected.0, expected.1.to_owned()), "{selector}");
    }
    let answer = owner.get(DOCUMENT).await;
    assert_eq!((answer.etag(), answer.text()), (etag, CONTENT));
}

/// RFC 4825 8.2.1: no document, no parent.
#[tokio::test]
async fn x14_without_a_document() {
    let world = World::new().await;
    let answer = world.owner().put(&node("r"), ELEMENT, "<r xmlns='test-app'/>").await;
    assert_eq!(outcome(&answer), (409, "no-parent".to_owned()));
    assert!(!answer.text().contains("<ancestor"));
    assert_eq!(world.owner().get(&node("r")).await.status, 404);
    assert_eq!(world.owner().delete(&node("r")).await.status, 404);
    assert_eq!(world.owner().get(DOCUMENT).await.status, 404);
}

/// What an edit would make of it is held against the limits of a document.
#[tokio::test]
async fn x21_a_node_that_makes_it_too_large() {
    let world = World::new().await;
    let half = "x".repeat(crate::world::LIMIT / 2);
    let etag = world.stored(&format!("<r xmlns='test-app'><a>{half}</a></r>")).await;
    let answer = world.owner().put(&node("r/b"), ELEMENT, format!("<b>{half}</b>")).await;
    assert_eq!(outcome(&answer), (409, "constraint-failure".to_owned()));
    let deep = "<b>".repeat(12) + &"</b>".repeat(12);
    let answer = world.owner().put(&node("r/b"), ELEMENT, deep).await;
    assert_eq!(outcome(&answer), (409, "constraint-failure".to_owned()));
    assert_eq!(world.owner().get(DOCUMENT).await.etag(), etag);
}

/// A document that became too large, because a setting was lowered or we added to it, can be read and made smaller.
#[tokio::test]
async fn a_limit_that_was_lowered_takes_no_nodes_away() {
    let world = World::new().await;
    world.stored("<r xmlns='test-app'><a n='1'/><b>0123456789</b></r>").await;
    let owner = world.bench.client(&world.with_limit(40), "tel:+1");
    assert_eq!(owner.get(&node("r/a/@n")).await.text(), "1");
    let larger = owner.put(&node("r/a/@m"), ATTRIBUTE, "1").await;
    assert_eq!(outcome(&larger), (409, "constraint-failure".to_owned()));
    assert_eq!(owner.delete(&node("r/a/@n")).await.status, 200);
    assert_eq!(owner.delete(&node("r/b")).await.status, 200);
    assert_eq!(owner.get(DOCUMENT).await.text(), "<r xmlns='test-app'><a/></r>");
}

#[tokio::test]
async fn an_operator_sees_what_was_asked_for() {
    let world = World::new().await;
    world.stored(CONTENT).await;
    assert_eq!(world.owner().put(&node("r/b"), ELEMENT, "<b/>").await.status, 201);
    assert_eq!(world.owner().put(&node("r/b"), ELEMENT, "<b>").await.status, 409);
    assert_eq!(world.owner().get(&node("r/a/@n")).await.status, 200);
    assert_eq!(world.owner().get("/test-app/%zz").await.status, 400);
    let metrics = world.bench.metrics.render();
    for line in [
        "csc_xcap_requests_total{method=\"PUT\",resource=\"document\",service=\"test\",status=\"201\"} 1",
        "csc_xcap_requests_total{method=\"PUT\",resource=\"element\",service=\"test\",status=\"201\"} 1",
        "csc_xcap_requests_total{method=\"PUT\",resource=\"element\",service=\"test\",status=\"409\"} 1",
        "csc_xcap_requests_total{method=\"GET\",resource=\"attribute\",service=\"test\",status=\"200\"} 1",
        "csc_xcap_requests_total{method=\"GET\",resource=\"malformed\",service=\"test\",status=\"400\"} 1",
        "csc_xcap_conflicts_total{condition=\"not-xml-frag\",service=\"test\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
