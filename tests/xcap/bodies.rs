//! X15 to X18: what bodies may hold, what refusals and edits leave alone, and DELETE.

use std::sync::Arc;

use crate::call::{Call, tag};
use crate::check::checks;
use crate::documents::{LISTS, LISTS_TYPE, TEST_NAMESPACE, TEST_TYPE, lists};
use crate::people::{DANA, KIM};
use crate::world::World;

checks! {
    "X15" Everywhere x15_one_element_and_nothing_else;
    "X15" Everywhere x15_prefixes_of_the_document;
    "X15" Everywhere x15_unknown_namespaces_are_kept;
    "X16" Everywhere x16_utf8_only;
    "X16" Everywhere x16_values_of_attributes;
    "X16" Everywhere x16_no_document_types;
    "X17" Everywhere x17_refusals_change_nothing;
    "X17" Everywhere x17_edits_keep_every_other_octet;
    "X18" Everywhere x18_the_tag_of_what_is_left;
    "X18" Everywhere x18_gone_after_delete;
    "X18" Everywhere x18_what_must_stay;
}

async fn x15_one_element_and_nothing_else(world: Arc<World>) {
    let document = world.document("<e/>").await;
    for body in [
        "",
        " ",
        "text",
        "&amp;",
        "<!-- comment -->",
        "<?x y?>",
        "<![CDATA[<e/>]]>",
        "<e/><e/>",
        "<e/><f/>",
        "<e>",
        "</e>",
        "<e></f>",
        "<e><f></e></f>",
        "<e a=\"1\" a=\"2\"/>",
        "<e a=1/>",
        "<e a='<'/>",
        "<e>&nothing;</e>",
        "<e>&</e>",
        "<e><![CDATA[</e>",
        "<e/></root><root>",
        "</e><e>",
        "<e/>text",
        "text<e/>",
    ] {
        for selector in ["root/e", "root/new", "root"] {
            document.node("PUT", selector).element(body).conflicts("not-xml-frag").await;
        }
    }
    document.root_holds("<e/>").await;
}

async fn x15_prefixes_of_the_document(world: Arc<World>) {
    let content = format!(
        "<root xmlns=\"{TEST_NAMESPACE}\" xmlns:p=\"urn:p\"><a xmlns:q=\"urn:q\"><e/></a><b/></root>"
    );
    let document = world.whole(&content).await;
    let element = "<p:e p:k=\"1\"><q:f/></p:e>";
    let bound = "root/a/p:e?xmlns(p=urn:p)";
    document.put(bound, element, 201).await;
    assert_eq!(document.get(bound).await.as_deref(), Some(element));
    document.node("PUT", "root/a/p:e/@p:k?xmlns(p=urn:p)").attribute("2").is(200).await;
    // The prefix in the request is not the one in the document.
    document.put("root/a/x:e[@x:k='3']?xmlns(x=urn:p)", "<p:e p:k=\"3\"/>", 201).await;
    for (selector, element) in [
        ("root/b/p:e?xmlns(p=urn:p)", "<p:e><q:f/></p:e>"),
        ("root/b/q:e?xmlns(q=urn:q)", "<q:e/>"),
        ("root/b/e", "<e nowhere:k=\"1\"/>"),
        ("root/b/e", "<e><nowhere:f/></e>"),
        ("root/b", "<nowhere:b/>"),
    ] {
        document.stays(&document.node("PUT", selector).element(element), |status| status == 409).await;
    }
    // An attribute cannot get a prefix that nothing binds.
    let call = document.node("PUT", "root/b/@z:k?xmlns(z=urn:z)").attribute("1");
    document.stays(&call, |status| status == 409).await;
}

async fn x15_unknown_namespaces_are_kept(world: Arc<World>) {
    let path = format!("/{LISTS}/users/{}/index", DANA.0);
    let content = lists("<list name=\"a\"><entry uri=\"tel:+821\"/></list>");
    let stored = world.store(DANA, path, LISTS_TYPE, &content).await;
    let unknown = "<x:new xmlns:x=\"urn:example:unknown\" k=\"1\"><x:deep>가</x:deep></x:new>";
    let entry = format!(
        "<entry uri=\"tel:+821\" y:k=\"1\" xmlns:y=\"urn:example:other\"><display-name>A</display-name>{unknown}</entry>"
    );
    stored.put("resource-lists/list/entry[1]", &entry, 200).await;
    stored.put("resource-lists/list/entry/x:more?xmlns(x=urn:x)", "<more xmlns=\"urn:x\"/>", 201).await;
    let content = stored.state().await.0;
    assert!(content.contains(&entry.replace("</entry>", "<more xmlns=\"urn:x\"/></entry>")), "{content}");
    stored.replace(&content).await;
    stored.holds(&content).await;
    // Where nothing may be added, nothing is.
    let call = stored.node("PUT", "resource-lists/x:new?xmlns(x=urn:x)").element("<new xmlns=\"urn:x\"/>");
    call.conflicts("schema-validation-error").await;
}

