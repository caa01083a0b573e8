//! Takes a partition over: all its dialogs, each with how far it was notified, page by page. Partitions are read side by
//! side, and a page costs two reads however many dialogs it holds.

use std::sync::Arc;
use std::time::Duration;

use csc_store::{Key, Record, StoreError};
use csc_types::{Partition, Revision};
use tokio::sync::mpsc;

use super::Tag;
use super::watch::Watch;
use crate::accept::Accept;
use crate::domain::subscription::Progress;
use crate::records::{DIALOG, DeliveryRecord, DialogRecord, decode, delivery_key, dialog_key};

/// Between two attempts while the store does not answer.
const RETRY: Duration = Duration::from_millis(200);
/// Dialogs of one page.
pub(super) const PAGE: usize = 256;

/// Some dialogs of a partition.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) partition: Partition,
    /// Which reading of it this is.
    pub(super) load: u64,
    pub(super) dialogs: Vec<(Tag, Box<Stored>)>,
    /// Whether these were the last.
    pub(super) last: bool,
}

/// The records of a dialog.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) dialog: DialogRecord,
    pub(super) version: Revision,
    pub(super) progress: Progress,
    pub(super) watch: Watch,
}

/// Reads all dialogs of `partition` in order. One that cannot be read is left out, and told in the log.
pub(super) async fn run(accept: Arc<Accept>, partition: Partition, load: u64, pages: mpsc::Sender<Page>) {
    let mut after: Option<String> = None;
    loop {
        match page(&accept, partition, after.as_deref()).await {
            Ok((dialogs, next)) => {
                let last = next.is_none();
                if pages.send(Page { partition, load, dialogs, last }).await.is_err() || last {
                    return;
                }
                after = next;
            }
            Err(error) => {
                tracing::warn!(%error, partition = partition.number(), "store failed while taking over");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// The dialogs behind `after`, and where to go on.
async fn page(
    accept: &Accept,
    partition: Partition,
    after: Option<&str>,
) -> Result<(Vec<(Tag, Box<Stored>)>, Option<String>), StoreError> {
    let store = accept.settled.store();
    let dialogs = store.scan(partition, DIALOG, "", after, PAGE).await?;
    let next = (dialogs.len() == PAGE).then(|| dialogs.last().map(|(name, _)| name.clone())).flatten();
    let keys: Vec<Key> = dialogs.iter().map(|(name, _)| delivery_key(name)).collect();
    let deliveries = if keys.is_empty() { Vec::new() } else { store.get(partition, &keys).await? };
    let mut found = Vec::with_capacity(dialogs.len());
    for ((name, dialog), delivery) in dialogs.into_iter().zip(&deliveries) {
        match understand(accept, &name, &dialog, delivery) {
            Ok(Some(stored)) => found.push((Tag::from(name), Box::new(stored))),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "subscription is not served"),
        }
    }
    Ok((found, next))
}

/// The records of these dialogs of `partition`, as far as they are still there and can be read, in one snapshot.
pub(super) async fn these(
    accept: &Accept,
    partition: Partition,
    tags: &[Tag],
) -> Result<Vec<(Tag, Option<Box<Stored>>)>, StoreError> {
    let keys: Vec<Key> = tags.iter().flat_map(|tag| [dialog_key(tag), delivery_key(tag)]).collect();
    let found = accept.settled.store().get(partition, &keys).await?;
    let mut all = Vec::with_capacity(tags.len());
    for (tag, records) in tags.iter().zip(found.chunks_exact(2)) {
        match understand(accept, tag, &records[0], &records[1]) {
            Ok(stored) => all.push((tag.clone(), stored.map(Box::new))),
            Err(error) => tracing::error!(%error, "subscription is not served"),
        }
    }
    Ok(all)
}

fn understand(
    accept: &Accept,
    tag: &str,
    dialog: &Record,
    delivery: &Record,
) -> Result<Option<Stored>, StoreError> {
    let Some(value) = &dialog.value else { return Ok(None) };
    let version = dialog.version;
    let dialog: DialogRecord = decode(&dialog_key(tag), value)?;
    let progress = match &delivery.value {
        Some(value) => {
            let key = delivery_key(tag);
            decode::<DeliveryRecord>(&key, value)?.progress(&key)?
        }
        None => Progress::default(),
    };
    let watch = Watch::of(&dialog, &accept.naming, &accept.config);
    let watch = watch.ok_or_else(|| StoreError::Damaged(format!("dialog {tag}: subscriber")))?;
    Ok(Some(Stored { dialog, version, progress, watch }))
}
