//! Documents of users who are no more.
//!
//! The IdMS takes away the account record of a user and says so in the log. An entry only wakes the remover; it then looks
//! whether there is an account, and takes away every document in the user's trees if there is none, each in a commit of
//! its own that looks again. So repeats do no harm, and what was cut off is found when the partition is next gained: then
//! the owners of all documents in it are compared with the accounts.
//!
//! Replicas share the partitions by [ownership](csc_store::owner).

mod metrics;
mod news;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use csc_service::{Metrics, Shutdown};
use csc_store::owner::{Fence, Ownership, Replicas, Role, Shift};
use csc_store::{Change, Record, Records, StoreError, UpdateError, shared};
use csc_types::{Clock, McpttId, PARTITIONS, Partition};
use csc_xcap::usage::{GROUPS, USAGES, Usage};
use csc_xcap::{Collection, Document, Names};
use csc_xcap_server::announce;
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use self::metrics::RemoverMetrics;
use self::news::News;
use crate::claims::{self, Claims};
use crate::domain::{UserDatabase, confirm};
use crate::records::{self, SHELF, damaged, preselected_key};

/// The role of the remover.
const ROLE: Role = Role { owners: "cms.remover", replicas: "cms.replica" };
/// Index entries that are read at once.
const PAGE: usize = 256;
/// How long what failed rests.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes away documents. There is one in each process; the owner records say for which partitions.
pub(crate) struct Remover {
    records: Records,
    names: Names,
    usages: Vec<&'static Usage>,
    claims: Claims,
    user_database: Arc<dyn UserDatabase>,
    metrics: RemoverMetrics,
}

/// What a remover stands on.
pub(crate) struct Ground<'a> {
    pub(crate) records: &'a Records,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) metrics: &'a Metrics,
    pub(crate) replica: String,
    pub(crate) replicas: Replicas,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Job {
    /// Look for documents of users who have no account.
    Compare(Partition),
    /// Take away the documents of this user, if it has no account.
    User(McpttId),
}

impl Job {
    fn partition(&self) -> Partition {
        match self {
            Self::Compare(partition) => *partition,
            Self::User(user) => Partition::of(user.as_str()),
        }
    }
}

type Running<'a> = BoxFuture<'a, (Job, Result<(), StoreError>)>;

impl Remover {
    /// A remover, and its part in sharing the role with other `replicas`; `replica` is its name among them.
    pub(crate) fn new(
        names: Names,
        user_database: Arc<dyn UserDatabase>,
        Ground { records, clock, metrics, replica, replicas }: Ground<'_>,
    ) -> (Self, Ownership) {
        let claims = Claims::new(records, names.clone(), Arc::clone(clock));
        let ownership = Ownership::new(records, Arc::clone(clock), ROLE, replica, replicas);
        let metrics = RemoverMetrics::new(metrics, ownership.tally());
        // Also of a usage that a setting has switched off since. Groups are another service's.
        let usages = USAGES.into_iter().filter(|usage| *usage != &GROUPS).collect();
        (Self { records: records.settled(), names, usages, claims, user_database, metrics }, ownership)
    }

    /// Works for what `ownership` gains until `shutdown` is requested and everything is handed over.
    pub(crate) async fn run(self, ownership: Ownership, shutdown: Shutdown) -> anyhow::Result<()> {
        let news = tokio::select! {
            news = News::from_now_on(self.records.store()) => news,
            () = shutdown.requested() => return Ok(()),
        };
        let (shifts, told) = mpsc::channel(usize::from(PARTITIONS));
        tokio::join!(ownership.run(shifts, shutdown.requested()), self.work(told, news));
        Ok(())
    }

