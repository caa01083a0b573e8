//! Takes expired records out of collections that nobody writes to. Whoever does it does no harm, so everybody does.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;

use csc_types::Partition;

use super::routes::Way;
use super::{Inner, commit};

/// A partition at a time, so that all are looked at in about a minute.
const STEP: Duration = Duration::from_secs(1);

/// The collections into which this engine has put records that expire.
#[derive(Default)]
pub(super) struct Expiring(Mutex<BTreeSet<&'static str>>);

impl Expiring {
    pub(super) fn note(&self, collection: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(collection);
    }

    fn collections(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// Sweeps until the engine is gone.
pub(super) async fn run(inner: Weak<Inner>) {
    loop {
        for partition in Partition::all() {
            tokio::time::sleep(STEP).await;
            let Some(inner) = inner.upgrade() else { return };
            inner.sweep(partition).await;
        }
    }
}

impl Inner {
    /// Removes some of what has expired in `partition`. What is left goes the next time; so does what failed.
    pub(super) async fn sweep(&self, partition: Partition) {
        let collections = self.expiring.collections();
        if collections.is_empty() {
            return;
        }
        let Ok(birth) = self.birth().await else { return };
        let call = commit::sweep(&self.access, partition, birth, &collections);
        if let Err(error) = self.call_one(Way::Read, partition, call).await {
            tracing::debug!(%error, partition = partition.number(), "expired records not removed");
        }
    }
}
