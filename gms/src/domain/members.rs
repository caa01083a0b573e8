//! A set of members in the form in which it is stored: canonical MCPTT IDs in order, each with a line feed behind it.
//! An identity never holds a line feed. Membership is found by bisection, without taking the set apart, and sets of ten
//! thousand are compared and joined line by line.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::iter::Peekable;

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

    /// How many there are; it takes as long as they are many.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().filter(|octet| **octet == b'\n').count()
    }

    /// The canonical identities in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        std::str::from_utf8(&self.0).unwrap_or_default().lines()
    }

    /// Those behind `after`, in order.
    pub(crate) fn behind<'a>(&'a self, after: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().skip_while(move |member| *member <= after)
    }

    /// Everybody, and whether `other` holds them, too.
    pub(crate) fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a str, bool)> {
        let mut theirs = other.iter().peekable();
        self.iter().map(move |member| {
            while theirs.next_if(|other| *other < member).is_some() {}
            (member, theirs.peek() == Some(&member))
        })
    }

    /// Whoever is in one of both.
    pub(crate) fn union(&self, other: &Self) -> Self {
        if self.0 == other.0 || other.0.is_empty() {
            return self.clone();
        }
        let merged = Merged { one: self.iter().peekable(), other: other.iter().peekable() };
        Self::of_sorted(merged)
    }

    /// Everybody but `member`.
    pub(crate) fn without(&self, member: &McpttId) -> Self {
        Self::of_sorted(self.iter().filter(|other| *other != member.as_str()))
    }

    fn of_sorted<'a>(members: impl Iterator<Item = &'a str>) -> Self {
        let mut octets = String::new();
        for member in members {
            octets.push_str(member);
            octets.push('\n');
        }
        Self(octets.into())
    }
}

/// Two sequences in order as one in order; what is in both comes once.
struct Merged<A: Iterator, B: Iterator> {
    one: Peekable<A>,
    other: Peekable<B>,
}

impl<'a, A: Iterator<Item = &'a str>, B: Iterator<Item = &'a str>> Iterator for Merged<A, B> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if one == other => {
                self.other.next();
                self.one.next()
            }
            (Some(one), Some(other)) if one > other => self.other.next(),
            (None, _) => self.other.next(),
            _ => self.one.next(),
        }
    }
}

impl<'a> FromIterator<&'a McpttId> for Members {
    fn from_iter<I: IntoIterator<Item = &'a McpttId>>(members: I) -> Self {
        let sorted: BTreeSet<&str> = members.into_iter().map(McpttId::as_str).collect();
        Self::of_sorted(sorted.into_iter())
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
            assert_eq!((members.iter().count(), members.count()), (count, count));
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

    #[test]
    fn sets_together() {
        let members = |numbers: &[usize]| {
            numbers.iter().map(|number| id(*number)).collect::<Vec<_>>().iter().collect::<Members>()
        };
        for (one, other, both) in [
            (&[][..], &[][..], &[][..]),
            (&[1], &[], &[1]),
            (&[], &[1], &[1]),
            (&[1, 3, 5], &[2, 3, 6], &[1, 2, 3, 5, 6]),
            (&[4, 5], &[1, 2], &[1, 2, 4, 5]),
        ] {
            assert_eq!(members(one).union(&members(other)), members(both));
        }
        let (one, other) = (members(&[1, 3, 5, 7]), members(&[2, 3, 6, 7, 9]));
        let beside: Vec<_> = one.beside(&other).map(|(_, too)| too).collect();
        assert_eq!(beside, [false, true, false, true]);
        assert_eq!(one.without(&id(3)), members(&[1, 5, 7]));
        assert_eq!(one.without(&id(4)), one);
        assert_eq!(one.behind(id(3).as_str()).count(), 2);
        assert_eq!(one.behind(id(4).as_str()).count(), 2);
        assert_eq!(one.behind("").count(), 4);
    }
}
