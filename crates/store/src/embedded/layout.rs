//! The tables of the embedded file, format 1. A change here is a new format.

use redb::{ReadableTable, StorageError, Table, TableDefinition, TableError, WriteTransaction};

/// Written into every birth record; another number is refused.
pub(super) const FORMAT: u32 = 1;

/// (partition, collection, name) → (version, expiry in microseconds or [`NEVER`], value).
pub(super) const RECORDS: TableDefinition<'_, (u16, &str, &str), (u64, u64, &[u8])> =
    TableDefinition::new("records");

/// (expiry, partition, collection, name): what the sweeper looks at. Holds no record that never expires.
pub(super) const EXPIRY: TableDefinition<'_, (u64, u16, &str, &str), ()> = TableDefinition::new("expiry");

/// (partition, revision, index) → (id of the commit, payload).
pub(super) const LOG: TableDefinition<'_, (u16, u64, u32), (&[u8; 16], &[u8])> = TableDefinition::new("log");

/// (partition, id of a commit) → its revision, while the commit is remembered.
pub(super) const COMMITS: TableDefinition<'_, (u16, &[u8; 16]), u64> = TableDefinition::new("commits");

/// Partition → (last revision, entries in the log, revision and index of the newest entry trimmed away).
pub(super) const HEADS: TableDefinition<'_, u16, (u64, u64, u64, u32)> = TableDefinition::new("heads");

/// Partition → (installation, number of partitions, format).
pub(super) const BIRTH: TableDefinition<'_, u16, (&[u8; 16], u16, u32)> = TableDefinition::new("birth");

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
        heads: &impl ReadableTable<u16, (u64, u64, u64, u32)>,
        partition: u16,
    ) -> Result<Self, StorageError> {
        Ok(heads.get(partition)?.map_or_else(Self::default, |head| {
            let (revision, entries, trimmed_revision, trimmed_index) = head.value();
            Self { revision, entries, trimmed: (trimmed_revision, trimmed_index) }
        }))
    }

    pub(super) fn write(
        self,
        heads: &mut Table<'_, u16, (u64, u64, u64, u32)>,
        partition: u16,
    ) -> Result<(), StorageError> {
        heads.insert(partition, (self.revision, self.entries, self.trimmed.0, self.trimmed.1))?;
        Ok(())
    }
}

/// The tables a commit touches, open in one transaction.
pub(super) struct Tables<'txn> {
    pub(super) records: Table<'txn, (u16, &'static str, &'static str), (u64, u64, &'static [u8])>,
    pub(super) expiry: Table<'txn, (u64, u16, &'static str, &'static str), ()>,
    pub(super) log: Table<'txn, (u16, u64, u32), (&'static [u8; 16], &'static [u8])>,
    pub(super) commits: Table<'txn, (u16, &'static [u8; 16]), u64>,
    pub(super) heads: Table<'txn, u16, (u64, u64, u64, u32)>,
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
