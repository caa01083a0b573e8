//! Whether a replica may still act on what it holds.
//!
//! Others wait [`DEAD`](super::peers::DEAD) without a new heartbeat before they take over; a replica trusts itself for
//! [`LEASE`] after it sent one that was written. Nobody synchronises clocks: each side measures a span with its own.
//!
//! After a gap the next heartbeat alone proves nothing, for others may have taken over meanwhile, or be about to. The
//! lease stays closed until every partition was [confirmed](super::records::Board::confirm) with a commit, and until
//! the holder has released those that were taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use csc_types::Clock;

use super::Replicas;

/// How long a replica trusts itself after sending a heartbeat that was written.
const LEASE: Duration = Duration::from_millis(1_200);

/// Asked before every act outside the store that nobody could refuse: a NOTIFY. A replica that was stopped, or cannot
/// reach the store, so finds out by itself, before others take its partitions. Cheap to clone and to ask.
#[derive(Clone)]
pub struct Lease(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Monotonic time from which on the last heartbeat is too old.
    until: Duration,
    /// What is held was confirmed since the last gap.
    open: bool,
    /// Counts the gaps.
    gap: u64,
}

impl Lease {
    pub(super) fn new(clock: Arc<dyn Clock>, replicas: Replicas) -> Self {
        let (until, open) = match replicas {
            Replicas::Alone => (Duration::MAX, true),
            Replicas::Several => (Duration::ZERO, false),
        };
        Self(Arc::new(Inner { clock, state: Mutex::new(State { until, open, gap: 0 }) }))
    }

    /// Whether this replica may act now for what it holds. What it may not do now it may be able to do later, if it
    /// still holds the partition then.
    pub fn valid(&self) -> bool {
        let state = self.state();
        state.open && self.0.clock.monotonic() < state.until
    }

    /// A heartbeat that was sent at `sent` was written.
    pub(super) fn renew(&self, sent: Duration) {
        let mut state = self.state();
        if self.0.clock.monotonic() >= state.until {
            state.open = false;
            state.gap += 1;
        }
        state.until = state.until.max(sent + LEASE);
    }

    /// Whether the heartbeats of this replica are written.
    pub(super) fn beating(&self) -> bool {
        self.0.clock.monotonic() < self.state().until
    }

    /// The gap after which the lease is to be [opened](Self::open); `None` if it is open.
    pub(super) fn gap(&self) -> Option<u64> {
        let state = self.state();
        (!state.open).then_some(state.gap)
    }

    /// Everything held was confirmed after `gap`. If there was another one since, nothing happens.
    pub(super) fn open(&self, gap: u64) {
        let mut state = self.state();
        state.open |= state.gap == gap;
    }

    /// Nothing is held any more.
    pub(super) fn close(&self) {
        *self.state() = State { until: Duration::ZERO, open: false, gap: 0 };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::ManualClock;

    use super::*;

    fn lease() -> (Arc<ManualClock>, Lease) {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        (clock.clone(), Lease::new(clock, Replicas::Several))
    }

    #[test]
    fn it_ends_by_itself() {
        let (clock, lease) = lease();
        assert!(!lease.valid(), "nothing was written yet");
        lease.renew(clock.monotonic());
        lease.open(1);
        clock.advance(Duration::from_millis(1_199));
        assert!(lease.valid());
        clock.step_to(1_900_000_000);
        assert!(lease.valid(), "the calendar is nothing to it");
        clock.advance(Duration::from_millis(1));
        assert!(!lease.valid());
    }

    #[test]
    fn the_sending_counts_not_the_answer() {
        let (clock, lease) = lease();
        lease.renew(clock.monotonic());
        lease.open(1);
        let sent = clock.monotonic();
        clock.advance(Duration::from_millis(1_000));
        lease.renew(sent);
        clock.advance(Duration::from_millis(200));
        assert!(!lease.valid());
    }

    #[test]
    fn after_a_gap_a_heartbeat_is_not_enough() {
        let (clock, lease) = lease();
        lease.renew(clock.monotonic());
        lease.open(1);
        clock.advance(Duration::from_secs(10));
        lease.renew(clock.monotonic());
        assert!(lease.beating() && !lease.valid());
        assert_eq!(lease.gap(), Some(2));
        lease.open(1);
        assert!(!lease.valid(), "that was another gap");
        lease.open(2);
        assert!(lease.valid());
    }
}
