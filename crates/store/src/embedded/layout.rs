//! The tables of the embedded file, format 1. A change here is a new format.

use redb::{ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction};

/// Written into every birth record; another number is refused.
pub(super) const FORMAT: u32 = 1;

/// Partition, collection, name.
pub(super) type RecordKey = (u16, &'static str, &'static str);
/// Version, expiry in microseconds or [`NEVER`], value.
pub(super) type RecordValue = (u64, u64, &'static [u8]);
/// The records.
pub(super) const RECORDS: TableDefinition<'_, RecordKey, RecordValue> = TableDefinition::new("records");

/// Expiry, partition, collection, name.
pub(super) type ExpiryKey = (u64, u16, &'static str, &'static str);
/// What the sweeper looks at: every record that expires.
pub(super) const EXPIRY: TableDefinition<'_, ExpiryKey, ()> = TableDefinition::new("expiry");

/// Partition, revision, index.
pub(super) type LogKey = (u16, u64, u32);
/// Id of the commit, payload.
pub(super) type LogValue = (&'static [u8; 16], &'static [u8]);
/// The logs.
pub(super) const LOG: TableDefinition<'_, LogKey, LogValue> = TableDefinition::new("log");

/// Number of the transaction, partition, id of the commit.
pub(super) type CommitKey = (u64, u16, &'static [u8; 16]);
/// The revisions of the commits that are remembered, see [`super::memory`].
pub(super) const COMMITS: TableDefinition<'_, CommitKey, u64> = TableDefinition::new("commits");

/// Last revision, entries in the log, revision and index of the newest entry trimmed away.
pub(super) type HeadValue = (u64, u64, u64, u32);
/// By partition, see [`Head`].
pub(super) const HEADS: TableDefinition<'_, u16, HeadValue> = TableDefinition::new("heads");

/// Installation, number of partitions, format.
pub(super) type BirthValue = (&'static [u8; 16], u16, u32);
/// By partition, see [`super::birth`].
pub(super) const BIRTH: TableDefinition<'_, u16, BirthValue> = TableDefinition::new("birth");

/// The expiry of a record that has none.
pub(super) const NEVER: u64 = u64::MAX;

/// What a partition remembers about itself. It outlives all records, so that no revision is given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The last revision given.
    pub(super) revision: u64,
    /// How many entries the log holds.
    pub(super) entries: u64,
    /// The newest entry that was trimmed away; (0, 0) if none was.
    pub(super) trimmed: (u64, u32),
}

impl Head {
    pub(super) fn read(
        heads: &impl ReadableTable<u16, HeadValue>,
        partition: u16,
    ) -> Result<Self, StorageError> {
        Ok(heads.get(partition)?.map_or_else(Self::default, |head| {
            let (revision, entries, trimmed_revision, trimmed_index) = head.value();
            Self { revision, entries, trimmed: (trimmed_revision, trimmed_index) }
        }))
    }

    pub(super) fn write(
        self,
        heads: &mut Table<'_, u16, HeadValue>,
        partition: u16,
    ) -> Result<(), StorageError> {
        heads.insert(partition, (self.revision, self.entries, self.trimmed.0, self.trimmed.1))?;
        Ok(())
    }
}

/// The tables a commit touches, open in one transaction.
pub(super) struct Tables<'txn> {
    pub(super) records: Table<'txn, RecordKey, RecordValue>,
    pub(super) expiry: Table<'txn, ExpiryKey, ()>,
    pub(super) log: Table<'txn, LogKey, LogValue>,
    pub(super) commits: Table<'txn, CommitKey, u64>,
    pub(super) heads: Table<'txn, u16, HeadValue>,
}

impl<'txn> Tables<'txn> {
    /// Opens them, and makes those that are not there yet.
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            expiry: transaction.open_table(EXPIRY)?,
            log: transaction.open_table(LOG)?,
            commits: transaction.open_table(COMMITS)?,
            heads: transaction.open_table(HEADS)?,
        })
    }
}
