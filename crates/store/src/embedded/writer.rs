//! The one thread that writes the file.
//!
//! While the disk syncs one transaction, commits gather in the queue; the next transaction takes them all. Inside it
//! they are judged one after another, each seeing what those before it wrote, and one whose check fails leaves no
//! trace. Nobody is answered before the sync has returned. If it fails, nobody is told that a write succeeded, and the
//! engine stops: after a failed sync nobody knows what the disk holds.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use csc_types::{Clock, Partition, Revision};
use redb::{Database, ReadableDatabase, ReadableTable, StorageError, Table};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::layout::{ExpiryKey, HEADS, Head, NEVER, Tables};
use super::memory::Memory;
use super::sweep::sweep;
use super::{LOG_ENTRIES, State};
use crate::{Commit, CommitError, Cursor, LogId};

/// How many commits share a transaction at most, and how many octets of values end it earlier: what bounds the time
/// that the first of them waits.
const BATCH_COMMITS: usize = 512;
const BATCH_OCTETS: usize = 8 << 20;

/// How many expired records, and how many remembered commits, one transaction removes at most.
const SWEPT_AT_ONCE: usize = 1024;

/// How long the next transaction waits at most for those who are expected to share it: this part of what the last one
/// took, and no longer than that.
const PATIENCE_SHARE: u32 = 4;
const PATIENCE: Duration = Duration::from_millis(1);

/// How long the thread sleeps when there is nothing to do, before it looks for what has expired.
const IDLE: Duration = Duration::from_secs(10);

/// A commit on its way to the disk.
pub(super) struct Request {
    pub(super) partition: Partition,
    pub(super) commit: Commit,
    pub(super) answer: oneshot::Sender<Result<Revision, CommitError>>,
    /// Its place in the queue; given back before the answer.
    pub(super) place: OwnedSemaphorePermit,
}

/// What became of one commit of a batch.
pub(super) enum Judged {
    Applied(Revision),
    /// Sent before; this is what it was answered.
    Repeated(Revision),
    Conflict,
}

pub(super) struct Writer {
    database: Arc<Database>,
    state: Arc<State>,
    clock: Arc<dyn Clock>,
    heads: Vec<Head>,
    memory: Memory,
    pace: Pace,
    /// How many places there are.
    queue: usize,
}

/// How many commits to expect, and how long. Whoever was answered at the end of a transaction is likely to be back at
/// once; a transaction that does not wait for it leaves with half of those who could have shared it, and so do all that
/// follow.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// How many commits were at hand when the last transaction ended: its own, and those that waited.
    together: usize,
    patience: Duration,
}

impl Writer {
    pub(super) fn new(
        database: Arc<Database>,
        state: Arc<State>,
        clock: Arc<dyn Clock>,
        queue: usize,
    ) -> Result<Self, redb::Error> {
        let memory = Memory::load(&database, clock.monotonic())?;
        let table = database.begin_read()?.open_table(HEADS)?;
        let heads = Partition::all().map(|partition| Head::read(&table, partition.number()));
        let heads = heads.collect::<Result<_, _>>()?;
        Ok(Self { database, state, clock, heads, memory, pace: Pace::default(), queue })
    }

    /// Serves until every sender is gone.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        let _stopped = Stopped(Arc::clone(&self.state));
        let mut patience = IDLE;
        loop {
            let batch = match requests.recv_timeout(patience) {
                Ok(first) => self.gather(first, requests),
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.state.failure().is_some() {
                self.refuse(batch);
                continue;
            }
            let began = self.clock.monotonic();
            match self.transact(&batch) {
                Ok((judged, more)) => {
                    let took = self.clock.monotonic().saturating_sub(began);
                    self.pace = Pace {
                        together: batch
                            .first()
                            .map_or(0, |request| self.queue - request.place.semaphore().available_permits()),
                        patience: (took / PATIENCE_SHARE).min(PATIENCE),
                    };
                    self.answer(batch, &judged);
                    patience = if more { Duration::ZERO } else { IDLE };
                }
                Err(error) => {
                    self.state.fail(&error);
                    self.refuse(batch);
                }
            }
        }
    }

