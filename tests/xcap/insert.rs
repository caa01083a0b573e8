//! X12 to X14: where elements go, and why they may not.

use std::sync::Arc;

use csc_xml::Limits;

use crate::check::checks;
use crate::documents::{LISTS, LISTS_TYPE, TEST_TYPE, lists};
use crate::people::{KIM, ROBIN};
use crate::world::World;

checks! {
    "X12" Everywhere x12_the_examples_of_the_rfc;
    "X12" Everywhere x12_earliest_last_and_earliest_nth;
    "X12" Everywhere x12_into_what_is_empty;
    "X12" Everywhere x12_a_position_too_far;
    "X13" Everywhere x13_the_selector_must_find_it_again;
    "X14" Everywhere x14_no_parent;
    "X14" Everywhere x14_no_document;
    "X14" Everywhere x14_uniqueness;
}

/// The document of RFC 4825 section 8.2.3, without its root.
const RFC: &str =
    "\n <el1 att=\"first\"/>\n <el1 att=\"second\"/>\n <!-- comment -->\n <el2 att=\"first\"/>\n";

/// Puts `element` into a document with `content` and returns what the root then holds.
async fn inserted(world: &World, content: &str, selector: &str, element: &str, want: &str) {
    let document = world.document(content).await;
    document.put(selector, element, 201).await;
    let found = document.state().await.0;
    assert!(found.ends_with(&format!("{want}</root>")), "{selector}: {found}");
    assert_eq!(document.get(selector).await.as_deref(), Some(element), "{selector}");
}

async fn x12_the_examples_of_the_rfc(world: Arc<World>) {
    let third = "<el1 att=\"third\"/>";
    let want = "\n <el1 att=\"first\"/>\n <el1 att=\"second\"/><el1 att=\"third\"/>\n <!-- comment -->\n <el2 att=\"first\"/>\n";
    for selector in ["root/el1[@att=\"third\"]", "root/el1[3][@att=\"third\"]", "root/*[3][@att=\"third\"]"] {
        inserted(&world, RFC, selector, third, want).await;
    }
    let want = "\n <el1 att=\"first\"/>\n <el1 att=\"second\"/>\n <!-- comment -->\n <el2 att=\"first\"/>\n<el3 att=\"first\"/>";
    inserted(&world, RFC, "root/el3", "<el3 att=\"first\"/>", want).await;
    let second = "<el2 att=\"2\"/>";
    let want = "\n <el1 att=\"first\"/>\n <el1 att=\"second\"/>\n <!-- comment -->\n <el2 att=\"first\"/><el2 att=\"2\"/>\n";
    for selector in ["root/el2[@att=\"2\"]", "root/el2[2][@att=\"2\"]"] {
        inserted(&world, RFC, selector, second, want).await;
    }
    let want = "\n <el1 att=\"first\"/><el2 att=\"2\"/>\n <el1 att=\"second\"/>\n <!-- comment -->\n <el2 att=\"first\"/>\n";
    inserted(&world, RFC, "root/*[2][@att=\"2\"]", second, want).await;
    let want = "\n <el1 att=\"first\"/>\n <el1 att=\"second\"/>\n <!-- comment -->\n <el2 att=\"2\"/><el2 att=\"first\"/>\n";
    inserted(&world, RFC, "root/el2[1][@att=\"2\"]", second, want).await;
}

