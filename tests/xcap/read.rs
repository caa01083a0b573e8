//! X6 to X8: GET and HEAD.

use std::sync::Arc;

use csc_xml::Limits;

use crate::call::{ATTRIBUTE, ELEMENT, essence, tag};
use crate::check::checks;
use crate::documents::{TEST_NAMESPACE, TEST_TYPE};
use crate::world::World;

checks! {
    "X6" Everywhere x6_two_hits_are_none;
    "X6" Everywhere x6_an_element_comes_as_it_is;
    "X6" Everywhere x6_head_says_what_get_says;
    "X7" Everywhere x7_an_attribute_comes_as_its_value;
    "X7" Everywhere x7_bindings_in_scope;
    "X7" Everywhere x7_bindings_are_only_read;
    "X8" Everywhere x8_who_has_it_is_told_so;
    "X8" Everywhere x8_who_has_another_gets_it;
}

async fn x6_two_hits_are_none(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/><e k=\"1\" n=\"2\"/><f><g/></f><f><g/></f>").await;
    for selector in
        ["root/e", "root/e[@k='1']", "root/*", "root/e/@k", "root/e[@k='1']/@n", "root/f/g", "root/f"]
    {
        document.node("GET", selector).is(404).await;
        document.node("HEAD", selector).is(404).await;
    }
    for selector in
        ["root/e[2]", "root/e[@n='2']", "root/f[1]/g", "root/*[4]/g", "root/*[@n='2']", "root/e[1][@k='1']"]
    {
        document.node("GET", selector).is(200).await;
    }
    document.node("GET", "root/e[2][@n='1']").is(404).await;
    document.node("GET", "other").is(404).await;
}

async fn x6_an_element_comes_as_it_is(world: Arc<World>) {
    let element = "<p:e  xmlns:q = \"urn:q\" b='1'\n  a=\"&#x41;&amp;\" ><q:x/><!-- 가 --><![CDATA[<&]]>\t<?pi x?></p:e >";
    let content = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- before -->\
                           <root xmlns=\"{TEST_NAMESPACE}\" xmlns:p=\"urn:p\">text{element}text</root>\n"
    );
    let document = world.whole(&content).await;
    let whole = document.itself("GET").is(200).await;
    assert_eq!(whole.text(), content);
    assert_eq!(whole.header("content-type").map(essence), Some(TEST_TYPE));
    for selector in ["root/p:e?xmlns(p=urn:p)", "root/*", "root/*[1][@b='1']"] {
        let answer = document.node("GET", selector).is(200).await;
        assert_eq!(answer.text(), element);
        assert_eq!(answer.header("content-type").map(essence), Some(ELEMENT));
        assert_eq!(answer.header("etag"), whole.header("etag"));
    }
    // Changes of one resource change others: no cache may answer for it unasked (RFC 4825 section 9).
    for call in [document.itself("GET"), document.node("GET", "root/*"), document.node("GET", "root/*/@b")] {
        let answer = call.is(200).await;
        assert!(answer.header("cache-control").is_some_and(|said| said.contains("no-cache")), "{answer:?}");
        assert_eq!(tag(&answer), tag(&whole));
    }
    let root = document.node("GET", "root").is(200).await;
    assert!(root.text().starts_with("<root xmlns") && root.text().ends_with("</root>"), "{}", root.text());
}

async fn x6_head_says_what_get_says(world: Arc<World>) {
    let document = world.document("<e k=\"1\">text</e>").await;
    for selector in [None, Some("root/e"), Some("root/e/@k"), Some("root/e/namespace::*")] {
        let call =
            |method| selector.map_or_else(|| document.itself(method), |node| document.node(method, node));
        let (get, head) = (call("GET").is(200).await, call("HEAD").is(200).await);
        assert_eq!(head.body.len(), 0);
        for field in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(field), get.header(field), "{selector:?} {field}");
        }
    }
}

async fn x7_an_attribute_comes_as_its_value(world: Arc<World>) {
    let document = world
        .document("<e a=\"a&amp;b\" b='say \"x\"' c=\"&lt;&#x20;&gt;\" d=\"\" e=\"한🔥\" f=\"1\n2\"/>")
        .await;
    let (_, current) = document.state().await;
    for (name, want) in [("a", "a&amp;b"), ("d", ""), ("e", "한🔥")] {
        let answer = document.node("GET", &format!("root/e/@{name}")).is(200).await;
        assert_eq!(answer.text(), want, "{name}");
        assert_eq!(answer.header("content-type").map(essence), Some(ATTRIBUTE));
        assert_eq!(tag(&answer), current);
    }
    // Without quotes around, and such that it can be put back as it came.
    for (name, meaning) in [("b", "say \"x\""), ("c", "< >"), ("f", "1 2")] {
        let selector = format!("root/e/@{name}");
        for _ in 0..2 {
            let value = document.get(&selector).await.expect("a value");
            assert!(!value.contains('<'), "{value}");
            let quoted = format!("<e a=\"{}\"/>", value.replace('"', "&quot;"));
            let parsed =
                csc_xml::parse(quoted.as_bytes(), &Limits::DEFAULT).expect("a value of an attribute");
            assert_eq!(parsed.root_element().attribute("a"), Some(meaning));
            document.node("PUT", &selector).attribute(value).is(200).await;
        }
    }
    document.node("GET", "root/e/@nothing").is(404).await;
}

