//! The list of a SUBSCRIBE: `application/resource-lists+xml` (RFC 4826 as RFC 5875 section 4.4 uses it).

use csc_xml::{Limits, Refused, attribute, children, parse};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/resource-lists+xml";

const NAMESPACE: &str = "urn:ietf:params:xml:ns:resource-lists";

/// Why a list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadList {
    /// It is no resource list: 400.
    Malformed,
    /// It is larger than a list may be: 413.
    TooLarge,
}

/// The URIs of the flat list in `body`, without blanks around them, in order. Whatever else stands there is ignored
/// (RFC 5875 section 4.4).
pub(crate) fn uris(body: &[u8], max_entries: usize) -> Result<Vec<String>, BadList> {
    let document = parse(body, &Limits::with_octets(256 << 10)).map_err(|refused| match refused {
        Refused::TooLarge(_) | Refused::TooComplex { .. } => BadList::TooLarge,
        Refused::NotUtf8 | Refused::Doctype | Refused::NotWellFormed(_) => BadList::Malformed,
    })?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "resource-lists")) {
        return Err(BadList::Malformed);
    }
    let mut uris = Vec::new();
    for entry in children(root, NAMESPACE, "list").flat_map(|list| children(list, NAMESPACE, "entry")) {
        if uris.len() == max_entries {
            return Err(BadList::TooLarge);
        }
        let uri = attribute(entry, "uri").ok_or(BadList::Malformed)?.trim();
        uris.push(uri.to_owned());
    }
    Ok(uris)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_their_spellings() {
        let plain = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'><list>\
                     <entry uri=' a/b '/><entry uri='c'><display-name>C</display-name></entry></list></resource-lists>";
        let prefixed = "<rl:resource-lists xmlns:rl='urn:ietf:params:xml:ns:resource-lists' x='1'><rl:list name='n'>\
                        <rl:entry uri='a/b'/><other xmlns='urn:x'/><rl:entry uri='c'/></rl:list></rl:resource-lists>";
        for text in [plain, prefixed] {
            assert_eq!(uris(text.as_bytes(), 2).unwrap(), ["a/b", "c"]);
            assert_eq!(uris(text.as_bytes(), 1), Err(BadList::TooLarge));
        }
    }

    #[test]
    fn what_is_no_list() {
        for text in [
            "",
            "<resource-lists/>",
            "<list xmlns='urn:ietf:params:xml:ns:resource-lists'/>",
            "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'><list><entry/></list></resource-lists>",
            "<!DOCTYPE a><resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>",
        ] {
            assert_eq!(uris(text.as_bytes(), 9), Err(BadList::Malformed), "{text}");
        }
        assert_eq!(uris(" ".repeat(300 << 10).as_bytes(), 9), Err(BadList::TooLarge));
    }
}
