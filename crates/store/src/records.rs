//! State changes through a closure: read, decide and write are one step.

use std::sync::Arc;

use bytes::Bytes;
use csc_types::{Entropy, Partition, Revision, Timestamp};

use crate::turns::{Taken, Turns};
use crate::{Check, Commit, CommitError, CommitId, Key, Put, Record, Store, StoreError};

/// How often a change is decided anew before the caller is told that others were always faster. In one process the
/// queue in front makes even the second time rare.
const ATTEMPTS: usize = 64;

/// What a closure decided: to write this, and to answer `outcome` once it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a change does nothing until it is returned to `Records::update`"]
pub struct Change<T> {
    /// Checks beside those on the records the closure was given: a fence, a record that must not exist.
    pub checks: Vec<Check>,
    /// Records to write.
    pub puts: Vec<Put>,
    /// Records to remove.
    pub deletes: Vec<Key>,
    /// Log entries to append.
    pub log: Vec<Bytes>,
    /// What the caller gets.
    pub outcome: T,
}

impl<T> Change<T> {
    /// Writes nothing.
    pub const fn nothing(outcome: T) -> Self {
        Self { checks: Vec::new(), puts: Vec::new(), deletes: Vec::new(), log: Vec::new(), outcome }
    }

    /// Writes a record that does not expire.
    pub fn put(mut self, key: Key, value: impl Into<Bytes>) -> Self {
        self.puts.push(Put { key, value: value.into(), expires: None });
        self
    }

    /// Writes a record that reads as absent from `expires` on.
    pub fn put_until(mut self, key: Key, value: impl Into<Bytes>, expires: Timestamp) -> Self {
        self.puts.push(Put { key, value: value.into(), expires: Some(expires) });
        self
    }

    /// Removes a record, if it is there.
    pub fn delete(mut self, key: Key) -> Self {
        self.deletes.push(key);
        self
    }

    /// Makes the change depend on a record beside those the closure was given.
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Appends an encoded `csc.event.v1.LogEntry` to the partition's log.
    pub fn log(mut self, payload: impl Into<Bytes>) -> Self {
        self.log.push(payload.into());
        self
    }

    fn writes_nothing(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty() && self.log.is_empty()
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Updated<T> {
    /// What the closure answered the last time it ran.
    pub outcome: T,
    /// The revision of the commit; `None` if there was nothing to write.
    pub revision: Option<Revision>,
}

/// Why a change was not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpdateError<E> {
    /// The closure decided so.
    #[error(transparent)]
    Rejected(E),
    /// A check that the closure added does not hold: the fence is stale, or the record exists. Deciding again would
    /// not change that, so it was not tried.
    #[error("a check of the change does not hold")]
    Stale,
    /// Others changed the same records each time. Answer 503.
    #[error("others keep changing the same records")]
    Contended,
    /// The store did not answer. The change may have been made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store, and the way to change it. Cheap to clone; the clones share their queues.
#[derive(Clone)]
pub struct Records {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    turns: Arc<Turns>,
}

impl Records {
    /// Changes records of `store`; `entropy` gives the commits their ids.
    pub fn new(store: Arc<dyn Store>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, entropy, turns: Arc::default() }
    }

    /// The same records for those who act on what they read: see [`Store::settled`]. They share the queues.
    pub fn settled(&self) -> Self {
        let store = Arc::clone(&self.store).settled();
        Self { store, entropy: Arc::clone(&self.entropy), turns: Arc::clone(&self.turns) }
    }

    /// The store itself, for scans and logs.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// Reads one record.
    ///
    /// # Errors
    /// When the store does not answer. An absent record is no error.
    pub async fn get(&self, partition: Partition, key: &Key) -> Result<Record, StoreError> {
        let found = self.store.get(partition, std::slice::from_ref(key)).await?;
        found.into_iter().next().ok_or_else(|| StoreError::Damaged("no answer for a key".to_owned()))
    }

    /// Reads `keys` in one snapshot, lets `change` decide over them, and commits what it decided if none of them has
    /// changed since; else it reads and decides again. So `change` may run more than once and must have no effects of
    /// its own.
    ///
    /// Callers in this process that name the same first key take turns. Without keys there is nothing to read and no
    /// queue. A change that writes nothing is not sent, whatever it checks.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn update<T, E>(
        &self,
        partition: Partition,
        keys: &[Key],
        mut change: impl FnMut(&[Record]) -> Result<Change<T>, E> + Send,
    ) -> Result<Updated<T>, UpdateError<E>>
    where
        T: Send,
        E: Send,
    {
        let _turn = self.turn(partition, keys).await;
        for _ in 0..ATTEMPTS {
            let records = self.read(partition, keys).await?;
            let change = change(&records).map_err(UpdateError::Rejected)?;
            let versions = records.iter().map(|record| record.version).collect();
            if let Some(updated) = self.commit(partition, keys, versions, change).await? {
                return Ok(updated);
            }
        }
        Err(UpdateError::Contended)
    }