async fn x12_earliest_last_and_earliest_nth(world: Arc<World>) {
    for (content, selector, element, want) in [
        // The first of its name comes behind everything, unless its place is said.
        ("<a/> <!--c--> text", "root/b", "<b/>", "<a/> <!--c--> text<b/>"),
        ("<a/> <!--c-->", "root/b[1]", "<b/>", "<a/> <!--c--><b/>"),
        ("<a/><c/>", "root/*[@k='1']", "<b k='1'/>", "<a/><c/><b k='1'/>"),
        ("<a/> <c/>", "root/*[1][@k='1']", "<b k='1'/>", "<b k='1'/><a/> <c/>"),
        ("<a/> <c/>", "root/*[2][@k='1']", "<b k='1'/>", "<a/><b k='1'/> <c/>"),
        ("<a/> <c/>", "root/*[3][@k='1']", "<b k='1'/>", "<a/> <c/><b k='1'/>"),
        ("", "root/*", "<b/>", "<b/>"),
        ("", "root/*[1]", "<b/>", "<b/>"),
        ("text", "root/b[1][@k='1']", "<b k='1'/>", "text<b k='1'/>"),
        // Behind the last of its name, in front of everything else.
        ("<a/> <b/> <?x y?> <c/>", "root/b[@k='1']", "<b k='1'/>", "<a/> <b/><b k='1'/> <?x y?> <c/>"),
        ("<a/>x<b/><!--c--><a/>y", "root/a[@k='1']", "<a k='1'/>", "<a/>x<b/><!--c--><a/><a k='1'/>y"),
        // At its place among those of its name.
        ("<a/> <a/> <a/>", "root/a[2][@k='1']", "<a k='1'/>", "<a/><a k='1'/> <a/> <a/>"),
        ("<a/> <b/> <a/>", "root/a[3]", "<a k='1'/>", "<a/> <b/> <a/><a k='1'/>"),
        (" <a/> <a/>", "root/a[1][@k='1']", "<a k='1'/>", " <a k='1'/><a/> <a/>"),
        // Elsewhere, names of other namespaces are other names.
        (
            "<a/><p:a xmlns:p=\"urn:p\"/>",
            "root/a[@k='1']",
            "<a k='1'/>",
            "<a/><a k='1'/><p:a xmlns:p=\"urn:p\"/>",
        ),
    ] {
        inserted(&world, content, selector, element, want).await;
    }
    // What one has just put is replaced by the next one, in its place.
    let document = world.document("<a k='1'/> <a k='2'/> <a k='3'/>").await;
    document.put("root/a[@k='2']", "<a k='2'><x/></a>", 200).await;
    document.put("root/a[3]", "<a/>", 200).await;
    document.put("root/*[1]", "<b/>", 200).await;
    document.root_holds("<b/> <a k='2'><x/></a> <a/>").await;
    // Position and value together select what is replaced only if both fit; else something comes there.
    document.put("root/*[2][@k='2']", "<c k='2'/>", 200).await;
    document.put("root/c[1][@k='3']", "<c k='3'/>", 201).await;
    document.put("root/*[3][@k='2']", "<c k='2' n=''/>", 200).await;
    document.root_holds("<b/> <c k='3'/><c k='2' n=''/> <a/>").await;
    document.put("root/*[4][@k='2']", "<a k='2'/>", 201).await;
    document.root_holds("<b/> <c k='3'/><c k='2' n=''/><a k='2'/> <a/>").await;
    document.node("PUT", "root/b/@k").attribute("it's \"x\"").is(201).await;
    assert_eq!(
        document.get("root/b/@k").await.map(|value| value.replace("&quot;", "\"")),
        Some("it's \"x\"".to_owned())
    );
}

async fn x12_into_what_is_empty(world: Arc<World>) {
    let document = world.document("<list/> <list n=\"2\" /> <list n=\"3\"></list>").await;
    document.put("root/list[1]/e", "<e/>", 201).await;
    document.put("root/list[2]/e[1][@k='1']", "<e k='1'/>", 201).await;
    document.put("root/list[3]/*", "<e/>", 201).await;
    let content = document.state().await.0;
    let list = |n: usize| format!("root/list[{n}]/e");
    for n in 1..=3 {
        assert!(document.get(&list(n)).await.is_some(), "{content}");
    }
    assert!(content.contains("<list><e/></list> <list n=\"2\""), "{content}");
    assert!(content.ends_with("<list n=\"3\"><e/></list></root>"), "{content}");
    document.put("root/list[1]/e/f", "<f/>", 201).await;
    document.put("root/list[1]/e/f/@k", "<f/>", 415).await;
    document.node("PUT", "root/list[1]/e/f/@k").attribute("1").is(201).await;
    assert_eq!(document.get("root/list[1]").await.as_deref(), Some("<list><e><f k=\"1\"/></e></list>"));

    // The same in a document that a schema guards.
    let path = format!("/{LISTS}/users/{}/index", ROBIN.0);
    let stored = world.store(ROBIN, path, LISTS_TYPE, &lists("<list/>")).await;
    stored.put("resource-lists/list/entry[@uri='tel:+821']", "<entry uri=\"tel:+821\"/>", 201).await;
    stored.holds(&lists("<list><entry uri=\"tel:+821\"/></list>")).await;
}

async fn x12_a_position_too_far(world: Arc<World>) {
    let document = world.document("<a/><b/><a/>").await;
    for (selector, element) in [
        ("root/a[4]", "<a/>"),
        ("root/a[99999999999999999999]", "<a/>"),
        ("root/b[3]", "<b/>"),
        ("root/c[2]", "<c/>"),
        ("root/*[5]", "<a/>"),
        ("root/a[4][@k='1']", "<a k='1'/>"),
        ("root/*[5][@k='1']", "<a k='1'/>"),
        ("root/b/x[2]", "<x/>"),
    ] {
        let call = document.node("PUT", selector).element(element);
        call.conflicts("cannot-insert").await;
    }
    document.root_holds("<a/><b/><a/>").await;
    document.put("root/a[3]", "<a/>", 201).await;
    document.put("root/*[5]", "<c/>", 201).await;
    document.root_holds("<a/><b/><a/><a/><c/>").await;
}

