//! The rules of RFC 4825 8.2 and 8.4, case by case. Laws over random documents are in `tests/laws.rs`.

use csc_xml::{Limits, parse};

use super::*;
use crate::uri::{Node as Part, Roots, Target};

pub(super) fn selector(uri: &str) -> NodeSelector {
    let target = Target::parse(&format!("/a/users/b/c/~~/{uri}"), &Roots::default()).unwrap();
    let Some(Part::Selector(selector)) = target.node else { panic!("{uri}") };
    selector
}

fn put_into(text: &str, uri: &str, body: &[u8]) -> Result<(String, bool), EditError> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
    let (edited, ()) = super::put(&document, &selector(uri), body, "", &Limits::DEFAULT, |_| Ok(()))?;
    Ok((String::from_utf8(edited.content.to_vec()).unwrap(), edited.created))
}

fn created(text: &str, uri: &str, body: &str) -> String {
    let (content, created) =
        put_into(text, uri, body.as_bytes()).unwrap_or_else(|error| panic!("{uri} {body}: {error:?}"));
    assert!(created, "{uri}");
    content
}

fn replaced(text: &str, uri: &str, body: &str) -> String {
    let (content, created) =
        put_into(text, uri, body.as_bytes()).unwrap_or_else(|error| panic!("{uri} {body}: {error:?}"));
    assert!(!created, "{uri}");
    content
}

fn put_refused(text: &str, uri: &str, body: impl AsRef<[u8]>) -> Conflict {
    match put_into(text, uri, body.as_ref()) {
        Err(EditError::Conflict(conflict)) => conflict,
        other => panic!("{uri} {other:?}"),
    }
}

fn deleted(text: &str, uri: &str) -> Result<String, EditError> {
    let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
    let (edited, ()) = super::delete(&document, &selector(uri), "", &Limits::DEFAULT, |_| Ok(()))?;
    assert!(!edited.created);
    Ok(String::from_utf8(edited.content.to_vec()).unwrap())
}

/// The document of RFC 4825 8.2.3.
const ROOT: &str = r#"<?xml version="1.0"?>
<root>
 <el1 att="first"/>
 <el1 att="second"/>
 <!-- comment -->
 <el2 att="first"/>
</root>
"#;

/// [`ROOT`] with `addition` behind the first `place`.
fn root_with(place: &str, addition: &str) -> String {
    ROOT.replacen(place, &format!("{place}{addition}"), 1)
}

