//! Schema files as they come: which there are, how they belong together, and what stands in them.

use std::collections::{HashMap, HashSet};

use csc_xml::{Document, Node};

use super::syntax::{At, derivations};
use crate::types::Derivations;
use crate::{SchemaError, XML, XSD};

/// The attributes that the XML namespace has, for schemas that import it without bringing a file.
const XML_ATTRIBUTES: &str = "<schema xmlns='http://www.w3.org/2001/XMLSchema' xmlns:xml='http://www.w3.org/XML/1998/namespace'
    targetNamespace='http://www.w3.org/XML/1998/namespace'>
  <attribute name='lang'><simpleType><union memberTypes='language'>
    <simpleType><restriction base='string'><enumeration value=''/></restriction></simpleType></union></simpleType></attribute>
  <attribute name='space'><simpleType><restriction base='NCName'>
    <enumeration value='default'/><enumeration value='preserve'/></restriction></simpleType></attribute>
  <attribute name='base' type='anyURI'/>
  <attribute name='id' type='ID'/>
  <attributeGroup name='specialAttrs'>
    <attribute ref='xml:base'/><attribute ref='xml:lang'/><attribute ref='xml:space'/><attribute ref='xml:id'/>
  </attributeGroup>
</schema>";

/// The files with the built-in one, to be parsed.
pub(super) fn texts<'t>(files: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
    let mut all = files.to_vec();
    all.push(("xml.xsd (built in)", XML_ATTRIBUTES));
    all
}

/// What may be declared in a schema at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Element,
    Attribute,
    Type,
    Group,
    AttributeGroup,
}

/// One file, read for one namespace: a file without one is read anew for each that includes it.
#[derive(Debug)]
pub(super) struct Unit<'d> {
    pub(super) location: &'d str,
    pub(super) root: Node<'d, 'd>,
    pub(super) target: Option<&'d str>,
    /// Whether the namespace is that of the file that includes this one.
    pub(super) adopted: bool,
    pub(super) elements_qualified: bool,
    pub(super) attributes_qualified: bool,
    pub(super) block: Derivations,
    pub(super) imports: HashSet<Option<&'d str>>,
}

/// A name and its namespace.
pub(super) type Name<'d> = (Option<&'d str>, &'d str);

/// All that is declared.
#[derive(Debug, Default)]
pub(super) struct Sources<'d> {
    pub(super) units: Vec<Unit<'d>>,
    pub(super) globals: HashMap<(Kind, Name<'d>), At<'d>>,
    /// The order in which they are declared.
    pub(super) order: Vec<(Kind, Name<'d>, At<'d>)>,
}

