//! A store that fails when it is told to, and lets others act at the worst moment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use csc_store::testing::Between;
use csc_store::{Commit, CommitError, Cursor, Embedded, Key, Record, Store, StoreError, Tail};
use csc_types::{Partition, Revision};

/// A store that can be told to fail.
pub(crate) struct Wrapped {
    embedded: Embedded,
    fault: Mutex<Option<(&'static str, StoreError)>>,
    afterwards: Mutex<Option<(&'static str, Afterwards)>>,
    user_reads: AtomicUsize,
    down: AtomicBool,
    lose: AtomicBool,
    forget: AtomicBool,
    unread: AtomicUsize,
}

/// What happens behind a commit, and what somebody else then commits.
type Afterwards = Box<dyn FnOnce() -> Vec<(Partition, Commit)> + Send>;

impl Wrapped {
    pub(crate) fn new(embedded: Embedded) -> Self {
        Self {
            embedded,
            fault: Mutex::default(),
            afterwards: Mutex::default(),
            user_reads: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            lose: AtomicBool::new(false),
            forget: AtomicBool::new(false),
            unread: AtomicUsize::new(0),
        }
    }

    /// From now on every read of `collection` fails; `None`: none does.
    pub(crate) fn fail(&self, fault: Option<(&'static str, StoreError)>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Behind the next commit that writes into `collection` this happens.
    pub(crate) fn afterwards(
        &self,
        collection: &'static str,
        action: impl FnOnce() -> Vec<(Partition, Commit)> + Send + 'static,
    ) {
        *self.afterwards.lock().unwrap() = Some((collection, Box::new(action)));
    }

    /// Whether it answers nothing at all.
    pub(crate) fn down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// The next reader of logs has lost its place.
    pub(crate) fn lose(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// The next commit is applied, and nobody is told that it was.
    pub(crate) fn forget(&self) {
        self.forget.store(true, Ordering::SeqCst);
    }

    /// Waits until the logs could not be read that many times from now on.
    pub(crate) async fn unread(&self, times: usize) {
        let until = self.unread.load(Ordering::SeqCst) + times;
        while self.unread.load(Ordering::SeqCst) < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        let down = self.down.load(Ordering::SeqCst);
        if down { Err(StoreError::Unavailable("down for a test".to_owned())) } else { Ok(()) }
    }

    /// How many reads of users were answered.
    pub(crate) fn user_reads(&self) -> usize {
        self.user_reads.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Between for Wrapped {
    fn inner(&self) -> &dyn Store {
        &self.embedded
    }

    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        let fault = self.fault.lock().unwrap().clone();
        match fault.filter(|(collection, _)| keys.iter().any(|key| key.collection == *collection)) {
            Some((_, error)) => Err(error),
            None => {
                let found = self.embedded.get(partition, keys).await;
                let users = keys.iter().any(|key| key.collection == "idms.user");
                self.user_reads.fetch_add(users.into(), Ordering::Relaxed);
                found
            }
        }
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
        self.embedded.scan(partition, collection, prefix, after, limit).await
    }

    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
        self.check()?;
        self.embedded.position(partition).await
    }

    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        // Down or not is seen when the wait is over.
        let found = self.embedded.tail(cursors, limit, wait.min(Duration::from_millis(20))).await?;
        if let Err(error) = self.check() {
            self.unread.fetch_add(1, Ordering::SeqCst);
            return Err(error);
        }
        if self.lose.swap(false, Ordering::SeqCst) {
            return Ok(vec![(cursors[0].0, Tail::Lost)]);
        }
        Ok(found)
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        self.check()?;
        let done = self.embedded.commit(partition, commit).await?;
        let action = {
            let mut afterwards = self.afterwards.lock().unwrap();
            let writes = |collection| commit.puts.iter().any(|put| put.key.collection == collection);
            afterwards.take_if(|(collection, _)| writes(*collection))
        };
        for (partition, commit) in action.map_or_else(Vec::new, |(_, action)| action()) {
            self.embedded.commit(partition, &commit).await?;
        }
        if self.forget.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Unavailable("forgotten for a test".to_owned()).into());
        }
        Ok(done)
    }
}
