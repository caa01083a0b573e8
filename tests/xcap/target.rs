//! X1 to X5: request targets.

use std::sync::Arc;

use crate::check::checks;
use crate::documents::{TEST_APP, TEST_NAMESPACE, TEST_TYPE};
use crate::people::KIM;
use crate::world::World;

checks! {
    "X1" Everywhere x1_a_plus_is_a_plus;
    "X1" Everywhere x1_either_case_of_hex_digits;
    "X1" Everywhere x1_either_quote_raw_or_encoded;
    "X2" Everywhere x2_the_first_separator_splits;
    "X2" Everywhere x2_values_hold_anything;
    "X3" Everywhere x3_prefixes_come_with_the_query;
    "X3" Everywhere x3_an_unbound_prefix_is_a_bad_request;
    "X3" Everywhere x3_default_namespace_for_elements_only;
    "X4" Everywhere x4_values_are_attribute_values;
    "X4" Everywhere x4_declarations_are_no_attributes;
    "X4" Everywhere x4_what_the_grammar_lacks_is_not_found;
    "X5" Everywhere x5_what_nobody_serves_is_not_found;
    "X5" Everywhere x5_what_is_no_path_is_a_bad_request;
}

async fn x1_a_plus_is_a_plus(world: Arc<World>) {
    let document = world.document("<e uri=\"tel:+8210\" n=\"1\"/><e uri=\"tel: 8210\" n=\"2\"/>").await;
    for spelling in ["tel:+8210", "tel:%2B8210", "tel%3A%2b8210"] {
        let found = document.get(&format!("root/e[@uri=\"{spelling}\"]/@n")).await;
        assert_eq!(found.as_deref(), Some("1"), "{spelling}");
    }
    assert_eq!(document.get("root/e[@uri=\"tel:%208210\"]/@n").await.as_deref(), Some("2"));
    let spelled = document.path.replace("tel:+", "tel:%2B");
    world.call(KIM, "GET", spelled).is(200).await;
    // What is put under a name with a plus is there under that name.
    document.put("root/e[@uri=\"tel:+8299\"]", "<e uri=\"tel:+8299\"/>", 201).await;
    document.put("root/e[@uri=\"tel:+8298\"]", "<e uri=\"tel: 8298\"/>", 409).await;
    assert!(document.get("root/e[@uri=\"tel:%2b8299\"]").await.is_some());
    assert!(document.get("root/e[@uri=\"tel:%208299\"]").await.is_none());
}