async fn x16_utf8_only(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    let whole = |body: Vec<u8>| document.itself("PUT").body(TEST_TYPE, body);
    let utf16 = |text: &str| {
        let mut octets = vec![0xff, 0xfe];
        octets.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        octets
    };
    let said = |encoding: &str| {
        let text =
            format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?><root xmlns=\"{TEST_NAMESPACE}\"/>");
        text.into_bytes()
    };
    let latin = b"<root>caf\xe9</root>".to_vec();
    for body in [
        utf16("<?xml version=\"1.0\" encoding=\"UTF-16\"?><root/>"),
        utf16("<root/>"),
        said("ISO-8859-1"),
        said("UTF-16"),
        said("windows-1252"),
        latin.clone(),
        b"<root>\xc0\xaf</root>".to_vec(),
        b"<root>\xed\xa0\x80</root>".to_vec(),
        b"<root>\xf5\x80\x80\x80</root>".to_vec(),
    ] {
        whole(body).conflicts("not-utf-8").await;
    }
    for selector in ["root/e", "root/new"] {
        document.node("PUT", selector).element(b"<e>caf\xe9</e>".to_vec()).conflicts("not-utf-8").await;
        document.node("PUT", selector).element(utf16("<e/>")).conflicts("not-utf-8").await;
    }
    for selector in ["root/e/@k", "root/e/@new"] {
        document.node("PUT", selector).attribute(b"caf\xe9".to_vec()).conflicts("not-utf-8").await;
    }
    document.root_holds("<e k=\"1\"/>").await;
    // Whoever reads what is declared as US-ASCII stumbles over anything else in it.
    let ascii = |content: &str| {
        format!("<?xml version='1.0' encoding='US-ASCII'?><root xmlns='{TEST_NAMESPACE}'>{content}</root>")
    };
    whole(ascii("가").into_bytes()).conflicts("not-utf-8").await;
    whole(ascii("<e k='1'/>").into_bytes()).is(200).await;
    document.node("PUT", "root/e").element("<e>가</e>").conflicts("not-utf-8").await;
    document.node("PUT", "root/e/@k").attribute("가").conflicts("not-utf-8").await;
    document.put("root/e", "<e>&#xAC00;</e>", 200).await;
    whole(said("utf-8")).is(200).await;
    whole(said("UTF-8")).is(200).await;
}

async fn x16_values_of_attributes(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>").await;
    for body in ["a<b", "a&b", "&nothing;", "&#0;", "&#xd800;", "&", "a\u{1}b", "&lt", "&#x;"] {
        for selector in ["root/e/@k", "root/e/@new"] {
            document.node("PUT", selector).attribute(body).conflicts("not-xml-att-value").await;
        }
    }
    document.root_holds("<e k=\"1\"/>").await;
    for body in ["", "a&amp;b", "&#x41;", "a>b", "한🔥", "a b", "&quot;"] {
        document.node("PUT", "root/e/@k").attribute(body).is(200).await;
        assert_eq!(document.get("root/e/@k").await.as_deref(), Some(body));
    }
}

async fn x16_no_document_types(world: Arc<World>) {
    let document = world.document("<e/>").await;
    let root = format!("<root xmlns=\"{TEST_NAMESPACE}\">");
    for start in [
        "<!DOCTYPE root>",
        "<!DOCTYPE root [<!ENTITY e \"text\">]>",
        "<!DOCTYPE root [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
        "<?xml version=\"1.0\"?>\n<!-- c -->\n<!DOCTYPE root SYSTEM \"http://127.0.0.1:1/x.dtd\">",
        "<!DOCTYPE root [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY e \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>",
    ] {
        let body = format!("{start}{root}&e;</root>");
        let call = document.itself("PUT").body(TEST_TYPE, body.clone());
        let answer = call.conflicts("constraint-failure").await;
        assert!(!answer.text().contains("root:") && !answer.text().contains("aaaa"), "{}", answer.text());
        world.call(KIM, "PUT", world.free_path()).body(TEST_TYPE, body).conflicts("constraint-failure").await;
    }
    let call = document.node("PUT", "root/e").element("<!DOCTYPE e [<!ENTITY e \"text\">]><e>&e;</e>");
    document.stays(&call, |status| status == 409).await;
    document.root_holds("<e/>").await;
}

