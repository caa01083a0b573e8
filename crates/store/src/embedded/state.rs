//! What the writer and the callers share in memory.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use csc_types::Partition;
use tokio::sync::watch;
use tracing::error;

use crate::{Cursor, StoreError};

/// What the engine has done since it was opened, for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commits applied; over [`Stats::transactions`] it is the mean size of a batch.
    pub commits: u64,
    /// Commits refused because a check did not hold.
    pub conflicts: u64,
    /// Durable transactions: how often the disk was waited for.
    pub transactions: u64,
    /// Commits that wait for the disk now.
    pub queued: usize,
}

#[derive(Debug)]
pub(super) struct State {
    /// Behind the last entry of each log, as far as it is durable.
    positions: RwLock<Vec<Cursor>>,
    /// Marked when entries were added, and when the engine failed.
    news: watch::Sender<()>,
    failure: OnceLock<String>,
    commits: AtomicU64,
    conflicts: AtomicU64,
    transactions: AtomicU64,
}

impl State {
    pub(super) fn new(positions: Vec<Cursor>) -> Self {
        Self {
            positions: RwLock::new(positions),
            news: watch::Sender::new(()),
            failure: OnceLock::new(),
            commits: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
        }
    }

    /// The engine stops for good. Only the first reason counts.
    pub(super) fn fail(&self, why: &dyn Display) {
        if self.failure.set(why.to_string()).is_ok() {
            error!(%why, "store failed, no further reads or writes");
            self.news.send_replace(());
        }
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// An error once the engine has failed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.failure().is_some() { Err(self.unavailable()) } else { Ok(()) }
    }

    pub(super) fn unavailable(&self) -> StoreError {
        StoreError::Unavailable(self.failure().unwrap_or("the writer is gone").to_owned())
    }

    pub(super) async fn failed(&self) -> String {
        let mut news = self.news.subscribe();
        loop {
            news.mark_unchanged();
            if let Some(why) = self.failure() {
                return why.to_owned();
            }
            // The sender is ours, so it cannot be gone.
            let _ = news.changed().await;
        }
    }

    /// Tells the readers of the logs that entries up to these are there.
    pub(super) fn publish(&self, positions: impl Iterator<Item = (Partition, Cursor)>) {
        let mut any = false;
        {
            let mut known = self.positions.write().unwrap_or_else(PoisonError::into_inner);
            for (partition, cursor) in positions {
                known[usize::from(partition.number())] = cursor;
                any = true;
            }
        }
        if any {
            self.news.send_replace(());
        }
    }

    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    pub(super) fn position(&self, partition: Partition) -> Cursor {
        let known = self.positions.read().unwrap_or_else(PoisonError::into_inner);
        known[usize::from(partition.number())]
    }

    /// Those of `cursors` that are not behind the last entry of their log.
    pub(super) fn behind(&self, cursors: &[(Partition, Cursor)]) -> Vec<(Partition, Cursor)> {
        let known = self.positions.read().unwrap_or_else(PoisonError::into_inner);
        let differs =
            |(partition, cursor): &&(Partition, Cursor)| known[usize::from(partition.number())] != *cursor;
        cursors.iter().filter(differs).copied().collect()
    }

    pub(super) fn stats(&self, queued: usize) -> Stats {
        Stats {
            commits: self.commits.load(Ordering::Relaxed),
            conflicts: self.conflicts.load(Ordering::Relaxed),
            transactions: self.transactions.load(Ordering::Relaxed),
            queued,
        }
    }

    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_transaction(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }
}
