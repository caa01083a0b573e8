//! The one XML reader and writer.
//!
//! [`parse`] runs a linear [`scan()`] in front of the parser, always: the parser is quadratic in some inputs (nested
//! namespace declarations, attributes of one element), so what it would choke on never reaches it. A document type
//! declaration is refused before anything is expanded or fetched.

mod limits;
mod names;
mod place;
mod read;
mod scan;
mod write;

pub use limits::Limits;
pub use names::{is_ncname, split_qname};
pub use place::{attribute_range, end_tag, start_tag, value_range, written_name};
pub use read::{attribute, child, children, namespace, parse};
pub use roxmltree::{Attribute, Document, Node};
pub use scan::{Refused, scan, utf8};
pub use write::{Writer, escape_attribute, escape_text, is_xml_char};