async fn x7_bindings_in_scope(world: Arc<World>) {
    let content = format!(
        "<root xmlns=\"{TEST_NAMESPACE}\" xmlns:a=\"urn:a\" xmlns:b=\"urn:b1\"><a:e xmlns:b=\"urn:b2\" xmlns:c=\"urn:c\">\
         <f xmlns=\"\" xmlns:d=\"urn:d\"/></a:e><g/></root>"
    );
    let document = world.whole(&content).await;
    let (_, current) = document.state().await;
    let test = TEST_NAMESPACE;
    for (node, element, name, bindings) in [
        (
            "root/namespace::*",
            Some(test),
            "root",
            vec![(None, test), (Some("a"), "urn:a"), (Some("b"), "urn:b1")],
        ),
        (
            "root/a:e/namespace::*?xmlns(a=urn:a)",
            Some("urn:a"),
            "e",
            vec![(None, test), (Some("a"), "urn:a"), (Some("b"), "urn:b2"), (Some("c"), "urn:c")],
        ),
        (
            "root/*[1]/*[1]/namespace::*",
            None,
            "f",
            vec![(Some("a"), "urn:a"), (Some("b"), "urn:b2"), (Some("c"), "urn:c"), (Some("d"), "urn:d")],
        ),
        (
            "root/g/namespace::*",
            Some(test),
            "g",
            vec![(None, test), (Some("a"), "urn:a"), (Some("b"), "urn:b1")],
        ),
    ] {
        let answer = document.node("GET", node).is(200).await;
        assert_eq!(answer.header("content-type").map(essence), Some("application/xcap-ns+xml"));
        assert_eq!(tag(&answer), current);
        let parsed =
            csc_xml::parse(&answer.body, &Limits::DEFAULT).unwrap_or_else(|_| panic!("{}", answer.text()));
        let root = parsed.root_element();
        // The element alone: neither attributes nor content (RFC 4825 section 10).
        assert_eq!((csc_xml::namespace(root), root.tag_name().name()), (element, name), "{}", answer.text());
        assert!(root.attributes().next().is_none() && !root.has_children(), "{}", answer.text());
        let mut found: Vec<_> = root
            .namespaces()
            .filter(|binding| binding.name() != Some("xml") && !binding.uri().is_empty())
            .map(|binding| (binding.name(), binding.uri()))
            .collect();
        found.sort_unstable();
        assert_eq!(found, bindings, "{}", answer.text());
    }
    document.node("GET", "root/nothing/namespace::*").is(404).await;
    document.node("GET", "root/*/namespace::*").is(404).await;
}

async fn x7_bindings_are_only_read(world: Arc<World>) {
    let document = world.document("<e/>").await;
    let before = document.state().await;
    for selector in ["root/namespace::*", "root/e/namespace::*", "root/nothing/namespace::*"] {
        for call in [
            document.node("PUT", selector).body("application/xcap-ns+xml", "<e xmlns:a=\"urn:a\"/>"),
            document.node("PUT", selector).element("<e/>"),
            document.node("DELETE", selector),
        ] {
            call.allows_only(&["GET", "HEAD"]).await;
        }
    }
    assert_eq!(document.state().await, before);
}

async fn x8_who_has_it_is_told_so(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    let (_, tag) = document.state().await;
    for selector in [None, Some("root/e"), Some("root/e/@k"), Some("root/e/namespace::*")] {
        for have in [
            tag.clone(),
            format!("W/{tag}"),
            "*".to_owned(),
            format!("\"another\", {tag}"),
            format!("W/\"another\",W/{tag} , \"third\""),
        ] {
            for method in ["GET", "HEAD"] {
                let call =
                    selector.map_or_else(|| document.itself(method), |node| document.node(method, node));
                let answer = call.with("If-None-Match", have.clone()).is(304).await;
                assert_eq!(answer.header("etag"), Some(tag.as_str()), "{selector:?} {have}");
                assert_eq!(answer.body.len(), 0);
            }
        }
    }
    // What is not there has no version that one could have.
    document.node("GET", "root/nothing").with("If-None-Match", "*").is(404).await;
    document.node("GET", "root/e/@nothing").with("If-None-Match", tag).is(404).await;
    world.call(crate::people::KIM, "GET", world.free_path()).with("If-None-Match", "*").is(404).await;
}

async fn x8_who_has_another_gets_it(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    let (_, old) = document.state().await;
    document.node("PUT", "root/e/@k").attribute("2").is(200).await;
    let (_, new) = document.state().await;
    for have in [old.clone(), format!("W/{old}"), "\"another\"".to_owned()] {
        let answer = document.node("GET", "root/e/@k").with("If-None-Match", have).is(200).await;
        assert_eq!((answer.text(), answer.header("etag")), ("2", Some(new.as_str())));
    }
    document.itself("GET").with("If-Match", new.clone()).is(200).await;
    document.itself("GET").with("If-Match", old.clone()).is(412).await;
    document.node("GET", "root/e").with("If-Match", old).is(412).await;
}
