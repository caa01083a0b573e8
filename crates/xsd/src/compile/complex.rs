//! `xs:complexType`.

use super::Compiler;
use super::attributes::Attributes;
use super::particles::MODEL;
use super::simple::FACETS;
use super::syntax::{At, derivations};
use crate::SchemaError;
use crate::builtin::ANY_TYPE;
use crate::model::build::{self, Particle, Term};
use crate::model::{Label, Model};
use crate::simple::Simple;
use crate::types::{AttributeUse, Body, Complex, Content, Derivations, Type, TypeId};
use crate::wildcard::{Process, Wildcard};

const ATTRIBUTES: [&str; 3] = ["attribute", "attributeGroup", "anyAttribute"];

/// The content of a type on its way.
enum Draft {
    Simple(TypeId),
    Elements { particle: Option<Particle>, mixed: bool },
}

impl<'d> Compiler<'d> {
    /// The type `id`, which the `xs:complexType` at `at` defines.
    pub(super) fn complex_type(&mut self, id: TypeId, at: At<'d>) -> Result<Type, SchemaError> {
        let derived = ["simpleContent", "complexContent"];
        let children: Vec<&str> = MODEL.into_iter().chain(ATTRIBUTES).chain(derived).collect();
        at.expect(&["name", "mixed", "abstract", "block", "final"], &children)?;
        if at.attribute("final").is_some_and(|text| !text.trim().is_empty()) {
            return Err(at.error("final is not supported"));
        }
        let unit_block = self.sources.units[at.unit].block;
        let block = match at.attribute("block") {
            None => unit_block,
            text => derivations(at, text)?,
        };
        let mixed = at.flag("mixed")?;
        let content =
            at.children().find(|child| derived.iter().any(|tag| child.tag().is_ok_and(|is| is == *tag)));
        let (base, derivation, attributes, draft) = match content {
            None => {
                let attributes = self.attributes(at)?;
                let attributes = (attributes.uses, attributes.wildcard);
                (ANY_TYPE, Derivations::RESTRICTION, attributes, self.elements(at, mixed)?)
            }
            Some(content) if at.children().count() > 1 => {
                return Err(content.error("nothing stands beside derived content"));
            }
            Some(content) => {
                content.expect(&["mixed"], &["extension", "restriction"])?;
                let step =
                    content.children().next().ok_or_else(|| content.error("the derivation is missing"))?;
                let (base, derivation) = self.base(step)?;
                let extends = derivation == Derivations::EXTENSION;
                let attributes =
                    if extends { self.extended(step, base)? } else { self.restricted(step, base)? };
                let draft = if content.tag()? == "simpleContent" {
                    self.simple_content(step, base, extends)?
                } else {
                    let mixed =
                        if content.attribute("mixed").is_some() { content.flag("mixed")? } else { mixed };
                    self.complex_content(step, base, extends, mixed)?
                };
                (base, derivation, attributes, draft)
            }
        };
        let content = match draft {
            Draft::Simple(simple) => Content::Simple(simple),
            Draft::Elements { particle, mixed } => self.content(id, at, particle, mixed)?,
        };
        let (attributes, wildcard) = attributes;
        let complex = Complex { attributes, wildcard, content, is_abstract: at.flag("abstract")?, block };
        Ok(Type { base, derivation, body: Body::Complex(complex) })
    }

    fn base(&mut self, step: At<'d>) -> Result<(TypeId, Derivations), SchemaError> {
        let extends = step.tag()? == "extension";
        let children = MODEL.into_iter().chain(ATTRIBUTES);
        let facets = FACETS.into_iter().chain(["simpleType"]).filter(|_| !extends);
        step.expect(&["base"], &children.chain(facets).collect::<Vec<_>>())?;
        let name = step.attribute("base").ok_or_else(|| step.error("the base is missing"))?;
        let base = self.named_type(step, name)?;
        self.complete(base)?;
        Ok((base, if extends { Derivations::EXTENSION } else { Derivations::RESTRICTION }))
    }

    /// The model among the children of `at`.
    fn elements(&mut self, at: At<'d>, mixed: bool) -> Result<Draft, SchemaError> {
        let mut models = at.children().filter(|child| child.tag().is_ok_and(|tag| MODEL.contains(&tag)));
        let particle = match (models.next(), models.next()) {
            (None, _) => None,
            (Some(model), None) => self.particle(model, 0)?,
            _ => return Err(at.error("a type has one model")),
        };
        // A model without any particle is none.
        let particle = particle.filter(|particle| {
            !matches!(&*particle.term, Term::Sequence(parts) | Term::All(parts) if parts.is_empty())
        });
        Ok(Draft::Elements { particle, mixed })
    }

