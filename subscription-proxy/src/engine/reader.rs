//! Reads for the engine, one batch at a time and in order: what a later batch saw is never older than what an earlier one
//! saw, so an answer can simply replace the one before it. What all jobs of a batch need is read at once.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use csc_store::StoreError;
use csc_types::{Caller, Etag, Partition};
use futures::FutureExt as _;
use futures::future::join_all;
use tokio::sync::mpsc;

use super::Tag;
use super::loader::{self, Stored};
use super::watch::Watch;
use crate::accept::Accept;
use crate::documents::{Asked, Look};
use crate::domain::subscription::State;
use crate::domain::tag::partition;

/// Between two attempts while the store does not answer.
const RETRY: Duration = Duration::from_millis(500);

/// One thing to read.
#[derive(Debug)]
pub(super) enum Job {
    /// The records of a dialog, for the holding of its partition with this number.
    Load(Tag, u64),
    /// Documents of a subscription.
    Look {
        /// Which.
        tag: Tag,
        /// Its version in memory: what was read for an older one does not count.
        generation: u64,
        /// Who watches what.
        watch: Arc<Watch>,
        /// What of it.
        what: What,
    },
}

/// What to look at.
#[derive(Debug)]
pub(super) enum What {
    /// Everything, with the account as it is now.
    All,
    /// What log entries with these paths may have changed, for the caller that the last full look found.
    At(Arc<Caller>, Vec<String>),
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// A dialog, if it is still there.
    Loaded(Tag, u64, Option<Box<Stored>>),
    /// Documents.
    Seen(Tag, u64, Seen),
}

/// What a look found.
#[derive(Debug)]
pub(super) enum Seen {
    /// Everything there is.
    All(Arc<Caller>, State),
    /// What stands under some names.
    Some(Vec<(String, Option<Etag>)>),
    /// The subscriber has no enabled account any more.
    Rejected,
    /// A record is damaged.
    Damaged,
}

/// What the store did not answer, by whose it is and the number that makes it count. A job that fails again and again is
/// here once.
#[derive(Debug, Default)]
struct Again(HashMap<(Tag, u64), Job>);

impl Again {
    /// Notes a job that failed.
    fn add(&mut self, job: Job) {
        match job {
            Job::Load(tag, number) => self.0.insert((tag.clone(), number), Job::Load(tag, number)),
            // Several of them are one look at everything.
            Job::Look { tag, generation, watch, .. } => self
                .0
                .insert((tag.clone(), generation), Job::Look { tag, generation, watch, what: What::All }),
        };
    }

    fn take(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.0).into_values().collect()
    }
}

/// Reads batches until the engine is gone. What the store does not answer is asked again later, however much else there is
/// to read, and holds up nothing else.
pub(super) async fn run(
    accept: Arc<Accept>,
    mut batches: mpsc::Receiver<Vec<Job>>,
    found: mpsc::Sender<Vec<Found>>,
) -> anyhow::Result<()> {
    let mut again = Again::default();
    let mut rest = pin!(tokio::time::sleep(RETRY));
    loop {
        let batch = tokio::select! {
            batch = batches.recv() => match batch {
                Some(batch) => batch,
                None => return Ok(()),
            },
            () = rest.as_mut(), if !again.0.is_empty() => again.take(),
        };
        let (results, failed) = read_all(&accept, batch).await;
        if again.0.is_empty() {
            rest.set(tokio::time::sleep(RETRY));
        }
        failed.into_iter().for_each(|job| again.add(job));
        if found.send(results).await.is_err() {
            return Ok(());
        }
    }
}

async fn read_all(accept: &Accept, batch: Vec<Job>) -> (Vec<Found>, Vec<Job>) {
    let mut look = Look::new(accept.settled.store(), &accept.naming);
    let (loads, looks): (Vec<_>, Vec<_>) = batch.into_iter().partition(|job| matches!(job, Job::Load(..)));
    let (mut results, mut failed) = load(accept, loads).await;
    look.ahead(&looks.iter().filter_map(asked).collect::<Vec<_>>()).await;
    for job in looks {
        let Job::Look { tag, generation, watch, what } = &job else { continue };
        match seen(watch, what, &mut look).await {
            Ok(seen) => results.push(Found::Seen(tag.clone(), *generation, seen)),
            Err(error @ StoreError::Damaged(_)) => {
                tracing::error!(%error, "subscription is not served");
                results.push(Found::Seen(tag.clone(), *generation, Seen::Damaged));
            }
            Err(error) => {
                if failed.is_empty() {
                    tracing::warn!(%error, "store failed while notifying");
                }
                failed.push(job);
            }
        }
    }
    (results, failed)
}

/// Loads dialogs, those of a partition together.
async fn load(accept: &Accept, jobs: Vec<Job>) -> (Vec<Found>, Vec<Job>) {
    let mut partitions: BTreeMap<(Partition, u64), Vec<Tag>> = BTreeMap::new();
    for job in jobs {
        if let Job::Load(tag, number) = job
            && let Some(partition) = partition(&tag)
        {
            partitions.entry((partition, number)).or_default().push(tag);
        }
    }
    let mut reads = Vec::new();
    for (&(partition, number), tags) in &partitions {
        for tags in tags.chunks(loader::PAGE) {
            reads.push(async move { (number, tags, loader::these(accept, partition, tags).await) }.boxed());
        }
    }
    let (mut results, mut failed) = (Vec::new(), Vec::new());
    for (number, tags, read) in join_all(reads).await {
        match read {
            Ok(dialogs) => {
                results.extend(dialogs.into_iter().map(|(tag, stored)| Found::Loaded(tag, number, stored)));
            }
            Err(error) => {
                tracing::warn!(%error, "store failed while loading subscriptions");
                failed.extend(tags.iter().map(|tag| Job::Load(tag.clone(), number)));
            }
        }
    }
    (results, failed)
}

fn asked(job: &Job) -> Option<Asked<'_>> {
    let Job::Look { watch, what, .. } = job else { return None };
    Some(match what {
        What::All => Asked::All(watch.user(), &watch.targets),
        What::At(caller, paths) => Asked::At(caller, &watch.targets, paths),
    })
}

async fn seen(watch: &Watch, what: &What, look: &mut Look<'_>) -> Result<Seen, StoreError> {
    if let What::At(caller, paths) = what {
        let mut found = Vec::new();
        for path in paths {
            found.extend(look.at(caller, &watch.targets, path).await?);
        }
        return Ok(Seen::Some(found));
    }
    let caller = match &watch.server {
        Some(server) => Caller::Server(server.clone()),
        None => match look.user_of(&watch.subscriber, &watch.subject).await? {
            Some(user) => Caller::User(user),
            None => return Ok(Seen::Rejected),
        },
    };
    let state = look.all(&caller, &watch.targets).await?;
    Ok(Seen::All(Arc::new(caller), state))
}
