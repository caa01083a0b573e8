//! Reading documents: the parser behind the pre-scan, and the few ways our documents are walked.

use roxmltree::{Document, Node, ParsingOptions};

use crate::{Limits, Refused, scan};

/// Most octets of the parser's own words that are kept: they quote names of the document, however long those are.
const DETAIL: usize = 160;

/// Parses `octets` after [`scan()`]. The tree borrows from them, so every node and attribute knows its octets.
pub fn parse<'a>(octets: &'a [u8], limits: &Limits) -> Result<Document<'a>, Refused> {
    let text = scan(octets, limits)?;
    let nodes_limit = u32::try_from(limits.markup.saturating_mul(2)).unwrap_or(u32::MAX);
    let options = ParsingOptions { allow_dtd: false, nodes_limit, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => Refused::Doctype,
        roxmltree::Error::NodesLimitReached => {
            Refused::TooComplex { what: "nodes", limit: nodes_limit as usize }
        }
        error => {
            let mut detail = error.to_string();
            detail.truncate(detail.floor_char_boundary(DETAIL));
            Refused::NotWellFormed(detail)
        }
    })
}

/// The namespace of an element; `xmlns=""` means none.
pub fn namespace<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.tag_name().namespace().filter(|name| !name.is_empty())
}

/// The child elements called `name` in `namespace`.
pub fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    namespace: &'a str,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// The first child element called `name` in `namespace`.
pub fn child<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    namespace: &'a str,
    name: &'a str,
) -> Option<Node<'a, 'input>> {
    children(node, namespace, name).next()
}

/// The value of the attribute `name` that is in no namespace.
pub fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.namespace().is_none() && attribute.name() == name)
        .map(|a| a.value())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn walks_a_group() {
        let text = "<g xmlns='urn:g' xmlns:x='urn:x'><x:list/><list x:uri='no' uri='yes'><e/><e/></list></g>";
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let list = child(document.root_element(), "urn:g", "list").unwrap();
        assert_eq!(attribute(list, "uri"), Some("yes"));
        assert_eq!(children(list, "urn:g", "e").count(), 2);
        let document = parse(b"<a xmlns=''/>", &Limits::DEFAULT).unwrap();
        assert_eq!(namespace(document.root_element()), None);
    }

    #[test]
    fn what_the_parser_refuses() {
        for text in [
            "",
            "x",
            "<a></b>",
            "<a/><b/>",
            "<a>&b;</a>",
            "<a b='1' b='2'/>",
            "<p:a/>",
            "<a>\u{1}</a>",
            "<a>",
        ] {
            let refused = parse(text.as_bytes(), &Limits::DEFAULT).map(|_| ());
            assert!(matches!(refused, Err(Refused::NotWellFormed(_))), "{text:?} {refused:?}");
        }
        let bomb = "<!DOCTYPE b [<!ENTITY a 'aaaaaaaa'><!ENTITY c '&a;&a;&a;&a;&a;&a;'>]><b>&c;&c;&c;&c;</b>";
        assert_eq!(parse(bomb.as_bytes(), &Limits::DEFAULT).map(|_| ()), Err(Refused::Doctype));
    }

    #[test]
    fn a_refusal_is_short_whatever_the_document_holds() {
        let name = "가".repeat(20_000);
        for text in [
            format!("<{name}></b>"),
            format!("<{name}:b/>"),
            format!("<b {name}='' {name}=''/>"),
            format!("<b>&{name};</b>"),
        ] {
            let Err(Refused::NotWellFormed(detail)) = parse(text.as_bytes(), &Limits::DEFAULT) else {
                panic!()
            };
            assert!(detail.len() <= DETAIL, "{}", detail.len());
        }
    }

    #[test]
    fn nested_declarations_never_reach_the_parser() {
        let mut text = String::new();
        for n in 0.. {
            if text.len() > 64 << 10 {
                break;
            }
            text.push_str(&format!("<a xmlns:n{n}='u'>"));
        }
        let refused = parse(text.as_bytes(), &Limits::DEFAULT).map(|_| ());
        assert!(matches!(refused, Err(Refused::TooComplex { .. })), "{refused:?}");
    }

    proptest! {
        #[test]
        fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&octets, &Limits::DEFAULT);
        }

        #[test]
        fn never_panics_on_markup(text in "(<|>|/|=|'|\"|!|-|\\?|\\[|\\]|xmlns|a|:|&|;|CDATA|DOCTYPE| ){0,40}") {
            let _ = parse(text.as_bytes(), &Limits::DEFAULT);
        }
    }
}
