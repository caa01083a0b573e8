//! A change of the octets of a document.

use std::ops::Range;

/// `before`, `item` and `after` in place of the octets at `at`.
#[derive(Clone, Debug)]
pub(super) struct Splice<'s> {
    pub(super) at: Range<usize>,
    pub(super) before: String,
    pub(super) item: &'s str,
    pub(super) after: String,
}

impl<'s> Splice<'s> {
    /// `item` alone in place of the octets at `at`.
    pub(super) const fn replace(at: Range<usize>, item: &'s str) -> Self {
        Self { at, before: String::new(), item, after: String::new() }
    }

    /// `item` alone in front of the octet at `at`.
    pub(super) const fn insert(at: usize, item: &'s str) -> Self {
        Self::replace(at..at, item)
    }

    /// `text` with the change made.
    pub(super) fn apply(&self, text: &str) -> String {
        let pieces = [&text[..self.at.start], &self.before, self.item, &self.after, &text[self.at.end..]];
        pieces.concat()
    }

    /// Where `item` stands in the changed text.
    pub(super) fn item_range(&self) -> Range<usize> {
        let start = self.at.start + self.before.len();
        start..start + self.item.len()
    }
}
