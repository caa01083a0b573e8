//! The projector at work: for the groups of those partitions that it holds.
//!
//! All logs are read by every replica; of what they say only our own groups count. The logs' positions were taken
//! before the first partition was gained, and the groups of a partition are compared after it was: what changes in
//! between is seen twice, never missed.

use std::collections::HashMap;
use std::error::Error;

use csc_service::trace::{self, Cause, Work};
use csc_store::owner::{Fence, Shift};
use csc_types::{GroupId, Partition};
use futures::future::{AbortHandle, Aborted, BoxFuture, FutureExt, abortable};
use futures::stream::{FuturesUnordered, Stream, StreamExt};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::news::Heard;
use super::queue::Queue;
use super::{AT_ONCE, PAUSE, ProjectError, Projector, group};

type Ended = (GroupId, Cause, Result<Result<(), ProjectError>, Aborted>);

/// A partition we project.
struct Held {
    fence: Fence,
    /// What runs for it. Cut off it does no harm: whoever holds the partition then finds the group unfinished.
    running: HashMap<GroupId, AbortHandle>,
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
    resting: FuturesUnordered<BoxFuture<'a, (GroupId, Cause)>>,
    /// Partitions that are looked through for unfinished groups.
    searching: FuturesUnordered<BoxFuture<'a, (Partition, Vec<GroupId>)>>,
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
        news: impl Stream<Item = Heard> + Send,
    ) {
        let mut news = std::pin::pin!(news);
        loop {
            self.start();
            tokio::select! {
                shift = shifts.recv() => match shift {
                    Some(shift) => self.shift(shift),
                    None => return,
                },
                Some((partition, groups)) = self.searching.next() => {
                    if self.held.contains_key(&partition) {
                        groups.into_iter().for_each(|group| self.queue.push(group, Cause::NONE));
                    }
                }
                Some(ended) = self.running.next() => self.ended(ended),
                Some((group, cause)) = self.resting.next() => {
                    self.queue.done(&group);
                    self.changed(group, cause);
                }
                Some(heard) = news.next() => {
                    heard.groups.into_iter().for_each(|(group, cause)| self.changed(group, cause));
                    let lost = heard.lost.into_iter().filter(|partition| self.held.contains_key(partition));
                    lost.for_each(|partition| self.searching.push(search(self.projector, partition)));
                }
            }
        }
    }

    fn shift(&mut self, shift: Shift) {
        match shift {
            Shift::Gained(partition, fence) => {
                self.held.insert(partition, Held { fence, running: HashMap::new() });
                self.searching.push(search(self.projector, partition));
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

    fn changed(&mut self, group: GroupId, cause: Cause) {
        if self.held.contains_key(&Partition::of(group.as_str())) {
            self.queue.push(group, cause);
        }
    }

    /// Begins with those whose turn it is.
    fn start(&mut self) {
        while self.running.len() < AT_ONCE
            && let Some((group, cause)) = self.queue.next()
        {
            let Some(held) = self.held.get_mut(&Partition::of(group.as_str())) else {
                self.queue.done(&group);
                continue;
            };
            let span = Work::Consumer.span("gms project", &cause);
            let (projector, fence, name) = (self.projector, held.fence.clone(), group.clone());
            let (projection, handle) = abortable(async move {
                let result = projector.project(&name, &fence).instrument(span.clone()).await;
                if result.is_err() {
                    trace::failed(&span);
                }
                result
            });
            held.running.insert(group.clone(), handle);
            self.running.push(projection.map(move |result| (group, cause, result)).boxed());
        }
    }

    fn ended(&mut self, (group, cause, result): Ended) {
        let partition = Partition::of(group.as_str());
        if let (Ok(_), Some(held)) = (&result, self.held.get_mut(&partition)) {
            held.running.remove(&group);
        }
        match result {
            Ok(Ok(())) | Err(Aborted) => self.queue.done(&group),
            Ok(Err(ProjectError::Fenced)) => {
                tracing::info!(partition = partition.number(), "another replica projects this partition");
                self.queue.done(&group);
                self.lose(partition);
            }
            Ok(Err(error)) => {
                self.projector.metrics.failures.inc();
                tracing::warn!(%group, error = &error as &dyn Error, "group not projected yet");
                // It takes no place from others while it rests.
                self.resting.push(tokio::time::sleep(PAUSE).map(move |()| (group, cause)).boxed());
            }
        }
    }
}

/// The groups of `partition` whose last change some view may not have seen.
fn search(projector: &Projector, partition: Partition) -> BoxFuture<'_, (Partition, Vec<GroupId>)> {
    let attempt = move || group::unfinished(projector.records.store(), partition);
    async move { (partition, projector.patiently(attempt).await) }.boxed()
}
