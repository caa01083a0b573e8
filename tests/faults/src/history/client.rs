//! A store that passes everything on and takes notes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_store::{Commit, CommitError, Cursor, Key, Record, Store, StoreError, Tail};
use csc_types::{Partition, Revision};

use super::{Event, HEARD, History, Moment, Outcome, What};

pub(super) struct Client {
    pub(super) store: Arc<dyn Store>,
    pub(super) settled: bool,
    pub(super) number: u32,
    pub(super) history: Arc<History>,
}

impl Client {
    fn note(&self, began: Moment, partition: Partition, what: What) {
        let (client, settled) = (self.number, self.settled);
        let ended = self.history.tick();
        self.history.note(Event { client, settled, began, ended, partition, what });
    }
}

/// Writes a commit down even if nobody waits for its answer any more.
struct Pending<'a> {
    client: &'a Client,
    began: Moment,
    partition: Partition,
    commit: &'a Commit,
    outcome: Outcome,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let what = What::Commit(self.commit.clone(), self.outcome);
        self.client.note(self.began, self.partition, what);
    }
}

#[async_trait]
impl Store for Client {
    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        let began = self.history.tick();
        let records = self.store.get(partition, keys).await?;
        let found = keys.iter().cloned().zip(records.iter().cloned()).collect();
        self.note(began, partition, What::Get(found));
        Ok(records)
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        let began = self.history.tick();
        let found = self.store.scan(partition, collection, prefix, after, limit).await?;
        let full = found.len() >= limit;
        let what = What::Scan {
            collection,
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            // A full answer with nothing in it says nothing about any name.
            complete_to: full.then(|| found.last().map_or_else(String::new, |(name, _)| name.clone())),
            found: found.clone(),
        };
        self.note(began, partition, what);
        Ok(found)
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        let began = self.history.tick();
        let mut pending = Pending { client: self, began, partition, commit, outcome: Outcome::Unknown };
        let answer = self.store.commit(partition, commit).await;
        pending.outcome = match &answer {
            Ok(revision) => Outcome::Done(*revision),
            Err(CommitError::Conflict) => Outcome::Conflict,
            Err(CommitError::Store(_)) => Outcome::Unknown,
        };
        answer
    }

    fn settled(self: Arc<Self>) -> Arc<dyn Store> {
        self.history.another(Arc::clone(&self.store).settled(), true)
    }

    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
        let began = self.history.tick();
        let cursor = self.store.position(partition).await?;
        self.note(began, partition, What::Position);
        Ok(cursor)
    }

    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        let began = self.history.tick();
        let news = self.store.tail(cursors, limit, wait).await?;
        for (partition, _) in cursors {
            let what = match news.iter().find(|(found, _)| found == partition) {
                None if news.is_empty() && wait >= HEARD => What::Quiet,
                None => continue,
                Some((_, Tail::Lost)) => What::Lost,
                Some((_, Tail::Entries { entries, .. })) => What::Entries(entries.clone()),
            };
            self.note(began, *partition, what);
        }
        Ok(news)
    }
}