    fn complex_content(
        &mut self,
        step: At<'d>,
        base: TypeId,
        extends: bool,
        mixed: bool,
    ) -> Result<Draft, SchemaError> {
        let Body::Complex(complex) = &self.out.types[base as usize].body else {
            return Err(step.error("the base is a simple type"));
        };
        let base_mixed = match &complex.content {
            Content::Empty => None,
            Content::Simple(_) => return Err(step.error("the content of the base is simple")),
            Content::Elements { mixed, .. } => Some(*mixed),
        };
        if step
            .children()
            .any(|child| child.tag().is_ok_and(|tag| FACETS.contains(&tag) || tag == "simpleType"))
        {
            return Err(step.error("complex content has no facets"));
        }
        let Draft::Elements { particle, .. } = self.elements(step, mixed)? else {
            return Err(step.error("the content is missing"));
        };
        if !extends {
            if mixed && base_mixed != Some(true) {
                return Err(step.error("the base is not mixed"));
            }
            return Ok(Draft::Elements { particle, mixed });
        }
        let inherited = self.particles.get(&base).cloned().flatten();
        let Some(base_mixed) = base_mixed else { return Ok(Draft::Elements { particle, mixed }) };
        let mixed = match particle {
            // Without a model of its own the content is that of the base.
            None if !mixed => base_mixed,
            _ if mixed == base_mixed => mixed,
            _ => return Err(step.error("the type and its base must both be mixed, or neither")),
        };
        let particle = match (inherited, particle) {
            (Some(a), Some(b)) => Some(Particle::once(Term::Sequence(vec![a, b]))),
            (a, b) => a.or(b),
        };
        Ok(Draft::Elements { particle, mixed })
    }

    fn simple_content(&mut self, step: At<'d>, base: TypeId, extends: bool) -> Result<Draft, SchemaError> {
        if step.children().any(|child| child.tag().is_ok_and(|tag| MODEL.contains(&tag))) {
            return Err(step.error("simple content has no model"));
        }
        let inherited = match &self.out.types[base as usize].body {
            Body::Simple(_) if extends => return Ok(Draft::Simple(base)),
            Body::Simple(_) => {
                return Err(step.error("a complex type is restricted here, and the base is simple"));
            }
            Body::Complex(Complex { content: Content::Simple(simple), .. }) => Some(*simple),
            // Mixed content that may be without elements can be restricted to a value.
            Body::Complex(Complex { content: Content::Elements { model, mixed: true }, .. })
                if !extends && model.may_end(&[]) =>
            {
                None
            }
            Body::Complex(_) => return Err(step.error("the content of the base is not simple")),
        };
        if extends {
            return inherited
                .map(Draft::Simple)
                .ok_or_else(|| step.error("the content of the base is not simple"));
        }
        let own = match step.child("simpleType") {
            None => None,
            Some(child) => {
                let own = self.declare_type(child);
                self.complete(own)?;
                Some(own)
            }
        };
        if let (Some(own), Some(inherited)) = (own, inherited)
            && self.out.derivation(own, inherited).is_none()
        {
            return Err(step.error("the simple type does not come from that of the base"));
        }
        let from = own.or(inherited).ok_or_else(|| step.error("the simple type is missing"))?;
        if !step.children().any(|child| child.tag().is_ok_and(|tag| FACETS.contains(&tag))) {
            return Ok(Draft::Simple(from));
        }
        let restricted: Simple = self.restrict(step, from)?;
        let one = Type { base: from, derivation: Derivations::RESTRICTION, body: Body::Simple(restricted) };
        Ok(Draft::Simple(self.add_type(one)))
    }

