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
                "type" => match (self.named_type(node, attribute.value()), declared) {
                    // Without a declaration, a type that only others know makes no difference.
                    (Err(_), None) => {}
                    (Err(what), Some(_)) => return Err(Invalid::at(node, &format_args!("xsi:type {what}"))),
                    (Ok(named), _) => {
                        let block = declared.map_or(Derivations::default(), |declared| declared.block);
                        self.may_stand_for(node, named, type_id, block)?;
                        type_id = named;
                    }
                },
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
        let retyped = declared.is_some_and(|declared| declared.type_id != type_id);
        if nil && matches!(preset, Some(Preset::Fixed(..))) {
            return Err(Invalid::at(node, &"has a fixed value and cannot be nil"));
        }
        let content = match &types.types[type_id as usize].body {
            Body::Simple(_) => {
                if let Some(attribute) = node.attributes().find(|attribute| !is_free(attribute)) {
                    let name = Short(attribute.name());
                    return Err(Invalid::at(node, &format_args!("the attribute {name} must not stand here")));
                }
                return if nil { nothing(node) } else { self.text_value(node, type_id, preset, retyped) };
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
            Content::Simple(simple) => self.text_value(node, *simple, preset, retyped),
            Content::Elements { model, mixed } => {
                if let Some(Preset::Fixed(_, fixed)) = preset
                    && text(node).is_none_or(|text| !text.is_empty() && text != **fixed)
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
        retyped: bool,
    ) -> Result<(), Invalid> {
        let Some(text) = text(node) else {
            return Err(Invalid::at(node, &"holds a value and no elements"));
        };
        let text = match preset {
            // An empty element has the value that the schema gives it, but xsi:type may name a type that lacks it.
            Some(_) if text.is_empty() && !retyped => return Ok(()),
            Some(Preset::Default(given) | Preset::Fixed(_, given)) if text.is_empty() => {
                Cow::Borrowed(&**given)
            }
            _ => text,
        };
        let fault = self.value(node, simple, &text);
        fault.map_err(|what| Invalid::at(node, &format_args!("the value {}", what.0)))?;
        match preset {
            Some(Preset::Fixed(fixed, _)) if !self.is(node, simple, &text, fixed) => {
                Err(Invalid::at(node, &"has another value than it must"))
            }
            _ => Ok(()),
        }
    }

    /// The type that `text` names, as the value of `xsi:type`; else what is wrong with it.
    pub(super) fn named_type(&self, node: Node<'d, 'd>, text: &str) -> Result<TypeId, &'static str> {
        let names = &self.types.names;
        let (namespace, local) =
            atom::name(text.trim_matches(is_space), node).ok_or("is no name, or its prefix is not bound")?;
        let symbol = names.symbol(names.namespace(namespace), local);
        self.types.global_types.get(&symbol).copied().ok_or("names a type that is not declared")
    }

    /// Whether the type that `xsi:type` names may stand for the one that is declared.
    fn may_stand_for(
        &self,
        node: Node<'d, 'd>,
        named: TypeId,
        declared: TypeId,
        block: Derivations,
    ) -> Result<(), Invalid> {
        let Some(way) = self.types.derivation(named, declared) else {
            let what = "xsi:type names a type that is not derived from that of the element";
            return Err(Invalid::at(node, &what));
        };
        if way.meets(block.and(self.types.types[declared as usize].body.block())) {
            return Err(Invalid::at(node, &"xsi:type names a type that the schema does not allow here"));
        }
        Ok(())
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
