//! The log of a partition, and how it is read.

use bytes::Bytes;
use csc_types::Revision;

/// The id of a log entry: the revision of its commit, and its place within that commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The revision of the commit.
    pub revision: Revision,
    /// 0 for the first entry of the commit.
    pub index: u32,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Where it stands.
    pub id: LogId,
    /// What was appended: an encoded `csc.event.v1.LogEntry`.
    pub payload: Bytes,
}

/// A reader's place in one log: behind the entry it read last. Kept in memory only.
///
/// It remembers which commit that entry came from, so that a log that was trimmed past it, or rewritten by a restore,
/// is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub(crate) id: LogId,
    pub(crate) commit: [u8; 16],
}

impl Cursor {
    /// In front of the first entry of a log that nothing was trimmed from. No commit has revision 0.
    pub(crate) const START: Self =
        Self { id: LogId { revision: Revision::ABSENT, index: 0 }, commit: [0; 16] };
}

/// What a reader got from one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// New entries in order, and the cursor to go on from.
    Entries {
        /// The entries; at least one.
        entries: Vec<LogEntry>,
        /// Behind the last of them.
        cursor: Cursor,
    },
    /// The entry at the cursor is gone or is another one. Take a new position, then rebuild by comparing states.
    Lost,
}
