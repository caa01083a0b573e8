//! From schema files to tables.
//!
//! Types refer to each other through elements in any order, so each gets its index when it is first named and is filled
//! in later; only bases and simple types are completed at once.

mod attributes;
mod complex;
mod particles;
mod simple;
mod source;
mod syntax;

use std::collections::HashMap;

use csc_xml::{Document, Limits};

use crate::model::build::Particle;
use crate::names::{Names, Symbol, number};
use crate::simple::is_space;
use crate::types::{Body, Complex, Content, Derivations, ElementId, Preset, Type, TypeId, Types};
use crate::{SchemaError, XSD, builtin};
use source::{Kind, Name, Sources};
use syntax::At;

/// Types derived from each other.
const DEPTH: usize = 128;
/// Particles and attribute groups that are read, each as often as it is referred to.
const WORK: usize = 200_000;
/// Octets of one schema file.
const OCTETS: usize = 4 << 20;

/// A node of a unit: two units may share a file.
type Place = (usize, u32);

/// Compiles schema files.
pub(crate) fn compile(files: &[(&str, &str)]) -> Result<Types, SchemaError> {
    let texts = source::texts(files);
    let mut documents: Vec<Document<'_>> = Vec::with_capacity(texts.len());
    for (location, text) in &texts {
        let document = csc_xml::parse(text.as_bytes(), &Limits::with_octets(OCTETS));
        documents.push(document.map_err(|refused| SchemaError {
            location: (*location).to_owned(),
            line: 1,
            column: 1,
            what: refused.to_string(),
        })?);
    }
    let locations: Vec<&str> = texts.iter().map(|(location, _)| *location).collect();
    Compiler::new(Sources::collect(&locations, &documents)?).run()
}

/// How far a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Named,
    Begun,
    Done,
}

