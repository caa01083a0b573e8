//! Settings of this service: section `[gms]`.

use csc_service::config::Section;
use csc_xml::Limits;

use crate::glms;

/// What groups must stay within.
#[derive(Clone, Debug)]
pub struct Config {
    /// Octets of one group document. Default: 4 MiB.
    pub group_size: usize,
    /// Members of one group. Default: 20 000.
    pub group_entries: usize,
    /// Levels of nesting. Default: 64.
    pub depth: usize,
    /// The GLMS dialect, if it is served.
    pub glms: Option<glms::Config>,
}

impl Config {
    /// Reads the section `[gms]`, and no other: the dialect has one of its own.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            group_size: section.size("group_size", "4MiB", ("4KiB", "16MiB"), "Largest group document."),
            group_entries: section.number(
                "group_entries",
                20_000,
                1..=100_000,
                "Most entries in a group's list.",
            ),
            depth: section.number(
                "depth",
                64,
                8..=Limits::DEEPEST,
                "Deepest nesting of elements in a document.",
            ),
            glms: None,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { depth: self.depth, ..Limits::with_octets(self.group_size) }
    }
}
