//! An element begins: which type judges it, its attributes, its value.

use std::borrow::Cow;

use csc_xml::Node;

use super::attributes::is_free;
use super::{Frame, Walk};
use crate::Invalid;
use crate::builtin::ANY_TYPE;
use crate::error::Short;
use crate::simple::{atom, is_space};
use crate::types::{Body, Content, Derivations, ElementId, Preset, TypeId};

impl<'d> Walk<'_, 'd> {
    /// Judges an element by its declaration, or laxly if there is none (XML Schema part 1, section 3.3.4).
    pub(super) fn start(&mut self, node: Node<'d, 'd>, element: Option<ElementId>) -> Result<(), Invalid> {
        let types = self.types;
        let declared = element.map(|element| types.element(element));
        if declared.is_some_and(|declared| declared.is_abstract) {
            return Err(Invalid::at(node, &"is abstract: another element of its group must stand here"));
        }
        let mut type_id = declared.map_or(ANY_TYPE, |declared| declared.type_id);
        let mut nil = false;
        for attribute in node.attributes().filter(is_free) {
            match attribute.name() {
                "type" => {
                    let block = declared.map_or(Derivations::default(), |declared| declared.block);
                    type_id = self.instance_type(node, attribute.value(), type_id, block)?;
                }
                // Of an element without a declaration it says nothing.
                "nil" if let Some(declared) = declared => {
                    if !declared.nillable {
                        return Err(Invalid::at(node, &"xsi:nil must not stand here"));
                    }
                    nil = match attribute.value().trim_matches(is_space) {
                        "true" | "1" => true,
                        "false" | "0" => false,
                        _ => return Err(Invalid::at(node, &"xsi:nil is no boolean")),
                    };
                }
                _ => {}
            }
        }
        let preset = declared.and_then(|declared| declared.preset.as_ref());
        if nil && matches!(preset, Some(Preset::Fixed(..))) {
            return Err(Invalid::at(node, &"has a fixed value and cannot be nil"));
        }
        let content = match &types.types[type_id as usize].body {
            Body::Simple(_) => {
                if let Some(attribute) = node.attributes().find(|attribute| !is_free(attribute)) {
                    let name = Short(attribute.name());
                    return Err(Invalid::at(node, &format_args!("the attribute {name} must not stand here")));
                }
                return if nil { nothing(node) } else { self.text_value(node, type_id, preset) };
            }
            Body::Complex(complex) => {
                if complex.is_abstract {
                    return Err(Invalid::at(node, &"has an abstract type: xsi:type must name another"));
                }
                self.attributes(node, complex)?;
                &complex.content
            }
        };
        match content {
            _ if nil => nothing(node),
            Content::Empty => nothing(node),
            Content::Simple(simple) => self.text_value(node, *simple, preset),
            Content::Elements { model, mixed } => {
                if let Some(Preset::Fixed(_, fixed)) = preset
                    && node.has_children()
                    && text(node).as_deref() != Some(fixed)
                {
                    return Err(Invalid::at(node, &"has another value than it must"));
                }
                let states = self.states.len();
                self.frames.push(Frame { node, next: node.first_child(), model, mixed: *mixed, states });
                Ok(())
            }
        }
    }

    fn text_value(
        &mut self,
        node: Node<'d, 'd>,
        simple: TypeId,
        preset: Option<&Preset>,
    ) -> Result<(), Invalid> {
        let Some(text) = text(node) else {
            return Err(Invalid::at(node, &"holds a value and no elements"));
        };
        // An empty element has the value that the schema gives it.
        if preset.is_some() && text.is_empty() {
            return Ok(());
        }
        let fault = self.value(node, simple, &text);
        fault.map_err(|what| Invalid::at(node, &format_args!("the value {}", what.0)))?;
        match preset {
            Some(Preset::Fixed(fixed, _)) if !self.is(node, simple, &text, fixed) => {
                Err(Invalid::at(node, &"has another value than it must"))
            }
            _ => Ok(()),
        }
    }

    /// The type that `xsi:type` names, if it may stand for `declared`.
    fn instance_type(
        &self,
        node: Node<'d, 'd>,
        text: &str,
        declared: TypeId,
        block: Derivations,
    ) -> Result<TypeId, Invalid> {
        let types = self.types;
        let fault = |what: &str| Invalid::at(node, &format_args!("xsi:type {what}"));
        let name = atom::name(text.trim_matches(is_space), node);
        let (namespace, local) = name.ok_or_else(|| fault("is no name, or its prefix is not bound"))?;
        let symbol = types.names.symbol(types.names.namespace(namespace), local);
        let named = types.global_types.get(&symbol).copied();
        let named = named.ok_or_else(|| fault("names a type that is not declared"))?;
        let way = types.derivation(named, declared);
        let way = way.ok_or_else(|| fault("names a type that is not derived from that of the element"))?;
        if way.meets(block.and(types.types[declared as usize].body.block())) {
            return Err(fault("names a type that the schema does not allow here"));
        }
        Ok(named)
    }
}

/// Neither elements nor text.
fn nothing(node: Node<'_, '_>) -> Result<(), Invalid> {
    match node.children().find(|child| child.is_element() || child.is_text()) {
        None => Ok(()),
        Some(child) if child.is_element() => {
            Err(Invalid::at(child, &"must not stand in an element that is empty"))
        }
        Some(_) => Err(Invalid::at(node, &"must be empty, without white space too")),
    }
}

/// The text of an element that holds no elements.
fn text<'d>(node: Node<'d, 'd>) -> Option<Cow<'d, str>> {
    let mut text = Cow::Borrowed("");
    for child in node.children() {
        if child.is_element() {
            return None;
        }
        let Some(piece) = child.text().filter(|_| child.is_text()) else { continue };
        if text.is_empty() {
            text = Cow::Borrowed(piece);
        } else {
            text.to_mut().push_str(piece);
        }
    }
    Some(text)
}
