//! What a server refuses a document for (RFC 4825 section 11).

use csc_xml::{Refused, Writer};

/// The media type of [`Conflict::to_xml`].
pub const MEDIA_TYPE: &str = "application/xcap-error+xml";

/// A condition of a 409 answer. The text is the `phrase`, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `<not-well-formed>`
    #[error("{0}")]
    NotWellFormed(String),
    /// `<not-utf-8>`
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// `<schema-validation-error>`
    #[error("{0}")]
    SchemaValidationError(String),
    /// `<constraint-failure>`
    #[error("{0}")]
    ConstraintFailure(String),
}

impl Conflict {
    /// The element that names the condition.
    pub const fn element(&self) -> &'static str {
        match self {
            Self::NotWellFormed(_) => "not-well-formed",
            Self::NotUtf8 => "not-utf-8",
            Self::SchemaValidationError(_) => "schema-validation-error",
            Self::ConstraintFailure(_) => "constraint-failure",
        }
    }

    /// The `xcap-error` document.
    pub fn to_xml(&self) -> String {
        let mut out = Writer::document();
        out.open("xcap-error").attribute("xmlns", "urn:ietf:params:xml:ns:xcap-error");
        out.open(self.element()).attribute("phrase", &self.to_string());
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

    #[test]
    fn report() {
        assert_eq!(
            Conflict::ConstraintFailure("a<b".to_owned()).to_xml(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xcap-error xmlns=\"urn:ietf:params:xml:ns:xcap-error\">\
             <constraint-failure phrase=\"a&lt;b\"/></xcap-error>"
        );
        assert_eq!(Conflict::from(Refused::Doctype).element(), "constraint-failure");
        assert_eq!(Conflict::from(Refused::NotUtf8).element(), "not-utf-8");
        assert_eq!(Conflict::from(Refused::NotWellFormed(String::new())).element(), "not-well-formed");
    }
}
