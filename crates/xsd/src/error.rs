//! What is wrong with a schema, and what is wrong with a document. Both are short whatever they were made from.

use std::fmt;

use csc_xml::Node;

/// Most octets of a phrase.
const PHRASE: usize = 240;
/// Most octets of a name of the document that is repeated in a phrase.
const NAME: usize = 64;

/// Why a set of schema files cannot be used: it is broken, or it uses what this crate does not do. Nothing of a schema
/// is ever ignored silently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}:{line}:{column}: {what}")]
pub struct SchemaError {
    /// The file, as the caller named it.
    pub location: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub what: String,
}

/// Where a document does not follow its schema, and what was expected there.
///
/// The phrase names elements and attributes; it never repeats text of the document, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{phrase} (line {line}, column {column})")]
pub struct Invalid {
    phrase: String,
    line: u32,
    column: u32,
}

impl Invalid {
    /// `what` is wrong with the element `node`.
    pub(crate) fn at(node: Node<'_, '_>, what: &dyn fmt::Display) -> Self {
        let position = node.document().text_pos_at(node.range().start);
        let mut phrase = format!("element {}: {what}", Short(node.tag_name().name()));
        phrase.truncate(phrase.floor_char_boundary(PHRASE));
        Self { phrase, line: position.row, column: position.col }
    }

    /// Which element is wrong, and what was expected: at most 240 octets.
    pub fn phrase(&self) -> &str {
        &self.phrase
    }

    /// Line and column of the element's start, both from 1.
    pub fn position(&self) -> (u32, u32) {
        (self.line, self.column)
    }
}

/// A name of the document, cut where it gets long.
pub(crate) struct Short<'a>(pub(crate) &'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.0[..self.0.floor_char_boundary(NAME)];
        f.write_str(kept)?;
        if kept.len() < self.0.len() { f.write_str("…") } else { Ok(()) }
    }
}
