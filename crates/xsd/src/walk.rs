//! One pass over a document, in its order, without recursion.
//!
//! Elements with a value are judged when they are met; for the others a frame waits on a stack until its children have
//! been seen. The states of all frames lie in one vector, those of the innermost at its end.

mod attributes;
mod identifiers;
mod start;

use std::borrow::Cow;
use std::fmt::Write as _;

use csc_xml::Node;

use crate::error::Short;
use crate::model::{Expected, Found, Model, State};
use crate::names::{ABSENT, FOREIGN, NamespaceId, Symbol, UNKNOWN};
use crate::simple::is_space;
use crate::types::Types;
use crate::wildcard::{Namespaces, Process};
use crate::{Invalid, XSI};
use identifiers::Seen;

/// Names that an error lists at most.
const LISTED: usize = 4;

/// Judges `document` by `types`.
pub(crate) fn validate(types: &Types, document: &csc_xml::Document<'_>) -> Result<(), Invalid> {
    let root = document.root_element();
    let mut walk = Walk {
        types,
        frames: Vec::with_capacity(16),
        states: Vec::with_capacity(32),
        after: Vec::with_capacity(16),
        seen: Seen::default(),
        last_namespace: None,
    };
    let (symbol, _) = walk.name(root);
    let Some(element) = types.global_elements.get(&symbol) else {
        return Err(Invalid::at(root, &"is not declared as a root"));
    };
    walk.start(root, Some(*element))?;
    while let Some(frame) = walk.frames.last_mut() {
        let Some(node) = frame.next else {
            walk.end()?;
            continue;
        };
        frame.next = node.next_sibling();
        if node.is_element() {
            walk.child(node)?;
        } else if !frame.mixed && node.is_text() && !node.text().is_some_and(is_blank) {
            return Err(Invalid::at(frame.node, &"text is not allowed between its elements"));
        }
    }
    walk.seen.finish()
}

fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// An element whose children are being judged.
struct Frame<'s, 'd> {
    node: Node<'d, 'd>,
    next: Option<Node<'d, 'd>>,
    model: &'s Model,
    mixed: bool,
    /// Where its states begin.
    states: usize,
}

struct Walk<'s, 'd> {
    types: &'s Types,
    frames: Vec<Frame<'s, 'd>>,
    states: Vec<State>,
    after: Vec<State>,
    seen: Seen<'d>,
    /// The namespace that was looked up last: mostly the next one is the same.
    last_namespace: Option<(&'d str, NamespaceId)>,
}

impl<'s, 'd> Walk<'s, 'd> {
    fn namespace(&mut self, namespace: Option<&'d str>) -> NamespaceId {
        let Some(name) = namespace.filter(|name| !name.is_empty()) else { return ABSENT };
        match self.last_namespace {
            // The same string in memory: the parser keeps each declaration once.
            Some((known, id)) if std::ptr::eq(known, name) => id,
            _ => {
                let id = self.types.names.namespace(namespace);
                self.last_namespace = Some((name, id));
                id
            }
        }
    }

    fn name(&mut self, node: Node<'d, 'd>) -> (Symbol, NamespaceId) {
        let name = node.tag_name();
        let namespace = self.namespace(name.namespace());
        let symbol =
            if namespace == FOREIGN { UNKNOWN } else { self.types.names.symbol(namespace, name.name()) };
        (symbol, namespace)
    }

    /// One child of the innermost frame.
    fn child(&mut self, node: Node<'d, 'd>) -> Result<(), Invalid> {
        let (symbol, namespace) = self.name(node);
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let before = &self.states[frame.states..];
        let Some(found) = frame.model.step(self.types, before, symbol, namespace, &mut self.after) else {
            let expected = self.expected(frame.model, before, frame.node);
            return Err(Invalid::at(node, &format_args!("must not stand here{expected}")));
        };
        self.states.truncate(frame.states);
        self.states.extend_from_slice(&self.after);
        match found {
            Found::Element(element) => self.start(node, Some(element)),
            Found::Wildcard(Process::Skip) => Ok(()),
            Found::Wildcard(process) => {
                let declared = self.types.global_elements.get(&symbol).copied();
                let has_type = |text| self.named_type(node, text).is_ok();
                if declared.is_none()
                    && process == Process::Strict
                    && !node.attribute((XSI, "type")).is_some_and(has_type)
                {
                    return Err(Invalid::at(node, &"is not declared"));
                }
                self.start(node, declared)
            }
        }
    }

    /// Nothing is left in the innermost frame.
    fn end(&mut self) -> Result<(), Invalid> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let states = &self.states[frame.states..];
        if !frame.model.may_end(states) {
            let expected = self.expected(frame.model, states, frame.node);
            return Err(Invalid::at(frame.node, &format_args!("is not complete{expected}")));
        }
        self.states.truncate(frame.states);
        Ok(())
    }

    /// What the schema would have allowed, as the end of a phrase.
    fn expected(&self, model: &Model, states: &[State], parent: Node<'_, '_>) -> String {
        let expected = model.expected(states);
        let mut out = format!(" in {}", Short(parent.tag_name().name()));
        if expected.is_empty() {
            out.push_str(", which expects no more elements");
        }
        for (index, one) in expected.iter().take(LISTED).enumerate() {
            let name: Cow<'_, str> = match one {
                Expected::Element(symbol) => Cow::Borrowed(self.types.names.text(*symbol)),
                Expected::Member(element) => {
                    Cow::Borrowed(self.types.names.text(self.types.element(*element).symbol))
                }
                Expected::Any(Namespaces::Any) => Cow::Borrowed("any element"),
                Expected::Any(_) => Cow::Borrowed("an element of another namespace"),
            };
            // Writing to a string does not fail.
            let _ = write!(out, "{}{}", if index == 0 { ", which expects " } else { ", " }, Short(&name));
        }
        if expected.len() > LISTED {
            out.push_str(" …");
        }
        out
    }
}
