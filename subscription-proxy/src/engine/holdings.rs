//! The partitions that this replica notifies for: how they come, how they go.
//!
//! ```text
//! Gained ─► its dialogs are read ─► notified ─► Lost: nothing new is sent ─► answers under way ─► progress stored ─► released
//!                                         └───► a commit is refused: another replica has it already ────────────────► dropped
//! ```
//!
//! Whatever comes back late for a partition that was lost, and perhaps gained again, carries the number of the holding it
//! was meant for, and counts only for that.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use csc_store::owner::{Fence, Released, Shift};
use csc_types::Partition;
use tokio::task::AbortHandle;

use super::loader::{self, Page};
use super::reader::Job;
use super::writer::{self, Stale, Written};
use super::{Engine, Tag};
use crate::domain::tag;

/// How long a partition that is handed over waits for the answers to its NOTIFYs: as long as an answer takes that needs no
/// second copy (timer E). What is not answered by then the next owner says again.
const ANSWERS: Duration = csc_sip::T1;
/// How long its progress has to be stored. What is not stored by then the next owner says again.
const STORING: Duration = Duration::from_secs(2);
/// How long progress waits for more of its partition, so that they share a commit. A crash meanwhile costs a repeated
/// NOTIFY; numbers and endings do not wait.
const REST: Duration = Duration::from_millis(30);

/// A partition that this replica has.
pub(super) struct Holding {
    number: u64,
    fence: Fence,
    pub(super) tags: HashSet<Tag>,
    loading: Option<Loading>,
    /// Subscriptions with something to be written, and whether it cannot wait.
    pub(super) writes: VecDeque<Tag>,
    pub(super) urgent: bool,
    writer: Writer,
    /// NOTIFYs without an answer.
    pub(super) under_way: usize,
    leaving: Option<Leaving>,
}

/// Its dialogs are being read.
struct Loading {
    load: u64,
    _reader: Aborting,
    /// Dialogs that changed meanwhile.
    later: BTreeSet<Tag>,
}

enum Writer {
    Idle,
    /// Waits for more.
    Resting,
    Busy {
        _commit: Aborting,
    },
}

struct Leaving {
    /// Its drop tells that nothing acts for the partition any more.
    _released: Released,
    answers_until: Duration,
    until: Duration,
}

/// A task that ends when this is dropped.
struct Aborting(AbortHandle);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a task of a holding did.
pub(super) enum Done {
    /// It sent its pages.
    Read,
    /// Progress has waited long enough.
    Rested(Partition, u64),
    /// It wrote.
    Wrote(Partition, u64, Result<Vec<Written>, Stale>),
}

impl Holding {
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether new NOTIFYs may be sent, apart from the lease.
    pub(super) fn stays(&self) -> bool {
        self.leaving.is_none()
    }

    /// Whether there is something to write, and the writer can begin with it or with waiting for more.
    fn can_write(&self) -> bool {
        !self.writes.is_empty()
            && match self.writer {
                Writer::Idle => true,
                Writer::Resting => self.cannot_wait(),
                Writer::Busy { .. } => false,
            }
    }

    fn cannot_wait(&self) -> bool {
        self.urgent || self.leaving.is_some()
    }
}

impl Engine {
    /// Takes what ownership says.
    pub(super) fn shift(&mut self, shift: Shift) {
        match shift {
            Shift::Gained(partition, fence) => {
                self.drop_partition(partition);
                self.numbers += 1;
                let holding = Holding {
                    number: self.numbers,
                    fence,
                    tags: HashSet::new(),
                    loading: None,
                    writes: VecDeque::new(),
                    urgent: false,
                    writer: Writer::Idle,
                    under_way: 0,
                    leaving: None,
                };
                self.holdings.insert(partition, holding);
                self.metrics.gained();
                // Position first, state second: before the log is followed there is nothing to compare with.
                if self.followed.contains(&partition) {
                    self.load(partition);
                }
            }
            Shift::Lost(partition, released) => {
                let now = self.now();
                if let Some(holding) = self.holdings.get_mut(&partition) {
                    holding.loading = None;
                    let (answers_until, until) = (now + ANSWERS, now + ANSWERS + STORING);
                    holding.leaving = Some(Leaving { _released: released, answers_until, until });
                    self.leaving.insert(partition);
                }
            }
        }
    }

    /// The log of a partition is followed from here on: what it said before is to be found in the records.
    pub(super) fn missed(&mut self, here: Partition) {
        self.followed.insert(here);
        let all: Vec<Tag> = self.entries.keys().cloned().collect();
        for tag in &all {
            self.look(tag, None);
        }
        if let Some(holding) = self.holdings.get(&here) {
            let number = holding.number;
            self.jobs.extend(holding.tags.iter().map(|tag| Job::Load(tag.clone(), number)));
            self.load(here);
        }
    }