async fn x17_refusals_change_nothing(world: Arc<World>) {
    let path = format!("/{LISTS}/users/{}/index", crate::people::CHIEF.0);
    let content = lists("\n <list name=\"a\"><entry uri=\"tel:+821\"/></list><!-- 끝 -->\n");
    let stored = world.store(crate::people::CHIEF, path, LISTS_TYPE, &content).await;
    let whole = |body: &str| stored.itself("PUT").body(LISTS_TYPE, body.to_owned());
    let element = |selector: &str, body: &str| stored.node("PUT", selector).element(body.to_owned());
    let calls: Vec<(Call<'_>, u16)> = vec![
        (whole("<resource-lists"), 409),
        (whole("<other/>"), 409),
        (whole(&lists("<list><entry/></list>")), 409),
        (whole(&content).with("If-Match", "\"x\""), 412),
        (whole(&content).with("If-None-Match", "*"), 412),
        (stored.itself("PUT").body("text/plain", content.clone()), 415),
        (stored.itself("PUT").body(LISTS_TYPE, vec![b' '; 3 << 20]), 413),
        (stored.itself("POST").body(LISTS_TYPE, content.clone()), 405),
        (stored.node("POST", "resource-lists/list").element("<list/>"), 405),
        (stored.itself("PATCH").body(LISTS_TYPE, content.clone()), 405),
        (stored.node("OPTIONS", "resource-lists/list/@name"), 405),
        (element("resource-lists/list[1]", "<list><entry/></list>"), 409),
        (element("resource-lists/list[1]", "<other/>"), 409),
        (element("resource-lists/list[7]", "<list/>"), 409),
        (element("resource-lists/x/y", "<y/>"), 409),
        (element("resource-lists/list[last()]", "<list/>"), 404),
        (element("resource-lists/p:list", "<list/>"), 400),
        (stored.node("PUT", "resource-lists/list/@name").attribute("<"), 409),
        (stored.node("DELETE", "resource-lists/list/entry/@uri"), 409),
        (stored.node("DELETE", "resource-lists/list/entry[2]"), 404),
        (stored.node("DELETE", "resource-lists"), 409),
        (stored.itself("DELETE").with("If-Match", "\"x\""), 412),
        (world.anonymous("DELETE", stored.path.clone()), 401),
        (world.call(KIM, "DELETE", stored.path.clone()), 403),
        (world.call(KIM, "PUT", stored.path.clone()).body(LISTS_TYPE, content.clone()), 403),
    ];
    for (call, status) in calls {
        stored.stays(&call, |found| found == status).await;
    }
    stored.holds(&content).await;
}

