//! What a server refuses a change for (RFC 4825 section 11).

use csc_xml::{Refused, Writer};

/// The media type of [`Conflict::to_xml`].
pub const MEDIA_TYPE: &str = "application/xcap-error+xml";

/// A condition of a 409 answer. The text is the `phrase`, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `<not-well-formed>`: the body of a PUT of a document.
    #[error("{0}")]
    NotWellFormed(String),
    /// `<not-xml-frag>`: the body of a PUT of an element.
    #[error("the body is not one well-formed element whose prefixes are declared")]
    NotXmlFrag,
    /// `<no-parent>`
    #[error("what it should be put into does not exist")]
    NoParent {
        /// The closest ancestor that exists, relative to the document as [`Exists::field`] is; `None`: there is none.
        ancestor: Option<String>,
    },
    /// `<schema-validation-error>`
    #[error("{0}")]
    SchemaValidationError(String),
    /// `<not-xml-att-value>`: the body of a PUT of an attribute.
    #[error("the body is not an attribute value")]
    NotXmlAttValue,
    /// `<cannot-insert>`
    #[error("a GET of this resource would not yield what the PUT carried")]
    CannotInsert,
    /// `<cannot-delete>`
    #[error("this resource would still be there, or no document would be left")]
    CannotDelete,
    /// `<uniqueness-failure>`; at least one value is not unique.
    #[error("a value that must be unique is in use")]
    UniquenessFailure(Vec<Exists>),
    /// `<constraint-failure>`
    #[error("{0}")]
    ConstraintFailure(String),
    /// `<not-utf-8>`
    #[error("the body is not UTF-8")]
    NotUtf8,
}

/// A value that is not unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exists {
    /// The element or attribute that holds it: a node selector relative to the document, percent-encoded, with the query
    /// that its prefixes need.
    pub field: String,
    /// Values that may be used in its place; there may be none.
    pub alt_values: Vec<String>,
}

impl Conflict {
    /// The element that names the condition.
    pub const fn element(&self) -> &'static str {
        match self {
            Self::NotWellFormed(_) => "not-well-formed",
            Self::NotXmlFrag => "not-xml-frag",
            Self::NoParent { .. } => "no-parent",
            Self::SchemaValidationError(_) => "schema-validation-error",
            Self::NotXmlAttValue => "not-xml-att-value",
            Self::CannotInsert => "cannot-insert",
            Self::CannotDelete => "cannot-delete",
            Self::UniquenessFailure(_) => "uniqueness-failure",
            Self::ConstraintFailure(_) => "constraint-failure",
            Self::NotUtf8 => "not-utf-8",
        }
    }

    /// The `xcap-error` document.
    pub fn to_xml(&self) -> String {
        let mut out = Writer::document();
        out.open("xcap-error").attribute("xmlns", "urn:ietf:params:xml:ns:xcap-error");
        out.open(self.element()).attribute("phrase", &self.to_string());
        match self {
            Self::NoParent { ancestor: Some(ancestor) } => {
                out.open("ancestor").text(ancestor);
            }
            Self::UniquenessFailure(values) => {
                for value in values {
                    out.open("exists").attribute("field", &value.field);
                    for alternative in &value.alt_values {
                        out.open("alt-value").text(alternative).close();
                    }
                    out.close();
                }
            }
            _ => {}
        }
        out.finish()
    }
}

/// A document that the reader refused. Its size was checked before, with an answer of its own (413).
impl From<Refused> for Conflict {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotUtf8 => Self::NotUtf8,
            Refused::NotWellFormed(_) => Self::NotWellFormed(refused.to_string()),
            Refused::Doctype | Refused::TooLarge(_) | Refused::TooComplex { .. } => {
                Self::ConstraintFailure(refused.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(conflict: &Conflict) -> String {
        let xml = conflict.to_xml();
        let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xcap-error xmlns=\"urn:ietf:params:xml:ns:xcap-error\">";
        xml.strip_prefix(start).unwrap().strip_suffix("</xcap-error>").unwrap().to_owned()
    }

    #[test]
    fn reports() {
        assert_eq!(
            content(&Conflict::ConstraintFailure("a<b".to_owned())),
            "<constraint-failure phrase=\"a&lt;b\"/>"
        );
        let parent =
            |ancestor: Option<&str>| content(&Conflict::NoParent { ancestor: ancestor.map(str::to_owned) });
        let phrase = "phrase=\"what it should be put into does not exist\"";
        assert_eq!(parent(None), format!("<no-parent {phrase}/>"));
        assert_eq!(
            parent(Some("a/b%5b1%5d?x&y")),
            format!("<no-parent {phrase}><ancestor>a/b%5b1%5d?x&amp;y</ancestor></no-parent>")
        );
        let exists = |field: &str, alt_values: &[&str]| Exists {
            field: field.to_owned(),
            alt_values: alt_values.iter().map(|&value| value.to_owned()).collect(),
        };
        assert_eq!(
            content(&Conflict::UniquenessFailure(vec![exists("a/@b", &["sip:c", "<"]), exists("d", &[])])),
            "<uniqueness-failure phrase=\"a value that must be unique is in use\"><exists field=\"a/@b\">\
             <alt-value>sip:c</alt-value><alt-value>&lt;</alt-value></exists><exists field=\"d\"/></uniqueness-failure>"
        );
    }

    #[test]
    fn what_the_reader_refuses() {
        assert_eq!(Conflict::from(Refused::Doctype).element(), "constraint-failure");
        assert_eq!(Conflict::from(Refused::NotUtf8).element(), "not-utf-8");
        assert_eq!(Conflict::from(Refused::NotWellFormed(String::new())).element(), "not-well-formed");
    }
}
