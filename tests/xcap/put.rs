//! X9 to X11: media types, preconditions and answers of PUT.

use std::sync::Arc;

use crate::call::{ATTRIBUTE, ELEMENT, tag};
use crate::check::checks;
use crate::documents::{TEST_NAMESPACE, TEST_TYPE};
use crate::people::KIM;
use crate::world::World;

checks! {
    "X9" Everywhere x9_parameters_do_not_matter;
    "X9" Everywhere x9_another_or_no_type_is_refused;
    "X9" Everywhere x9_an_encoded_body_is_refused;
    "X9" Everywhere x9_a_part_is_not_the_whole;
    "X10" Everywhere x10_a_precondition_holds_for_an_equal_body;
    "X10" Everywhere x10_nothing_new_in_what_exists;
    "X10" Everywhere x10_what_is_missing_matches_nothing;
    "X10" Everywhere x10_tags_as_they_come;
    "X11" Everywhere x11_created_and_replaced;
    "X11" Everywhere x11_every_version_has_its_own_tag;
}

fn content(number: u32) -> String {
    format!("<root xmlns=\"{TEST_NAMESPACE}\"><e k=\"{number}\"/></root>")
}

async fn x9_parameters_do_not_matter(world: Arc<World>) {
    let path = world.free_path();
    for media_type in [
        "application/test-app+xml; charset=\"utf-8\"",
        "application/test-app+xml;charset=UTF-8;q=1",
        "Application/Test-App+XML ; a=\"b;c\"",
        "application/test-app+xml;",
    ] {
        world.call(KIM, "PUT", path.clone()).body(media_type, content(1)).is_one_of(&[200, 201]).await;
    }
    let document = world.document("<e k=\"1\"/>").await;
    for media_type in ["application/xcap-el+xml; charset=\"utf-8\"", "APPLICATION/XCAP-EL+XML"] {
        document.node("PUT", "root/e").body(media_type, "<e k=\"2\"/>").is(200).await;
    }
    for media_type in ["application/xcap-att+xml;charset=utf-8", "application/Xcap-Att+xml"] {
        document.node("PUT", "root/e/@k").body(media_type, "3").is(200).await;
    }
}

async fn x9_another_or_no_type_is_refused(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    let element = "<e k=\"2\"/>";
    for media_type in
        ["application/xml", "text/plain", "application/test-app", "test-app+xml", "", ELEMENT, ATTRIBUTE]
    {
        let call = document.itself("PUT").body(media_type, content(2));
        document.stays(&call, |status| status == 415).await;
        let call = world.call(KIM, "PUT", world.free_path()).body(media_type, content(2));
        call.is(415).await;
    }
    for media_type in ["application/xml", "", TEST_TYPE, ATTRIBUTE, "application/xcap-ns+xml"] {
        for selector in ["root/e", "root/new"] {
            let call = document.node("PUT", selector).body(media_type, element);
            document.stays(&call, |status| status == 415).await;
        }
    }
    for media_type in ["text/plain", "", TEST_TYPE, ELEMENT] {
        for selector in ["root/e/@k", "root/e/@new"] {
            let call = document.node("PUT", selector).body(media_type, "2");
            document.stays(&call, |status| status == 415).await;
        }
    }
    // Without the field.
    for call in [
        document.itself("PUT").untyped(content(2)),
        document.node("PUT", "root/e").untyped(element),
        document.node("PUT", "root/e/@k").untyped("2"),
    ] {
        document.stays(&call, |status| status == 415).await;
    }
}

/// RFC 9110 8.4 and 12.5.3, whatever the octets are.
async fn x9_an_encoded_body_is_refused(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    for call in [
        document.itself("PUT").body(TEST_TYPE, content(2)),
        document.node("PUT", "root/e").element("<e k=\"2\"/>"),
        document.node("PUT", "root/e/@k").attribute("2"),
    ] {
        for coding in ["gzip", "deflate", "br", "identity, gzip", "unheard-of"] {
            let answer = document.stays(&call.clone().with("Content-Encoding", coding), |s| s == 415).await;
            assert_eq!(answer.header("accept-encoding"), Some("identity"), "{answer:?}");
        }
        // Whoever may not, or comes with another version, hears of that.
        let call = call.with("Content-Encoding", "gzip").with("If-Match", "\"x\"");
        document.stays(&call, |status| status == 412).await;
    }
    let answer = document.itself("PUT").body("text/plain", content(2)).is(415).await;
    assert_eq!(answer.header("accept-encoding"), None, "it is the media type");
    document.itself("PUT").body(TEST_TYPE, content(2)).with("Content-Encoding", "identity").is(200).await;
}

/// RFC 9110 14.5.
async fn x9_a_part_is_not_the_whole(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    for call in [
        document.itself("PUT").body(TEST_TYPE, content(2)),
        document.node("PUT", "root/e").element("<e k=\"2\"/>"),
        document.node("PUT", "root/e/@k").attribute("2"),
    ] {
        for range in ["bytes 0-9/100", "bytes */100", "nonsense"] {
            let call = call.clone().with("Content-Range", range);
            document.stays(&call, |status| status == 400).await;
        }
    }
    let path = world.free_path();
    let call = world.call(KIM, "PUT", path.clone()).body(TEST_TYPE, content(1));
    call.with("Content-Range", "bytes 0-9/100").is(400).await;
    world.call(KIM, "GET", path).is(404).await;
}

