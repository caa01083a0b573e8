//! What a replica holds, counted for whoever measures it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of one replica's part in a role. Cheap to clone; the clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    held: AtomicU64,
    takeovers: AtomicU64,
}

impl Tally {
    /// Partitions held now.
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Partitions taken from replicas that were gone, ever.
    pub fn takeovers(&self) -> u64 {
        self.0.takeovers.load(Ordering::Relaxed)
    }

    pub(super) fn holds(&self, partitions: usize) {
        self.0.held.store(partitions as u64, Ordering::Relaxed);
    }

    pub(super) fn took_over(&self) {
        self.0.takeovers.fetch_add(1, Ordering::Relaxed);
    }
}
