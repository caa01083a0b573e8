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
}

impl Config {
    /// Reads the section `[cms]`.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            document_size: section.size(
                "document_size",
                "1MiB",
                ("4KiB", "4MiB"),
                "Largest document that may be stored.",
            ),
            depth: section.number("depth", 64, 8..=256, "Deepest nesting of elements in a document."),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { depth: self.depth, ..Limits::with_octets(self.document_size) }
    }
}