    /// The model of a particle, and the particle kept for types that extend this one.
    fn content(
        &mut self,
        id: TypeId,
        at: At<'d>,
        particle: Option<Particle>,
        mixed: bool,
    ) -> Result<Content, SchemaError> {
        self.particles.insert(id, particle.clone());
        let particle = match particle {
            None if !mixed => return Ok(Content::Empty),
            particle => particle.unwrap_or_else(|| Particle::once(Term::Sequence(Vec::new()))),
        };
        let overlap = |a: &Label, b: &Label| self.overlap(a, b);
        let model = build::build(&particle, &overlap).map_err(|what| at.error(&what))?;
        if let Model::Steps(steps) = &model {
            let mut known = std::collections::HashMap::new();
            for position in &steps.positions {
                let Label::Element(symbol, element) = position.label else { continue };
                let type_id = self.out.element(element).type_id;
                if *known.entry(symbol).or_insert(type_id) != type_id {
                    let name = self.out.names.text(symbol);
                    return Err(at.error(&format!("the element {name} has two types here")));
                }
            }
        }
        Ok(Content::Elements { model, mixed })
    }

    /// Whether one child could be at both places.
    fn overlap(&self, one: &Label, other: &Label) -> bool {
        match (one, other) {
            (Label::Any(a), Label::Any(b)) => a.namespaces.meets(&b.namespaces),
            (Label::Any(wildcard), Label::Element(symbol, _))
            | (Label::Element(symbol, _), Label::Any(wildcard)) => {
                self.stand_ins(*symbol).any(|one| wildcard.namespaces.allow(self.out.names.namespace_of(one)))
            }
            (Label::Element(a, _), Label::Element(b, _)) => {
                self.stand_ins(*a).any(|one| self.stand_ins(*b).any(|other| one == other))
            }
        }
    }

    /// The attributes of an extension: those of the base and its own.
    fn extended(
        &mut self,
        step: At<'d>,
        base: TypeId,
    ) -> Result<(Vec<AttributeUse>, Option<Wildcard>), SchemaError> {
        let Attributes { uses: own, wildcard, .. } = self.attributes(step)?;
        let Body::Complex(complex) = &self.out.types[base as usize].body else { return Ok((own, wildcard)) };
        let mut uses = complex.attributes.clone();
        for one in own {
            if uses.iter().any(|known| known.symbol == one.symbol) {
                let name = self.out.names.text(one.symbol);
                return Err(step.error(&format!("the base has the attribute {name} already")));
            }
            uses.push(one);
        }
        let wildcard = match (wildcard, &complex.wildcard) {
            (Some(own), Some(inherited)) => {
                let namespaces = own.namespaces.union(&inherited.namespaces);
                let namespaces =
                    namespaces.ok_or_else(|| step.error("the attribute wildcards do not go together"))?;
                Some(Wildcard { namespaces, process: own.process })
            }
            (own, inherited) => own.or_else(|| inherited.clone()),
        };
        Ok((uses, wildcard))
    }

    /// The attributes of a restriction: those of the base, but for what it says itself.
    fn restricted(
        &mut self,
        step: At<'d>,
        base: TypeId,
    ) -> Result<(Vec<AttributeUse>, Option<Wildcard>), SchemaError> {
        let Attributes { uses: own, prohibited, wildcard } = self.attributes(step)?;
        let Body::Complex(complex) = &self.out.types[base as usize].body else { return Ok((own, wildcard)) };
        for one in &own {
            let name = self.out.names.text(one.symbol);
            match complex.attributes.iter().find(|known| known.symbol == one.symbol) {
                Some(known) if known.required && !one.required => {
                    return Err(step.error(&format!("the base requires the attribute {name}")));
                }
                Some(_) => {}
                None => {
                    let namespace = self.out.names.namespace_of(one.symbol);
                    if !complex.wildcard.as_ref().is_some_and(|wildcard| wildcard.namespaces.allow(namespace))
                    {
                        return Err(step.error(&format!("the base has no attribute {name}")));
                    }
                }
            }
        }
        let kept = |one: &&AttributeUse| {
            !prohibited.contains(&one.symbol) && !own.iter().any(|own| own.symbol == one.symbol)
        };
        let mut uses: Vec<AttributeUse> = complex.attributes.iter().filter(kept).cloned().collect();
        uses.extend(own);
        if wildcard.is_some() && complex.wildcard.is_none() {
            return Err(step.error("the base lets in no other attributes"));
        }
        Ok((uses, wildcard))
    }
}

/// The particle of the type of all types.
pub(super) fn anything() -> Particle {
    let namespaces = crate::wildcard::Namespaces::Any;
    let any = Term::Any(Wildcard { namespaces, process: Process::Lax });
    Particle { least: 0, most: None, term: any.into() }
}