async fn x1_either_case_of_hex_digits(world: Arc<World>) {
    let document = world.document("<e k=\"j/k\" n=\"1\"/>").await;
    for selector in [
        "root/e%5b@k=%22j%2fk%22%5d/@n",
        "root/e%5B@k=%22j%2Fk%22%5D/@n",
        "%72oot/e%5B%40k%3d%22j%2fk%22%5d/%40n",
    ] {
        assert_eq!(document.get(selector).await.as_deref(), Some("1"), "{selector}");
    }
    let (_, tag) = document.state().await;
    for user in ["tel%3A%2B82571009970", "tel%3a%2b82571009970", "tel:+82571009970"] {
        let path = document.path.replace(KIM.0, user);
        let answer = world.call(KIM, "GET", path).is(200).await;
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    // Stored under one spelling, replaced under the other.
    let path = world.free_path();
    let body = format!("<root xmlns=\"{TEST_NAMESPACE}\"/>");
    world.call(KIM, "PUT", path.replace("tel:+", "tel%3a%2B")).body(TEST_TYPE, body.clone()).is(201).await;
    world.call(KIM, "PUT", path.replace("tel:+", "tel%3A%2b")).body(TEST_TYPE, body).is(200).await;
}

async fn x1_either_quote_raw_or_encoded(world: Arc<World>) {
    let document =
        world.document("<e k=\"it's\" n=\"1\"/><e k='say \"x\"' n=\"2\"/><e k=\"plain\" n=\"3\"/>").await;
    for (selector, want) in [
        ("root/e[@k=\"plain\"]/@n", "3"),
        ("root/e[@k='plain']/@n", "3"),
        ("root/e%5b@k=%22plain%22%5d/@n", "3"),
        ("root/e%5b@k=%27plain%27%5d/@n", "3"),
        ("root/e[@k=%22plain\"]/@n", "3"),
        ("root/e[@k=\"it's\"]/@n", "1"),
        ("root/e[@k='say%20\"x\"']/@n", "2"),
        ("root/e[@k=%27say%20%22x%22%27]/@n", "2"),
    ] {
        assert_eq!(document.get(selector).await.as_deref(), Some(want), "{selector}");
    }
    document.put("root/e['new']", "<e/>", 404).await;
    document.put("root/e[@k='new']", "<e k='new'/>", 201).await;
    document.put("root/e%5B@k=%27new%27%5D", "<e k='new' n='4'/>", 200).await;
    document.node("DELETE", "root/e[@k=\"new\"]").is(200).await;
}

async fn x2_the_first_separator_splits(world: Arc<World>) {
    let document = world.document("<e k=\"a~~b\" n=\"1\"/><e k=\"/~~/\" n=\"2\"/>").await;
    assert_eq!(document.get("root/e[@k=\"a~~b\"]/@n").await.as_deref(), Some("1"));
    assert_eq!(document.get("root/e[@k=\"a%7E%7eb\"]/@n").await.as_deref(), Some("1"));
    assert_eq!(document.get("root/e[@k=\"%2f~~%2F\"]/@n").await.as_deref(), Some("2"));
    // "URIs containing %7E%7E … are equivalent" (RFC 4825 section 6). What is more than the separator is part of a name.
    for separator in ["%7E%7E", "%7e%7e", "~%7E", "%7e~"] {
        let target = format!("{}/{separator}/root/e[@k=\"/~~/\"]/@n", document.path);
        assert_eq!(world.call(KIM, "GET", target).is(200).await.text(), "2", "{separator}");
    }
    for name in ["/~~~/root", "/~/~/root", "/%257E~/root", "%2f~~/root", "/~~%2froot"] {
        world.call(KIM, "GET", format!("{}{name}", document.path)).is(404).await;
    }
    // A slash that is encoded does not end a segment of the document selector either.
    world.call(KIM, "GET", document.path.replace("/d", "%2fd")).is(404).await;
}

async fn x2_values_hold_anything(world: Arc<World>) {
    let values = [
        ("a~~b", "a~~b"),
        ("a/b", "a%2fb"),
        ("c/d/~~/e", "c/d/~~/e"),
        ("a%b", "a%25b"),
        ("a%25b", "a%2525b"),
        ("a]b[c", "a%5db%5Bc"),
        ("a@b='c'", "a@b='c'"),
        ("a?b#c", "a%3fb%23c"),
        ("a;b,c:d", "a;b,c:d"),
        ("불 🔥", "%eb%B6%88%20%F0%9f%94%a5"),
        (
            "http://h/resource-lists/users/u/index/~~/resource-lists/list%5B@name=%22rcs%22%5D",
            "http:%2F%2Fh%2fresource-lists%2fusers%2fu%2findex%2f~~%2fresource-lists%2flist%255B@name=%2522rcs%2522%255D",
        ),
    ];
    let document = world.document("").await;
    for (number, (value, spelled)) in values.iter().enumerate() {
        let selector = format!("root/e[@k=\"{spelled}\"]");
        document.put(&selector, &format!("<e k=\"{value}\" n=\"{number}\"/>"), 201).await;
        assert_eq!(document.get(&format!("{selector}/@n")).await, Some(number.to_string()), "{value}");
    }
    let (content, _) = document.state().await;
    for (number, (value, spelled)) in values.iter().enumerate() {
        assert!(content.contains(&format!("<e k=\"{value}\" n=\"{number}\"/>")), "{content}");
        document.node("DELETE", &format!("root/e[@k=\"{spelled}\"]")).is(200).await;
    }
    document.root_holds("").await;
}

async fn x3_prefixes_come_with_the_query(world: Arc<World>) {
    // The example of RFC 4825 section 6.4.
    let document = world
        .whole(&format!(
            "<foo xmlns=\"{TEST_NAMESPACE}\"><ns1:bar xmlns:ns1=\"urn:test:1\" xmlns=\"urn:test:1\"><baz n=\"1\"/>\
             <ns2:baz xmlns:ns2=\"urn:test:2\" n=\"2\"/></ns1:bar></foo>"
        ))
        .await;
    let first = [
        "foo/a:bar/b:baz/@n?xmlns(a=urn:test:1)xmlns(b=urn:test:1)",
        "foo/a:bar/a:baz/@n?xmlns(a=urn:test:1)",
    ];
    let second =
        format!("d:foo/a:bar/b:baz/@n?xmlns(a=urn:test:1)xmlns(b=urn:test:2)xmlns(d={TEST_NAMESPACE})");
    let second = [
        "foo/a:bar/b:baz/@n?xmlns(a=urn:test:1)xmlns(b=urn:test:2)",
        "foo/a:bar/b:baz/@n?xmlns(a=urn:test:1)%20xmlns(b=urn:test:2)",
        "foo/a:bar/b:baz/@n?%78%6d%6c%6e%73%28%61%3D%75%72%6e%3a%74%65%73%74%3A%31%29xmlns%28b%3durn%3Atest%3a2%29",
        "foo/a:bar/b:baz/@n?xpointer(id(%22x%22))xmlns(a=urn:test:1)element(/1/2)xmlns(b=urn:test:2)",
        "foo/*[1]/*[2]/@n",
        &second,
    ];
    for (selectors, want) in [(&first[..], "1"), (&second[..], "2")] {
        for selector in selectors {
            assert_eq!(document.get(selector).await.as_deref(), Some(want), "{selector}");
        }
    }
    // Edits take them, too.
    let query = "?xmlns(a=urn:test:1)xmlns(b=urn:test:2)";
    document.put(&format!("foo/a:bar/b:new{query}"), "<new xmlns=\"urn:test:2\"/>", 201).await;
    document.put(&format!("foo/a:bar/b:new{query}"), "<new xmlns=\"urn:test:1\"/>", 409).await;
    document.node("PUT", &format!("foo/a:bar/b:new/@n{query}")).attribute("3").is(201).await;
    document.node("DELETE", &format!("foo/a:bar/b:new{query}")).is(200).await;
    assert_eq!(document.get(&format!("foo/a:bar/b:new{query}")).await, None);
}

async fn x3_an_unbound_prefix_is_a_bad_request(world: Arc<World>) {
    let document = world.document("<e n=\"1\"/>").await;
    for selector in [
        "root/a:e",
        "a:root/e",
        "root/e/@a:n",
        "root/e[@a:n=\"1\"]",
        "root/a:e?xmlns(b=urn:test)",
        "root/a:e?xpointer(a)",
    ] {
        document.stays(&document.node("GET", selector), |status| status == 400).await;
        document.stays(&document.node("DELETE", selector), |status| status == 400).await;
        let element = document.node("PUT", selector).element("<e xmlns=\"urn:test\"/>");
        let attribute = document.node("PUT", selector).attribute("2");
        let put = if selector.contains("/@") { attribute } else { element };
        document.stays(&put, |status| status == 400).await;
    }
    let document = world.document("<e xml:lang=\"ko\" xml:space=\"preserve\"/>").await;
    assert_eq!(document.get("root/e/@xml:lang").await.as_deref(), Some("ko"));
    assert_eq!(document.get("root/e[@xml:lang='ko']/@xml:space").await.as_deref(), Some("preserve"));
    document.node("PUT", "root/e/@xml:lang").attribute("en").is(200).await;
}

async fn x3_default_namespace_for_elements_only(world: Arc<World>) {
    let document = world
        .whole(&format!(
            "<t:root xmlns:t=\"{TEST_NAMESPACE}\"><e n=\"none\"/><t:e n=\"default\" t:n=\"other\"/>\
             <x:e xmlns:x=\"urn:x\" n=\"x\"/></t:root>"
        ))
        .await;
    assert_eq!(document.get("root/e/@n").await.as_deref(), Some("default"));
    let bound = format!("root/e/@t:n?xmlns(t={TEST_NAMESPACE})");
    assert_eq!(document.get(&bound).await.as_deref(), Some("other"));
    assert_eq!(document.get("root/e[@n='other']").await, None);
    assert_eq!(document.get("root/e[@n='default']/@n").await.as_deref(), Some("default"));
    assert_eq!(document.get("root/x:e/@n?xmlns(x=urn:x)").await.as_deref(), Some("x"));
}

async fn x4_values_are_attribute_values(world: Arc<World>) {
    let document =
        world.document("<e k=\"a&amp;b\" n=\"1\"/><e k=\"a&lt;b\" n=\"2\"/><e k='\"' n=\"3\"/>").await;
    for (selector, want) in [
        ("root/e[@k=\"a&amp;b\"]/@n", Some("1")),
        ("root/e[@k='a%26amp;b']/@n", Some("1")),
        ("root/e[@k=\"a&%2338;b\"]/@n", Some("1")),
        ("root/e[@k=\"a&%23x26;b\"]/@n", Some("1")),
        ("root/e[@k=\"a&lt;b\"]/@n", Some("2")),
        ("root/e[@k=\"&quot;\"]/@n", Some("3")),
        // No values of attributes.
        ("root/e[@k=\"a&b\"]/@n", None),
        ("root/e[@k=\"a%3Cb\"]/@n", None),
        ("root/e[@k=\"a&nothing;b\"]/@n", None),
    ] {
        assert_eq!(document.get(selector).await.as_deref(), want, "{selector}");
    }
    document.put("root/e[@k='x&amp;y']", "<e k='x&#38;y'/>", 201).await;
    document.put("root/e[@k='x&amp;y']", "<e k='x&amp;amp;y'/>", 409).await;
    // Every character that a document may hold, and white space as values of attributes have it.
    let document = world.document("<e k=\"a\u{85}\u{7f}b\"/><e k=\" \t1\r\n2&#9;\" n=\"2\"/>").await;
    assert!(document.get("root/e[@k='a%C2%85%7Fb']").await.is_some());
    for value in ["%20%201%202&%239;", "%09%091%0D%0A2&%23x9;", "%20%201%0A2&%2309;"] {
        assert_eq!(document.get(&format!("root/e[@k='{value}']/@n")).await.as_deref(), Some("2"), "{value}");
    }
    assert_eq!(document.get("root/e[@k='%20%201%202%09']").await, None);
}

async fn x4_declarations_are_no_attributes(world: Arc<World>) {
    let document = world.document("<e xmlns:p=\"urn:p\" k=\"1\"/>").await;
    let bound = "?xmlns(xmlns=http://www.w3.org/2000/xmlns/)";
    for selector in [
        format!("root[@xmlns='{TEST_NAMESPACE}']"),
        format!("root/e[@xmlns:p='urn:p']{bound}"),
        format!("root/e/@xmlns:p{bound}"),
        "root/@xmlns".to_owned(),
    ] {
        document.stays(&document.node("GET", &selector), |status| status == 404).await;
        document.stays(&document.node("DELETE", &selector), |status| status == 404).await;
        let put = document.node("PUT", &selector);
        let put = if selector.contains("/@") { put.attribute("urn:p") } else { put.element("<e/>") };
        put.conflicts("cannot-insert").await;
    }
    assert!(document.get("root/e[@k='1']").await.is_some());
}

async fn x4_what_the_grammar_lacks_is_not_found(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/><e k=\"2\"/><external>text</external>").await;
    for selector in [
        "root/e[last()]",
        "root/e[-1]",
        "root/external[]",
        "root/e[1.0]",
        "root/e[+1]",
        "root/e[position()=1]",
        "root/e[@k]",
        "root/e[@k=1]",
        "root/e[@k=\"1]",
        "root/e[@k=\"1\"",
        "root/e@k=\"1\"]",
        "root/e[k=\"1\"]",
        "root/e[@k=\"1\"][1]",
        "root/e[1][2]",
        "root/e[@k!=\"1\"]",
        "root/e[@k=\"1\" or @k=\"2\"]",
        "root//e[1]",
        "root/external/text()",
        "root/external/..",
        "./root/external",
        "//external",
        "root/external/",
        "/root/external",
        "root/child::external",
        "root/exter nal",
        "root/external|root/e[1]",
        "root/e[1]/@*",
        "root/@k/e",
        "root/e[1]/@",
        "root/namespace::e",
        "root/1",
        // No selector at all, so nobody asks what its prefixes stand for (RFC 4825 section 8).
        "a:root/e[last()]",
        "root/e[last()]/@a:k",
        "root/a:e[foo]",
        "",
    ] {
        document.stays(&document.node("GET", selector), |status| status == 404).await;
        document.stays(&document.node("DELETE", selector), |status| status == 404).await;
        document.stays(&document.node("PUT", selector).element("<e k=\"1\"/>"), |status| status == 404).await;
    }
}

