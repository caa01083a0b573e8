//! Where the parts of a node stand in the text of its document, for whoever changes octets and not trees.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3, memrchr};
use roxmltree::{Attribute, Node};

/// The value of an attribute, without its quotes. The parser's own answer is wrong where very long names or very much
/// white space stand before the value.
pub fn value_range(attribute: &Attribute<'_, '_>, text: &str) -> Range<usize> {
    let whole = attribute.range();
    let open =
        memchr2(b'"', b'\'', &text.as_bytes()[whole.clone()]).expect("an attribute has a quoted value");
    whole.start + open + 1..whole.end - 1
}

/// Where an attribute and the white space before it stand.
pub fn attribute_range(attribute: &Attribute<'_, '_>, text: &str) -> Range<usize> {
    let Range { start, end } = attribute.range();
    text[..start].trim_end_matches([' ', '\t', '\n', '\r']).len()..end
}

/// The tag that opens an element, from `<` behind `>`.
pub fn start_tag(element: Node<'_, '_>, text: &str) -> Range<usize> {
    let Range { start, end } = element.range();
    let octets = &text.as_bytes()[..end];
    let mut at = start;
    while let Some(offset) = memchr3(b'>', b'"', b'\'', &octets[at..]) {
        at += offset + 1;
        let quote = octets[at - 1];
        if quote == b'>' {
            return start..at;
        }
        at += memchr(quote, &octets[at..]).expect("the quotes of a parsed tag are closed") + 1;
    }
    unreachable!("a parsed tag is closed")
}

/// The name in the tag of an element, as it is written there.
pub fn written_name<'t>(element: Node<'_, '_>, text: &'t str) -> &'t str {
    let tag = &text[element.range().start + 1..];
    &tag[..tag.find([' ', '\t', '\n', '\r', '/', '>']).unwrap_or(tag.len())]
}

/// Where the tag that closes an element begins; `None`: it is one empty-element tag.
pub fn end_tag(element: Node<'_, '_>, text: &str) -> Option<usize> {
    let range = element.range();
    let octets = &text.as_bytes()[range.clone()];
    if octets.ends_with(b"/>") {
        return None;
    }
    memrchr(b'<', octets).map(|at| range.start + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, parse};

    #[test]
    fn parts_of_nodes() {
        let text = "\u{FEFF}<?x y?><a xmlns:n='u>' b = \"c'd\"\n\te='/>' ><n:f /><g></g\n></a >";
        let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
        let a = document.root_element();
        assert_eq!(&text[start_tag(a, text)], "<a xmlns:n='u>' b = \"c'd\"\n\te='/>' >");
        assert_eq!(&text[end_tag(a, text).unwrap()..], "</a >");
        let values: Vec<_> = a.attributes().map(|b| &text[value_range(&b, text)]).collect();
        assert_eq!(values, ["c'd", "/>"]);
        let whole: Vec<_> = a.attributes().map(|b| &text[attribute_range(&b, text)]).collect();
        assert_eq!(whole, [" b = \"c'd\"", "\n\te='/>'"]);
        let f = a.first_element_child().unwrap();
        assert_eq!((written_name(f, text), end_tag(f, text)), ("n:f", None));
        let g = f.next_sibling_element().unwrap();
        assert_eq!((written_name(g, text), &text[end_tag(g, text).unwrap()..][..5]), ("g", "</g\n>"));
    }

    #[test]
    fn long_names_and_much_white_space() {
        for (name, blanks) in [("b".to_owned(), 300), ("b".to_owned(), 70_000), ("가".repeat(70_000), 1)] {
            let blanks = " ".repeat(blanks);
            let text = format!(
                "<{name}{blanks}{name}{blanks}={blanks}'한글'{blanks}c='d'><{name}/></{name}{blanks}>"
            );
            let document = parse(text.as_bytes(), &Limits::DEFAULT).unwrap();
            let root = document.root_element();
            let values: Vec<_> = root.attributes().map(|b| &text[value_range(&b, &text)]).collect();
            assert_eq!(values, ["한글", "d"]);
            let c = root.attributes().nth(1).unwrap();
            assert_eq!(text[attribute_range(&c, &text)].trim_start(), "c='d'");
            assert!(text[start_tag(root, &text)].ends_with("c='d'>"));
            assert_eq!(&text[end_tag(root, &text).unwrap()..], format!("</{name}{blanks}>"));
            let inner = root.first_element_child().unwrap();
            assert_eq!((written_name(inner, &text), inner.tag_name().name()), (name.as_str(), name.as_str()));
        }
    }
}
