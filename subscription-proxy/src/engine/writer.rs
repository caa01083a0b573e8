//! Commits of the engine, made in its role and under its fence. Many delivery records of a partition share one commit, and
//! the partitions' commits run side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use csc_store::owner::Fence;
use csc_store::{Change, Records, StoreError, UpdateError};
use csc_types::{Partition, Revision, Timestamp};
use futures::future::try_join_all;
use prost::Message as _;
use tokio::sync::mpsc;

use super::Tag;
use crate::domain::tag::partition;
use crate::records::{DeliveryRecord, delivery_key, dialog_key};

/// Between two attempts while the store does not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Records in one commit.
const TOGETHER: usize = 256;

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

/// The fences of all partitions, in order.
pub(super) type Fences = Arc<BTreeMap<Partition, Fence>>;

/// Writes batches until the engine is gone.
///
/// # Errors
/// If this replica is no longer the owner of a partition: whoever is has taken over what was to be written.
pub(super) async fn run(
    records: Records,
    fences: Fences,
    mut batches: mpsc::Receiver<Vec<Write>>,
    written: mpsc::Sender<Vec<Written>>,
) -> anyhow::Result<()> {
    while let Some(batch) = batches.recv().await {
        let mut partitions: BTreeMap<Partition, Vec<Write>> = BTreeMap::new();
        for write in batch {
            let (Write::Progress(tag, ..) | Write::End(tag, _)) = &write;
            if let Some(partition) = partition(tag) {
                partitions.entry(partition).or_default().push(write);
            }
        }
        let work = partitions.into_iter().map(|(partition, writes)| {
            let (records, fences) = (&records, &fences);
            async move { write_partition(records, fences, partition, writes).await }
        });
        let done = try_join_all(work).await?.concat();
        if written.send(done).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

async fn write_partition(
    records: &Records,
    fences: &Fences,
    partition: Partition,
    writes: Vec<Write>,
) -> anyhow::Result<Vec<Written>> {
    let fence = fences.get(&partition).ok_or_else(|| anyhow::anyhow!("no fence"))?;
    let (progress, ends): (Vec<_>, Vec<_>) =
        writes.into_iter().partition(|write| matches!(write, Write::Progress(..)));
    let mut done = Vec::new();
    for together in progress.chunks(TOGETHER) {
        let commit = || async {
            let change = |_: &[_]| {
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
    for write in ends {
        let Write::End(tag, version) = write else { continue };
        let commit = || async {
            let keys = [dialog_key(&tag)];
            let change = |found: &[csc_store::Record]| {
                if found.iter().any(|record| record.version != version) {
                    return Ok::<_, StoreError>(Change::nothing(Written::Refreshed(tag.clone())));
                }
                let ended = Change::nothing(Written::Ended(tag.clone(), version)).check(fence.check());
                Ok(ended.delete(dialog_key(&tag)).delete(delivery_key(&tag)))
            };
            records.update(partition, &keys, change).await.map(|updated| updated.outcome)
        };
        done.push(persist(commit).await?);
    }
    Ok(done)
}

/// Repeats a commit until the store answers.
async fn persist<T, F, R>(mut commit: F) -> anyhow::Result<T>
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, UpdateError<StoreError>>>,
{
    loop {
        match commit().await {
            Ok(done) => return Ok(done),
            Err(UpdateError::Stale) => anyhow::bail!("another replica owns this partition"),
            Err(error @ (UpdateError::Contended | UpdateError::Rejected(_) | UpdateError::Store(_))) => {
                tracing::warn!(%error, "store failed while notifying");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