async fn x5_what_nobody_serves_is_not_found(world: Arc<World>) {
    let body = format!("<root xmlns=\"{TEST_NAMESPACE}\"/>");
    for target in [
        format!("/org.example.nothing/users/{}/index", KIM.0),
        format!("/org.example.nothing/users/{}/index/~~/root", KIM.0),
        format!("/{}/users/{}/index", TEST_APP.to_uppercase(), KIM.0),
        format!("/{TEST_APP}/nobody/{}/index", KIM.0),
        format!("/{TEST_APP}/Users/{}/index", KIM.0),
        format!("/{TEST_APP}"),
        format!("/{TEST_APP}/users"),
        "/".to_owned(),
    ] {
        world.call(KIM, "GET", target.clone()).is(404).await;
        world.call(KIM, "HEAD", target.clone()).is(404).await;
        world.call(KIM, "PUT", target.clone()).body(TEST_TYPE, body.clone()).is(404).await;
        world.call(KIM, "DELETE", target).is(404).await;
    }
}

async fn x5_what_is_no_path_is_a_bad_request(world: Arc<World>) {
    let own = format!("/{TEST_APP}/users/{}", KIM.0);
    let long = "x".repeat(200_000);
    let body = format!("<root xmlns=\"{TEST_NAMESPACE}\"/>");
    for (end, want) in [
        ("%00", 400),
        ("a%00b", 400),
        ("a/~~/root%00", 400),
        ("%zz", 400),
        ("%", 400),
        ("%4", 400),
        ("a/~~/root[@k=%22%zz%22]", 400),
        ("a/~~/root?xmlns(a=%zz)", 400),
        // Octets that are no UTF-8: a slash in two octets, half a letter, a surrogate.
        ("%c0%af", 400),
        ("%eb%b6", 400),
        ("%ed%a0%80", 400),
        ("..%2fx", 404),
        ("..%2F..%2f..%2fetc%2fpasswd", 404),
        ("../x", 404),
        ("./x", 404),
        ("a//b", 404),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let call = world.call(KIM, method, format!("{own}/{end}"));
            let call = if method == "PUT" { call.body(TEST_TYPE, body.clone()) } else { call };
            call.is(want).await;
        }
    }
    // Longer than any name, in each place of one.
    for length in [300, 9_000] {
        let name = &long[..length];
        for target in [format!("{own}/{name}"), format!("/{TEST_APP}/users/tel:{name}/index")] {
            world.call(KIM, "GET", target.clone()).is(400).await;
            world.call(KIM, "PUT", target).body(TEST_TYPE, body.clone()).is(400).await;
        }
    }
    // Longer than any request: refused, and never an error of the server.
    let answer = world.call(KIM, "GET", format!("{own}/{long}")).send().await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
}
