//! Reading the elements of a schema document. What is not expected is an error, so that nothing is overlooked.

use csc_xml::Node;

use crate::simple::is_space;
use crate::types::Derivations;
use crate::{SchemaError, XSD};

/// A place in a schema file.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'d> {
    pub(super) unit: usize,
    pub(super) location: &'d str,
    pub(super) node: Node<'d, 'd>,
}

impl<'d> At<'d> {
    pub(super) fn error(&self, what: &str) -> SchemaError {
        let position = self.node.document().text_pos_at(self.node.range().start);
        let what = match self.node.attribute("name").or_else(|| self.node.attribute("ref")) {
            Some(name) => format!("{} {name}: {what}", self.node.tag_name().name()),
            None => format!("{}: {what}", self.node.tag_name().name()),
        };
        SchemaError { location: self.location.to_owned(), line: position.row, column: position.col, what }
    }

    /// The local name, if this is an element of the schema language.
    pub(super) fn tag(&self) -> Result<&'d str, SchemaError> {
        match self.node.tag_name().namespace() {
            Some(XSD) => Ok(self.node.tag_name().name()),
            _ => Err(self.error("this is no element of the schema language")),
        }
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'d str> {
        self.node.attribute(name)
    }

    pub(super) fn name(&self) -> Result<&'d str, SchemaError> {
        let name = self.attribute("name").ok_or_else(|| self.error("the name is missing"))?;
        let name = name.trim_matches(is_space);
        if csc_xml::is_ncname(name) { Ok(name) } else { Err(self.error("the name is no name")) }
    }

    /// Children but annotations.
    pub(super) fn children(&self) -> impl Iterator<Item = At<'d>> + use<'d> {
        let (unit, location) = (self.unit, self.location);
        let elements = self.node.children().filter(Node::is_element);
        let elements = elements.filter(|node| !node.has_tag_name((XSD, "annotation")));
        elements.map(move |node| At { unit, location, node })
    }

    /// The first child called so.
    pub(super) fn child(&self, name: &str) -> Option<At<'d>> {
        self.children().find(|child| child.node.has_tag_name((XSD, name)))
    }

    /// Refuses attributes and children that are not among these.
    pub(super) fn expect(&self, attributes: &[&str], children: &[&str]) -> Result<(), SchemaError> {
        for attribute in self.node.attributes() {
            let known = attribute.name() == "id" || attributes.contains(&attribute.name());
            if attribute.namespace().is_none() && !known {
                return Err(self.error(&format!("the attribute {} is not supported here", attribute.name())));
            }
        }
        for child in self.node.children() {
            if child.is_text() && child.text().is_some_and(|text| !text.chars().all(is_space)) {
                return Err(self.error("a schema holds no text here"));
            }
        }
        for child in self.children() {
            let name = child.tag()?;
            if !children.contains(&name) {
                return Err(child.error("this is not supported here"));
            }
        }
        Ok(())
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, SchemaError> {
        match self.attribute(name).map(str::trim) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(self.error(&format!("{name} is true or false"))),
        }
    }

    /// `form` and its defaults.
    pub(super) fn qualified(&self, name: &str) -> Result<Option<bool>, SchemaError> {
        match self.attribute(name) {
            None => Ok(None),
            Some("qualified") => Ok(Some(true)),
            Some("unqualified") => Ok(Some(false)),
            Some(_) => Err(self.error(&format!("{name} is qualified or unqualified"))),
        }
    }

    pub(super) fn number(&self, name: &str, text: &str) -> Result<u32, SchemaError> {
        text.trim().parse().map_err(|_| self.error(&format!("{name} is no number that is supported")))
    }

    /// `minOccurs` and `maxOccurs`.
    pub(super) fn occurrences(&self) -> Result<(u32, Option<u32>), SchemaError> {
        let least = self.attribute("minOccurs").map_or(Ok(1), |text| self.number("minOccurs", text))?;
        let most = match self.attribute("maxOccurs") {
            None => Some(1),
            Some("unbounded") => None,
            Some(text) => Some(self.number("maxOccurs", text)?),
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.error("minOccurs is above maxOccurs"));
        }
        Ok((least, most))
    }
}

/// The value of `block`.
pub(super) fn derivations(at: At<'_>, text: Option<&str>) -> Result<Derivations, SchemaError> {
    let mut all = Derivations::default();
    for word in text.unwrap_or_default().split(is_space).filter(|word| !word.is_empty()) {
        match word {
            "#all" => all = Derivations { extension: true, restriction: true, substitution: true },
            "extension" => all.extension = true,
            "restriction" => all.restriction = true,
            "substitution" => all.substitution = true,
            _ => return Err(at.error("block names derivations")),
        }
    }
    Ok(all)
}
