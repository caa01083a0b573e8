//! `xs:simpleType`.

use super::Compiler;
use super::syntax::At;
use crate::SchemaError;
use crate::builtin::ANY_SIMPLE_TYPE;
use crate::simple::atom::Atom;
use crate::simple::facets::{Bound, Facets};
use crate::simple::{Forget, Simple, Variety, WhiteSpace, is_space, pattern};
use crate::types::{Body, Derivations, Type, TypeId};

/// All facets.
pub(super) const FACETS: [&str; 12] = [
    "length",
    "minLength",
    "maxLength",
    "pattern",
    "enumeration",
    "whiteSpace",
    "minInclusive",
    "minExclusive",
    "maxInclusive",
    "maxExclusive",
    "totalDigits",
    "fractionDigits",
];

impl<'d> Compiler<'d> {
    /// The type that an `xs:simpleType` defines.
    pub(super) fn simple_type(&mut self, at: At<'d>) -> Result<Type, SchemaError> {
        at.expect(&["name", "final"], &["restriction", "list", "union"])?;
        if at.attribute("final").is_some_and(|text| !text.trim().is_empty()) {
            return Err(at.error("final is not supported"));
        }
        let child = at.children().next().ok_or_else(|| at.error("the definition is missing"))?;
        let (base, simple) = match child.tag()? {
            "restriction" => {
                let children: Vec<&str> = FACETS.into_iter().chain(["simpleType"]).collect();
                child.expect(&["base"], &children)?;
                let base = self.simple_from(child, "base")?;
                let base = base.ok_or_else(|| child.error("the base is missing"))?;
                (base, self.restrict(child, base)?)
            }
            "list" => {
                child.expect(&["itemType"], &["simpleType"])?;
                let item = self.simple_from(child, "itemType")?;
                let item = item.ok_or_else(|| child.error("the type of the items is missing"))?;
                if self.is_list(item, 0) {
                    return Err(child.error("a list holds no lists"));
                }
                (ANY_SIMPLE_TYPE, Simple::plain(Variety::List(item), WhiteSpace::Collapse))
            }
            _ => {
                child.expect(&["memberTypes"], &["simpleType"])?;
                let mut members = Vec::new();
                let named = child.attribute("memberTypes").unwrap_or_default();
                for name in named.split(is_space).filter(|name| !name.is_empty()) {
                    members.push(self.named_simple(child, name)?);
                }
                for member in child.children() {
                    let member = self.declare_type(member);
                    self.complete(member)?;
                    members.push(member);
                }
                if members.is_empty() {
                    return Err(child.error("a union has members"));
                }
                (ANY_SIMPLE_TYPE, Simple::plain(Variety::Union(members), WhiteSpace::Collapse))
            }
        };
        Ok(Type { base, derivation: Derivations::RESTRICTION, body: Body::Simple(simple) })
    }

    fn is_list(&self, id: TypeId, depth: usize) -> bool {
        match &self.out.simple(id).variety {
            Variety::Atomic(..) => false,
            Variety::List(_) => true,
            Variety::Union(members) => {
                depth < 64 && members.iter().any(|member| self.is_list(*member, depth + 1))
            }
        }
    }

    /// The simple type that the attribute names or the child defines.
    pub(super) fn simple_from(&mut self, at: At<'d>, attribute: &str) -> Result<Option<TypeId>, SchemaError> {
        match (at.attribute(attribute), at.child("simpleType")) {
            (Some(_), Some(_)) => Err(at.error("the type is both named and defined")),
            (Some(name), None) => self.named_simple(at, name).map(Some),
            (None, Some(child)) => {
                let id = self.declare_type(child);
                self.complete(id)?;
                Ok(Some(id))
            }
            (None, None) => Ok(None),
        }
    }

    fn named_simple(&mut self, at: At<'d>, name: &'d str) -> Result<TypeId, SchemaError> {
        let id = self.named_type(at, name)?;
        self.complete(id)?;
        match self.out.types[id as usize].body {
            Body::Simple(_) => Ok(id),
            Body::Complex(_) => Err(at.error(&format!("{name} is no simple type"))),
        }
    }

