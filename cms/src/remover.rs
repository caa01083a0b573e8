//! Documents of users who are no more.
//!
//! The IdMS takes away the account record of a user, writes a [departure](csc_store::departure) for this service, and says
//! so in the log. An entry only wakes the remover; it then looks for the departure, takes away every document in the user's
//! trees, each in a commit of its own that looks for an account first, and then the departure. Only after that somebody
//! gets the name again. So repeats do no harm, and what was cut off is found when the partition is next gained: by its
//! departures.
//!
//! Replicas share the partitions by [ownership](csc_store::owner).

mod metrics;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use csc_proto::event::v1::log_entry;
use csc_service::{Metrics, Shutdown};
use csc_store::departure::{CMS, Leaving};
use csc_store::follow::{News, follow};
use csc_store::owner::{Fence, Ownership, Replicas, Shift};
use csc_store::{Change, Record, Records, StoreError, UpdateError, shared};
use csc_types::{Clock, McpttId, PARTITIONS, Partition};
use csc_xcap::usage::{GROUPS, USAGES, Usage};
use csc_xcap::{Collection, Document, Names};
use csc_xcap_server::announce;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{Stream, StreamExt};
use tokio::sync::mpsc;

use self::metrics::RemoverMetrics;
use crate::claims::{self, Claims};
use crate::domain::{UserDatabase, confirm};
use crate::records::{self, SHELF, damaged, preselected_key};

/// Records that are read at once.
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
    /// Look for users who are gone.
    Search(Partition),
    /// Take away the documents of this user, if it is gone.
    User(McpttId),
}

impl Job {
    fn partition(&self) -> Partition {
        match self {
            Self::Search(partition) => *partition,
            Self::User(user) => Partition::of(user.as_str()),
        }
    }
}

type Running<'a> = BoxFuture<'a, (Job, Result<Vec<Job>, StoreError>)>;

impl Remover {
    /// A remover, and its part in sharing the role with other `replicas`; `replica` is its name among them.
    pub(crate) fn new(
        names: Names,
        user_database: Arc<dyn UserDatabase>,
        Ground { records, clock, metrics, replica, replicas }: Ground<'_>,
    ) -> (Self, Ownership) {
        let claims = Claims::new(records, names.clone(), Arc::clone(clock));
        let ownership = Ownership::new(records, Arc::clone(clock), CMS.role, replica, replicas);
        let metrics = RemoverMetrics::new(metrics, ownership.tally());
        // Also of a usage that a setting has switched off since. Groups are another service's.
        let usages = USAGES.into_iter().filter(|usage| *usage != &GROUPS).collect();
        (Self { records: records.settled(), names, usages, claims, user_database, metrics }, ownership)
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
        tokio::join!(ownership.run(shifts, shutdown.requested()), self.work(told, news));
        Ok(())
    }

