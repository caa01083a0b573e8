//! Revisions and entity tags.

use std::fmt;
use std::str::FromStr;

/// The number of the commit that wrote a record: microseconds of the store's clock, made strictly rising within a
/// partition, so that it does not repeat after a delete, a failover or a restore. Zero stands for "no record".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The version of a record that is not there.
    pub const ABSENT: Self = Self(0);

    /// The revision with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An entity tag, without quotes: `hex(revision)-hex(random)` for stored documents, with `.k<n>` behind it for a
/// group view that carries the group keys of generation n.
///
/// The random half keeps a revision that a store lost and reached again from passing for the old one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Etag(String);

/// The text is no entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entity tag is 1 to 255 visible ASCII characters without a double quote")]
pub struct EtagError;

impl Etag {
    /// The tag of the document that commit `revision` wrote with these 64 random bits.
    pub fn of(revision: Revision, random: u64) -> Self {
        Self(format!("{:x}-{random:016x}", revision.number()))
    }

    /// The tag's characters, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Etag {
    type Err = EtagError;

    /// Takes an opaque tag (RFC 9110 8.8.3) without its quotes.
    fn from_str(text: &str) -> Result<Self, EtagError> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        if fits { Ok(Self(text.to_owned())) } else { Err(EtagError) }
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_is_revision_and_random() {
        let tag = Etag::of(Revision::new(0x1f), 7);
        assert_eq!(tag.as_str(), "1f-0000000000000007");
        assert_eq!("1f-0000000000000007".parse(), Ok(tag));
    }

    #[test]
    fn tags_stay_in_their_alphabet() {
        for bad in ["", "a b", "a\"b", "é", &"x".repeat(256)] {
            assert_eq!(bad.parse::<Etag>(), Err(EtagError), "{bad:?}");
        }
    }
}