    /// Works until nobody hands out partitions any more. One job runs at a time: users seldom go.
    async fn work(&self, mut shifts: mpsc::Receiver<Shift>, news: News) {
        let mut news = std::pin::pin!(news.stream(self.records.store()));
        let mut held: BTreeMap<Partition, Fence> = BTreeMap::new();
        let mut line: VecDeque<Job> = VecDeque::new();
        let mut running: Option<(Partition, Running<'_>)> = None;
        loop {
            if running.is_none()
                && let Some(job) = line.pop_front()
                && let Some(fence) = held.get(&job.partition())
            {
                running = Some((job.partition(), self.job(job, fence.clone()).boxed()));
            }
            let current = async {
                match &mut running {
                    Some((_, job)) => job.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                shift = shifts.recv() => match shift {
                    Some(Shift::Gained(partition, fence)) => {
                        held.insert(partition, fence);
                        self.metrics.shifted();
                        line.push_back(Job::Compare(partition));
                    }
                    // Nothing acts for it any more once this returns: what was cut off is not polled again.
                    Some(Shift::Lost(partition, _released)) => {
                        held.remove(&partition);
                        line.retain(|job| job.partition() != partition);
                        self.metrics.shifted();
                        running.take_if(|(of, _)| *of == partition);
                    }
                    None => return,
                },
                (job, done) = current => {
                    running = None;
                    if let Err(error) = done {
                        self.metrics.failures.inc();
                        tracing::warn!(error = &error as &dyn std::error::Error, "documents not removed yet");
                        line.push_back(job);
                    }
                }
                Some(heard) = news.next() => {
                    let wanted = heard.into_iter().filter(|job| held.contains_key(&job.partition()));
                    for job in wanted {
                        if !line.contains(&job) {
                            line.push_back(job);
                        }
                    }
                }
            }
        }
    }

    async fn job(&self, job: Job, fence: Fence) -> (Job, Result<(), StoreError>) {
        let done = match &job {
            Job::Compare(partition) => self.compare(*partition, &fence).await,
            Job::User(user) => {
                let removed = self.remove(user, &fence).await;
                self.unless_damaged(user.as_str(), removed).map(drop)
            }
        };
        if done.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
        (job, done)
    }

    /// Takes away what users left in `partition` who have no account.
    async fn compare(&self, partition: Partition, fence: &Fence) -> Result<(), StoreError> {
        let mut owners = BTreeSet::new();
        for usage in &self.usages {
            let prefix = format!("{}/users/", usage.auid);
            for path in self.paths(partition, &prefix).await? {
                owners.extend(self.names.document_at(&path).and_then(|document| document.user().cloned()));
            }
        }
        for owner in owners {
            let removed = self.remove(&owner, fence).await;
            self.unless_damaged(owner.as_str(), removed)?;
        }
        Ok(())
    }

    async fn paths(&self, partition: Partition, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut paths: Vec<String> = Vec::new();
        loop {
            let after = paths.last().map(String::as_str);
            let page = shared::index_scan(self.records.store(), partition, prefix, after, PAGE).await?;
            let full = page.len() == PAGE;
            paths.extend(page.into_iter().map(|(path, ..)| path));
            if !full {
                return Ok(paths);
            }
        }
    }

    /// Takes away the documents of `user`, unless it has an account.
    async fn remove(&self, user: &McpttId, fence: &Fence) -> Result<(), StoreError> {
        if records::organisation(&self.records, user).await?.is_some() {
            return Ok(());
        }
        let mut removed = 0;
        for usage in &self.usages {
            let collection = Collection { usage, user: user.clone() };
            for path in self.paths(collection.partition(), &collection.prefix()).await? {
                let document = self.names.document_at(&path).filter(|found| found.user() == Some(user));
                let Some(document) = document.filter(Document::is_stored) else { continue };
                let gone = self.remove_one(user, &document, fence).await;
                removed += u64::from(self.unless_damaged(&path, gone)?.unwrap_or(false));
            }
        }
        if removed > 0 {
            self.metrics.removed.inc_by(removed);
            tracing::info!(%user, documents = removed, "documents of a removed user are gone");
        }
        Ok(())
    }

    /// Takes away one document; `false`: it is gone already, or the user is back.
    async fn remove_one(
        &self,
        user: &McpttId,
        document: &Document,
        fence: &Fence,
    ) -> Result<bool, StoreError> {
        let path = document.path();
        let path = path.as_str();
        let mut keys = records::keys(document);
        keys.push(claims::held_key(path));
        let decided = |found: Vec<Record>| async move {
            let [content, index, account, held] = found.as_slice() else {
                return Err(damaged("no answer for a key"));
            };
            let organisation = match SHELF.read(content, index)? {
                Some((_, organisation)) if account.value.is_none() => organisation,
                _ => return Ok(Change::nothing(None)),
            };
            let release = self.claims.to_release(path, &claims::held(held)?).await?;
            confirm(&*self.user_database, document, None).await?;
            let gone = SHELF.keys(path).into_iter().chain([
                SHELF.history_key(path),
                claims::held_key(path),
                preselected_key(user),
            ]);
            let change = gone.fold(Change::nothing(Some(release)), Change::delete);
            Ok::<_, StoreError>(change.log(announce(path, &organisation)).check(fence.check()))
        };
        match self.records.update_async(document.partition(), &keys, decided).await {
            Ok(updated) => {
                let Some(release) = updated.outcome else { return Ok(false) };
                self.claims.release(release).await;
                Ok(true)
            }
            Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => Err(error),
            // Somebody else has the role, and finds what is left.
            Err(UpdateError::Stale) => Ok(false),
            Err(UpdateError::Contended) => Err(StoreError::Unavailable(format!("{path} keeps changing"))),
        }
    }

    /// What was done, unless something that was read for it is damaged: no repeat mends that, and it must not keep the
    /// others.
    fn unless_damaged<T>(&self, what: &str, done: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match done {
            Err(error @ StoreError::Damaged(_)) => {
                self.metrics.failures.inc();
                tracing::error!(%what, error = &error as &dyn std::error::Error, "not removed: damaged");
                Ok(None)
            }
            done => done.map(Some),
        }
    }
}
