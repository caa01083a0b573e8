//! Writing the documents that we generate: reports, directories, notifications.

use std::borrow::Cow;

/// Builds one document, element by element, with every value escaped.
///
/// ```
/// let mut out = csc_xml::Writer::document();
/// out.open("folder").attribute("auid", "a&b").open("entry").close().close();
/// assert!(out.finish().ends_with("<folder auid=\"a&amp;b\"><entry/></folder>"));
/// ```
#[derive(Debug)]
pub struct Writer {
    out: String,
    open: Vec<&'static str>,
    in_tag: bool,
}

impl Writer {
    /// A document that begins with an XML declaration.
    pub fn document() -> Self {
        Self {
            out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
            open: Vec::new(),
            in_tag: false,
        }
    }

    /// Opens an element.
    pub fn open(&mut self, name: &'static str) -> &mut Self {
        self.end_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// Gives the element that was opened last an attribute.
    ///
    /// # Panics
    /// When something stands inside that element already: a mistake of the caller, whatever the data.
    pub fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        assert!(self.in_tag, "attributes come before content");
        for piece in [" ", name, "=\"", &escape_attribute(value), "\""] {
            self.out.push_str(piece);
        }
        self
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.end_tag();
        self.out.push_str(&escape_text(text));
        self
    }

    /// Closes the element that was opened last and not yet closed.
    pub fn close(&mut self) -> &mut Self {
        let Some(name) = self.open.pop() else { return self };
        if self.in_tag {
            self.out.push_str("/>");
            self.in_tag = false;
        } else {
            for piece in ["</", name, ">"] {
                self.out.push_str(piece);
            }
        }
        self
    }

    /// The document; what is still open is closed.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn end_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }
}

/// `text` as character data. A character that no XML document may hold becomes U+FFFD.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// `text` as an attribute value, for either quote. A character that no XML document may hold becomes U+FFFD.
pub fn escape_attribute(text: &str) -> Cow<'_, str> {
    escape(text, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

fn escape(text: &str, replacement: impl Fn(char) -> Option<&'static str>) -> Cow<'_, str> {
    let replacement = |c| replacement(c).or_else(|| (!is_xml_char(c)).then_some("\u{FFFD}"));
    let Some(first) = text.find(|c| replacement(c).is_some()) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        match replacement(c) {
            Some(piece) => out.push_str(piece),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether an XML 1.0 document may hold `c` at all.
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Limits, parse};

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in "\\PC*", text in "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u{fffe}\\u{ffff}]+") {
            let mut out = Writer::document();
            out.open("a").attribute("b", &value).text(&text);
            let written = out.finish();
            let document = parse(written.as_bytes(), &Limits::DEFAULT).unwrap();
            prop_assert_eq!(document.root_element().attribute("b"), Some(value.as_str()));
            prop_assert_eq!(document.root_element().text(), Some(text.as_str()));
        }
    }

    #[test]
    fn control_characters_cannot_break_a_document() {
        assert_eq!(escape_text("a\0b"), "a\u{FFFD}b");
        assert_eq!(escape_attribute("a\"'\n"), "a&quot;&apos;&#10;");
    }
}