#[test]
fn the_examples_of_the_rfc() {
    let third = r#"<el1 att="third"/>"#;
    let behind_second = root_with(r#"<el1 att="second"/>"#, third);
    for uri in [r#"root/el1[@att="third"]"#, r#"root/el1[3][@att="third"]"#, r#"root/*[3][@att="third"]"#] {
        assert_eq!(created(ROOT, uri, third), behind_second, "{uri}");
    }
    let third = r#"<el3 att="first"/>"#;
    assert_eq!(created(ROOT, "root/el3", third), root_with("<el2 att=\"first\"/>\n", third));
    let second = r#"<el2 att="2"/>"#;
    for uri in [r#"root/el2[@att="2"]"#, r#"root/el2[2][@att="2"]"#] {
        assert_eq!(created(ROOT, uri, second), root_with(r#"<el2 att="first"/>"#, second), "{uri}");
    }
    assert_eq!(created(ROOT, r#"root/*[2][@att="2"]"#, second), root_with(r#"<el1 att="first"/>"#, second));
    assert_eq!(created(ROOT, r#"root/el2[1][@att="2"]"#, second), root_with("<!-- comment -->\n ", second));
}

#[test]
fn the_rest_of_the_insertion_points() {
    // "the last element amongst all element siblings", behind comments and text.
    assert_eq!(created("<r><a/><!--c--> t</r>", "r/b", "<b/>"), "<r><a/><!--c--> t<b/></r>");
    assert_eq!(created("<r><a/> t</r>", "r/b[1]", "<b/>"), "<r><a/> t<b/></r>");
    assert_eq!(created("<r> t<?p?></r>", "r/*", "<b/>"), "<r> t<?p?><b/></r>");
    assert_eq!(created("<r> t</r>", "r/*[1]", "<b/>"), "<r> t<b/></r>");
    assert_eq!(created("<r><a/> t</r>", "r/*[@n='1']", "<b n='1'/>"), "<r><a/> t<b n='1'/></r>");
    // "earliest last", also for a wildcard: the name of the new element decides.
    assert_eq!(created("<r><b/> <a/></r>", "r/*[@n='1']", "<b n='1'/>"), "<r><b/><b n='1'/> <a/></r>");
    assert_eq!(
        created("<r><x:b xmlns:x='u'/> <a/></r>", "r/*[@n='1']", "<b n='1'/>"),
        "<r><x:b xmlns:x='u'/> <a/><b n='1'/></r>"
    );
    for (parent, body) in [
        ("<r xmlns='u&amp;&quot;'>", "<b n='1' m=\"'>/\">t</b>"),
        ("<r xmlns:p='w' xmlns='u&amp;&quot;'>", "<p:b xmlns:p='u&#38;\"' n='1' />"),
        ("<r xmlns='w' xmlns:p='u&amp;&quot;'>", "<p:b\nn='1'/>"),
    ] {
        let (first, last) = ("<b xmlns='u&#38;&#34;'/>", " <b xmlns='w'/></r>");
        assert_eq!(
            created(&format!("{parent}{first}{last}"), "*/*[@n='1']", body),
            format!("{parent}{first}{body}{last}"),
        );
    }
    // "just before all existing elements"
    assert_eq!(created("<r> <a/></r>", "r/*[1][@n='1']", "<b n='1'/>"), "<r> <b n='1'/><a/></r>");
    // "n-1 sibling elements before it"
    assert_eq!(created("<r><a/> <b/> <a/></r>", "r/a[3]", "<a/>"), "<r><a/> <b/> <a/><a/></r>");
    assert_eq!(
        created("<r><a/> <b/> <a/></r>", "r/*[3][@n='1']", "<a n='1'/>"),
        "<r><a/> <b/><a n='1'/> <a/></r>"
    );
    for (uri, body) in [
        ("r/a[4]", "<a/>"),
        ("r/a[4][@n='1']", "<a n='1'/>"),
        ("r/*[5]", "<a/>"),
        ("r/b[3]", "<b/>"),
        ("r/c[2]", "<c/>"),
        ("r/a[0]", "<a/>"),
        ("r/a[99999999999999999999]", "<a/>"),
    ] {
        assert_eq!(put_refused("<r><a/> <b/> <a/></r>", uri, body), Conflict::CannotInsert, "{uri}");
    }
    assert_eq!(put_refused("<r/>", "r/*[2]", "<a/>"), Conflict::CannotInsert);
}

#[test]
fn into_an_empty_element() {
    assert_eq!(created("<r><l/></r>", "r/l/e", "<e/>"), "<r><l><e/></l></r>");
    assert_eq!(
        created("<r><x:l xmlns:x='>/' /></r>", "r/*/e", "<e/>"),
        "<r><x:l xmlns:x='>/' ><e/></x:l></r>"
    );
    assert_eq!(created("<r><l></l ></r>", "r/l/e", "<e/>"), "<r><l><e/></l ></r>");
    assert_eq!(created("<목록/>", "목록/항목", "<항목/>"), "<목록><항목/></목록>");
}

#[test]
fn replacement() {
    assert_eq!(replaced("<r> <a/> </r>", "r/a", "<a>t<b/></a>"), "<r> <a>t<b/></a> </r>");
    assert_eq!(replaced("<r> <a/> <a/> </r>", "r/*[2]", "<b/>"), "<r> <a/> <b/> </r>");
    assert_eq!(
        replaced("\u{FEFF}<?p?>\r\n<r/>\r\n<!--c-->", "r", "<r xmlns:x='u'>한글 🚒</r>"),
        "\u{FEFF}<?p?>\r\n<r xmlns:x='u'>한글 🚒</r>\r\n<!--c-->"
    );
    assert_eq!(replaced("<r/>", "*", "<s/>"), "<s/>");
}

#[test]
fn what_the_selector_would_not_find_again() {
    for (text, uri, body) in [
        ("<r/>", "r/a[@n='1']", "<a n='2'/>"),
        ("<r/>", "r/a", "<b/>"),
        ("<r><a/></r>", "r/a[1]", "<b/>"),
        ("<r><a/><a/></r>", "r/a[1]", "<b/>"),
        ("<r><a/><a/></r>", "r/a", "<a/>"),
        ("<r><a n='1'/></r>", "r/a[@n='1']", "<a n='2'/>"),
        ("<r/>", "r", "<s/>"),
        ("<r/>", "s", "<s/>"),
        ("<r/>", "r[@n='1']", "<r n='1'/>"),
        ("<r/>", "r/a", "<a xmlns='u'/>"),
        ("<r n='1'/>", "r[@n='1']/@n", "2"),
    ] {
        assert_eq!(put_refused(text, uri, body), Conflict::CannotInsert, "{text} {uri} {body}");
    }
}

#[test]
fn no_parent() {
    let ancestor = |uri: &str| match put_refused("<r><a n='1'/><a/></r>", uri, "<b/>") {
        Conflict::NoParent { ancestor } => ancestor,
        other => panic!("{uri} {other:?}"),
    };
    assert_eq!(ancestor("s/a"), None);
    assert_eq!(ancestor("r/b/c").as_deref(), Some("r"));
    assert_eq!(ancestor("r/a/c").as_deref(), Some("r"));
    assert_eq!(ancestor("r/a[@n='1']/c/d/@e").as_deref(), Some("r/a%5B@n=%221%22%5D"));
    assert_eq!(ancestor("r/b/@c").as_deref(), Some("r"));
    assert_eq!(ancestor("s/@c"), None);
}

#[test]
fn fragments() {
    let document = "<r xmlns:x='u'><a/><l></l></r>";
    for body in [
        "",
        " ",
        "t",
        "<a/><a/>",
        "t<a/>",
        "<a/>t",
        "<a>",
        "</a>",
        "<a></b>",
        "</l><l>",
        "<a/></l><l>",
        "<a/><!--",
        "<!--c--><a/>",
        "<a/><?p?>",
        "<?xml version='1.0'?><a/>",
        "<a",
        "<a b=1/>",
        "<y:a/>",
        "<a y:b=''/>",
        "<a>&b;</a>",
        "<a b='1' b='2'/>",
        "<![CDATA[<a/>]]>",
        "<a>\u{1}</a>",
        "&lt;a/>",
    ] {
        for uri in ["r/a", "r/l/a", "r/a[5]", "s"] {
            assert_eq!(put_refused(document, uri, body), Conflict::NotXmlFrag, "{uri} {body:?}");
        }
    }
    for body in [&b"<a>\xe9</a>"[..], b"<\0a\0/\0>\0", b"\xff\xfe<\0a\0/\0>\0"] {
        assert_eq!(put_refused(document, "r/a", body), Conflict::NotUtf8);
    }
    let doctype = put_refused(document, "r/a", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>");
    assert!(matches!(doctype, Conflict::ConstraintFailure(_)), "{doctype:?}");
    assert_eq!(
        replaced(document, "r/a", "\u{FEFF}\r\n<a x:b=''/>\n"),
        document.replace("<a/>", "<a x:b=''/>")
    );
    let kept = "<a xmlns:x='u'><!--<--><![CDATA[<]]>\r\n<?p ?><x:b c = \"'\"/></a >";
    assert_eq!(replaced(document, "r/a", kept), document.replace("<a/>", kept));
}

#[test]
fn attributes() {
    assert_eq!(created("<r/>", "r/@a", "1"), "<r a=\"1\"/>");
    assert_eq!(created("<r />", "r/@a", "1"), "<r a=\"1\" />");
    assert_eq!(created("<r b='/'\n>t</r>", "r/@a", ""), "<r b='/' a=\"\"\n>t</r>");
    assert_eq!(replaced("<r b = 'x' c=''/>", "r/@b", "y"), "<r b = 'y' c=''/>");
    assert_eq!(replaced("<r b = 'x' c=''/>", "r/@b", "'"), "<r b = \"'\" c=''/>");
    assert_eq!(replaced("<r b=\"x\"/>", "r/@b", "\"&amp;>&#x1F692;"), "<r b='\"&amp;>&#x1F692;'/>");
    assert_eq!(replaced("<r b='x'/>", "r/@b", "\"sip:a@b\""), "<r b='sip:a@b'/>");
    assert_eq!(replaced("<r b='x'/>", "r/@b", "\"y\"\r\n"), "<r b='y'/>");
    assert_eq!(replaced("<r b='x'/>", "r/@b", "y\n"), "<r b='y\n'/>");
    assert_eq!(replaced("<r b='x'/>", "r/@b", "'"), "<r b=\"'\"/>");
    assert_eq!(created("<r/>", "r/@b", "it's \"x\""), "<r b=\"it's &quot;x&quot;\"/>");
    for body in ["<", "a&b", "&b;", "&#0;", "&#xD800;", "\u{1}", "&amp"] {
        for uri in ["r/@a", "r/@xmlns", "r/@x:a?xmlns(x=none)"] {
            assert_eq!(put_refused("<r/>", uri, body), Conflict::NotXmlAttValue, "{uri} {body:?}");
        }
    }
    assert_eq!(put_refused("<r/>", "r/@a", b"\xff"), Conflict::NotUtf8);
    let bound = "<r xmlns='u' xmlns:p='u' xmlns:q='v'><s q:a='1' xmlns:p='w'/></r>";
    assert_eq!(created(bound, "n:r/@n:a?xmlns(n=u)", "2"), bound.replace("><s", " p:a=\"2\"><s"));
    assert_eq!(replaced(bound, "n:r/n:s/@m:a?xmlns(n=u)xmlns(m=v)", "2"), bound.replace("'1'", "'2'"));
    assert_eq!(created(bound, "n:r/@xml:lang?xmlns(n=u)", "ko"), bound.replace("><s", " xml:lang=\"ko\"><s"));
    for uri in [
        "n:r/n:s/@n:a?xmlns(n=u)", // `p` stands for another namespace there, and a default one is none of attributes
        "n:r/@m:a?xmlns(n=u)xmlns(m=none)",
        "n:r/@xmlns?xmlns(n=u)",
        "n:r/@p:xmlns?xmlns(n=u)xmlns(p=v)",
    ] {
        assert_eq!(put_refused(bound, uri, "v"), Conflict::CannotInsert, "{uri}");
    }
}

#[test]
fn deletion() {
    assert_eq!(deleted("<r> <a>t</a>\n</r>", "r/a").unwrap(), "<r> \n</r>");
    assert_eq!(deleted("<r><a/><b/><a/></r>", "r/a[2]").unwrap(), "<r><a/><b/></r>");
    assert_eq!(deleted("<r><a n='1'/><a n='2'/></r>", "r/*[1][@n='1']").unwrap(), "<r><a n='2'/></r>");
    assert_eq!(deleted("<r a='1'\n\tb='2' />", "r/@b").unwrap(), "<r a='1' />");
    assert_eq!(deleted("<r a='1'/>", "r[@a='1']/@a").unwrap(), "<r/>");
    let cannot = Err(EditError::Conflict(Conflict::CannotDelete));
    assert_eq!(deleted("<r><a/><a/><a/></r>", "r/a[2]"), cannot);
    assert_eq!(deleted("<r><a n='1'/><a n='1'/></r>", "r/a[1][@n='1']"), cannot);
    assert_eq!(deleted("<r><a/></r>", "r"), cannot);
    for uri in
        ["s", "r/b", "r/a[2]", "r/a/@b", "r/a", "r/@xmlns:x?xmlns(xmlns=http://www.w3.org/2000/xmlns/)"]
    {
        assert_eq!(
            deleted(
                "<r xmlns:x='u'><a/><c/><a/><a/></r>"
                    .replace("<a/><a/>", if uri == "r/a" { "<a/>" } else { "" })
                    .as_str(),
                uri
            ),
            Err(EditError::NotFound),
            "{uri}"
        );
    }
    let left = deleted("<r>]]<a/>></r>", "r/a");
    assert!(matches!(left, Err(EditError::Conflict(Conflict::ConstraintFailure(_)))), "{left:?}");
}

#[test]
fn the_caller_has_the_last_word() {
    let document = parse(b"<r/>", &Limits::DEFAULT).unwrap();
    let refuse = |result: &Document<'_>| -> Result<(), Conflict> {
        assert_eq!(result.input_text(), "<r><a/></r>");
        Err(Conflict::SchemaValidationError("no".to_owned()))
    };
    let refused = super::put(&document, &selector("r/a"), b"<a/>", "", &Limits::DEFAULT, refuse);
    assert_eq!(refused, Err(Conflict::SchemaValidationError("no".to_owned()).into()));
}

#[test]
fn limits_hold_for_the_result() {
    let small = Limits { octets: 20, depth: 2, ..Limits::DEFAULT };
    let document = parse(b"<r><a/></r>", &small).unwrap();
    for body in [&b"<a>0123456789</a>"[..], b"<a><b/></a>"] {
        let refused = super::put(&document, &selector("r/a"), body, "", &small, |_| Ok(()));
        assert!(matches!(refused, Err(EditError::Conflict(Conflict::ConstraintFailure(_)))), "{refused:?}");
    }
    // What is beyond them already may become smaller step by step.
    let lowered = Limits { octets: 4, depth: 1, ..Limits::DEFAULT };
    let document = parse(b"<r><a><b/></a><c/></r>", &lowered.of_stored(22)).unwrap();
    let left = super::delete(&document, &selector("r/c"), "", &lowered, |_| Ok(())).unwrap().0;
    assert_eq!(left.content, "<r><a><b/></a></r>");
    let refused = super::put(&document, &selector("r/c"), b"<c/>", "", &lowered, |_| Ok(()));
    assert!(matches!(refused, Err(EditError::Conflict(Conflict::ConstraintFailure(_)))), "{refused:?}");
}

proptest::proptest! {
    #[test]
    fn bodies_never_panic(body in "(<|>|/|=|'|\"|!|-|\\?|\\[|\\]|xmlns|a|가|:|&|;|p|n='1'| |<a n='1'){0,24}") {
        for uri in ["r/*[@n='1']", "r/a[2]", "r/@n", "r"] {
            let _ = put_into("<r xmlns:p='u'><a/></r>", uri, body.as_bytes());
        }
    }
}
