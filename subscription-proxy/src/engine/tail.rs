//! Follows the logs of all partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use csc_proto::event::v1::LogEntry;
use csc_proto::event::v1::log_entry::Change;
use csc_service::trace::Cause;
use csc_store::{Cursor, Records, StoreError, Tail};
use csc_types::{McpttId, Partition};
use prost::Message as _;
use tokio::sync::mpsc;

/// Entries of a partition read at once.
const LIMIT: usize = 512;
/// How long one call waits for news.
const WAIT: Duration = Duration::from_secs(10);
/// Between two attempts while the store does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// What a log entry says, and in which trace that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// The document at this path changed.
    Document(String, Cause),
    /// The account of this user changed.
    Account(McpttId, Cause),
    /// The dialog with this tag was created, refreshed or ended.
    Dialog(String, Cause),
    /// Entries of this partition may have been missed: states are to be compared. At the start that is all of them.
    Missed(Partition),
}

/// Follows the logs until the engine is gone. A partition's position is taken before anybody is told to compare states, so
/// that what changes in between is told once more rather than not at all.
pub(super) async fn run(records: Records, news: mpsc::Sender<Vec<News>>) -> anyhow::Result<()> {
    let mut cursors: BTreeMap<Partition, Cursor> = BTreeMap::new();
    let mut missing: Vec<Partition> = Partition::all().collect();
    loop {
        match follow(&records, &mut cursors, &mut missing).await {
            Ok(heard) if heard.is_empty() => {
                if news.is_closed() {
                    return Ok(());
                }
            }
            Ok(heard) => {
                if news.send(heard).await.is_err() {
                    return Ok(());
                }
            }
            Err(error) => {
                tracing::warn!(%error, "store failed while following the logs");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn follow(
    records: &Records,
    cursors: &mut BTreeMap<Partition, Cursor>,
    missing: &mut Vec<Partition>,
) -> Result<Vec<News>, StoreError> {
    let mut heard = Vec::new();
    while let Some(partition) = missing.last().copied() {
        let position = match records.store().position(partition).await {
            Ok(position) => position,
            Err(error) if heard.is_empty() => return Err(error),
            // What has a position must be told; the rest is tried again.
            Err(_) => break,
        };
        cursors.insert(partition, position);
        missing.pop();
        heard.push(News::Missed(partition));
    }
    if !heard.is_empty() {
        return Ok(heard);
    }
    let places: Vec<_> = cursors.iter().map(|(partition, cursor)| (*partition, *cursor)).collect();
    for (partition, tail) in records.store().tail(&places, LIMIT, WAIT).await? {
        match tail {
            Tail::Lost => missing.push(partition),
            Tail::Entries { entries, cursor } => {
                cursors.insert(partition, cursor);
                heard.extend(entries.iter().filter_map(|entry| understand(&entry.payload)));
            }
        }
    }
    Ok(heard)
}

/// What an entry says; `None` for one of a kind that this release does not know.
fn understand(payload: &[u8]) -> Option<News> {
    let entry = LogEntry::decode(payload).ok()?;
    let cause = Cause::of_entry(&entry.traceparent);
    Some(match entry.change? {
        Change::Document(document) => News::Document(document.path, cause),
        Change::Account(account) => News::Account(account.mcptt_id.parse().ok()?, cause),
        Change::Subscription(subscription) => News::Dialog(subscription.dialog, cause),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use csc_store::testing::Between;
    use csc_store::{Embedded, Store};
    use csc_test_support::{ManualClock, SeededEntropy};

    use super::*;

    /// A store that fails once, when a position is asked for.
    struct Failing {
        inner: Embedded,
        positions: AtomicUsize,
        at: usize,
    }

    #[async_trait]
    impl Between for Failing {
        fn inner(&self) -> &dyn Store {
            &self.inner
        }

        async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
            if self.positions.fetch_add(1, Ordering::SeqCst) == self.at {
                return Err(StoreError::Unavailable("for once".to_owned()));
            }
            self.inner.position(partition).await
        }
    }

    #[tokio::test]
    async fn every_partition_is_compared_also_when_the_store_fails_in_between() {
        let (clock, entropy) = (Arc::new(ManualClock::at(1)), Arc::new(SeededEntropy::new(1)));
        for at in [0, 20, csc_types::PARTITIONS.into()] {
            let inner = Embedded::in_memory(clock.clone(), &*entropy).unwrap();
            let store = Failing { inner, positions: AtomicUsize::new(0), at };
            let records = Records::new(Arc::new(store), entropy.clone());
            let mut cursors = BTreeMap::new();
            let mut missing: Vec<Partition> = Partition::all().collect();
            let mut told = Vec::new();
            while !missing.is_empty() {
                if let Ok(heard) = follow(&records, &mut cursors, &mut missing).await {
                    told.extend(heard);
                }
            }
            for partition in Partition::all() {
                assert!(told.contains(&News::Missed(partition)), "{partition:?}");
            }
        }
    }
}
