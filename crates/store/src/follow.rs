//! Follows the logs of all partitions, for whoever compares states: an entry only says that something changed.

use std::collections::BTreeMap;
use std::time::Duration;

use csc_proto::event::v1::LogEntry;
use csc_types::Partition;
use futures::future::try_join_all;
use futures::stream::{self, BoxStream, StreamExt};
use prost::Message;

use crate::{Cursor, Records, StoreError, Tail};

/// Entries of one log that are read at once.
const LIMIT: usize = 512;
/// How long a read waits for news. Nothing depends on it: the wait ends with the first entry.
const WAIT: Duration = Duration::from_secs(30);
/// Between two attempts while the store does not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What is heard.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An entry of some log.
    Entry(LogEntry),
    /// Of this partition everything is heard from now on; what was before may have been missed, so states are to be
    /// compared.
    Missed(Partition),
}

/// All news, for ever. First every partition was missed; later one is when its log went on without us. What this release
/// cannot read is left out.
pub fn follow(records: Records) -> BoxStream<'static, Vec<News>> {
    let follower = Follower { records, cursors: BTreeMap::new() };
    stream::unfold(follower, |mut follower| async move {
        loop {
            match follower.next().await {
                Ok(heard) if heard.is_empty() => {}
                Ok(heard) => return Some((heard, follower)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "logs cannot be read now");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    })
    .boxed()
}

struct Follower {
    records: Records,
    /// Where it stands in each log that it follows.
    cursors: BTreeMap<Partition, Cursor>,
}

impl Follower {
    async fn next(&mut self) -> Result<Vec<News>, StoreError> {
        let store = self.records.store();
        let position = async |partition| Ok::<_, StoreError>((partition, store.position(partition).await?));
        let missed = Partition::all().filter(|partition| !self.cursors.contains_key(partition));
        let found = try_join_all(missed.map(position)).await?;
        if !found.is_empty() {
            self.cursors.extend(found.iter().copied());
            return Ok(found.into_iter().map(|(partition, _)| News::Missed(partition)).collect());
        }
        let cursors: Vec<_> = self.cursors.iter().map(|(partition, cursor)| (*partition, *cursor)).collect();
        let mut heard = Vec::new();
        for (partition, tail) in store.tail(&cursors, LIMIT, WAIT).await? {
            match tail {
                Tail::Entries { entries, cursor } => {
                    self.cursors.insert(partition, cursor);
                    let read = entries.iter().filter_map(|entry| LogEntry::decode(&*entry.payload).ok());
                    heard.extend(read.map(News::Entry));
                }
                Tail::Lost => {
                    tracing::warn!(partition = partition.number(), "a log went on without its reader");
                    self.cursors.remove(&partition);
                }
            }
        }
        Ok(heard)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use csc_proto::event::v1::{AccountChanged, log_entry::Change as Announced};
    use csc_test_support::{ManualClock, SeededEntropy};

    use super::*;
    use crate::testing::Between;
    use crate::{Change, Embedded, Store};

    /// A store that fails once, when a position is asked for, and whose first log is lost once, when it is read.
    struct Failing {
        inner: Embedded,
        positions: AtomicUsize,
        failing: usize,
        reads: AtomicUsize,
    }

    #[async_trait]
    impl Between for Failing {
        fn inner(&self) -> &dyn Store {
            &self.inner
        }

        async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
            if self.positions.fetch_add(1, Ordering::SeqCst) == self.failing {
                return Err(StoreError::Unavailable("for once".to_owned()));
            }
            self.inner.position(partition).await
        }

        async fn tail(
            &self,
            cursors: &[(Partition, Cursor)],
            limit: usize,
            wait: Duration,
        ) -> Result<Vec<(Partition, Tail)>, StoreError> {
            match self.reads.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(vec![(cursors[0].0, Tail::Lost)]),
                _ => self.inner.tail(cursors, limit, wait).await,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_missed_is_told_once_its_position_is_taken() {
        let (clock, entropy) = (Arc::new(ManualClock::at(1)), Arc::new(SeededEntropy::new(1)));
        let first = Partition::INSTALLATION;
        for failing in [0, 20, csc_types::PARTITIONS.into()] {
            let inner = Embedded::in_memory(clock.clone(), &*entropy).unwrap();
            let (positions, reads) = Default::default();
            let store = Failing { inner, positions, failing, reads };
            let records = Records::new(Arc::new(store), entropy.clone());
            let mut news = follow(records.clone());
            let all: Vec<_> = Partition::all().map(News::Missed).collect();
            assert_eq!(news.next().await.unwrap(), all, "position {failing} failed");
            assert_eq!(news.next().await.unwrap(), [News::Missed(first)], "its log was lost");
            let account = AccountChanged { mcptt_id: "tel:+1".to_owned() };
            let entry = LogEntry { change: Some(Announced::Account(account)), ..LogEntry::default() };
            let change = || Ok::<_, ()>(Change::nothing(()).log(&b"\xff"[..]).log(entry.encode_to_vec()));
            records.update(first, &[], |_| change()).await.unwrap();
            assert_eq!(news.next().await.unwrap(), [News::Entry(entry)]);
        }
    }
}
