//! Any octets as a document: scan, parser, and where nodes stand in the text.
#![no_main]

use csc_xml::{Limits, attribute_range, end_tag, parse, start_tag, value_range, written_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = parse(octets, &Limits::DEFAULT) else { return };
    let text = document.input_text();
    for element in document.descendants().filter(|node| node.is_element()) {
        let tag = &text[start_tag(element, text)];
        assert!(tag.starts_with('<') && tag.ends_with('>'));
        let name = written_name(element, text);
        assert_eq!(name.rsplit(':').next(), Some(element.tag_name().name()));
        match end_tag(element, text) {
            Some(at) => assert!(text[at..].strip_prefix("</").is_some_and(|rest| rest.starts_with(name))),
            None => assert!(tag.ends_with("/>")),
        }
        for attribute in element.attributes() {
            let value = value_range(&attribute, text);
            let quotes = (text[..value.start].chars().next_back(), text[value.end..].chars().next());
            assert!(matches!(quotes, (Some('"'), Some('"')) | (Some('\''), Some('\''))));
            let whole = attribute_range(&attribute, text);
            assert!(text[whole.clone()].starts_with([' ', '\t', '\n', '\r']) && whole.end == value.end + 1);
        }
    }
});
