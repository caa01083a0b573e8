//! One store: partitions of versioned records, and a log per partition.
//!
//! `partition → collection → name → (value, version)`; names of a collection are ordered. A commit lies in one
//! partition and is atomic: all its checks hold and everything is applied, or it is a conflict and nothing is. The
//! engines differ in where the octets go; the conformance suite that each passes is what they have in common.
//!
//! Collections begin with the name of the service that owns them (`idms.code`). Shared by all are `log`, `index`,
//! `account`, `departure`, `birth` and `commits`.

mod commit;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod departure;
mod embedded;
pub mod follow;
mod log;
pub mod owner;
mod records;
pub mod redis;
pub mod shared;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use csc_types::{Partition, Revision};

pub use commit::{Check, Commit, CommitError, CommitId, Put};
pub use embedded::{Embedded, OpenError, Options, Stats};
pub use log::{Cursor, LogEntry, LogId, Tail};
pub use records::{Change, Records, UpdateError, Updated};

/// Where a record lives inside its partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The collection, such as `idms.code`.
    pub collection: &'static str,
    /// The name within the collection; ordered octet by octet.
    pub name: String,
}

impl Key {
    /// The key of record `name` in `collection`.
    pub fn new(collection: &'static str, name: impl Into<String>) -> Self {
        Self { collection, name: name.into() }
    }
}

/// What a read saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The revision of the commit that wrote it; [`Revision::ABSENT`] if there is none. An expired record keeps its
    /// version until it is swept, so that a check on it still means something.
    pub version: Revision,
    /// The value; `None` if there is no record or it has expired.
    pub value: Option<Bytes>,
}

/// Why a read failed. Never "not found": that is an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine cannot answer now. Answer 503; nothing is known about the data.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The partition has no birth record, or one of another installation. The store is not empty, it is the wrong one
    /// or damaged: answer 503 and call an operator.
    #[error("partition {partition} has no valid birth record: {why}")]
    NoBirthRecord {
        /// The partition that was asked.
        partition: u16,
        /// What was found instead.
        why: String,
    },
    /// A stored record cannot be read.
    #[error("damaged record: {0}")]
    Damaged(String),
}

/// A partitioned, versioned key-value store with a log. See the module for the model.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads `keys` of one partition in one consistent snapshot; one record per key, in their order.
    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError>;

    /// The records of `collection` whose names begin with `prefix` and come after `after`, in order, `limit` at most.
    /// Expired records are left out.
    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError>;

    /// Applies `commit`, durably, and returns its revision. Sent twice with the same id within a minute it is applied
    /// once and answers as it did at first. A conflict applied nothing and is not remembered: it is judged anew.
    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError>;

    /// The same store for those who act on what they read (notify, project, claim): what its `get`, `scan`, `position` and
    /// `tail` answer is as durable as an acknowledged commit, or they answer [`StoreError::Unavailable`]. The plain store
    /// may show a commit that is not acknowledged yet and that a failover takes back. An engine whose reads only ever see
    /// what is durable is its own settled store.
    fn settled(self: Arc<Self>) -> Arc<dyn Store>;

    /// The cursor behind the last entry of the partition's log. A reader takes its position first and its snapshot
    /// second, and so misses nothing.
    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError>;

    /// The entries behind each cursor, at most `limit` per partition; waits up to `wait` for the first one. Partitions
    /// without news are left out; an empty answer means that `wait` passed.
    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError>;
}
