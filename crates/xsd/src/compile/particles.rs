//! Elements, groups and wildcards of content models.

use super::Compiler;
use super::source::Kind;
use super::syntax::{At, derivations};
use crate::SchemaError;
use crate::builtin::ANY_TYPE;
use crate::model::build::{Particle, Term};
use crate::names::number;
use crate::types::{Derivations, Element, ElementId, TypeId};

/// Groups within each other.
const NESTED: usize = 64;

/// The elements that content models are made of.
pub(super) const MODEL: [&str; 4] = ["group", "all", "choice", "sequence"];

impl<'d> Compiler<'d> {
    /// The particle that `at` stands for; `None` if it occurs never.
    pub(super) fn particle(&mut self, at: At<'d>, depth: usize) -> Result<Option<Particle>, SchemaError> {
        if depth > NESTED {
            return Err(at.error("groups lie too deep within each other"));
        }
        self.count(at)?;
        let (least, most) = at.occurrences()?;
        let term = match at.tag()? {
            "element" => {
                let element = match at.attribute("ref") {
                    None => self.element(at, false)?,
                    Some(name) => {
                        at.expect(&["ref", "minOccurs", "maxOccurs"], &[])?;
                        let global = self.find(at, Kind::Element, name)?;
                        self.element(global, true)?
                    }
                };
                Term::Element(self.out.element(element).symbol, element)
            }
            "any" => {
                at.expect(&["namespace", "processContents", "minOccurs", "maxOccurs"], &[])?;
                Term::Any(self.wildcard(at)?)
            }
            "group" => {
                at.expect(&["ref", "minOccurs", "maxOccurs"], &[])?;
                let name = at.attribute("ref").ok_or_else(|| at.error("the reference is missing"))?;
                let group = self.find(at, Kind::Group, name)?;
                return Ok(self.group(group, depth + 1)?.map(|inner| {
                    if (least, most) == (1, Some(1)) { inner } else { around(least, most, inner) }
                }));
            }
            "all" => {
                at.expect(&["minOccurs", "maxOccurs"], &["element"])?;
                Term::All(self.parts(at, depth)?)
            }
            tag @ ("sequence" | "choice") => {
                at.expect(&["minOccurs", "maxOccurs"], &["element", "group", "choice", "sequence", "any"])?;
                let parts = self.parts(at, depth)?;
                if tag == "sequence" { Term::Sequence(parts) } else { Term::Choice(parts) }
            }
            _ => return Err(at.error("this is not supported here")),
        };
        Ok((most != Some(0)).then(|| Particle { least, most, term: term.into() }))
    }

    fn parts(&mut self, at: At<'d>, depth: usize) -> Result<Vec<Particle>, SchemaError> {
        let mut parts = Vec::new();
        for child in at.children() {
            parts.extend(self.particle(child, depth + 1)?);
        }
        Ok(parts)
    }

    /// The content of a named group.
    pub(super) fn group(&mut self, at: At<'d>, depth: usize) -> Result<Option<Particle>, SchemaError> {
        at.expect(&["name"], &["all", "choice", "sequence"])?;
        let mut children = at.children();
        match (children.next(), children.next()) {
            (Some(content), None) => self.particle(content, depth),
            _ => Err(at.error("a group holds one model")),
        }
    }

    /// An element declaration.
    pub(super) fn element(&mut self, at: At<'d>, global: bool) -> Result<ElementId, SchemaError> {
        if let Some(known) = self.element_of.get(&(at.unit, at.node.id().get())) {
            return Ok(*known);
        }
        let own: &[&str] =
            if global { &["abstract", "substitutionGroup"] } else { &["form", "minOccurs", "maxOccurs"] };
        let attributes = [own, &["name", "type", "default", "fixed", "nillable", "block"]].concat();
        at.expect(&attributes, &["simpleType", "complexType"])?;
        let name = at.name()?;
        let unit = &self.sources.units[at.unit];
        let (target, elements_qualified, block) = (unit.target, unit.elements_qualified, unit.block);
        let qualified = global || at.qualified("form")?.unwrap_or(elements_qualified);
        let symbol = self.out.names.add(target.filter(|_| qualified), name);
        let type_id = self.type_of_element(at, 0)?;
        let block = match at.attribute("block") {
            None => block,
            text => derivations(at, text)?,
        };
        let id = number(self.out.elements.len());
        self.element_of.insert((at.unit, at.node.id().get()), id);
        self.out.elements.push(Element {
            symbol,
            type_id,
            is_abstract: at.flag("abstract")?,
            nillable: at.flag("nillable")?,
            block,
            preset: None,
            substitutes: Vec::new(),
        });
        if at.attribute("default").is_some() || at.attribute("fixed").is_some() {
            self.presets.push((id, at));
        }
        if global {
            self.out.global_elements.insert(symbol, id);
        }
        Ok(id)
    }

    fn type_of_element(&mut self, at: At<'d>, depth: usize) -> Result<TypeId, SchemaError> {
        if depth > NESTED {
            return Err(at.error("the substitution groups lead nowhere"));
        }
        let mut defined = at.children();
        match (at.attribute("type"), defined.next(), defined.next()) {
            (Some(name), None, None) => self.named_type(at, name),
            (None, Some(child), None) => Ok(self.declare_type(child)),
            (None, None, None) => match at.attribute("substitutionGroup") {
                Some(head) => {
                    let head = self.find(at, Kind::Element, head)?;
                    self.type_of_element(head, depth + 1)
                }
                None => Ok(ANY_TYPE),
            },
            _ => Err(at.error("the type is there twice")),
        }
    }

    /// Finds for each head of a substitution group what may stand in its place.
    pub(super) fn substitutions(&mut self) -> Result<(), SchemaError> {
        let globals: Vec<At<'d>> = self.globals(Kind::Element);
        for at in globals {
            let member = self.element(at, true)?;
            let mut below = at;
            let mut steps = 0;
            while let Some(name) = below.attribute("substitutionGroup") {
                steps += 1;
                if steps > NESTED {
                    return Err(at.error("the substitution groups lead nowhere"));
                }
                below = self.find(below, Kind::Element, name)?;
                let head = self.element(below, true)?;
                let (head_type, blocked) = {
                    let head = self.out.element(head);
                    (head.type_id, head.block.and(self.out.types[head.type_id as usize].body.block()))
                };
                let Some(way) = self.out.derivation(self.out.element(member).type_id, head_type) else {
                    return Err(at.error("the type does not come from that of the head of its group"));
                };
                let way = way.and(Derivations { substitution: true, ..Derivations::default() });
                if !way.meets(blocked) && member != head {
                    let symbol = self.out.element(member).symbol;
                    self.out.elements[head as usize].substitutes.push((symbol, member));
                }
            }
        }
        Ok(())
    }
}

/// A particle that occurs otherwise than it says itself.
fn around(least: u32, most: Option<u32>, inner: Particle) -> Particle {
    if (inner.least, inner.most) == (1, Some(1)) {
        return Particle { least, most, ..inner };
    }
    Particle { least, most, term: Term::Sequence(vec![inner]).into() }
}
