//! What the engine has done.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the engine has done since it was opened, for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commits acknowledged.
    pub commits: u64,
    /// Commits refused because a check did not hold.
    pub conflicts: u64,
    /// Pipelines sent and answered, those of reads among them.
    pub batches: u64,
    /// How often a call was repeated because it was not answered, or not as it must be.
    pub repeats: u64,
    /// Calls that were given up at their deadline or refused.
    pub unavailable: u64,
    /// Calls that found a birth record missing or foreign. Any is an alarm.
    pub unborn: u64,
    /// Commits that wait for a server now.
    pub queued: usize,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) repeats: AtomicU64,
    pub(super) unavailable: AtomicU64,
    pub(super) unborn: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self, queued: usize) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: read(&self.commits),
            conflicts: read(&self.conflicts),
            batches: read(&self.batches),
            repeats: read(&self.repeats),
            unavailable: read(&self.unavailable),
            unborn: read(&self.unborn),
            queued,
        }
    }
}