/// What is known on the way.
struct Compiler<'d> {
    sources: Sources<'d>,
    out: Types,
    /// For each type how far it is, and where it is defined.
    progress: Vec<(Progress, Option<At<'d>>)>,
    type_of: HashMap<Place, TypeId>,
    element_of: HashMap<Place, ElementId>,
    /// The particles of complex types, for those that extend them.
    particles: HashMap<TypeId, Option<Particle>>,
    /// Elements with a default or fixed value, which is read when all types are there.
    presets: Vec<(ElementId, At<'d>)>,
    /// Of heads of substitution groups, the names that may stand for them.
    stand_ins: HashMap<Symbol, Vec<Symbol>>,
    depth: usize,
    work: usize,
}

impl<'d> Compiler<'d> {
    fn new(sources: Sources<'d>) -> Self {
        let mut names = Names::new();
        let builtin = builtin::types(&mut names);
        let xsd = names.namespace(Some(XSD));
        let mut global_types = HashMap::new();
        let mut types = Vec::with_capacity(builtin.len());
        for (index, (name, one)) in builtin.into_iter().enumerate() {
            global_types.insert(names.symbol(xsd, name), number(index));
            types.push(one);
        }
        let progress = vec![(Progress::Done, None); types.len()];
        let (global_elements, global_attributes) = (HashMap::new(), HashMap::new());
        let elements = Vec::new();
        let out = Types { names, types, elements, global_elements, global_attributes, global_types };
        Self {
            sources,
            out,
            progress,
            type_of: HashMap::new(),
            element_of: HashMap::new(),
            particles: HashMap::from([(builtin::ANY_TYPE, Some(complex::anything()))]),
            presets: Vec::new(),
            stand_ins: HashMap::new(),
            depth: 0,
            work: 0,
        }
    }

    fn run(mut self) -> Result<Types, SchemaError> {
        self.name_stand_ins()?;
        for at in self.globals(Kind::Type) {
            let id = self.declare_type(at);
            let target = self.sources.units[at.unit].target;
            let symbol = self.out.names.add(target, at.name()?);
            self.out.global_types.insert(symbol, id);
        }
        for at in self.globals(Kind::Element) {
            self.element(at, true)?;
        }
        for at in self.globals(Kind::Attribute) {
            self.global_attribute(at)?;
        }
        // Groups that nothing refers to are read for their faults.
        for at in self.globals(Kind::Group) {
            self.group(at, 0)?;
        }
        for at in self.globals(Kind::AttributeGroup) {
            at.expect(&["name"], &["attribute", "attributeGroup", "anyAttribute"])?;
            self.attributes(at)?;
        }
        let mut next = 0;
        while next < self.progress.len() {
            self.complete(number(next))?;
            next += 1;
        }
        self.substitutions()?;
        for (element, at) in std::mem::take(&mut self.presets) {
            let preset = self.preset(element, at)?;
            self.out.elements[element as usize].preset = Some(preset);
        }
        Ok(self.out)
    }

    /// Groups that refer to each other twice grow without bound on few lines: what has been read is counted.
    fn count(&mut self, at: At<'d>) -> Result<(), SchemaError> {
        self.work += 1;
        if self.work > WORK { Err(at.error("the schema is too large")) } else { Ok(()) }
    }

    fn globals(&self, kind: Kind) -> Vec<At<'d>> {
        self.sources.order.iter().filter(|(is, ..)| *is == kind).map(|(.., at)| *at).collect()
    }

    /// Notes by name what stands for the heads of substitution groups, over any number of steps.
    fn name_stand_ins(&mut self) -> Result<(), SchemaError> {
        for at in self.globals(Kind::Element) {
            let target = self.sources.units[at.unit].target;
            let symbol = self.out.names.add(target, at.name()?);
            let mut below = at;
            for _ in 0..DEPTH {
                let Some(name) = below.attribute("substitutionGroup") else { break };
                let head = self.symbol(below, name)?;
                below = self.find(below, Kind::Element, name)?;
                self.stand_ins.entry(head).or_default().push(symbol);
            }
        }
        Ok(())
    }

    /// The name, and all that may stand for it.
    fn stand_ins(&self, symbol: Symbol) -> impl Iterator<Item = Symbol> {
        let others = self.stand_ins.get(&symbol).map(Vec::as_slice).unwrap_or_default();
        std::iter::once(symbol).chain(others.iter().copied())
    }

    /// A qualified name of the schema, and its namespace.
    fn name(&self, at: At<'d>, text: &'d str) -> Result<Name<'d>, SchemaError> {
        let (prefix, local) = csc_xml::split_qname(text.trim_matches(is_space))
            .ok_or_else(|| at.error(&format!("{text} is no name")))?;
        let namespace = match prefix {
            Some("xml") => Some(crate::XML),
            prefix => at.node.lookup_namespace_uri(prefix).filter(|namespace| !namespace.is_empty()),
        };
        if prefix.is_some() && namespace.is_none() {
            return Err(at.error(&format!("the prefix of {text} is not bound")));
        }
        let unit = &self.sources.units[at.unit];
        let namespace = if namespace.is_none() && unit.adopted { unit.target } else { namespace };
        let visible = namespace == unit.target || namespace == Some(XSD) || unit.imports.contains(&namespace);
        if !visible {
            return Err(at.error(&format!("the namespace of {text} is not imported")));
        }
        Ok((namespace, local))
    }

    fn symbol(&mut self, at: At<'d>, text: &'d str) -> Result<Symbol, SchemaError> {
        let (namespace, local) = self.name(at, text)?;
        Ok(self.out.names.add(namespace, local))
    }

    /// What is declared by that name.
    fn find(&self, at: At<'d>, kind: Kind, text: &'d str) -> Result<At<'d>, SchemaError> {
        let found = self.sources.globals.get(&(kind, self.name(at, text)?)).copied();
        found.ok_or_else(|| at.error(&format!("{text} is not declared")))
    }

    fn named_type(&mut self, at: At<'d>, text: &'d str) -> Result<TypeId, SchemaError> {
        let (namespace, local) = self.name(at, text)?;
        if namespace == Some(XSD) {
            let names = &self.out.names;
            let symbol = names.symbol(names.namespace(namespace), local);
            let known = self.out.global_types.get(&symbol).copied();
            return known.ok_or_else(|| at.error(&format!("the type {text} is not supported")));
        }
        let found = self.find(at, Kind::Type, text)?;
        Ok(self.declare_type(found))
    }

    /// The index of the type that is defined at `at`.
    fn declare_type(&mut self, at: At<'d>) -> TypeId {
        let place = (at.unit, at.node.id().get());
        if let Some(known) = self.type_of.get(&place) {
            return *known;
        }
        let body = Body::Complex(Complex {
            attributes: Vec::new(),
            wildcard: None,
            content: Content::Empty,
            is_abstract: true,
            block: Derivations::default(),
        });
        let id = self.add_type(Type { base: builtin::ANY_TYPE, derivation: Derivations::RESTRICTION, body });
        self.progress[id as usize] = (Progress::Named, Some(at));
        self.type_of.insert(place, id);
        id
    }

    fn add_type(&mut self, one: Type) -> TypeId {
        self.out.types.push(one);
        self.progress.push((Progress::Done, None));
        number(self.out.types.len() - 1)
    }

    /// Fills the type in, if that has not happened.
    fn complete(&mut self, id: TypeId) -> Result<(), SchemaError> {
        let (progress, Some(at)) = self.progress[id as usize] else { return Ok(()) };
        match progress {
            Progress::Done => return Ok(()),
            Progress::Begun => return Err(at.error("the type is derived from itself")),
            Progress::Named => {}
        }
        if self.depth == DEPTH {
            return Err(at.error("the type is derived over too many steps"));
        }
        self.depth += 1;
        self.progress[id as usize].0 = Progress::Begun;
        let simple = at.tag()? == "simpleType";
        let one = if simple { self.simple_type(at)? } else { self.complex_type(id, at)? };
        self.out.types[id as usize] = one;
        self.progress[id as usize].0 = Progress::Done;
        self.depth -= 1;
        Ok(())
    }

    /// What the default or fixed value of an element means.
    fn preset(&self, element: ElementId, at: At<'d>) -> Result<Preset, SchemaError> {
        let (text, fixed) = match (at.attribute("default"), at.attribute("fixed")) {
            (Some(text), None) => (text, false),
            (None, Some(text)) => (text, true),
            _ => return Err(at.error("a value is either default or fixed")),
        };
        let body = &self.out.types[self.out.element(element).type_id as usize].body;
        let simple = match body {
            Body::Simple(simple) => Some(simple),
            Body::Complex(Complex { content: Content::Simple(id), .. }) => Some(self.out.simple(*id)),
            Body::Complex(Complex { content: Content::Elements { model, mixed: true }, .. })
                if model.may_end(&[]) =>
            {
                None
            }
            Body::Complex(_) => return Err(at.error("an element of this type has no value")),
        };
        let value = match simple {
            Some(simple) => {
                self.check_value(at, simple, text)?;
                simple.value(&self.out, text, at.node)
            }
            None => None,
        };
        let value = value.unwrap_or(crate::simple::atom::Value::Text(text.into())).into_owned();
        Ok(if fixed { Preset::Fixed(value, text.into()) } else { Preset::Default(text.into()) })
    }
}
