//! Takes away what nobody needs any more: expired records, and the ids of commits older than a minute.
//!
//! Both ride along in transactions that are made anyway; only an idle store makes one for them alone.

use std::collections::VecDeque;
use std::time::Duration;

use csc_types::{Clock, Partition, Timestamp};
use redb::{Database, ReadableDatabase, ReadableTable, StorageError};

use super::layout::{COMMITS, HEADS, Head, Tables};

/// How many records and commit ids one transaction sweeps at most, of each.
pub(super) const AT_ONCE: usize = 1024;

/// How long a commit is remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// How long an expired record keeps its version, so that a change decided just before its end is still checked
/// against it.
const GRACE: Duration = Duration::from_secs(60);

/// Knows which commit ids are in the file, in the order in which they may go.
pub(super) struct Sweeper {
    /// When to forget, by the monotonic clock: a step of the calendar shortens no memory.
    remembered: VecDeque<(Duration, u16, [u8; 16])>,
}

/// What the writer keeps of the file in memory. Commit ids of the run before are remembered for a whole minute anew:
/// nobody knows how long ago it was.
pub(super) fn load(database: &Database, clock: &dyn Clock) -> Result<(Vec<Head>, Sweeper), redb::Error> {
    let transaction = database.begin_read()?;
    let until = clock.monotonic() + MEMORY;
    let mut heads = Vec::new();
    let table = transaction.open_table(HEADS)?;
    for partition in Partition::all() {
        heads.push(Head::read(&table, partition.number())?);
    }
    let mut remembered = VecDeque::new();
    for entry in transaction.open_table(COMMITS)?.iter()? {
        let (key, _) = entry?;
        let (partition, id) = key.value();
        remembered.push_back((until, partition, *id));
    }
    Ok((heads, Sweeper { remembered }))
}

impl Sweeper {
    /// A commit was applied at `monotonic`.
    pub(super) fn remember(&mut self, partition: u16, id: [u8; 16], monotonic: Duration) {
        self.remembered.push_back((monotonic + MEMORY, partition, id));
    }

    /// Removes what is due. The count: records or commit ids, whichever are more.
    pub(super) fn sweep(
        &mut self,
        tables: &mut Tables<'_>,
        now: Timestamp,
        monotonic: Duration,
    ) -> Result<usize, StorageError> {
        let mut forgotten = 0;
        while forgotten < AT_ONCE
            && let Some((until, partition, id)) = self.remembered.front().copied()
            && until <= monotonic
        {
            tables.commits.remove((partition, &id))?;
            self.remembered.pop_front();
            forgotten += 1;
        }
        Ok(forgotten.max(sweep_records(tables, now)?))
    }
}

fn sweep_records(tables: &mut Tables<'_>, now: Timestamp) -> Result<usize, StorageError> {
    let end = now.micros().saturating_sub(u64::try_from(GRACE.as_micros()).unwrap_or(u64::MAX));
    let mut swept = 0;
    for entry in tables.expiry.extract_from_if(..(end, 0, "", ""), |_, ()| true)?.take(AT_ONCE) {
        let (key, _) = entry?;
        let (_, partition, collection, name) = key.value();
        tables.records.remove((partition, collection, name))?;
        swept += 1;
    }
    Ok(swept)
}
