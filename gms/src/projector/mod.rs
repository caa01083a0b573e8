//! The projector: carries every change of a group to its members' partitions.
//!
//! It follows the logs of all partitions. An entry about a group's canonical document only wakes it; what it does then
//! follows from comparing states, so repeats do no harm and what was cut off goes on:
//!
//! 1. `gms.reach` grows by the new members, before any of them gets a view.
//! 2. For everybody in reach, an index entry and a log entry in their own partition, 256 members to a
//!    commit. An entry carries the group's revision and replaces only a lower one; who is no longer a member gets a
//!    tombstone, which stays for a day so that an older entry cannot come back.
//! 3. `gms.projected` names the revision, `gms.reach` shrinks to the members. Of a deleted group all records go.
//!
//! Commits in the group's partition check the fence of the role; those in members' partitions bear repeating instead.

mod group;
mod news;
#[cfg(test)]
mod tests;
mod views;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use csc_service::trace::{self, Cause, Work};
use csc_service::{Metrics, Shutdown};
use csc_store::owner::{self, Fence};
use csc_store::{Records, StoreError};
use csc_types::{Clock, GroupId, Partition};
use futures::future::{BoxFuture, FutureExt, try_join_all};
use futures::stream::{FuturesUnordered, StreamExt};
use tracing::Instrument as _;

use self::news::News;

/// The role, and the collection of its owner records.
const ROLE: &str = "gms.projector";
/// Groups that are projected at the same time.
const AT_ONCE: usize = 8;
/// How long a group rests that could not be projected.
const PAUSE: Duration = Duration::from_millis(500);

/// Projects groups. There is one in each process; the owner records say for which partitions it may write.
pub(crate) struct Projector {
    records: Records,
    clock: Arc<dyn Clock>,
    replica: String,
    views: prometheus::IntCounter,
    failures: prometheus::IntCounter,
}

/// Why a group was not projected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    /// Try again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody else has the role for this partition.
    #[error("the role of projector was lost")]
    Fenced,
}

type Running<'a> = FuturesUnordered<BoxFuture<'a, (GroupId, Cause, Result<(), ProjectError>)>>;

impl Projector {
    pub(crate) fn new(records: Records, clock: Arc<dyn Clock>, metrics: &Metrics, replica: String) -> Self {
        let counter = |name, help| {
            let family = metrics.counter(name, help, &[]);
            family.with_label_values::<&str>(&[])
        };
        let views = counter(
            "csc_gms_views_projected_total",
            "Group views written or removed in members' partitions.",
        );
        let failures =
            counter("csc_gms_projection_failures_total", "Groups that could not be projected at once.");
        Self { records, clock, replica, views, failures }
    }

    /// Works until `shutdown` is requested.
    pub(crate) async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        tokio::select! {
            () = shutdown.requested() => Ok(()),
            ended = self.work() => ended,
        }
    }

    /// Ends only when the role is lost.
    async fn work(&self) -> anyhow::Result<()> {
        let fences = self.patiently(|| self.claim_all()).await;
        let mut news = self.patiently(|| News::from_now_on(self.records.store())).await;
        // Position first, snapshot second: what changes in between is seen twice, never missed.
        let mut waiting = self.patiently(|| self.unfinished(Partition::all())).await;
        // Running or resting.
        let mut busy: HashSet<GroupId> = HashSet::new();
        let mut running: Running<'_> = FuturesUnordered::new();
        let mut resting: FuturesUnordered<BoxFuture<'_, (GroupId, Cause)>> = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(group) = waiting.keys().find(|group| !busy.contains(*group)).cloned()
            {
                let cause = waiting.remove(&group).unwrap_or_default();
                busy.insert(group.clone());
                let fence = &fences[usize::from(Partition::of(group.as_str()).number())];
                let span = Work::Consumer.span("gms project", &cause);
                running.push(Box::pin(async move {
                    let result = self.project(&group, fence).instrument(span.clone()).await;
                    if result.is_err() {
                        trace::failed(&span);
                    }
                    (group, cause, result)
                }));
            }
            tokio::select! {
                Some((group, cause, result)) = running.next() => {
                    match result {
                        Ok(()) => {
                            busy.remove(&group);
                        }
                        Err(error @ ProjectError::Fenced) => return Err(error.into()),
                        Err(error) => {
                            self.failures.inc();
                            tracing::warn!(%group, error = &error as &dyn std::error::Error, "group not projected yet");
                            // It takes no place from others while it rests.
                            resting.push(Box::pin(tokio::time::sleep(PAUSE).map(move |()| (group, cause))));
                        }
                    }
                }
                Some((group, cause)) = resting.next() => {
                    busy.remove(&group);
                    waiting.entry(group).or_insert(cause);
                }
                heard = news.next(self.records.store()) => match heard {
                    Ok(heard) => {
                        waiting.extend(heard.groups);
                        if !heard.lost.is_empty() {
                            waiting.extend(self.patiently(|| self.unfinished(heard.lost.iter().copied())).await);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "logs cannot be read now");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    async fn claim_all(&self) -> Result<Vec<Fence>, StoreError> {
        let claim = |partition| owner::claim(&self.records, partition, ROLE, &self.replica);
        try_join_all(Partition::all().map(claim)).await
    }

    /// The groups of `partitions` whose last change some view may not have seen.
    async fn unfinished(
        &self,
        partitions: impl Iterator<Item = Partition>,
    ) -> Result<BTreeMap<GroupId, Cause>, StoreError> {
        let mut groups = BTreeMap::new();
        for partition in partitions {
            let unfinished = group::unfinished(self.records.store(), partition).await?;
            groups.extend(unfinished.into_iter().map(|group| (group, Cause::NONE)));
        }
        Ok(groups)
    }

    /// Repeats `attempt` until the store answers.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "projector waits for the store");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
