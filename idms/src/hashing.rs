//! Runs password hashing beside the threads that serve requests: so many at a time, so many waiting, no more.

use std::sync::Arc;

use csc_types::Entropy;
use tokio::sync::{AcquireError, Semaphore};
use tokio::task::JoinError;

use crate::domain::password::{Cost, HashingError, PasswordHash, Proof};

/// How much is hashed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Hashes in work at once. Each takes a core and the memory of its cost.
    pub workers: usize,
    /// Hashes waiting for a worker.
    pub waiting: usize,
}

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    cost: Cost,
    entropy: Arc<dyn Entropy>,
    /// One for each hash in work or waiting.
    places: Arc<Semaphore>,
    /// One for each hash in work.
    workers: Arc<Semaphore>,
    /// What is checked when there is nothing to check.
    dummy: PasswordHash,
}

/// Why nothing was hashed.
#[derive(Debug, thiserror::Error)]
pub enum HasherError {
    /// Too many wait already. Answer 503.
    #[error("too many passwords wait to be hashed")]
    Full,
    /// Hashing failed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The pool is gone, or a hash panicked.
    #[error("hashing stopped")]
    Stopped,
}

impl From<AcquireError> for HasherError {
    fn from(_: AcquireError) -> Self {
        Self::Stopped
    }
}

impl From<JoinError> for HasherError {
    fn from(_: JoinError) -> Self {
        Self::Stopped
    }
}

impl Hasher {
    /// A pool that makes new hashes with `cost`.
    pub fn new(cost: Cost, limits: Limits, entropy: Arc<dyn Entropy>) -> Self {
        let dummy = PasswordHash::unmatchable(cost, &*entropy);
        let places =
            Semaphore::new(limits.workers.saturating_add(limits.waiting).min(Semaphore::MAX_PERMITS));
        let workers = Semaphore::new(limits.workers.min(Semaphore::MAX_PERMITS));
        Self { cost, entropy, places: Arc::new(places), workers: Arc::new(workers), dummy }
    }

    /// Hashes a new password.
    pub async fn hash(&self, proof: Proof) -> Result<PasswordHash, HasherError> {
        let (cost, entropy) = (self.cost, Arc::clone(&self.entropy));
        self.run(move || PasswordHash::new(&proof, cost, &*entropy)).await
    }

    /// A hash of `proof` in place of `stored`, which it matches, if that was made with another cost and there is time now.
    pub async fn renewed(&self, stored: &PasswordHash, proof: Option<Proof>) -> Option<PasswordHash> {
        let proof = proof.filter(|_| stored.cost != self.cost)?;
        self.hash(proof).await.ok()
    }

    /// Whether `proof` matches `stored`. Without either of them it does not, and takes as long to say so.
    pub async fn matches(
        &self,
        stored: Option<&PasswordHash>,
        proof: Option<Proof>,
    ) -> Result<bool, HasherError> {
        let real = stored.is_some() && proof.is_some();
        let stored = stored.unwrap_or(&self.dummy).clone();
        let proof = proof.unwrap_or_else(|| Proof::of(""));
        Ok(self.run(move || stored.matches(&proof)).await? && real)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HasherError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HasherError::Full)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await?;
        // The permits go along: a request that is given up does not free a worker that still works.
        let work = tokio::task::spawn_blocking(move || {
            let (_place, _worker) = (place, worker);
            work()
        });
        Ok(work.await??)
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

    fn hasher(limits: Limits) -> Hasher {
        Hasher::new(CHEAP, limits, Arc::new(SeededEntropy::new(1)))
    }

    #[tokio::test]
    async fn nothing_matches_nothing() {
        let hasher = hasher(Limits { workers: 1, waiting: 1 });
        let stored = hasher.hash(Proof::of("secret")).await.unwrap();
        assert!(hasher.matches(Some(&stored), Some(Proof::of("secret"))).await.unwrap());
        assert!(!hasher.matches(Some(&stored), Some(Proof::of("other"))).await.unwrap());
        assert!(!hasher.matches(Some(&stored), None).await.unwrap());
        assert!(!hasher.matches(None, Some(Proof::of("secret"))).await.unwrap());
        assert!(!hasher.matches(None, None).await.unwrap());
        let empty = hasher.hash(Proof::of("")).await.unwrap();
        assert!(!hasher.matches(Some(&empty), None).await.unwrap(), "the stand-in proof is not believed");
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_at_once() {
        let hasher = hasher(Limits { workers: 1, waiting: 1 });
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let busy = {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.run(move || Ok(blocked.recv().is_ok())).await })
        };
        let waiting = {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.matches(None, None).await })
        };
        while hasher.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(hasher.matches(None, None).await, Err(HasherError::Full)));
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(hasher.workers.available_permits(), 0, "the one at work goes on");
        release.send(()).unwrap();
        assert!(busy.await.unwrap().unwrap());
        assert!(!hasher.matches(None, None).await.unwrap());
    }
}