    /// `base` with the facets that stand in `at`.
    pub(super) fn restrict(&self, at: At<'d>, base: TypeId) -> Result<Simple, SchemaError> {
        let base = self.out.simple(base);
        let mut simple = base.clone();
        let mut facets = base.facets.as_deref().cloned().unwrap_or_default();
        let already_fixed = facets.fixed.clone();
        let mut patterns = Vec::new();
        let mut enumeration = Vec::new();
        for facet in at.children() {
            let name = facet.tag()?;
            if !FACETS.contains(&name) {
                continue;
            }
            facet.expect(&["value", "fixed"], &[])?;
            let value = facet.attribute("value").ok_or_else(|| facet.error("the value is missing"))?;
            if already_fixed.iter().any(|fixed| **fixed == *name) {
                return Err(facet.error("the base type fixes this facet"));
            }
            if facet.flag("fixed")? {
                facets.fixed.push(name.into());
            }
            match name {
                "pattern" => patterns.push(value),
                "enumeration" => {
                    self.check_value(facet, base, value)?;
                    let value = base.value(&self.out, value, facet.node);
                    enumeration.extend(value.map(crate::simple::atom::Value::into_owned));
                }
                "whiteSpace" => {
                    let white_space = match value {
                        "preserve" => WhiteSpace::Preserve,
                        "replace" => WhiteSpace::Replace,
                        "collapse" => WhiteSpace::Collapse,
                        _ => return Err(facet.error("white space is preserved, replaced or collapsed")),
                    };
                    if white_space < simple.white_space {
                        return Err(facet.error("the base type does more with white space"));
                    }
                    simple.white_space = white_space;
                }
                "minInclusive" | "minExclusive" | "maxInclusive" | "maxExclusive" => {
                    self.bound(facet, name, base, value, &mut facets)?;
                }
                _ => size(facet, name, base, value, &mut facets)?,
            }
        }
        if !patterns.is_empty() {
            facets.patterns.push(pattern::compile(&patterns).map_err(|refused| at.error(&refused))?);
        }
        if !enumeration.is_empty() {
            facets.enumeration = Some(enumeration);
        }
        simple.facets = Some(Box::new(facets));
        Ok(simple)
    }

    /// An error unless `text` is a value of `simple`.
    pub(super) fn check_value(&self, at: At<'d>, simple: &Simple, text: &str) -> Result<(), SchemaError> {
        let fault = simple.check(&self.out, text, at.node, &mut Forget);
        fault.map_err(|fault| at.error(&format!("the value {}", fault.0)))
    }

    fn bound(
        &self,
        at: At<'d>,
        name: &str,
        base: &Simple,
        text: &'d str,
        facets: &mut Facets,
    ) -> Result<(), SchemaError> {
        let Variety::Atomic(atom, _) = base.variety else {
            return Err(at.error("lists and unions have no order"));
        };
        if !atom.is_ordered() {
            return Err(at.error("the type has no order"));
        }
        self.check_value(at, base, text)?;
        let value = base.value(&self.out, text, at.node).ok_or_else(|| at.error("the value has no order"))?;
        let bound = Bound {
            value: value.into_owned(),
            inclusive: name.ends_with("Inclusive"),
            text: text.trim().into(),
        };
        let end = if name.starts_with("min") { &mut facets.min } else { &mut facets.max };
        *end = Some(bound);
        Ok(())
    }
}

/// Facets that are numbers.
fn size(at: At<'_>, name: &str, base: &Simple, text: &str, facets: &mut Facets) -> Result<(), SchemaError> {
    let number = at.number(name, text)? as usize;
    let digits = name.ends_with("Digits");
    let applies = match base.variety {
        Variety::Atomic(Atom::Decimal | Atom::Integer | Atom::Unsigned, _) => digits,
        Variety::Atomic(atom, _) => !digits && atom.length("").is_some(),
        Variety::List(_) => !digits,
        Variety::Union(_) => false,
    };
    if !applies {
        return Err(at.error("the facet does not apply to this type"));
    }
    let at_least = |end: &mut Option<usize>| *end = Some(end.map_or(number, |known| known.max(number)));
    let at_most = |end: &mut Option<usize>| *end = Some(end.map_or(number, |known| known.min(number)));
    match name {
        "length" => {
            at_least(&mut facets.min_length);
            at_most(&mut facets.max_length);
        }
        "minLength" => at_least(&mut facets.min_length),
        "maxLength" => at_most(&mut facets.max_length),
        "totalDigits" if number == 0 => return Err(at.error("a number has digits")),
        "totalDigits" => at_most(&mut facets.total_digits),
        _ => at_most(&mut facets.fraction_digits),
    }
    Ok(())
}