async fn x13_the_selector_must_find_it_again(world: Arc<World>) {
    let content = "<entry name=\"one\"/><entry name=\"two\"/><list k=\"1\"><entry name=\"one\"/></list>";
    let document = world.document(content).await;
    for (selector, element) in [
        // Another value than the predicate says, or none.
        ("root/entry[@name='three']", "<entry name='four'/>"),
        ("root/entry[@name='three']", "<entry/>"),
        ("root/entry[@name='one']", "<entry name='other'/>"),
        ("root/entry[2][@name='two']", "<entry name='one'/>"),
        // Another element, also in another namespace.
        ("root/entry[1]", "<other/>"),
        ("root/entry[@name='one']", "<other name='one'/>"),
        ("root/new", "<other/>"),
        ("root/new", "<new xmlns=\"urn:x\"/>"),
        ("root/list", "<list2 k='1'/>"),
        ("root/*[@k='1']", "<list/>"),
        // Two would match afterwards.
        ("root/list[@k='1']/entry[@name='two']", "<entry name='one'/>"),
        ("root/entry[3]", "<other/>"),
        ("root", "<other/>"),
    ] {
        let call = document.node("PUT", selector).element(element);
        call.conflicts("cannot-insert").await;
    }
    // The attribute that selects the element.
    for selector in
        ["root/entry[@name='one']/@name", "root/entry[2][@name='two']/@name", "root/list[@k='1']/@k"]
    {
        document.node("PUT", selector).attribute("other").conflicts("cannot-insert").await;
    }
    document.root_holds(content).await;
    document.node("PUT", "root/entry[@name='one']/@name").attribute("one").is(200).await;
    document.node("PUT", "root/entry[1]/@name").attribute("other").is(200).await;
    document.put("root/*[1]", "<other/>", 200).await;
}

async fn x14_no_parent(world: Arc<World>) {
    let document = world.document("<a><b k='1'/></a><twice/><twice/>").await;
    for (selector, ancestor) in [
        ("root/a/x/y", "root/a"),
        ("root/x/y/z", "root"),
        ("root/a/b[@k='2']/c", "root/a"),
        ("root/a/b[@k='1']/x/@k", "root/a/b"),
        ("root/a/x/@k", "root/a"),
        ("root/twice/x", "root"),
        ("other/x", ""),
    ] {
        let call = document.node("PUT", selector);
        let call = if selector.contains("/@") { call.attribute("1") } else { call.element("<y/>") };
        let answer = call.conflicts("no-parent").await;
        let report = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a report");
        let found = report.descendants().find(|node| node.tag_name().name() == "ancestor");
        if ancestor.is_empty() {
            continue; // the document itself, or nothing
        }
        let found =
            found.and_then(|node| node.text()).unwrap_or_else(|| panic!("no ancestor: {}", answer.text()));
        // It may be relative to the document (RFC 4825 section 11.1); it can be fetched, and is what the report says.
        let target = match found.split_once("://") {
            Some((_, rest)) => rest[rest.find('/').expect("a path")..].to_owned(),
            None => document.at(found),
        };
        let nearest = world.call(KIM, "GET", target).is(200).await;
        assert_eq!(document.get(ancestor).await.as_deref(), Some(nearest.text()), "{selector}: {found}");
    }
    document.root_holds("<a><b k='1'/></a><twice/><twice/>").await;
    // A prefix at the beginning of a relative URI would be its scheme.
    let call = document.node("PUT", "t:root/t:x/y?xmlns(t=test-app)").element("<y/>");
    let answer = call.conflicts("no-parent").await;
    let report = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a report");
    let found = report.descendants().find(|node| node.tag_name().name() == "ancestor").expect("an ancestor");
    let found = found.text().expect("a URI");
    world.call(KIM, "GET", document.at(found)).is(200).await;
}

async fn x14_no_document(world: Arc<World>) {
    let path = world.free_path();
    for selector in ["root", "root/e", "root/e/@k"] {
        let call = world.call(KIM, "PUT", format!("{path}/~~/{selector}"));
        let call = if selector.contains('@') { call.attribute("1") } else { call.element("<root/>") };
        call.conflicts("no-parent").await;
    }
    // There are no folders below a user.
    let call = world.call(KIM, "PUT", format!("{path}/folder/index")).body(TEST_TYPE, "<root/>");
    let answer = call.is_one_of(&[404, 409]).await;
    assert!(answer.status == 404 || crate::call::condition_of(&answer) == "no-parent");
}

async fn x14_uniqueness(world: Arc<World>) {
    let content = lists("<list name=\"a\"><entry uri=\"tel:+821\"/></list><list name=\"b\"/>");
    let path = format!("/{LISTS}/users/{}/index", crate::people::SAM.0);
    let stored = world.store(crate::people::SAM, path, LISTS_TYPE, &content).await;
    for call in [
        stored.itself("PUT").body(LISTS_TYPE, content.replace("\"b\"", "\"a\"")),
        stored.node("PUT", "resource-lists/list[2]/@name").attribute("a"),
        stored.node("PUT", "resource-lists/list[3]").element("<list name=\"a\"/>"),
        stored.node("PUT", "resource-lists/list[1]/entry[2]").element("<entry uri=\"tel:+821\"/>"),
    ] {
        let answer = call.conflicts("uniqueness-failure").await;
        let report = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a report");
        let exists: Vec<_> = report.descendants().filter(|node| node.tag_name().name() == "exists").collect();
        assert!(!exists.is_empty(), "{}", answer.text());
        for field in exists {
            assert!(field.attribute("field").is_some_and(|field| !field.is_empty()), "{}", answer.text());
        }
    }
    stored.holds(&content).await;
}
