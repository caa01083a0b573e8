//! Whether a replica may still act on what it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use csc_types::Clock;

use super::Replicas;

/// Asked before every act outside the store that nobody could refuse: a NOTIFY. A replica that was stopped, or cannot
/// reach the store, so finds out by itself, before others take its partitions. Cheap to clone and to ask.
#[derive(Clone)]
pub struct Lease(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    /// Valid before this monotonic time, in microseconds.
    until: AtomicU64,
}

impl Lease {
    pub(super) fn new(clock: Arc<dyn Clock>, replicas: Replicas) -> Self {
        let until = match replicas {
            Replicas::Alone => u64::MAX,
            Replicas::Several => 0,
        };
        Self(Arc::new(Inner { clock, until: AtomicU64::new(until) }))
    }

    /// Whether this replica may act now for what it holds. What it may not do now it may be able to do later, if it
    /// still holds the partition then.
    pub fn valid(&self) -> bool {
        self.0.clock.monotonic() < Duration::from_micros(self.0.until.load(Ordering::Acquire))
    }
}
