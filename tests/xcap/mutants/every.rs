//! Faults that every document can have.

use super::{CONSTRAINT, SCHEMA};

/// What it is, the document, and the condition.
pub(crate) type Mutant = (String, Vec<u8>, &'static &'static str);

const BROKEN: &str = "not-well-formed";
const ENCODING: &str = "not-utf-8";

/// Mutants of `base`, which begins with its root element, and whose root has attributes and content.
pub(crate) fn mutants(base: &str) -> Vec<Mutant> {
    let name = base[1..].split([' ', '>']).next().expect("a root element");
    let close = format!("</{name}>");
    let attributes = |text: &str| base.replacen(&format!("<{name} "), &format!("<{name} {text} "), 1);
    let inside = |text: &str| base.replacen('>', &format!(">{text}"), 1);
    let end = base.len() - close.len();
    let mut all: Vec<Mutant> = Vec::new();
    let mut add = |what: &str, mutant: String, condition: &'static &'static str| {
        all.push((what.to_owned(), mutant.into_bytes(), condition));
    };
    add("nothing", String::new(), &BROKEN);
    add("blanks", "  \n".to_owned(), &BROKEN);
    add("text", "text".to_owned(), &BROKEN);
    add("half of it", base[..base.len() / 2].to_owned(), &BROKEN);
    add("without its last character", base[..base.len() - 1].to_owned(), &BROKEN);
    add("without its end tag", base[..end].to_owned(), &BROKEN);
    add("another end tag", format!("{}</other>", &base[..end]), &BROKEN);
    add("an end tag more", format!("{base}{close}"), &BROKEN);
    add("a second root", format!("{base}<second/>"), &BROKEN);
    add("text behind the root", format!("{base}text"), &BROKEN);
    add("text before the root", format!("text{base}"), &BROKEN);
    add("an attribute twice", attributes("twice=\"1\" twice=\"2\""), &BROKEN);
    add("an attribute without quotes", attributes("bare=1"), &BROKEN);
    add("an attribute without a value", attributes("bare"), &BROKEN);
    add("< in an attribute", attributes("bad=\"<\""), &BROKEN);
    add("& in an attribute", attributes("bad=\"&\""), &BROKEN);
    add("an unbound prefix of an attribute", attributes("nobody:a=\"1\""), &BROKEN);
    add("an unbound prefix of an element", inside("<nobody:e/>"), &BROKEN);
    add("a bare &", inside("&"), &BROKEN);
    add("an unknown entity", inside("&nothing;"), &BROKEN);
    add("the character 0", inside("&#0;"), &BROKEN);
    add("a control character", inside("\u{1}"), &BROKEN);
    add("-- in a comment", inside("<!-- a -- b -->"), &BROKEN);
    add("a comment without an end", inside("<!-- a"), &BROKEN);
    add("a section without an end", inside("<![CDATA[ a"), &BROKEN);
    add("]]> in text", inside("]]>"), &BROKEN);
    add("an instruction called xml", inside("<?xml version=\"1.0\"?>"), &BROKEN);
    add("a declaration behind a blank", format!(" <?xml version=\"1.0\"?>{base}"), &BROKEN);
    add("a document type", format!("<!DOCTYPE {name}>{base}"), &CONSTRAINT);
    add("an entity", format!("<!DOCTYPE {name} [<!ENTITY e \"x\">]>{base}"), &CONSTRAINT);
    add(
        "a document type from elsewhere",
        format!("<!DOCTYPE {name} SYSTEM \"http://127.0.0.1:1/x\">{base}"),
        &CONSTRAINT,
    );
    add(
        "more depth than there may be",
        inside(&format!("{}{}", "<e>".repeat(70), "</e>".repeat(70))),
        &CONSTRAINT,
    );
    add("text in the root", inside("text"), &SCHEMA);
    add("an unknown element in front", inside("<unknown-element/>"), &SCHEMA);
    let renamed = base.replacen(&format!("<{name} "), "<another-root ", 1);
    add("another root", renamed.replace(&close, "</another-root>"), &SCHEMA);
    add("a root alone, of no namespace", format!("<{}/>", name.rsplit(':').next().expect("a name")), &SCHEMA);
    add(
        "Latin-1 in a declaration",
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{base}"),
        &ENCODING,
    );
    add("UTF-16 in a declaration", format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{base}"), &ENCODING);
    let place = base.find('>').expect("a start tag") + 1;
    let with = |octets: &[u8]| [&base.as_bytes()[..place], octets, &base.as_bytes()[place..]].concat();
    all.push(("a letter of Latin-1".to_owned(), with(b"<!--\xe9-->"), &ENCODING));
    all.push(("half a letter".to_owned(), with(b"<!--\xeb\xb6-->"), &ENCODING));
    all.push(("a slash in two octets".to_owned(), with(b"<!--\xc0\xaf-->"), &ENCODING));
    let utf16 = std::iter::once(0xfeff).chain(base.encode_utf16()).flat_map(u16::to_le_bytes);
    all.push(("UTF-16".to_owned(), utf16.collect(), &ENCODING));
    all
}
