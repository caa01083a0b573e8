//! What the scan refuses, and what it lets pass.

use super::*;

fn refused(text: &str) -> Refused {
    scan(text.as_bytes(), &Limits::DEFAULT).expect_err("must be refused")
}

fn too_complex(text: &str) -> &'static str {
    match refused(text) {
        Refused::TooComplex { what, .. } => what,
        other => panic!("{other}"),
    }
}

#[test]
fn ordinary_documents_pass() {
    for text in [
        "<a/>",
        "<?xml version='1.0' encoding='utf-8'?><a b = 'c>d' e=\"/\"><!-- <x> --><![CDATA[<y]]><?p <z ?></a >",
        "\u{FEFF}<?xml version=\"1.0\"?>\n<a>한글 🚒</a>",
        "<a xmlns:b='urn:b' xmlns='urn:a'><b:c b:d='1'/></a>",
    ] {
        assert_eq!(scan(text.as_bytes(), &Limits::DEFAULT), Ok(text));
    }
}

#[test]
fn references_in_comments_are_none() {
    let text = "<a><!--&#xD800;--><![CDATA[&#x110000;]]><?p &#0;?>&#x1F692;&#65;</a>";
    assert_eq!(scan(text.as_bytes(), &Limits::DEFAULT), Ok(text));
}

#[test]
fn doctype_is_refused_wherever_it_stands() {
    assert_eq!(refused("<!DOCTYPE a><a/>"), Refused::Doctype);
    assert_eq!(refused("<a><!DOCTYPE b [<!ENTITY c 'd'>]></a>"), Refused::Doctype);
    assert!(scan(b"<a><!-- <!DOCTYPE b> --></a>", &Limits::DEFAULT).is_ok());
}

#[test]
fn only_utf8() {
    for octets in [
        &b"\xff\xfe<\0a\0/\0>\0"[..],
        b"<\0a\0/\0>\0",
        b"\0<\0a\0/\0>",
        b"<a>\xe9</a>",
        b"<a>\xc0\xaf</a>",
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
    ] {
        assert_eq!(scan(octets, &Limits::DEFAULT), Err(Refused::NotUtf8), "{octets:?}");
    }
}

#[test]
fn limits_hold() {
    let nested = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    assert!(scan(nested(64).as_bytes(), &Limits::DEFAULT).is_ok());
    assert_eq!(too_complex(&nested(65)), "levels of nesting");

    let attributes =
        |count: usize| format!("<a{}/>", (0..count).map(|n| format!(" b{n}=''")).collect::<String>());
    assert!(scan(attributes(64).as_bytes(), &Limits::DEFAULT).is_ok());
    assert_eq!(too_complex(&attributes(65)), "attributes on one element");

    let scope: String = (0..33).map(|n| format!("<a xmlns:p{n}='u' xmlns:q{n}='u'>")).collect();
    assert_eq!(too_complex(&scope), "namespace declarations in scope");

    let distinct: String = (0..257).map(|n| format!("<b xmlns='u{n}'/>")).collect();
    assert_eq!(too_complex(&format!("<a>{distinct}</a>")), "different namespace declarations");

    assert_eq!(too_complex(&"<a/>".repeat((1 << 17) + 1)), "pieces of markup");
    for (open, close) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?a ", "?>")] {
        let most = "<".repeat((1 << 17) - 2);
        assert!(scan(format!("<a>{open}{most}{close}").as_bytes(), &Limits::DEFAULT).is_ok());
        assert_eq!(too_complex(&format!("<a>{open}{most}<{close}")), "pieces of markup");
    }
    assert_eq!(too_complex(&"=".repeat((1 << 18) + 1)), "equals signs");
    let declared = format!("<a xmlns:b='{}'/>", "u".repeat(512));
    assert_eq!(too_complex(&declared), "octets in one namespace declaration");
    assert_eq!(refused(&" ".repeat((1 << 20) + 1)), Refused::TooLarge(1 << 20));
}

#[test]
fn a_large_group_passes() {
    let mut group = String::from(concat!(
        "<group xmlns='urn:oma:xml:poc:list-service' xmlns:rl='urn:ietf:params:xml:ns:resource-lists' ",
        "xmlns:cr='urn:ietf:params:xml:ns:common-policy' xmlns:ext='urn:oma:xml:xdm:extensions' ",
        "xmlns:mcpttgi='urn:3gpp:ns:mcpttGroupInfo:1.0'><list-service uri='tel:g1'><list>"
    ));
    for n in 0..20_000 {
        group.push_str(&format!(
            "<entry uri=\"tel:{n:05}\"><rl:display-name>대 {n}</rl:display-name><mcpttgi:participant-type>\
             x</mcpttgi:participant-type><mcpttgi:on-network-required/><mcpttgi:user-priority>7\
             </mcpttgi:user-priority></entry>\n"
        ));
    }
    group.push_str("</list></list-service></group>");
    assert!(group.len() > 3_900_000 && group.len() < 4 << 20, "{}", group.len());
    let parsed = crate::parse(group.as_bytes(), &Limits::with_octets(4 << 20)).map(|_| ());
    assert_eq!(parsed, Ok(()));
}

#[test]
fn work_on_names_is_bounded() {
    let entries = "<e xmlns:rl='urn:ietf:params:xml:ns:resource-lists'/>".repeat(20_000);
    let scope: String = (0..10).map(|n| format!(" xmlns:p{n}='u'")).collect();
    let group = format!("<a{scope}>{entries}</a>");
    assert!(scan(group.as_bytes(), &Limits::with_octets(4 << 20)).is_ok());

    let scope: String = (0..30).map(|n| format!(" xmlns:p{n}='u'")).collect();
    let hostile = format!("<a{scope}>{}</a>", "<e xmlns:q='u'/>".repeat(20_000));
    assert_eq!(too_complex(&hostile), "steps to resolve names");
    let all: String = (0..64).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(
        too_complex(&format!("<a>{}</a>", format!("<e{all}/>").repeat(2_000))),
        "steps to resolve names"
    );
}

#[test]
fn broken_tags() {
    for text in [
        "<a",
        "<a b",
        "<a b=",
        "<a b=c>",
        "<a b='",
        "<a b='<'>",
        "</a>",
        "<!x>",
        "<!--",
        "<a <b>",
        "<a xmlns='u' xmlns='v'/>",
        "<a p:xmlns='u'/>",
        "<a xmlns:xmlns='u'/>",
        "<a xmlns:p=''/>",
        "<:a/>",
        "<a></:a>",
        "<a :b=''/>",
        "<a/><?xml version='1.0'?>",
        "<a><?XML?></a>",
        "<a><?p+q?></a>",
        "<a><?p?q?></a>",
        "<a><??></a>",
        "<a>&#xD800;</a>",
        "<a b='&#x110000;'/>",
        "<a>&#</a>",
        "<a>&#99999999999;</a>",
    ] {
        assert!(matches!(refused(text), Refused::NotWellFormed(_)), "{text:?}");
    }
}
