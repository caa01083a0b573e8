//! The projector: carries every change of a group to its members' partitions, and what follows for other groups.
//!
//! It follows the logs of all partitions. An entry about a group's canonical document, or an account, only wakes it; what
//! it does then follows from comparing states, so repeats do no harm and what was cut off goes on. For a group:
//!
//! 1. `gms.reach` grows by the new members, before any of them gets a view.
//! 2. For everybody in reach, an index entry and a log entry in their own partition, 256 members to a
//!    commit. An entry carries the group's revision and replaces only a lower one; who is no longer a member gets a
//!    tombstone, which stays for a day so that an older entry cannot come back.
//! 3. `gms.projected` names the revision, `gms.reach` shrinks to the members. Of a deleted group all records go.
//!
//! Groups that are regrouped: see `regroup`. Accounts that are gone: see `accounts`.
//!
//! Replicas share the partitions by [ownership](csc_store::owner). Commits in the group's partition check the fence of
//! the role; those in members' partitions bear repeating instead, so a replica that was stopped and wakes up too late
//! does no harm there. Everything is read from the settled store: a view never shows what a failover takes back.

mod accounts;
mod due;
mod group;
mod metrics;
mod news;
mod queue;
mod regroup;
#[cfg(test)]
mod tests;
mod views;
mod work;

use std::sync::Arc;
use std::time::Duration;

use csc_service::{Metrics, Shutdown};
use csc_store::departure::GMS;
use csc_store::follow::follow;
use csc_store::owner::{Fence, Ownership, Replicas};
use csc_store::{Records, StoreError};
use csc_types::{Clock, PARTITIONS};
use futures::StreamExt;
use tokio::sync::mpsc;

use self::due::Due;
use self::metrics::ProjectorMetrics;
use self::work::Worker;
use crate::editor::Editor;

/// Groups and accounts that are followed at the same time.
const AT_ONCE: usize = 8;
/// How long a group or account rests that could not be followed.
const PAUSE: Duration = Duration::from_millis(500);

/// Projects groups. There is one in each process; the owner records say for which partitions.
pub(crate) struct Projector {
    records: Records,
    clock: Arc<dyn Clock>,
    metrics: ProjectorMetrics,
    editor: Editor,
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
    /// What follows from it elsewhere has not come back yet. Look again.
    #[error("not finished yet")]
    Unfinished,
}

impl Projector {
    /// A projector, and its part in sharing the role with other `replicas`; `replica` is its name among them. It changes
    /// documents through `editor`.
    pub(crate) fn new(
        records: &Records,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
        editor: Editor,
        replica: String,
        replicas: Replicas,
    ) -> (Self, Ownership) {
        let ownership = Ownership::new(records, Arc::clone(&clock), GMS.role, replica, replicas);
        let metrics = ProjectorMetrics::new(metrics, ownership.tally());
        (Self { records: records.settled(), clock, metrics, editor }, ownership)
    }

    /// Works for what `ownership` gains until `shutdown` is requested and everything is handed over.
    pub(crate) async fn run(self, ownership: Ownership, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut news = follow(self.records.clone());
        // Positions first: nothing is held yet, so nothing was missed.
        tokio::select! {
            _ = news.next() => {}
            () = shutdown.requested() => return Ok(()),
        }
        let (shifts, told) = mpsc::channel(usize::from(PARTITIONS));
        let work = Worker::new(&self).run(told, news);
        tokio::join!(ownership.run(shifts, shutdown.requested()), work);
        Ok(())
    }

    /// Does what is due.
    async fn settle(&self, due: &Due, fence: &Fence) -> Result<(), ProjectError> {
        match due {
            Due::Group(group) => self.project(group, fence).await,
            Due::Account(user) => self.follow_account(user, fence).await,
        }
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
