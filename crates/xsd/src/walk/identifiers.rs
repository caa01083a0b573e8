//! `xs:ID` and `xs:IDREF`: unique, and pointing somewhere, in the whole document.

use std::borrow::Cow;
use std::collections::HashSet;

use csc_xml::Node;

use crate::Invalid;
use crate::simple::{Fault, Identifiers};

/// What a document has said so far.
#[derive(Default)]
pub(super) struct Seen<'d> {
    ids: HashSet<Box<str>>,
    references: Vec<(Box<str>, Node<'d, 'd>)>,
}

impl<'d> Seen<'d> {
    /// Takes the identifiers of one value of `node`.
    pub(super) fn of(&mut self, node: Node<'d, 'd>) -> impl Identifiers {
        At { seen: self, node }
    }

    /// Whether every reference has found what it refers to.
    pub(super) fn finish(&self) -> Result<(), Invalid> {
        match self.references.iter().find(|(id, _)| !self.ids.contains(id)) {
            None => Ok(()),
            Some((_, node)) => Err(Invalid::at(*node, &"refers to an identifier that is not there")),
        }
    }
}

struct At<'s, 'd> {
    seen: &'s mut Seen<'d>,
    node: Node<'d, 'd>,
}

impl Identifiers for At<'_, '_> {
    fn id(&mut self, id: &str) -> Result<(), Fault> {
        let new = self.seen.ids.insert(id.into());
        if new { Ok(()) } else { Err(Fault(Cow::Borrowed("is an identifier that is there already"))) }
    }

    fn reference(&mut self, id: &str) {
        self.seen.references.push((id.into(), self.node));
    }
}