async fn x17_edits_keep_every_other_octet(world: Arc<World>) {
    let content = format!(
        "<?xml version='1.0' encoding='utf-8' standalone=\"yes\"?>\r\n<?style none?>\n<!-- 머리말 🚒 -->\n\
         <root  xmlns = '{TEST_NAMESPACE}'\txmlns:p=\"urn:p\" >\r\n\t<![CDATA[ <not> & markup ]]>\n <a  k='&#x31;' />가나다 🔥\n \
         <b></b  ><p:c p:k = \"&quot;'\"/><!--<a/>--><?a <b/>?>&#xD;&lt;&#128293;\n <a k=\"2\"\n/></root >\n<!-- 꼬리말 -->\n"
    );
    let document = world.whole(&content).await;
    document.holds(&content).await;
    let mut expected = content.clone();
    // Each edit changes what it names and nothing beside it.
    document.put("root/b", "<b>\u{1F692} 소방</b>", 200).await;
    expected = expected.replace("<b></b  >", "<b>\u{1F692} 소방</b>");
    document.holds(&expected).await;
    document.node("PUT", "root/p:c/@p:k?xmlns(p=urn:p)").attribute("x").is(200).await;
    expected = expected.replace("p:k = \"&quot;'\"", "p:k = \"x\"");
    document.holds(&expected).await;
    document.put("root/a[@k='3']", "<a k='3'/>", 201).await;
    expected = expected.replace("<a k=\"2\"\n/>", "<a k=\"2\"\n/><a k='3'/>");
    document.holds(&expected).await;
    document.node("DELETE", "root/a[@k='1']").is(200).await;
    expected = expected.replace("<a  k='&#x31;' />", "");
    document.holds(&expected).await;
    document.node("DELETE", "root/p:c?xmlns(p=urn:p)").is(200).await;
    expected = expected.replace("<p:c p:k = \"x\"/>", "");
    document.holds(&expected).await;
    document.node("DELETE", "root/a[@k='3']").is(200).await;
    expected = expected.replace("<a k='3'/>", "");
    document.holds(&expected).await;
    // Declarations stay as they were put, needless ones and such that mean something else inside (RFC 4825 8.2.3).
    let declares =
        format!("<a xmlns='{TEST_NAMESPACE}' xmlns:p=\"urn:x\"><p:a xmlns='' xmlns:p='urn:p'/></a>");
    document.put("root/a[1]", &declares, 200).await;
    document.holds(&expected.replace("<a k=\"2\"\n/>", &declares)).await;
    document.put("root/a[1]", "<a k=\"2\"\n/>", 200).await;
    document.holds(&expected).await;
    document.node("PUT", "root/@new").attribute("n").is(201).await;
    let (with_new, _) = document.state().await;
    assert_eq!(with_new.replacen(" new=\"n\"", "", 1).replacen(" new='n'", "", 1), expected, "{with_new}");
    document.node("DELETE", "root/@new").is(200).await;
    document.holds(&expected).await;
}

async fn x18_the_tag_of_what_is_left(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/> <f/>").await;
    let (_, before) = document.state().await;
    for selector in ["root/e/@k", "root/e", "root/f"] {
        let answer = document.node("DELETE", selector).is(200).await;
        let (_, after) = document.state().await;
        assert_eq!(tag(&answer), after, "{selector}");
        assert_ne!(after, before);
    }
    document.root_holds(" ").await;
    let answer = document.itself("DELETE").is(200).await;
    assert_eq!(answer.header("etag"), None);
}

async fn x18_gone_after_delete(world: Arc<World>) {
    let document = world.document("<e k=\"1\"/>\n<e k=\"2\"/>\n<e k=\"3\"/>").await;
    // Another one would be at its place afterwards.
    for selector in ["root/e[2]", "root/e[1]", "root/*[2]", "root/*[1]"] {
        document.node("DELETE", selector).conflicts("cannot-delete").await;
    }
    document.node("DELETE", "root/e[2][@k='2']").is(200).await;
    document.root_holds("<e k=\"1\"/>\n\n<e k=\"3\"/>").await;
    document.node("DELETE", "root/*[2]").is(200).await;
    document.node("DELETE", "root/e").is(200).await;
    document.root_holds("\n\n").await;
    for selector in ["root/e", "root/e[1]", "root/e[@k='1']", "root/e/@k"] {
        document.node("DELETE", selector).is(404).await;
    }
    let twice = world.document("<e k=\"1\"/><e k=\"1\"/>").await;
    twice.node("DELETE", "root/e").is(404).await;
    twice.node("DELETE", "root/e[@k='1']").is(404).await;
    twice.itself("DELETE").is(200).await;
    twice.itself("GET").is(404).await;
    twice.itself("DELETE").is(404).await;
    twice.node("DELETE", "root/e").is(404).await;
}

async fn x18_what_must_stay(world: Arc<World>) {
    let document = world.document("<e/>").await;
    for selector in ["root", "*", "root[1]"] {
        document.stays(&document.node("DELETE", selector), |status| status == 409).await;
    }
    let path = format!("/{LISTS}/users/{}/index", crate::people::ALEX.0);
    let content = lists("<list name=\"a\"><entry uri=\"tel:+821\"/></list>");
    let stored = world.store(crate::people::ALEX, path, LISTS_TYPE, &content).await;
    for selector in ["resource-lists", "resource-lists/list/entry/@uri"] {
        stored.stays(&stored.node("DELETE", selector), |status| status == 409).await;
    }
    let required = stored.node("DELETE", "resource-lists/list/entry/@uri");
    required.conflicts("schema-validation-error").await;
    stored.node("DELETE", "resource-lists/list/@name").is(200).await;
    stored.node("DELETE", "resource-lists/list/entry").is(200).await;
    stored.holds(&lists("<list></list>")).await;
}