impl<'d> Sources<'d> {
    /// Sorts out parsed files; the last one is the built-in one, which counts only if it is imported and not given.
    pub(super) fn collect(locations: &[&'d str], documents: &'d [Document<'d>]) -> Result<Self, SchemaError> {
        let mut loader =
            Loader { locations, roots: Vec::new(), sources: Self::default(), loaded: HashSet::new() };
        for (location, document) in locations.iter().zip(documents) {
            let root = document.root_element();
            if !root.has_tag_name((XSD, "schema")) {
                return Err(At { unit: 0, location, node: root }.error("this is no schema"));
            }
            loader.roots.push(root);
        }
        loader.load_all()?;
        let mut sources = loader.sources;
        for unit in 0..sources.units.len() {
            sources.declare(unit)?;
        }
        Ok(sources)
    }

    fn declare(&mut self, unit: usize) -> Result<(), SchemaError> {
        let Unit { location, root, target, .. } = self.units[unit];
        for node in root.children().filter(Node::is_element) {
            let at = At { unit, location, node };
            let kind = match at.tag()? {
                "element" => Kind::Element,
                "attribute" => Kind::Attribute,
                "complexType" | "simpleType" => Kind::Type,
                "group" => Kind::Group,
                "attributeGroup" => Kind::AttributeGroup,
                _ => continue,
            };
            let name = (target, at.name()?);
            if self.globals.insert((kind, name), at).is_some() {
                return Err(at.error(&format!("{} is declared twice", name.1)));
            }
            self.order.push((kind, name, at));
        }
        Ok(())
    }
}

struct Loader<'l, 'd> {
    locations: &'l [&'d str],
    roots: Vec<Node<'d, 'd>>,
    sources: Sources<'d>,
    loaded: HashSet<(usize, Option<&'d str>)>,
}

impl<'d> Loader<'_, 'd> {
    fn load_all(&mut self) -> Result<(), SchemaError> {
        let given = self.roots.len() - 1;
        // Files with a namespace first: those without one may belong to them.
        for file in 0..given {
            if let Some(target) = self.roots[file].attribute("targetNamespace") {
                self.load(file, Some(target))?;
            }
        }
        let adopted: HashSet<usize> = self.loaded.iter().map(|(file, _)| *file).collect();
        for file in (0..given).filter(|file| !adopted.contains(file)) {
            self.load(file, None)?;
        }
        let has = |target: &Unit<'_>| target.target == Some(XML);
        let units = &self.sources.units;
        if units.iter().any(|unit| unit.imports.contains(&Some(XML))) && !units.iter().any(has) {
            self.load(given, Some(XML))?;
        }
        Ok(())
    }

    /// Loads a file for a namespace, and what it includes.
    fn load(&mut self, file: usize, target: Option<&'d str>) -> Result<(), SchemaError> {
        let mut waiting = vec![(file, target)];
        while let Some((file, target)) = waiting.pop() {
            if !self.loaded.insert((file, target)) {
                continue;
            }
            let (root, location) = (self.roots[file], self.locations[file]);
            let at = At { unit: self.sources.units.len(), location, node: root };
            at.expect(
                &[
                    "targetNamespace",
                    "version",
                    "elementFormDefault",
                    "attributeFormDefault",
                    "blockDefault",
                    "finalDefault",
                ],
                &[
                    "include",
                    "import",
                    "element",
                    "attribute",
                    "complexType",
                    "simpleType",
                    "group",
                    "attributeGroup",
                ],
            )?;
            if root.attribute("targetNamespace") == Some("") {
                return Err(at.error("a target namespace is not empty"));
            }
            if root.attribute("finalDefault").is_some_and(|text| !text.trim().is_empty()) {
                return Err(at.error("finalDefault is not supported"));
            }
            let mut imports = HashSet::new();
            for node in root.children().filter(Node::is_element) {
                let at = At { node, ..at };
                match at.tag()? {
                    "include" => {
                        at.expect(&["schemaLocation"], &[])?;
                        let wanted = node.attribute("schemaLocation").unwrap_or_default();
                        let Some(included) = self.find(wanted) else {
                            return Err(at.error("the included file is not given"));
                        };
                        match self.roots[included].attribute("targetNamespace") {
                            None => waiting.push((included, target)),
                            own if own == target => {}
                            Some(_) => return Err(at.error("the included file has another namespace")),
                        }
                    }
                    "import" => {
                        at.expect(&["namespace", "schemaLocation"], &[])?;
                        let namespace = node.attribute("namespace");
                        if namespace == target {
                            return Err(at.error("a schema does not import its own namespace"));
                        }
                        imports.insert(namespace);
                    }
                    _ => {}
                }
            }
            self.sources.units.push(Unit {
                location,
                root,
                target,
                adopted: target.is_some() && root.attribute("targetNamespace").is_none(),
                elements_qualified: at.qualified("elementFormDefault")?.unwrap_or(false),
                attributes_qualified: at.qualified("attributeFormDefault")?.unwrap_or(false),
                block: derivations(at, root.attribute("blockDefault"))?,
                imports,
            });
        }
        Ok(())
    }

    /// A file by its location, or by the last part of it.
    fn find(&self, wanted: &str) -> Option<usize> {
        let last = |location: &str| location.rsplit(['/', '\\']).next().map(str::to_owned);
        let given = &self.locations[..self.locations.len() - 1];
        let exact = given.iter().position(|location| *location == wanted);
        exact.or_else(|| given.iter().position(|location| last(location) == last(wanted)))
    }
}