    /// Works until nobody hands out partitions any more. One job runs at a time: users seldom go.
    async fn work(&self, mut shifts: mpsc::Receiver<Shift>, mut news: impl Stream<Item = Vec<News>> + Unpin) {
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
                        line.push_back(Job::Search(partition));
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
                    let more = done.unwrap_or_else(|error| {
                        self.metrics.failures.inc();
                        tracing::warn!(error = &error as &dyn std::error::Error, "documents not removed yet");
                        vec![job]
                    });
                    join(&mut line, more);
                }
                Some(heard) = news.next() => {
                    let heard = heard.into_iter().filter_map(wakes);
                    join(&mut line, heard.filter(|job| held.contains_key(&job.partition())));
                }
            }
        }
    }

    /// Does `job`; what follows from it is returned.
    async fn job(&self, job: Job, fence: Fence) -> (Job, Result<Vec<Job>, StoreError>) {
        let done = match &job {
            Job::Search(partition) => self.search(*partition).await,
            Job::User(user) => self.remove(user, &fence).await.map(|()| Vec::new()),
        };
        let done = match done {
            Err(error @ StoreError::Damaged(_)) => {
                self.damaged(&job, &error);
                Ok(Vec::new())
            }
            done => done,
        };
        if done.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
        (job, done)
    }

    /// The users of `partition` of whom something may be left.
    async fn search(&self, partition: Partition) -> Result<Vec<Job>, StoreError> {
        let pending = CMS.pending(self.records.store(), partition).await?;
        Ok(pending.into_iter().map(Job::User).collect())
    }

    /// What documents there are, or were and have a history, whose paths begin with `prefix`.
    async fn paths(&self, partition: Partition, prefix: &str) -> Result<BTreeSet<String>, StoreError> {
        let store = self.records.store();
        let mut paths = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let page = shared::index_scan(store, partition, prefix, after.as_deref(), PAGE).await?;
            let Some((last, ..)) = page.last() else { break };
            after = Some(last.clone());
            paths.extend(page.into_iter().map(|(path, ..)| path));
        }
        after = None;
        loop {
            let page = store.scan(partition, SHELF.history, prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(paths) };
            after = Some(last.clone());
            paths.extend(page.into_iter().map(|(path, _)| path));
        }
    }

    /// Takes away the documents of `user`, if it is gone, and then says that nothing is left.
    async fn remove(&self, user: &McpttId, fence: &Fence) -> Result<(), StoreError> {
        let partition = Partition::of(user.as_str());
        let departure = self.records.get(partition, &CMS.departure_key(user)).await?;
        let Some(Leaving::Pending(_)) = Leaving::read(&departure)? else { return Ok(()) };
        let (mut removed, mut damaged) = (0, false);
        for usage in &self.usages {
            let collection = Collection { usage, user: user.clone() };
            for path in self.paths(partition, &collection.prefix()).await? {
                let document = self.names.document_at(&path).filter(|found| found.user() == Some(user));
                let Some(document) = document.filter(Document::is_stored) else { continue };
                match self.remove_one(user, &document, fence).await {
                    Ok(gone) => removed += u64::from(gone),
                    Err(error @ StoreError::Damaged(_)) => {
                        damaged = true;
                        self.damaged(&path, &error);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if removed > 0 {
            self.metrics.removed.inc_by(removed);
            tracing::info!(%user, documents = removed, "documents of a removed user are gone");
        }
        // What cannot be read is somebody's all the same: nobody else gets the name.
        if damaged { Ok(()) } else { self.clear(user, fence).await }
    }

    /// Notes that something of `what` is damaged: no repeat mends that, and it must not keep the others.
    fn damaged(&self, what: &dyn std::fmt::Debug, error: &StoreError) {
        self.metrics.failures.inc();
        tracing::error!(?what, error = error as &dyn std::error::Error, "not removed: damaged");
    }

    /// Says that nothing is left of `user`.
    async fn clear(&self, user: &McpttId, fence: &Fence) -> Result<(), StoreError> {
        let key = CMS.departure_key(user);
        let cleared = self.records.update(Partition::of(user.as_str()), std::slice::from_ref(&key), |_| {
            Ok::<_, StoreError>(Change::nothing(()).delete(key.clone()).check(fence.check()))
        });
        match cleared.await {
            // Somebody else has the role, and says so.
            Ok(_) | Err(UpdateError::Stale) => Ok(()),
            Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => Err(error),
            Err(UpdateError::Contended) => Err(StoreError::Unavailable(format!("{user} keeps changing"))),
        }
    }

    /// Takes away one document, or the history of one that was; `false`: it is gone already, or the user is back.
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
            if account.value.is_some() {
                return Ok(Change::nothing(None));
            }
            let history = SHELF.history_key(path);
            let Some((_, organisation)) = SHELF.read(content, index)? else {
                return Ok(Change::nothing(None).delete(history).check(fence.check()));
            };
            let release = self.claims.to_release(path, &claims::held(held)?).await?;
            confirm(&*self.user_database, document, None).await?;
            let beside = [history, claims::held_key(path), preselected_key(user)];
            let gone = SHELF.keys(path).into_iter().chain(beside);
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
}

/// What there may be to do.
fn wakes(news: News) -> Option<Job> {
    match news {
        News::Missed(partition) => Some(Job::Search(partition)),
        News::Entry(entry) => match entry.change? {
            log_entry::Change::Account(changed) => Some(Job::User(changed.mcptt_id.parse().ok()?)),
            _ => None,
        },
    }
}

/// Puts `jobs` into `line`, those that are not there yet.
fn join(line: &mut VecDeque<Job>, jobs: impl IntoIterator<Item = Job>) {
    for job in jobs {
        if !line.contains(&job) {
            line.push_back(job);
        }
    }
}