    /// Judges and applies a batch in one durable transaction. Also tells whether there is more to sweep.
    pub(super) fn transact(&mut self, batch: &[Request]) -> Result<(Vec<Judged>, bool), redb::Error> {
        let now = self.clock.now();
        let monotonic = self.clock.monotonic();
        let mut transaction = self.database.begin_write()?;
        // A file that was not closed opens at once, and each commit is written in two phases.
        transaction.set_quick_repair(true);
        let mut tables = Tables::open(&transaction)?;
        let mut touched = Vec::new();
        let mut judged = Vec::with_capacity(batch.len());
        for Request { partition, commit, .. } in batch {
            let head = &mut self.heads[usize::from(partition.number())];
            let outcome = match self.memory.recall(*partition, commit.id) {
                Some(revision) => Judged::Repeated(revision),
                None => judge(&mut tables, *partition, commit, head, now.micros())?,
            };
            if let Judged::Applied(revision) = outcome {
                self.memory.keep(&mut tables.commits, *partition, commit.id, revision)?;
                touched.push(*partition);
            }
            judged.push(outcome);
        }
        touched.sort_unstable();
        touched.dedup();
        for partition in &touched {
            let head = &mut self.heads[usize::from(partition.number())];
            trim(&mut tables, partition.number(), head)?;
            head.write(&mut tables.heads, partition.number())?;
        }
        if !touched.is_empty() {
            self.memory.close(monotonic);
        }
        let forgotten = self.memory.forget(&mut tables.commits, monotonic, SWEPT_AT_ONCE)?;
        let swept = sweep(&mut tables, now, SWEPT_AT_ONCE)?.max(forgotten);
        drop(tables);
        if touched.is_empty() && swept == 0 {
            transaction.abort()?;
        } else {
            transaction.commit()?;
            self.state.count_transaction();
        }
        Ok((judged, swept >= SWEPT_AT_ONCE))
    }

    /// Makes a durable batch known: first to readers of the logs, then to those who wait for it.
    fn answer(&self, batch: Vec<Request>, judged: &[Judged]) {
        let logged = batch.iter().zip(judged).filter_map(|(request, outcome)| match outcome {
            Judged::Applied(revision) if !request.commit.log.is_empty() => {
                let index = u32::try_from(request.commit.log.len() - 1).unwrap_or(u32::MAX);
                let id = LogId { revision: *revision, index };
                Some((request.partition, Cursor { id, commit: request.commit.id.0 }))
            }
            _ => None,
        });
        self.state.publish(logged);
        for (request, outcome) in batch.into_iter().zip(judged) {
            let answer = match outcome {
                Judged::Applied(revision) => {
                    self.state.count_commit();
                    Ok(*revision)
                }
                Judged::Repeated(revision) => Ok(*revision),
                Judged::Conflict => {
                    self.state.count_conflict();
                    Err(CommitError::Conflict)
                }
            };
            drop(request.place);
            // Whoever asked may have given up; the commit stands all the same.
            let _ = request.answer.send(answer);
        }
    }

    /// Those that wait behind `first`, and those that are expected at once.
    fn gather(&self, first: Request, requests: &Receiver<Request>) -> Vec<Request> {
        let mut octets = size(&first);
        let mut batch = vec![first];
        let end = self.clock.monotonic() + self.pace.patience;
        while batch.len() < BATCH_COMMITS && octets < BATCH_OCTETS {
            let next = requests.try_recv().ok().or_else(|| {
                let left = end.saturating_sub(self.clock.monotonic());
                let expected = batch.len() < self.pace.together && !left.is_zero();
                expected.then(|| requests.recv_timeout(left).ok()).flatten()
            });
            let Some(next) = next else { break };
            octets += size(&next);
            batch.push(next);
        }
        batch
    }

