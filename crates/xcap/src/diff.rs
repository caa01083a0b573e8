//! The `xcap-diff` document of a notification (RFC 5874), without patches.

use csc_xml::Writer;

/// The media type.
pub const MEDIA_TYPE: &str = "application/xcap-diff+xml";

/// One `<document>`: created with a new tag alone, changed with both, removed with the previous tag alone. Whether a tag
/// stands in quotes, as in the HTTP header field, is the caller's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The document, relative to the XCAP root.
    pub sel: &'a str,
    /// What the watcher knew.
    pub previous: Option<&'a str>,
    /// What there is now.
    pub new: Option<&'a str>,
}

/// The whole document; `xcap_root` is an absolute URL that ends with a slash.
pub fn to_xml<'a>(xcap_root: &str, changes: impl IntoIterator<Item = Change<'a>>) -> String {
    let mut out = Writer::document();
    out.open("xcap-diff")
        .attribute("xmlns", "urn:ietf:params:xml:ns:xcap-diff")
        .attribute("xcap-root", xcap_root);
    for change in changes {
        out.open("document");
        for (name, tag) in [("previous-etag", change.previous), ("new-etag", change.new)] {
            if let Some(tag) = tag {
                out.attribute(name, tag);
            }
        }
        out.attribute("sel", change.sel).close();
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_changed_removed() {
        let xml = to_xml(
            "https://csc.example.org:4420/",
            [
                Change { sel: "x/y", previous: None, new: Some("b") },
                Change { sel: "x/\"&", previous: Some("a"), new: Some("b") },
                Change { sel: "z", previous: Some("a"), new: None },
            ],
        );
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <xcap-diff xmlns=\"urn:ietf:params:xml:ns:xcap-diff\" xcap-root=\"https://csc.example.org:4420/\">\
             <document new-etag=\"b\" sel=\"x/y\"/>\
             <document previous-etag=\"a\" new-etag=\"b\" sel=\"x/&quot;&amp;\"/>\
             <document previous-etag=\"a\" sel=\"z\"/></xcap-diff>"
        );
    }
}
