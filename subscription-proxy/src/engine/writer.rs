//! Commits of the engine, made in its role and under its fence. Many delivery records share one commit; each partition has
//! its own, so that one whose store does not answer holds up no other.

use std::time::Duration;

use csc_store::owner::Fence;
use csc_store::{Change, Record, Records, StoreError, UpdateError};
use csc_types::{Partition, Revision, Timestamp};
use futures::stream::{self, StreamExt as _};
use prost::Message as _;

use super::Tag;
use crate::records::{DeliveryRecord, delivery_key, dialog_key};

/// Between two attempts while the store does not answer.
const RETRY: Duration = Duration::from_millis(500);
/// Records in one commit.
const TOGETHER: usize = 256;
/// Endings under way at once. Each has a commit of its own, since each may find a refresh in its place.
const SIDE_BY_SIDE: usize = 32;

/// One thing to write.
#[derive(Debug, Clone)]
pub(super) enum Write {
    /// How far a subscriber was notified, and which CSeq numbers may be used from now on.
    Progress(Tag, DeliveryRecord, Timestamp),
    /// The end of a dialog, unless its record is no longer this version: then a refresh came first, and wins.
    End(Tag, Revision),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// CSeq numbers below this are committed.
    Reserved(Tag, u32),
    /// The records are gone, the dialog's in this version.
    Ended(Tag, Revision),
    /// The dialog was refreshed meanwhile.
    Refreshed(Tag),
}

/// Another replica owns the partition: what was to be written is its business now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stale;

/// Writes to one partition, however long the store takes to answer.
pub(super) async fn write(
    records: &Records,
    partition: Partition,
    fence: &Fence,
    writes: Vec<Write>,
) -> Result<Vec<Written>, Stale> {
    let (progress, ends): (Vec<_>, Vec<_>) =
        writes.into_iter().partition(|write| matches!(write, Write::Progress(..)));
    let mut done = Vec::new();
    for together in progress.chunks(TOGETHER) {
        let commit = || async {
            let change = |_: &[Record]| {
                let start = Change::nothing(()).check(fence.check());
                Ok::<_, StoreError>(together.iter().fold(start, |change, write| match write {
                    Write::Progress(tag, record, swept) => {
                        change.put_until(delivery_key(tag), record.encode_to_vec(), *swept)
                    }
                    Write::End(..) => change,
                }))
            };
            records.update(partition, &[], change).await.map(|_| ())
        };
        persist(commit).await?;
        done.extend(together.iter().filter_map(|write| match write {
            Write::Progress(tag, record, _) => Some(Written::Reserved(tag.clone(), record.reserved)),
            Write::End(..) => None,
        }));
    }
    let end = |write| async move {
        let Write::End(tag, version) = write else { return Ok(None) };
        let commit = || async {
            let keys = [dialog_key(&tag)];
            let change = |found: &[Record]| {
                if found.iter().any(|record| record.version != version) {
                    return Ok::<_, StoreError>(Change::nothing(Written::Refreshed(tag.clone())));
                }
                let ended = Change::nothing(Written::Ended(tag.clone(), version)).check(fence.check());
                Ok(ended.delete(dialog_key(&tag)).delete(delivery_key(&tag)))
            };
            records.update(partition, &keys, change).await.map(|updated| updated.outcome)
        };
        persist(commit).await.map(Some)
    };
    let mut ending = stream::iter(ends.into_iter().map(end)).buffer_unordered(SIDE_BY_SIDE);
    while let Some(ended) = ending.next().await {
        done.extend(ended?);
    }
    Ok(done)
}

/// Repeats a commit until the store answers.
async fn persist<T, F, R>(mut commit: F) -> Result<T, Stale>
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, UpdateError<StoreError>>>,
{
    loop {
        match commit().await {
            Ok(done) => return Ok(done),
            Err(UpdateError::Stale) => return Err(Stale),
            Err(error @ (UpdateError::Contended | UpdateError::Rejected(_) | UpdateError::Store(_))) => {
                tracing::warn!(%error, "store failed while notifying");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
