//! Which commits were applied in the last minute, so that one that is sent again is answered and not applied again.
//!
//! Looked up in memory; in the file for the next run. There they stand in the order in which they were applied, so
//! that a transaction writes, and later removes, neighbours, instead of touching a page of the tree for every id.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use csc_types::{Partition, Revision};
use redb::{Database, ReadableDatabase, ReadableTable, StorageError, Table};

use super::layout::{COMMITS, CommitKey};
use crate::CommitId;

/// How long a commit is remembered.
const SPAN: Duration = Duration::from_secs(60);

pub(super) struct Memory {
    revisions: HashMap<(u16, [u8; 16]), Revision>,
    /// When to forget what a transaction applied, by the monotonic clock: a step of the calendar shortens no memory.
    due: VecDeque<(Duration, u64)>,
    /// The number of the transaction under way; it orders them in the file and means nothing else.
    transaction: u64,
}

impl Memory {
    /// What the file remembers. All of it is kept for a whole span from now on: nobody knows how long the engine was
    /// away.
    pub(super) fn load(database: &Database, monotonic: Duration) -> Result<Self, redb::Error> {
        let mut memory = Self { revisions: HashMap::new(), due: VecDeque::new(), transaction: 0 };
        for entry in database.begin_read()?.open_table(COMMITS)?.iter()? {
            let (key, revision) = entry?;
            let (transaction, partition, id) = key.value();
            memory.revisions.insert((partition, *id), Revision::new(revision.value()));
            if memory.due.back().is_none_or(|(_, last)| *last != transaction) {
                memory.due.push_back((monotonic + SPAN, transaction));
            }
            memory.transaction = transaction + 1;
        }
        Ok(memory)
    }

    /// What the commit was answered, if it was applied not long ago.
    pub(super) fn recall(&self, partition: Partition, id: CommitId) -> Option<Revision> {
        self.revisions.get(&(partition.number(), id.0)).copied()
    }

    /// A commit was applied in the transaction under way.
    pub(super) fn keep(
        &mut self,
        commits: &mut Table<'_, CommitKey, u64>,
        partition: Partition,
        id: CommitId,
        revision: Revision,
    ) -> Result<(), StorageError> {
        commits.insert((self.transaction, partition.number(), &id.0), revision.number())?;
        self.revisions.insert((partition.number(), id.0), revision);
        Ok(())
    }

    /// The transaction under way has applied all that it will.
    pub(super) fn close(&mut self, monotonic: Duration) {
        self.due.push_back((monotonic + SPAN, self.transaction));
        self.transaction += 1;
    }

    /// Forgets what is due, about `limit` commits at most. How many it were.
    pub(super) fn forget(
        &mut self,
        commits: &mut Table<'_, CommitKey, u64>,
        monotonic: Duration,
        limit: usize,
    ) -> Result<usize, StorageError> {
        let mut forgotten = 0;
        while forgotten < limit
            && let Some((_, transaction)) = self.due.pop_front_if(|(due, _)| *due <= monotonic)
        {
            let all = (transaction, 0, &[0; 16])..(transaction + 1, 0, &[0; 16]);
            for entry in commits.extract_from_if(all, |_, _| true)? {
                let (key, _) = entry?;
                let (_, partition, id) = key.value();
                self.revisions.remove(&(partition, *id));
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }
}
