//! `xs:attribute`, `xs:attributeGroup` and `xs:anyAttribute`.

use super::Compiler;
use super::source::Kind;
use super::syntax::At;
use crate::SchemaError;
use crate::builtin::ANY_SIMPLE_TYPE;
use crate::names::Symbol;
use crate::simple::is_space;
use crate::types::{Attribute, AttributeUse, TypeId};
use crate::wildcard::{Namespaces, Process, Wildcard};

/// Attribute groups within each other.
const NESTED: usize = 32;

/// The attributes that stand in one place of a schema.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) uses: Vec<AttributeUse>,
    pub(super) prohibited: Vec<Symbol>,
    pub(super) wildcard: Option<Wildcard>,
}

impl<'d> Compiler<'d> {
    /// The attributes among the children of `at`.
    pub(super) fn attributes(&mut self, at: At<'d>) -> Result<Attributes, SchemaError> {
        let mut found = Attributes::default();
        self.collect(at, &mut found, 0)?;
        for (index, one) in found.uses.iter().enumerate() {
            if found.uses[..index].iter().any(|other| other.symbol == one.symbol) {
                let name = self.out.names.text(one.symbol);
                return Err(at.error(&format!("the attribute {name} is there twice")));
            }
        }
        Ok(found)
    }

    fn collect(&mut self, at: At<'d>, found: &mut Attributes, depth: usize) -> Result<(), SchemaError> {
        if depth > NESTED {
            return Err(at.error("attribute groups lie too deep within each other"));
        }
        self.count(at)?;
        let mut own = None;
        let mut groups: Option<Wildcard> = None;
        for child in at.children() {
            match child.tag()? {
                "attribute" => self.attribute_use(child, found)?,
                "attributeGroup" => {
                    child.expect(&["ref"], &[])?;
                    let name =
                        child.attribute("ref").ok_or_else(|| child.error("the reference is missing"))?;
                    let group = self.find(child, Kind::AttributeGroup, name)?;
                    group.expect(&["name"], &["attribute", "attributeGroup", "anyAttribute"])?;
                    let mut inner = Attributes::default();
                    self.collect(group, &mut inner, depth + 1)?;
                    found.uses.append(&mut inner.uses);
                    groups = match (groups, inner.wildcard) {
                        (Some(a), Some(b)) => Some(intersection(child, &a, &b)?),
                        (a, b) => a.or(b),
                    };
                }
                "anyAttribute" => {
                    child.expect(&["namespace", "processContents"], &[])?;
                    own = Some(self.wildcard(child)?);
                }
                _ => {}
            }
        }
        found.wildcard = match (own, groups) {
            (Some(own), Some(groups)) => Some(intersection(at, &own, &groups)?),
            (own, groups) => own.or(groups),
        };
        Ok(())
    }

    fn attribute_use(&mut self, at: At<'d>, found: &mut Attributes) -> Result<(), SchemaError> {
        at.expect(&["name", "ref", "type", "use", "default", "fixed", "form"], &["simpleType"])?;
        let (symbol, mut attribute) = if let Some(name) = at.attribute("ref") {
            if at.attribute("type").is_some()
                || at.attribute("form").is_some()
                || at.children().next().is_some()
            {
                return Err(at.error("a reference defines nothing"));
            }
            let global = self.find(at, Kind::Attribute, name)?;
            (self.symbol(at, name)?, self.global_attribute(global)?)
        } else {
            let name = at.name()?;
            let unit = &self.sources.units[at.unit];
            let qualified = at.qualified("form")?.unwrap_or(unit.attributes_qualified);
            let target = unit.target.filter(|_| qualified);
            (self.out.names.add(target, name), self.declared(at)?)
        };
        if at.attribute("ref").is_some() && at.attribute("fixed").is_some() {
            attribute.fixed = self.fixed(at, attribute.simple)?;
        }
        let required = match at.attribute("use") {
            None | Some("optional") => false,
            Some("required") => true,
            Some("prohibited") => {
                found.prohibited.push(symbol);
                return Ok(());
            }
            Some(_) => return Err(at.error("use is optional, required or prohibited")),
        };
        if required && at.attribute("default").is_some() {
            return Err(at.error("what is required needs no default"));
        }
        found.uses.push(AttributeUse { symbol, attribute, required });
        Ok(())
    }

    /// A global attribute declaration.
    pub(super) fn global_attribute(&mut self, at: At<'d>) -> Result<Attribute, SchemaError> {
        at.expect(&["name", "type", "default", "fixed"], &["simpleType"])?;
        let name = at.name()?;
        let target = self.sources.units[at.unit].target;
        let symbol = self.out.names.add(target, name);
        if let Some(known) = self.out.global_attributes.get(&symbol) {
            return Ok(known.clone());
        }
        let attribute = self.declared(at)?;
        self.out.global_attributes.insert(symbol, attribute.clone());
        Ok(attribute)
    }

    fn declared(&mut self, at: At<'d>) -> Result<Attribute, SchemaError> {
        let simple = self.simple_from(at, "type")?.unwrap_or(ANY_SIMPLE_TYPE);
        Ok(Attribute { simple, fixed: self.fixed(at, simple)? })
    }

    /// The value of `fixed`; that of `default` is checked only, for it judges nothing.
    fn fixed(
        &self,
        at: At<'d>,
        simple: TypeId,
    ) -> Result<Option<crate::simple::atom::Value<'static>>, SchemaError> {
        let simple = self.out.simple(simple);
        match (at.attribute("default"), at.attribute("fixed")) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(at.error("a value is either default or fixed")),
            (Some(value), None) => self.check_value(at, simple, value).map(|()| None),
            (None, Some(value)) => {
                self.check_value(at, simple, value)?;
                let value = simple.value(&self.out, value, at.node);
                Ok(value.map(crate::simple::atom::Value::into_owned))
            }
        }
    }

    /// What `namespace` and `processContents` say.
    pub(super) fn wildcard(&mut self, at: At<'d>) -> Result<Wildcard, SchemaError> {
        let process = match at.attribute("processContents") {
            None | Some("strict") => Process::Strict,
            Some("lax") => Process::Lax,
            Some("skip") => Process::Skip,
            Some(_) => return Err(at.error("processContents is strict, lax or skip")),
        };
        let target = self.sources.units[at.unit].target;
        let namespaces = match at.attribute("namespace").map(|text| text.trim_matches(is_space)) {
            None | Some("##any") => Namespaces::Any,
            Some("##other") => Namespaces::Not(self.out.names.add_namespace(target)),
            Some(list) => {
                let mut among = Vec::new();
                for word in list.split(is_space).filter(|word| !word.is_empty()) {
                    let namespace = match word {
                        "##targetNamespace" => target,
                        "##local" => None,
                        word if word.starts_with("##") => {
                            return Err(at.error("the wildcard names no namespace"));
                        }
                        word => Some(word),
                    };
                    among.push(self.out.names.add_namespace(namespace));
                }
                Namespaces::Among(among)
            }
        };
        Ok(Wildcard { namespaces, process })
    }
}

fn intersection(at: At<'_>, one: &Wildcard, other: &Wildcard) -> Result<Wildcard, SchemaError> {
    let namespaces = one.namespaces.intersection(&other.namespaces);
    let namespaces = namespaces.ok_or_else(|| at.error("the attribute wildcards do not go together"))?;
    Ok(Wildcard { namespaces, process: one.process })
}