    /// [`Records::update`] with a decision that may wait, such as one that is made on another thread. The turn lasts
    /// as long.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn update_async<T, E, F>(
        &self,
        partition: Partition,
        keys: &[Key],
        mut change: impl FnMut(Vec<Record>) -> F + Send,
    ) -> Result<Updated<T>, UpdateError<E>>
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<Change<T>, E>> + Send,
    {
        let _turn = self.turn(partition, keys).await;
        for _ in 0..ATTEMPTS {
            let records = self.read(partition, keys).await?;
            let versions = records.iter().map(|record| record.version).collect();
            let change = change(records).await.map_err(UpdateError::Rejected)?;
            if let Some(updated) = self.commit(partition, keys, versions, change).await? {
                return Ok(updated);
            }
        }
        Err(UpdateError::Contended)
    }

    /// What the decision depends on. A commit that depends on nothing but its checks costs no reading.
    async fn read(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        if keys.is_empty() { Ok(Vec::new()) } else { self.store.get(partition, keys).await }
    }

    async fn turn(&self, partition: Partition, keys: &[Key]) -> Option<Taken> {
        match keys.first() {
            Some(key) => Some(self.turns.take(partition, key).await),
            None => None,
        }
    }

    /// Commits `change` if `keys` still have these versions; `None`: they have not, decide again.
    async fn commit<T, E>(
        &self,
        partition: Partition,
        keys: &[Key],
        versions: Vec<Revision>,
        change: Change<T>,
    ) -> Result<Option<Updated<T>>, UpdateError<E>> {
        if change.writes_nothing() {
            return Ok(Some(Updated { outcome: change.outcome, revision: None }));
        }
        let read = keys.iter().zip(versions);
        let mut checks: Vec<Check> = read.map(|(key, version)| Check { key: key.clone(), version }).collect();
        let own: Vec<Check> = change.checks.into_iter().filter(|check| !checks.contains(check)).collect();
        checks.extend_from_slice(&own);
        let commit = Commit {
            id: CommitId::random(self.entropy.as_ref()),
            checks,
            puts: change.puts,
            deletes: change.deletes,
            log: change.log,
        };
        match self.store.commit(partition, &commit).await {
            Ok(revision) => Ok(Some(Updated { outcome: change.outcome, revision: Some(revision) })),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Conflict) if self.hold(partition, &own).await? => Ok(None),
            Err(CommitError::Conflict) => Err(UpdateError::Stale),
        }
    }

    /// Whether `checks` hold now.
    async fn hold(&self, partition: Partition, checks: &[Check]) -> Result<bool, StoreError> {
        if checks.is_empty() {
            return Ok(true);
        }
        let keys: Vec<Key> = checks.iter().map(|check| check.key.clone()).collect();
        let found = self.store.get(partition, &keys).await?;
        Ok(found.iter().zip(checks).all(|(record, check)| record.version == check.version))
    }
}

#[cfg(test)]
mod tests;