async fn x10_a_precondition_holds_for_an_equal_body(world: Arc<World>) {
    let document = world.whole(&content(1)).await;
    let (_, first) = document.state().await;
    document.replace(&content(1)).await;
    for call in [
        document.itself("PUT").body(TEST_TYPE, content(1)),
        document.node("PUT", "root/e").element("<e k=\"1\"/>"),
        document.node("PUT", "root/e/@k").attribute("1"),
        document.node("DELETE", "root/e"),
        document.itself("DELETE"),
    ] {
        document.stays(&call.with("If-Match", first.clone()), |status| status == 412).await;
    }
}

async fn x10_nothing_new_in_what_exists(world: Arc<World>) {
    let document = world.whole(&content(1)).await;
    let (_, current) = document.state().await;
    for (name, value) in [("If-None-Match", "*"), ("If-None-Match", current.as_str())] {
        for call in [
            document.itself("PUT").body(TEST_TYPE, content(1)),
            document.itself("PUT").body(TEST_TYPE, content(2)),
            document.node("PUT", "root/e").element("<e k=\"2\"/>"),
            document.node("PUT", "root/new").element("<new/>"),
            document.node("PUT", "root/e/@k").attribute("2"),
            document.node("PUT", "root/e/@new").attribute("2"),
            document.node("DELETE", "root/e"),
        ] {
            document.stays(&call.with(name, value), |status| status == 412).await;
        }
    }
    // A new document is what it is for.
    let path = world.free_path();
    let call = world.call(KIM, "PUT", path).with("If-None-Match", "*").body(TEST_TYPE, content(1));
    call.is(201).await;
    call.is(412).await;
    document.node("PUT", "root/new").element("<new/>").with("If-None-Match", "\"another\"").is(201).await;
}

async fn x10_what_is_missing_matches_nothing(world: Arc<World>) {
    let path = world.free_path();
    for value in ["*", "\"any\"", "any"] {
        world
            .call(KIM, "PUT", path.clone())
            .with("If-Match", value)
            .body(TEST_TYPE, content(1))
            .is(412)
            .await;
        let node = format!("{path}/~~/root/e");
        world.call(KIM, "PUT", node).with("If-Match", value).element("<e/>").is(412).await;
        world.call(KIM, "DELETE", path.clone()).with("If-Match", value).is_one_of(&[404, 412]).await;
    }
    world.call(KIM, "GET", path).is(404).await;
}

async fn x10_tags_as_they_come(world: Arc<World>) {
    let document = world.whole(&content(1)).await;
    let current = async || document.state().await.1;
    let put = || document.itself("PUT").body(TEST_TYPE, content(2));
    for shape in ["*", "{}", "\"x\", {}", "{},\"x\"", "\"x,y\" ,  {} , \"z\"", "x, {}"] {
        put().with("If-Match", shape.replace("{}", &current().await)).is(200).await;
        let node = document.node("PUT", "root/e/@k").attribute("3");
        node.with("If-Match", shape.replace("{}", &current().await)).is(200).await;
    }
    // Fielded terminals leave the quotes out.
    put().with("If-Match", current().await.trim_matches('"')).is(200).await;
    // Two fields are one list.
    put().with("If-Match", "\"x\"").with("If-Match", current().await).is(200).await;
    for shape in ["W/{}", "W/{}, \"x\"", "\"x\"", "x", "\"{}\"x"] {
        let value = shape.replace("{}", &current().await);
        document.stays(&put().with("If-Match", value), |status| matches!(status, 400 | 412)).await;
    }
    document.stays(&put().with("If-Match", format!("W/{}", current().await)), |status| status == 412).await;
}

async fn x11_created_and_replaced(world: Arc<World>) {
    let path = world.free_path();
    let put = world.call(KIM, "PUT", path.clone()).body(TEST_TYPE, content(1));
    let node = |selector: &str| world.call(KIM, "PUT", format!("{path}/~~/{selector}"));
    let mut tags = Vec::new();
    for (call, wanted) in [
        (put.clone(), 201),
        (put, 200),
        (node("root/new").element("<new/>"), 201),
        (node("root/new").element("<new/>"), 200),
        (node("root/new/@k").attribute("1"), 201),
        (node("root/new/@k").attribute("1"), 200),
    ] {
        let answer = call.is(wanted).await;
        assert!(wanted == 201 || answer.body.is_empty(), "a body with 200: {:?}", answer.text());
        let current = world.call(KIM, "GET", path.clone()).is(200).await;
        assert_eq!(tag(&answer), tag(&current), "the tag of the document as it is now");
        assert!(!tags.contains(&tag(&answer)), "a tag came twice");
        tags.push(tag(&answer));
    }
}

async fn x11_every_version_has_its_own_tag(world: Arc<World>) {
    let document = world.whole(&content(1)).await;
    let mut tags = vec![document.state().await.1];
    for number in [2, 1] {
        tags.push(tag(&document.replace(&content(number)).await));
    }
    for value in ["2", "1", "1"] {
        tags.push(tag(&document.node("PUT", "root/e/@k").attribute(value).is(200).await));
    }
    // Deleted and made again.
    document.itself("DELETE").is(200).await;
    tags.push(tag(&document.replace(&content(1)).await));
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count, "{tags:?}");
}
