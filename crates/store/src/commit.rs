//! What a commit holds.

use bytes::Bytes;
use csc_types::{Entropy, Revision, Timestamp};

use crate::{Key, StoreError};

/// 128 random bits that name a commit, so that sending it again cannot apply it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommitId(pub [u8; 16]);

impl CommitId {
    /// A new id.
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut id = [0; 16];
        entropy.fill(&mut id);
        Self(id)
    }
}

/// Holds if the record's version is exactly this one; [`Revision::ABSENT`]: if there is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The record that is looked at.
    pub key: Key,
    /// The version it must have.
    pub version: Revision,
}

/// A record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Where to.
    pub key: Key,
    /// The value.
    pub value: Bytes,
    /// From when on it reads as absent; `None`: never.
    pub expires: Option<Timestamp>,
}

/// Checks and changes that are applied together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Names this commit.
    pub id: CommitId,
    /// All must hold.
    pub checks: Vec<Check>,
    /// Written; at most one for a key. A record that is put and deleted is put.
    pub puts: Vec<Put>,
    /// Removed; a missing one is no error.
    pub deletes: Vec<Key>,
    /// Appended to the partition's log, in this order.
    pub log: Vec<Bytes>,
}

/// Why a commit was not applied, or may not have been.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A check did not hold; nothing was applied. Read again and decide again.
    #[error("conflict")]
    Conflict,
    /// The engine cannot promise that it was applied; it may have been. Answer 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}
