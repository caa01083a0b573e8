//! Which accounts the logs speak of.

use std::collections::BTreeMap;
use std::time::Duration;

use csc_proto::event::v1::{LogEntry, log_entry};
use csc_store::{Cursor, Store, StoreError, Tail};
use csc_types::Partition;
use futures::stream::{self, Stream};
use prost::Message;

use super::{Job, PAUSE};

/// Entries of one log that are read at once.
const LIMIT: usize = 512;
/// How long a read waits for news. Nothing depends on it: the wait ends with the first entry.
const WAIT: Duration = Duration::from_secs(30);

/// The reader of all logs, and where it stands in each.
pub(super) struct News(BTreeMap<Partition, Cursor>);

impl News {
    /// A reader of everything that happens after this; it waits for the store to answer.
    pub(super) async fn from_now_on(store: &dyn Store) -> Self {
        let mut cursors = BTreeMap::new();
        for partition in Partition::all() {
            loop {
                match store.position(partition).await {
                    Ok(cursor) => {
                        cursors.insert(partition, cursor);
                        break;
                    }
                    Err(error) => pause(&error).await,
                }
            }
        }
        Self(cursors)
    }

    /// What is to be done, for ever.
    pub(super) fn stream(self, store: &dyn Store) -> impl Stream<Item = Vec<Job>> + Send {
        stream::unfold(self, move |mut news| async move {
            loop {
                match news.next(store).await {
                    Ok(jobs) => return Some((jobs, news)),
                    Err(error) => pause(&error).await,
                }
            }
        })
    }

    /// Waits for news. Dropped halfway, it has read nothing.
    async fn next(&mut self, store: &dyn Store) -> Result<Vec<Job>, StoreError> {
        let cursors: Vec<_> = self.0.iter().map(|(partition, cursor)| (*partition, *cursor)).collect();
        let (mut jobs, mut moved) = (Vec::new(), Vec::new());
        for (partition, tail) in store.tail(&cursors, LIMIT, WAIT).await? {
            match tail {
                Tail::Entries { entries, cursor } => {
                    jobs.extend(entries.iter().filter_map(|entry| changed(&entry.payload)));
                    moved.push((partition, cursor));
                }
                Tail::Lost => {
                    moved.push((partition, store.position(partition).await?));
                    jobs.push(Job::Search(partition));
                }
            }
        }
        self.0.extend(moved);
        Ok(jobs)
    }
}

async fn pause(error: &StoreError) {
    tracing::warn!(error = error as &dyn std::error::Error, "remover waits for the store");
    tokio::time::sleep(PAUSE).await;
}

/// The user whose account an entry speaks of.
fn changed(payload: &[u8]) -> Option<Job> {
    match LogEntry::decode(payload).ok()?.change? {
        log_entry::Change::Account(changed) => Some(Job::User(changed.mcptt_id.parse().ok()?)),
        _ => None,
    }
}
