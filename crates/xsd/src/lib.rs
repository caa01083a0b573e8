//! XML Schema 1.0 (W3C, second edition): schema files from memory, documents judged in one pass.

mod builtin;
mod compile;
mod error;
mod model;
mod names;
mod simple;
mod types;
mod walk;
mod wildcard;

use std::fmt;

use csc_xml::Document;

pub use error::{Invalid, SchemaError};
use types::Types;

/// The namespace of schema documents.
const XSD: &str = "http://www.w3.org/2001/XMLSchema";
/// The namespace of what documents say to a validator.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The namespace of `xml:lang` and its like.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// A compiled set of schema files.
pub struct Schema {
    types: Types,
}

impl Schema {
    /// Compiles `files`: pairs of a location and the text of a schema document. All of them together are the schema.
    ///
    /// An `xs:include` names one of them by its location, or by the last part of it; an `xs:import` by its namespace. An
    /// import of a namespace that no file has is no error until something of it is used. The attributes of the XML
    /// namespace are built in.
    ///
    /// # Errors
    /// [`SchemaError`] where a file is broken or uses what is not supported.
    pub fn compile(files: &[(&str, &str)]) -> Result<Self, SchemaError> {
        compile::compile(files).map(|types| Self { types })
    }

    /// Whether `document` follows the schema.
    ///
    /// # Errors
    /// [`Invalid`] tells the first fault in the order of the document.
    pub fn validate(&self, document: &Document<'_>) -> Result<(), Invalid> {
        walk::validate(&self.types, document)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Types { types, elements, .. } = &self.types;
        write!(f, "Schema({} types, {} elements)", types.len(), elements.len())
    }
}
