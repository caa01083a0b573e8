//! A store that fails, or lets two readers meet, when a test says so.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use csc_store::testing::Between;
use csc_store::{Commit, CommitError, Embedded, Key, Record, Store, StoreError};
use csc_types::{Partition, Revision};
use tokio::sync::Barrier;

pub(crate) struct Tricky {
    pub(crate) inner: Embedded,
    /// Answers nothing.
    pub(crate) silent: AtomicBool,
    /// So many reads of a document go on in pairs only: both have read before either does anything with it.
    pub(crate) paired: AtomicUsize,
    pair: Barrier,
}

impl Tricky {
    pub(crate) fn new(inner: Embedded) -> Self {
        Self { inner, silent: AtomicBool::new(false), paired: AtomicUsize::new(0), pair: Barrier::new(2) }
    }

    fn check(&self) -> Result<(), StoreError> {
        let silent = self.silent.load(Ordering::SeqCst);
        if silent { Err(StoreError::Unavailable("silent".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Between for Tricky {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        let found = self.inner.get(partition, keys).await;
        if keys.iter().any(|key| key.collection == "cms.document")
            && self
                .paired
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok()
        {
            self.pair.wait().await;
        }
        found
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        self.check()?;
        self.inner.scan(partition, collection, prefix, after, limit).await
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        self.check()?;
        self.inner.commit(partition, commit).await
    }
}
