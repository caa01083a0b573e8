//! The compiled form of a schema: flat tables that point into each other by index.

use std::collections::HashMap;

use crate::model::Model;
use crate::names::{Names, Symbol};
use crate::simple::Simple;
use crate::simple::atom::Value;
use crate::wildcard::Wildcard;

/// Index of a type.
pub(crate) type TypeId = u32;
/// Index of an element declaration.
pub(crate) type ElementId = u32;

/// How a type comes from its base, and what a `block` shuts out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Derivations {
    pub(crate) extension: bool,
    pub(crate) restriction: bool,
    pub(crate) substitution: bool,
}

impl Derivations {
    pub(crate) const EXTENSION: Self = Self { extension: true, restriction: false, substitution: false };
    pub(crate) const RESTRICTION: Self = Self { extension: false, restriction: true, substitution: false };

    /// Whether both name something in common.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.extension && other.extension
            || self.restriction && other.restriction
            || self.substitution && other.substitution
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            extension: self.extension || other.extension,
            restriction: self.restriction || other.restriction,
            substitution: self.substitution || other.substitution,
        }
    }
}

/// A type of either sort.
#[derive(Debug)]
pub(crate) struct Type {
    /// What it is derived from: itself for the type of all types.
    pub(crate) base: TypeId,
    pub(crate) derivation: Derivations,
    pub(crate) body: Body,
}

/// What a type is made of.
#[derive(Debug)]
pub(crate) enum Body {
    Simple(Simple),
    Complex(Complex),
}

impl Body {
    /// See [`Complex::block`].
    pub(crate) fn block(&self) -> Derivations {
        match self {
            Self::Simple(_) => Derivations::default(),
            Self::Complex(complex) => complex.block,
        }
    }
}

/// A complex type.
#[derive(Debug)]
pub(crate) struct Complex {
    pub(crate) attributes: Vec<AttributeUse>,
    pub(crate) wildcard: Option<Wildcard>,
    pub(crate) content: Content,
    pub(crate) is_abstract: bool,
    /// Derivations of this type that `xsi:type` may not use.
    pub(crate) block: Derivations,
}

/// What may stand in an element.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing, not even white space.
    Empty,
    /// A value.
    Simple(TypeId),
    /// Elements, and text between them if `mixed`.
    Elements { model: Model, mixed: bool },
}

/// An attribute that a type knows.
#[derive(Clone, Debug)]
pub(crate) struct AttributeUse {
    pub(crate) symbol: Symbol,
    pub(crate) attribute: Attribute,
    pub(crate) required: bool,
}

/// An attribute declaration.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) simple: TypeId,
    pub(crate) fixed: Option<Value<'static>>,
}

/// An element declaration.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) symbol: Symbol,
    pub(crate) type_id: TypeId,
    pub(crate) is_abstract: bool,
    pub(crate) nillable: bool,
    /// `xsi:type` and substitutions that this element does not allow.
    pub(crate) block: Derivations,
    pub(crate) preset: Option<Preset>,
    /// The elements that may stand here instead.
    pub(crate) substitutes: Vec<(Symbol, ElementId)>,
}

/// `default` or `fixed` of an element.
#[derive(Debug)]
pub(crate) enum Preset {
    /// The text.
    Default(Box<str>),
    /// The value and the text.
    Fixed(Value<'static>, Box<str>),
}

/// All types and element declarations.
#[derive(Debug)]
pub(crate) struct Types {
    pub(crate) names: Names,
    pub(crate) types: Vec<Type>,
    pub(crate) elements: Vec<Element>,
    pub(crate) global_elements: HashMap<Symbol, ElementId>,
    pub(crate) global_attributes: HashMap<Symbol, Attribute>,
    pub(crate) global_types: HashMap<Symbol, TypeId>,
}

impl Types {
    /// The simple type `id`: callers hold the index of one.
    pub(crate) fn simple(&self, id: TypeId) -> &Simple {
        match &self.types[id as usize].body {
            Body::Simple(simple) => simple,
            Body::Complex(_) => unreachable!("indexes of simple types are made for simple types"),
        }
    }

    pub(crate) fn element(&self, id: ElementId) -> &Element {
        &self.elements[id as usize]
    }

    /// How `derived` comes from `base`: all derivations on the way; `None` if it does not.
    pub(crate) fn derivation(&self, derived: TypeId, base: TypeId) -> Option<Derivations> {
        let mut way = Derivations::default();
        let mut at = derived;
        while at != base {
            let one = &self.types[at as usize];
            if one.base == at {
                return self.is_member(derived, base).then_some(Derivations::RESTRICTION);
            }
            way = way.and(one.derivation);
            at = one.base;
        }
        Some(way)
    }

    /// Whether `union` is one without facets of its own, and `derived` comes from one of its members.
    fn is_member(&self, derived: TypeId, union: TypeId) -> bool {
        let Body::Simple(Simple { variety: crate::simple::Variety::Union(members), facets: None, .. }) =
            &self.types[union as usize].body
        else {
            return false;
        };
        members.iter().any(|member| self.derivation(derived, *member).is_some())
    }
}
