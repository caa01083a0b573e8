//! Settings of this service: section `[cms]`.

use csc_service::config::Section;
use csc_xml::Limits;

/// What documents must stay within.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Octets of one document. Default: 1 MiB.
    pub document_size: usize,
    /// Levels of nesting. Default: 64.
    pub depth: usize,
    /// Documents of one usage that a user may keep in its own tree. Default: 32.
    pub documents_per_user: usize,
}

impl Config {
    /// Reads the section `[cms]`.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            document_size: section.size(
                "document_size",
                "1MiB",
                ("4KiB", "4MiB"),
                "Largest document that may be stored, pictures included.",
            ),
            depth: section.number("depth", 64, 8..=Limits::DEEPEST, "Deepest nesting of elements in a document."),
            documents_per_user: section.number(
                "documents_per_user",
                32,
                1..=1000,
                "Documents of one application usage that a user may keep in its own tree: lists, rules, pictures.",
            ),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { depth: self.depth, ..Limits::with_octets(self.document_size) }
    }
}
