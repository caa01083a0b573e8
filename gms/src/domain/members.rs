//! A set of members in the form in which it is stored: canonical MCPTT IDs in order, each with a line feed behind it.
//! An identity never holds a line feed. Membership is found by bisection, without taking the set apart.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bytes::Bytes;
use csc_types::McpttId;

/// The octets of a member set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Members(Bytes);

/// Stored octets that are no member set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a member set")]
pub(crate) struct NotMembers;

impl Members {
    /// Takes stored octets.
    pub(crate) fn stored(octets: Bytes) -> Result<Self, NotMembers> {
        let sound = octets.is_empty() || octets.last() == Some(&b'\n');
        if sound && std::str::from_utf8(&octets).is_ok() { Ok(Self(octets)) } else { Err(NotMembers) }
    }

    /// The octets to store.
    pub(crate) fn octets(&self) -> Bytes {
        self.0.clone()
    }

    /// Whether `member` is in the set.
    pub(crate) fn contains(&self, member: &McpttId) -> bool {
        let (mut low, mut high) = (0, self.0.len());
        while low < high {
            // Both ends are starts of lines, so the middle's line lies between them.
            let middle = low + (high - low) / 2;
            let start =
                self.0[low..middle].iter().rposition(|octet| *octet == b'\n').map_or(low, |at| low + at + 1);
            let end = self.0[middle..]
                .iter()
                .position(|octet| *octet == b'\n')
                .map_or(self.0.len(), |at| middle + at);
            match member.as_str().as_bytes().cmp(&self.0[start..end]) {
                Ordering::Equal => return true,
                Ordering::Less => high = start,
                Ordering::Greater => low = (end + 1).min(high),
            }
        }
        false
    }

    /// The members.
    pub(crate) fn to_set(&self) -> BTreeSet<McpttId> {
        let text = std::str::from_utf8(&self.0).unwrap_or_default();
        // Each was parsed before it was stored.
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

impl<'a> FromIterator<&'a McpttId> for Members {
    fn from_iter<I: IntoIterator<Item = &'a McpttId>>(members: I) -> Self {
        let sorted: BTreeSet<&str> = members.into_iter().map(McpttId::as_str).collect();
        let mut octets = String::new();
        for member in sorted {
            octets.push_str(member);
            octets.push('\n');
        }
        Self(octets.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> McpttId {
        format!("tel:+82{number}").parse().unwrap()
    }

    #[test]
    fn finds_each_and_nobody_else() {
        for count in [0, 1, 2, 3, 10, 257] {
            let ids: Vec<_> = (0..count).map(|number| id(number * 2)).collect();
            let members: Members = ids.iter().collect();
            for number in 0..=count * 2 + 1 {
                let expected = number % 2 == 0 && number < count * 2;
                assert_eq!(members.contains(&id(number)), expected, "{number} of {count}");
            }
            assert_eq!(members.to_set().len(), count);
            assert_eq!(Members::stored(members.octets()), Ok(members));
        }
    }

    #[test]
    fn prefixes_are_nobody() {
        let members: Members = [id(10), id(101)].iter().collect();
        for number in [1, 1011, 100] {
            assert!(!members.contains(&id(number)), "{number}");
        }
    }

    #[test]
    fn damaged() {
        assert_eq!(Members::stored(Bytes::from_static(b"tel:+1")), Err(NotMembers));
        assert_eq!(Members::stored(Bytes::from_static(b"\xff\n")), Err(NotMembers));
    }
}