    /// A dialog of some partition changed.
    pub(super) fn changed(&mut self, tag: Tag) {
        let partition = tag::partition(&tag);
        let Some(holding) = partition.and_then(|partition| self.holdings.get_mut(&partition)) else { return };
        match &mut holding.loading {
            // Else an older state of it, read before and told after, could bring back what is gone.
            Some(loading) => {
                loading.later.insert(tag);
            }
            None => self.jobs.push_back(Job::Load(tag, holding.number)),
        }
    }

    fn load(&mut self, partition: Partition) {
        let Some(holding) = self.holdings.get_mut(&partition) else { return };
        if holding.leaving.is_some() {
            return;
        }
        self.numbers += 1;
        let load = self.numbers;
        let (accept, pages) = (self.accept.clone(), self.pages.clone());
        let reader = self.work.spawn(async move {
            loader::run(accept, partition, load, pages).await;
            Done::Read
        });
        let later = holding.loading.take().map(|loading| loading.later).unwrap_or_default();
        holding.loading = Some(Loading { load, _reader: Aborting(reader), later });
    }

    /// Takes some dialogs of a partition that is read.
    pub(super) fn page(&mut self, page: Page) {
        let Some(holding) = self.holdings.get_mut(&page.partition) else { return };
        let number = holding.number;
        if holding.loading.as_ref().is_none_or(|loading| loading.load != page.load) {
            return;
        }
        if page.last
            && let Some(loading) = holding.loading.take()
        {
            self.jobs.extend(loading.later.iter().map(|tag| Job::Load(tag.clone(), number)));
        }
        for (tag, stored) in page.dialogs {
            self.stored(tag, number, stored);
        }
    }

    /// Takes what a task of a holding did.
    pub(super) fn done(&mut self, done: Done) {
        let (partition, number) = match done {
            Done::Read => return,
            Done::Rested(partition, number) | Done::Wrote(partition, number, _) => (partition, number),
        };
        let Some(holding) = self.holdings.get_mut(&partition).filter(|holding| holding.number == number)
        else {
            return;
        };
        match done {
            Done::Read => {}
            Done::Rested(..) => {
                if matches!(holding.writer, Writer::Resting) {
                    holding.writer = Writer::Idle;
                    holding.urgent = !holding.writes.is_empty();
                }
            }
            Done::Wrote(_, _, Ok(written)) => {
                holding.writer = Writer::Idle;
                for written in written {
                    self.written(number, written);
                }
            }
            Done::Wrote(_, _, Err(Stale)) => {
                tracing::info!(partition = partition.number(), "another replica notifies for this partition");
                self.drop_partition(partition);
            }
        }
    }

    /// Has written what gathered for a partition, if nothing of it is being written.
    pub(super) fn hand_out_writes(&mut self) {
        let idle = self.holdings.iter().filter(|(_, holding)| holding.can_write());
        for partition in idle.map(|(partition, _)| *partition).collect::<Vec<_>>() {
            let Some(holding) = self.holdings.get_mut(&partition) else { continue };
            let number = holding.number;
            if !holding.cannot_wait() {
                holding.writer = Writer::Resting;
                self.work.spawn(async move {
                    tokio::time::sleep(REST).await;
                    Done::Rested(partition, number)
                });
                continue;
            }
            let fence = holding.fence.clone();
            let writes = self.next_writes(partition);
            let records = self.accept.settled.clone();
            let task = self.work.spawn(async move {
                Done::Wrote(partition, number, writer::write(&records, partition, &fence, writes).await)
            });
            if let Some(holding) = self.holdings.get_mut(&partition) {
                holding.writer = Writer::Busy { _commit: Aborting(task) };
            }
        }
    }

    /// Lets go what is to be handed over and has nothing under way any more.
    pub(super) fn hand_over(&mut self, now: Duration) {
        for partition in self.leaving.clone() {
            let Some(holding) = self.holdings.get_mut(&partition) else { continue };
            let Some(leaving) = &holding.leaving else { continue };
            let answered = holding.under_way == 0 || leaving.answers_until <= now;
            let stored = holding.writes.is_empty() && !matches!(holding.writer, Writer::Busy { .. });
            if answered && stored || leaving.until <= now {
                self.drop_partition(partition);
            }
        }
    }

    /// When [`Engine::hand_over`] has something to do even if nothing happens.
    pub(super) fn next_hand_over(&self, now: Duration) -> Option<Duration> {
        let leaving =
            self.leaving.iter().filter_map(|partition| self.holdings.get(partition)?.leaving.as_ref());
        leaving.flat_map(|leaving| [leaving.answers_until, leaving.until]).filter(|at| *at > now).min()
    }

    /// Forgets a partition and everything of it; nothing acts for it from here on.
    fn drop_partition(&mut self, partition: Partition) {
        self.leaving.remove(&partition);
        let Some(holding) = self.holdings.get(&partition) else { return };
        for tag in holding.tags.iter().cloned().collect::<Vec<_>>() {
            self.forget(&tag);
        }
        self.parked.retain(|parked| tag::partition(&parked.tag) != Some(partition));
        // Its tasks end with it, and so does what was said to be released.
        self.holdings.remove(&partition);
        self.metrics.lost();
    }
}
