//! The projector at work: for the groups and accounts of those partitions that it holds.
//!
//! All logs are read by every replica; of what they say only what is our own counts. The logs' positions were taken
//! before the first partition was gained, and the states of a partition are compared after it was: what changes in
//! between is seen twice, never missed.

use std::collections::HashMap;
use std::error::Error;

use csc_service::trace::{self, Cause, Work};
use csc_store::follow::News;
use csc_store::owner::{Fence, Shift};
use csc_types::Partition;
use futures::future::{AbortHandle, Aborted, BoxFuture, FutureExt, abortable};
use futures::stream::{FuturesUnordered, Stream, StreamExt};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::due::Due;
use super::news::wakes;
use super::queue::Queue;
use super::{AT_ONCE, PAUSE, ProjectError, Projector};

type Ended = (Due, Cause, Result<Result<(), ProjectError>, Aborted>);

/// A partition we project.
struct Held {
    fence: Fence,
    /// What runs for it. Cut off it does no harm: whoever holds the partition then finds it unfinished.
    running: HashMap<Due, AbortHandle>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.running.values().for_each(AbortHandle::abort);
    }
}

pub(super) struct Worker<'a> {
    projector: &'a Projector,
    held: HashMap<Partition, Held>,
    queue: Queue,
    running: FuturesUnordered<BoxFuture<'a, Ended>>,
    resting: FuturesUnordered<BoxFuture<'a, (Due, Cause)>>,
    /// Partitions that are looked through for what is unfinished.
    searching: FuturesUnordered<BoxFuture<'a, (Partition, Vec<Due>)>>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(projector: &'a Projector) -> Self {
        Self {
            projector,
            held: HashMap::new(),
            queue: Queue::default(),
            running: FuturesUnordered::new(),
            resting: FuturesUnordered::new(),
            searching: FuturesUnordered::new(),
        }
    }

    /// Works until nobody hands out partitions any more. It never waits for the store outside the `select`, so that
    /// a partition is released at once.
    pub(super) async fn run(
        mut self,
        mut shifts: mpsc::Receiver<Shift>,
        mut news: impl Stream<Item = Vec<News>> + Unpin,
    ) {
        loop {
            self.start();
            self.projector.metrics.waiting.set(i64::try_from(self.queue.waiting()).unwrap_or(i64::MAX));
            tokio::select! {
                shift = shifts.recv() => match shift {
                    Some(shift) => self.shift(shift),
                    None => return,
                },
                Some((partition, due)) = self.searching.next() => {
                    if self.held.contains_key(&partition) {
                        due.into_iter().for_each(|due| self.queue.push(due, Cause::NONE));
                    }
                }
                Some(ended) = self.running.next() => self.ended(ended),
                Some((due, cause)) = self.resting.next() => {
                    self.queue.done(&due);
                    self.changed(due, cause);
                }
                Some(heard) = news.next() => {
                    heard.into_iter().for_each(|news| self.heard(news));
                }
            }
        }
    }

    fn shift(&mut self, shift: Shift) {
        match shift {
            Shift::Gained(partition, fence) => {
                self.held.insert(partition, Held { fence, running: HashMap::new() });
                self.search(partition);
            }
            // Nothing acts for it any more once this returns: what was cut off is not polled again.
            Shift::Lost(partition, _released) => self.lose(partition),
        }
        self.projector.metrics.shifted();
    }

    fn lose(&mut self, partition: Partition) {
        self.held.remove(&partition);
        self.queue.forget(partition);
    }

    fn heard(&mut self, news: News) {
        match news {
            News::Missed(partition) => self.search(partition),
            News::Entry(entry) => {
                if let Some((due, cause)) = wakes(entry) {
                    self.changed(due, cause);
                }
            }
        }
    }

    fn changed(&mut self, due: Due, cause: Cause) {
        if self.held.contains_key(&due.partition()) {
            self.queue.push(due, cause);
        }
    }

    /// Looks for what some view, or some group, may not have seen, if the partition is ours.
    fn search(&mut self, partition: Partition) {
        if !self.held.contains_key(&partition) {
            return;
        }
        let projector = self.projector;
        let search = async move {
            let due = projector.patiently(|| projector.unfinished(partition)).await;
            (partition, due)
        };
        self.searching.push(search.boxed());
    }

    /// Begins with those whose turn it is.
    fn start(&mut self) {
        while self.running.len() < AT_ONCE
            && let Some((due, cause)) = self.queue.next()
        {
            let Some(held) = self.held.get_mut(&due.partition()) else {
                self.queue.done(&due);
                continue;
            };
            let span = Work::Consumer.span("gms project", &cause);
            let (projector, fence, name) = (self.projector, held.fence.clone(), due.clone());
            let (projection, handle) = abortable(async move {
                let result = projector.settle(&name, &fence).instrument(span.clone()).await;
                if result.is_err() {
                    trace::failed(&span);
                }
                result
            });
            held.running.insert(due.clone(), handle);
            self.running.push(projection.map(move |result| (due, cause, result)).boxed());
        }
    }

    fn ended(&mut self, (due, cause, result): Ended) {
        let partition = due.partition();
        if let (Ok(_), Some(held)) = (&result, self.held.get_mut(&partition)) {
            held.running.remove(&due);
        }
        match result {
            Ok(Ok(())) | Err(Aborted) => self.queue.done(&due),
            Ok(Err(ProjectError::Fenced)) => {
                tracing::info!(partition = partition.number(), "another replica projects this partition");
                self.queue.done(&due);
                self.lose(partition);
            }
            Ok(Err(error)) => {
                if !matches!(error, ProjectError::Unfinished) {
                    self.projector.metrics.failures.inc();
                    tracing::warn!(?due, error = &error as &dyn Error, "not projected yet");
                }
                // It takes no place from others while it rests.
                self.resting.push(tokio::time::sleep(PAUSE).map(move |()| (due, cause)).boxed());
            }
        }
    }
}
