//! A store that fails when it is told to, and lets others act at the worst moment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use csc_store::testing::Between;
use csc_store::{Commit, CommitError, Embedded, Key, Record, Store, StoreError};
use csc_types::{Partition, Revision};

/// A store that can be told to fail.
pub(crate) struct Wrapped {
    embedded: Embedded,
    fault: Mutex<Option<(&'static str, StoreError)>>,
    afterwards: Mutex<Option<(&'static str, Afterwards)>>,
    user_reads: AtomicUsize,
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

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        let done = self.embedded.commit(partition, commit).await?;
        let action = {
            let mut afterwards = self.afterwards.lock().unwrap();
            let writes = |collection| commit.puts.iter().any(|put| put.key.collection == collection);
            afterwards.take_if(|(collection, _)| writes(*collection))
        };
        for (partition, commit) in action.map_or_else(Vec::new, |(_, action)| action()) {
            self.embedded.commit(partition, &commit).await?;
        }
        Ok(done)
    }
}
