//! Reads for the engine, one batch at a time and in order: what a later batch saw is never older than what an earlier one
//! saw, so an answer can simply replace the one before it.

use std::sync::Arc;
use std::time::Duration;

use csc_store::{Records, StoreError};
use csc_types::{Caller, Etag, McpttId, Partition, Revision, Server};
use tokio::sync::mpsc;

use super::Tag;
use crate::documents::Look;
use crate::domain::subscription::{Progress, State};
use crate::domain::tag::partition;
use crate::domain::target::{Naming, Target};
use crate::records::{DIALOG, DeliveryRecord, DialogRecord, decode, delivery_key, dialog_key};

/// Between two attempts while the store does not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Dialogs found at once.
const PAGE: usize = 256;

/// One thing to read.
#[derive(Debug)]
pub(super) enum Job {
    /// The tags of all dialogs of a partition.
    Scan(Partition),
    /// The records of a dialog.
    Load(Tag),
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

/// Who watches what.
#[derive(Debug)]
pub(super) struct Watch {
    /// The user, or the server's PSI.
    pub(super) subscriber: McpttId,
    /// The server, if it is one.
    pub(super) server: Option<Server>,
    /// The documents.
    pub(super) targets: Vec<Target>,
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
    /// Dialogs of a partition.
    Dialogs(Vec<Tag>),
    /// A dialog, if it is still there.
    Loaded(Tag, Option<Box<Stored>>),
    /// Documents.
    Seen(Tag, u64, Seen),
}

/// The records of a dialog.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) dialog: DialogRecord,
    pub(super) version: Revision,
    pub(super) progress: Progress,
}

/// What a look found.
#[derive(Debug)]
pub(super) enum Seen {
    /// Everything there is.
    All(Arc<Caller>, State),
    /// What stands under some names.
    Some(Vec<(String, Option<Etag>)>),
    /// The subscriber has no enabled account.
    Rejected,
    /// A record is damaged.
    Damaged,
}

/// Reads batches until the engine is gone.
pub(super) async fn run(
    records: Records,
    naming: Arc<Naming>,
    mut batches: mpsc::Receiver<Vec<Job>>,
    found: mpsc::Sender<Vec<Found>>,
) -> anyhow::Result<()> {
    while let Some(batch) = batches.recv().await {
        let mut look = Look::new(records.store(), &naming);
        let mut results = Vec::with_capacity(batch.len());
        for job in &batch {
            loop {
                match read(job, &records, &mut look).await {
                    Ok(result) => break results.push(result),
                    Err(error @ StoreError::Damaged(_)) => {
                        tracing::error!(%error, "subscription is not served");
                        if let Job::Look { tag, generation, .. } = job {
                            results.push(Found::Seen(tag.clone(), *generation, Seen::Damaged));
                        }
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "store failed while notifying");
                        tokio::time::sleep(RETRY).await;
                        look = Look::new(records.store(), &naming);
                    }
                }
            }
        }
        if found.send(results).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn read(job: &Job, records: &Records, look: &mut Look<'_>) -> Result<Found, StoreError> {
    match job {
        Job::Scan(partition) => scan(records, *partition).await.map(Found::Dialogs),
        Job::Load(tag) => Ok(Found::Loaded(tag.clone(), load(records, tag).await?.map(Box::new))),
        Job::Look { tag, generation, watch, what } => {
            Ok(Found::Seen(tag.clone(), *generation, seen(watch, what, look).await?))
        }
    }
}

async fn scan(records: &Records, partition: Partition) -> Result<Vec<Tag>, StoreError> {
    let mut tags: Vec<Tag> = Vec::new();
    loop {
        let after = tags.last().cloned();
        let page = records.store().scan(partition, DIALOG, "", after.as_deref(), PAGE).await?;
        let full = page.len() == PAGE;
        tags.extend(page.into_iter().map(|(name, _)| Tag::from(name)));
        if !full {
            return Ok(tags);
        }
    }
}

async fn load(records: &Records, tag: &Tag) -> Result<Option<Stored>, StoreError> {
    let Some(partition) = partition(tag) else { return Ok(None) };
    let keys = [dialog_key(tag), delivery_key(tag)];
    let found = records.store().get(partition, &keys).await?;
    let [dialog, delivery] = &found[..] else {
        return Err(StoreError::Damaged("no answer for a key".to_owned()));
    };
    let Some(value) = &dialog.value else { return Ok(None) };
    let progress = match &delivery.value {
        Some(value) => decode::<DeliveryRecord>(&keys[1], value)?.progress(&keys[1])?,
        None => Progress::default(),
    };
    Ok(Some(Stored { dialog: decode(&keys[0], value)?, version: dialog.version, progress }))
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
        None => match look.user(&watch.subscriber).await? {
            Some(user) => Caller::User(user),
            None => return Ok(Seen::Rejected),
        },
    };
    let state = look.all(&caller, &watch.targets).await?;
    Ok(Seen::All(Arc::new(caller), state))
}
