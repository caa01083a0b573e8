//! A store with a test in between: for what an engine does only when a disk breaks or two requests meet.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_types::{Partition, Revision};

use crate::{Commit, CommitError, Cursor, Key, Record, Store, StoreError, Tail};

/// What stands between a service and its store. Every method passes on; a test overrides those it is about.
#[async_trait]
pub trait Between: Send + Sync + 'static {
    /// The store behind it.
    fn inner(&self) -> &dyn Store;

    /// [`Store::get`].
    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.inner().get(partition, keys).await
    }

    /// [`Store::scan`].
    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        self.inner().scan(partition, collection, prefix, after, limit).await
    }

    /// [`Store::commit`].
    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        self.inner().commit(partition, commit).await
    }

    /// [`Store::position`].
    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
        self.inner().position(partition).await
    }

    /// [`Store::tail`].
    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        self.inner().tail(cursors, limit, wait).await
    }
}

#[async_trait]
impl<T: Between> Store for T {
    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        Between::get(self, partition, keys).await
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        Between::scan(self, partition, collection, prefix, after, limit).await
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        Between::commit(self, partition, commit).await
    }

    fn settled(self: Arc<Self>) -> Arc<dyn Store> {
        self
    }

    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
        Between::position(self, partition).await
    }

    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        Between::tail(self, cursors, limit, wait).await
    }
}
