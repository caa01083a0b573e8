//! XML Schema 1.0 (W3C, second edition): schema files from memory, documents judged in one pass.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "<schema xmlns='http://www.w3.org/2001/XMLSchema'><element name='n' type='byte'/></schema>";
//! let schema = csc_xsd::Schema::compile(&[("n.xsd", text)])?;
//! let judge = |content: &str| {
//!     let document = csc_xml::parse(content.as_bytes(), &csc_xml::Limits::DEFAULT).expect("well-formed");
//!     schema.validate(&document)
//! };
//! assert_eq!(judge("<n>127</n>"), Ok(()));
//! let invalid = judge("<n>128</n>").expect_err("too large for a byte");
//! assert_eq!(invalid.to_string(), "element n: the value is not at most 127 (line 1, column 1)");
//! # Ok(())
//! # }
//! ```
//!
//! [`Schema::compile`] resolves names, types and content models once, into tables; [`Schema::validate`] walks the tree
//! of [`csc_xml::parse`] without recursion and stops at the first fault. It takes time and memory in proportion to the
//! document, whatever stands in it, and reads nothing else: `xsi:schemaLocation` is ignored.
//!
//! # What is supported
//!
//! - Elements and attributes, global and local, with forms, defaults and fixed values; `nillable`, `abstract`, `block`;
//!   substitution groups over any number of steps.
//! - Complex types: sequence, choice, all, groups, wildcards of elements and attributes with every `namespace` and
//!   `processContents`, any occurrences; simple and complex content by extension and restriction; mixed content;
//!   attribute groups; `xsi:type` and `xsi:nil`.
//! - Simple types: all built-in ones but the three below, restriction with all facets, lists and unions; identifiers are
//!   unique, and references find one, in the whole document.
//! - Several files: `xs:include`, of files without a namespace too, and `xs:import`; the XML namespace is built in.
//!
//! # What is refused
//!
//! `compile` refuses everything that it does not know, so nothing of a schema is ignored silently: identity constraints
//! (`unique`, `key`, `keyref`), `redefine`, notations, `final` and `finalDefault`, the types `ENTITY`, `ENTITIES` and
//! `NOTATION`, names of Unicode blocks in patterns, `length` of qualified names, numbers above 4 294 967 295 in
//! occurrences, large repetitions within each other that cannot be written out (see the module `model::build`).
//!
//! # What differs from the standard
//!
//! - Content models may be ambiguous (Unique Particle Attribution): where a declaration and a wildcard both take an
//!   element, the declaration judges it. Two declarations of one name in a model must have one type.
//! - That a restricted content model allows nothing that its base does not is the author's to see to.
//! - A year has at most nine digits. `anyURI` is a URI reference of RFC 3986, in which octets that URIs escape may stand
//!   as they are, and square brackets behind the scheme of a URI without hierarchy.
//!
//! Schema files are the program's own, or its operator's: their size and nesting is bounded, but compiling is no more
//! than that proof against hostile ones.

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
