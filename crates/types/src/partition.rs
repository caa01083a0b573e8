//! Which of the store's partitions a name lives in.

use sha2::{Digest, Sha256};

/// How many partitions an installation has. Fixed at install and stamped into every birth record.
pub const PARTITIONS: u16 = 64;

/// One of the store's [`PARTITIONS`] partitions. One commit lies in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u16);

impl Partition {
    /// The partition of the installation itself: heartbeats and settings.
    pub const INSTALLATION: Self = Self(0);

    /// The partition of a canonical name: an XUI, a group id, a client id, an organisation.
    ///
    /// The first eight octets of SHA-256 decide, so the mapping is the same in every process and release.
    pub fn of(canonical_name: &str) -> Self {
        let digest = Sha256::digest(canonical_name.as_bytes());
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        Self((u64::from_be_bytes(head) % u64::from(PARTITIONS)) as u16)
    }

    /// The partition with this number; `None` from [`PARTITIONS`] on.
    pub const fn new(number: u16) -> Option<Self> {
        if number < PARTITIONS { Some(Self(number)) } else { None }
    }

    /// Its number, below [`PARTITIONS`].
    pub const fn number(self) -> u16 {
        self.0
    }

    /// All partitions in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_never_changes() {
        // Stored data depends on these numbers: a change here orphans every record of an installation.
        assert_eq!(Partition::of("tel:+82571009990").number(), 4);
        assert_eq!(Partition::of("sip:alex@example.org").number(), 10);
        assert_eq!(Partition::of("").number(), 20);
    }

    #[test]
    fn numbers_are_bounded() {
        assert_eq!(Partition::new(PARTITIONS), None);
        assert_eq!(Partition::all().count(), usize::from(PARTITIONS));
    }
}