    fn refuse(&self, batch: Vec<Request>) {
        for request in batch {
            let _ = request.answer.send(Err(self.state.unavailable().into()));
        }
    }
}

/// A thread that dies of a panic takes the engine with it instead of leaving callers without an answer.
struct Stopped(Arc<State>);

impl Drop for Stopped {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&"the writer stopped");
        }
    }
}

fn size(request: &Request) -> usize {
    let commit = &request.commit;
    commit.puts.iter().map(|put| put.value.len()).chain(commit.log.iter().map(bytes::Bytes::len)).sum()
}

fn judge(
    tables: &mut Tables<'_>,
    partition: Partition,
    commit: &Commit,
    head: &mut Head,
    now: u64,
) -> Result<Judged, StorageError> {
    let number = partition.number();
    for check in &commit.checks {
        let record = tables.records.get((number, check.key.collection, check.key.name.as_str()))?;
        let version = record.map_or(0, |record| record.value().0);
        if version != check.version.number() {
            return Ok(Judged::Conflict);
        }
    }
    // Time-based, so that it does not repeat when a restore takes commits back; never lower than the last, whatever
    // the clock does.
    let revision = now.max(head.revision + 1);
    head.revision = revision;
    for key in &commit.deletes {
        remove(tables, number, key.collection, &key.name)?;
    }
    for put in &commit.puts {
        let place = (number, put.key.collection, put.key.name.as_str());
        let expires = put.expires.map_or(NEVER, |expires| expires.micros());
        let before = tables.records.insert(place, (revision, expires, put.value.as_ref()))?;
        let before = before.map(|record| record.value().1);
        // What is written again and again often keeps its end: then the list of the sweeper is right as it is.
        if before == Some(expires) {
            continue;
        }
        forget_expiry(&mut tables.expiry, before, place)?;
        if expires != NEVER {
            tables.expiry.insert((expires, place.0, place.1, place.2), ())?;
        }
    }
    for (index, payload) in (0_u32..).zip(&commit.log) {
        tables.log.insert((number, revision, index), (&commit.id.0, payload.as_ref()))?;
    }
    head.entries += commit.log.len() as u64;
    Ok(Judged::Applied(Revision::new(revision)))
}

fn remove(tables: &mut Tables<'_>, partition: u16, collection: &str, name: &str) -> Result<(), StorageError> {
    let place = (partition, collection, name);
    let before = tables.records.remove(place)?;
    forget_expiry(&mut tables.expiry, before.map(|record| record.value().1), place)
}

/// Takes the old expiry of a record that was removed or replaced from the sweeper's list.
fn forget_expiry(
    expiry: &mut Table<'_, ExpiryKey, ()>,
    before: Option<u64>,
    (partition, collection, name): (u16, &str, &str),
) -> Result<(), StorageError> {
    if let Some(expires) = before.filter(|expires| *expires != NEVER) {
        expiry.remove((expires, partition, collection, name))?;
    }
    Ok(())
}

/// Cuts the log down to its last [`LOG_ENTRIES`] entries.
fn trim(tables: &mut Tables<'_>, partition: u16, head: &mut Head) -> Result<(), StorageError> {
    let surplus = head.entries.saturating_sub(LOG_ENTRIES);
    if surplus == 0 {
        return Ok(());
    }
    let all = (partition, 0, 0)..=(partition, u64::MAX, u32::MAX);
    let mut trimmed = 0;
    for entry in
        tables.log.extract_from_if(all, |_, _| true)?.take(usize::try_from(surplus).unwrap_or(usize::MAX))
    {
        let (key, _) = entry?;
        let (_, revision, index) = key.value();
        head.trimmed = (revision, index);
        trimmed += 1;
    }
    head.entries -= trimmed;
    Ok(())
}
