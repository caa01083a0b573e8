//! XML Schema 1.0 (W3C, second edition): schema files from memory, documents judged in one pass.
//!
//! [`Schema::compile`] resolves everything once; [`Schema::validate`] walks a parsed document. What is not supported is
//! refused by `compile`.

mod error;

use std::collections::HashSet;

use csc_xml::{Document, Limits, Node};

use error::Short;
pub use error::{Invalid, SchemaError};

/// The namespace of schema documents.
const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// A compiled set of schema files.
#[derive(Clone, Debug)]
pub struct Schema {
    roots: HashSet<(String, String)>,
}

impl Schema {
    /// Compiles `files`: pairs of a location and the text of a schema document.
    ///
    /// # Errors
    /// [`SchemaError`] where a file is broken or uses what is not supported.
    pub fn compile(files: &[(&str, &str)]) -> Result<Self, SchemaError> {
        let mut roots = HashSet::new();
        for (location, text) in files {
            let document =
                csc_xml::parse(text.as_bytes(), &Limits::DEFAULT).map_err(|refused| SchemaError {
                    location: (*location).to_owned(),
                    line: 1,
                    column: 1,
                    what: refused.to_string(),
                })?;
            let root = document.root_element();
            let namespace = root.attribute("targetNamespace").unwrap_or_default();
            for node in root.children().filter(Node::is_element) {
                let name = node.attribute("name").filter(|_| node.has_tag_name((XSD, "element")));
                let Some(name) = name.filter(|_| node.attributes().len() == 1 && !node.has_children()) else {
                    let position = document.text_pos_at(node.range().start);
                    return Err(SchemaError {
                        location: (*location).to_owned(),
                        line: position.row,
                        column: position.col,
                        what: "only global elements of any type are supported".to_owned(),
                    });
                };
                roots.insert((namespace.to_owned(), name.to_owned()));
            }
        }
        Ok(Self { roots })
    }

    /// Whether `document` follows the schema.
    ///
    /// # Errors
    /// [`Invalid`] tells the first fault.
    pub fn validate(&self, document: &Document<'_>) -> Result<(), Invalid> {
        let root = document.root_element();
        let name = root.tag_name();
        let key = (name.namespace().unwrap_or_default().to_owned(), name.name().to_owned());
        if self.roots.contains(&key) {
            Ok(())
        } else {
            Err(Invalid::at(root, &format_args!("{} is not declared", Short(name.name()))))
        }
    }
}
