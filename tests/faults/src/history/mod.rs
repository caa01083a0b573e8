//! What clients of a store asked and were told, written down while it happens and judged afterwards.
//!
//! [`History::client`] puts a [`Store`] in front of a store that passes everything on and takes notes; clients use it
//! like any other, directly or through `Records`. [`History::check`] then looks for an answer that breaks a promise
//! ([`Rule`]). Nothing is assumed about the engine behind it.
//!
//! What makes a history worth judging is up to its clients: every value and every log payload is written once only, so
//! that an answer tells which commit it came from, and records do not expire.
//!
//! A commit that was answered "unavailable", or not at all, may have been applied, may be applied at any later time, or
//! never; each of them is all right.

mod check;
mod client;
mod finding;
mod tails;
mod writes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use csc_store::{Commit, Key, LogEntry, Record, Store};
use csc_types::{Partition, Revision};

pub use finding::{Finding, Rule};

/// An engine may take a moment to hear of news. Whoever waited so long and got nothing was told that there is nothing.
pub const HEARD: Duration = Duration::from_secs(2);

/// A moment: moments are counted, not measured. Whatever ended before another thing began has the lower one.
pub type Moment = u64;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// Which client asked; one client may ask several things at once, except for its log.
    pub client: u32,
    /// Whether it asked the settled store.
    pub settled: bool,
    /// When it asked.
    pub began: Moment,
    /// When it was answered.
    pub ended: Moment,
    /// In which partition.
    pub partition: Partition,
    /// What was asked and answered.
    pub what: What,
}

/// What was asked, and what the answer was. A read that was not answered is not written down: it says nothing.
#[derive(Clone, Debug)]
pub enum What {
    /// A commit.
    Commit(Commit, Outcome),
    /// Records by their keys, in the order asked.
    Get(Vec<(Key, Record)>),
    /// The records of a collection in a range of names.
    Scan {
        /// The collection.
        collection: &'static str,
        /// How the names begin.
        prefix: String,
        /// After which name.
        after: Option<String>,
        /// Up to which name the answer is complete; `None`: up to the last.
        complete_to: Option<String>,
        /// What was found.
        found: Vec<(String, Record)>,
    },
    /// The client took a new place at the end of the log.
    Position,
    /// Entries behind its place.
    Entries(Vec<LogEntry>),
    /// There was nothing behind its place, however long it waited.
    Quiet,
    /// Its place was lost.
    Lost,
}

/// What a writer was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Applied, as this revision.
    Done(Revision),
    /// Not applied: a check did not hold.
    Conflict,
    /// Nobody knows.
    Unknown,
}

/// How much happened, to be shown and to see that a run was worth it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commits acknowledged.
    pub done: usize,
    /// Commits refused because of a check.
    pub conflicts: usize,
    /// Commits of which nobody knows.
    pub unknown: usize,
    /// Reads answered.
    pub reads: usize,
    /// Log entries read.
    pub entries: usize,
    /// How often a reader was told that its place is lost.
    pub lost: usize,
}

/// The notes of one run.
#[derive(Default)]
pub struct History {
    now: AtomicU64,
    clients: AtomicU64,
    events: Mutex<Vec<Event>>,
}

impl History {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A client of `store`, whose requests are written down here. `store.settled()` of it is a client as well.
    pub fn client(self: &Arc<Self>, store: Arc<dyn Store>) -> Arc<dyn Store> {
        self.another(store, false)
    }

    fn another(self: &Arc<Self>, store: Arc<dyn Store>, settled: bool) -> Arc<dyn Store> {
        let number = self.clients.fetch_add(1, Ordering::SeqCst) as u32;
        Arc::new(client::Client { store, settled, number, history: Arc::clone(self) })
    }

    fn tick(&self) -> Moment {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for event in self.events.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            match &event.what {
                What::Commit(_, Outcome::Done(_)) => counts.done += 1,
                What::Commit(_, Outcome::Conflict) => counts.conflicts += 1,
                What::Commit(_, Outcome::Unknown) => counts.unknown += 1,
                What::Get(_) | What::Scan { .. } => counts.reads += 1,
                What::Entries(entries) => counts.entries += entries.len(),
                What::Lost => counts.lost += 1,
                What::Position | What::Quiet => {}
            }
        }
        counts
    }

    /// Which promises were broken. Asked when all clients have ended.
    pub fn check(&self) -> Vec<Finding> {
        check::check(&self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
