//! What every engine does. An engine is a store when it passes this suite.
//!
//! An engine's tests implement [`Engine`] over a store of their own and invoke [`conformance_tests!`](crate::conformance_tests),
//! which makes one test of every case. Cases get a new store each, and nothing else touches it.

#![allow(clippy::missing_panics_doc, reason = "that is how a case fails")]

pub mod birth;
pub mod commits;
pub mod expiry;
pub mod log;
pub mod owners;
pub mod reads;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Entropy, Partition, Revision, Timestamp};

use crate::{Check, Commit, CommitError, CommitId, Key, Put, Record, Store};

/// An engine with a new, empty store, and what the cases do to that store from outside.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The clock that the store goes by.
    fn clock(&self) -> &ManualClock;

    /// Opens the store. The one opened before has been dropped by then.
    async fn open(&self) -> Arc<dyn Store>;

    /// Keeps a copy of the store, which is closed.
    async fn back_up(&self);

    /// Puts the kept copy in the place of the store, which is closed.
    async fn restore(&self);

    /// Takes the birth record of `partition` out of the store, which is closed.
    async fn lose_birth(&self, partition: Partition);

    /// Puts the birth record of another installation in the place of that of `partition`. The store is closed.
    async fn swap_birth(&self, partition: Partition);
}

/// One test for every case. The argument makes an [`Engine`], or `None` if this machine has not got what it needs; it is
/// evaluated anew, and awaited, in each test.
#[macro_export]
macro_rules! conformance_tests {
    ($engine:expr) => {
        $crate::conformance_tests! { $engine;
            birth::a_partition_without_a_birth_record_is_refused,
            birth::a_partition_of_another_installation_is_refused,
            commits::a_commit_is_applied_whole,
            commits::a_conflict_changes_nothing,
            commits::a_check_compares_versions,
            commits::of_writers_with_one_version_one_wins,
            commits::sixty_four_writers_lose_nothing,
            commits::writers_without_a_queue_lose_nothing,
            commits::sent_twice_it_is_applied_once,
            commits::sent_twice_at_once_it_is_applied_once,
            commits::it_is_remembered_over_a_restart_and_then_forgotten,
            commits::revisions_rise_whatever_the_clock_does,
            commits::revisions_rise_when_nothing_is_left,
            commits::what_was_acknowledged_is_there_after_a_restart,
            expiry::an_expired_record_reads_as_absent,
            expiry::an_expired_record_is_swept,
            expiry::what_was_renewed_is_not_swept,
            log::entries_keep_their_order,
            log::concurrent_writers_leave_no_gap,
            log::a_reader_waits_and_is_woken,
            log::an_empty_answer_means_no_news,
            log::each_reader_has_its_own_place,
            log::a_position_lies_before_the_snapshot,
            log::a_trimmed_cursor_is_lost,
            log::a_rewritten_cursor_is_lost,
            owners::a_stale_owner_is_refused,
            reads::names_keys_in_the_order_asked,
            reads::partitions_and_collections_are_apart,
            reads::a_snapshot_is_of_one_moment,
            reads::a_scan_is_ordered_and_bounded,
            reads::any_name_and_value_can_be_stored,
        }
    };
    ($engine:expr; $($module:ident::$case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(engine) = $engine.await else { return };
                $crate::conformance::$module::$case(&engine).await;
            }
        )*
    };
}

/// The partition most cases use; not that of the installation.
fn somewhere() -> Partition {
    Partition::of("conformance")
}

fn key(name: impl Into<String>) -> Key {
    Key::new("test.record", name)
}

/// A commit under construction.
struct Draft(Commit);

impl Draft {
    fn new(entropy: &dyn Entropy) -> Self {
        let id = CommitId::random(entropy);
        Self(Commit { id, checks: Vec::new(), puts: Vec::new(), deletes: Vec::new(), log: Vec::new() })
    }

    fn check(mut self, key: Key, version: Revision) -> Self {
        self.0.checks.push(Check { key, version });
        self
    }

    fn put(mut self, key: Key, value: impl Into<Bytes>) -> Self {
        self.0.puts.push(Put { key, value: value.into(), expires: None });
        self
    }

    fn put_until(mut self, key: Key, value: impl Into<Bytes>, expires: Timestamp) -> Self {
        self.0.puts.push(Put { key, value: value.into(), expires: Some(expires) });
        self
    }

    fn delete(mut self, key: Key) -> Self {
        self.0.deletes.push(key);
        self
    }

    fn log(mut self, payload: impl Into<Bytes>) -> Self {
        self.0.log.push(payload.into());
        self
    }
}

/// A store with a source of commit ids, and the few calls every case makes.
struct Subject {
    store: Arc<dyn Store>,
    entropy: Arc<SeededEntropy>,
}

impl Subject {
    async fn open(engine: &dyn Engine) -> Self {
        Self::seeded(engine, 1).await
    }

    /// Two subjects of one store must not draw the same commit ids.
    async fn seeded(engine: &dyn Engine, seed: u64) -> Self {
        Self { store: engine.open().await, entropy: Arc::new(SeededEntropy::new(seed)) }
    }

    fn draft(&self) -> Draft {
        Draft::new(self.entropy.as_ref())
    }

    async fn send(&self, partition: Partition, draft: &Draft) -> Result<Revision, CommitError> {
        self.store.commit(partition, &draft.0).await
    }

    /// Sends a commit that must succeed.
    async fn done(&self, partition: Partition, draft: Draft) -> Revision {
        self.send(partition, &draft).await.expect("the commit is applied")
    }

    /// Sends a commit that must be a conflict.
    async fn conflicts(&self, partition: Partition, draft: Draft) {
        let answer = self.send(partition, &draft).await;
        assert!(matches!(answer, Err(CommitError::Conflict)), "a conflict, not {answer:?}");
    }

    async fn get(&self, partition: Partition, key: Key) -> Record {
        let found = self.store.get(partition, &[key]).await.expect("the store answers");
        assert_eq!(found.len(), 1);
        found.into_iter().next().expect("one record for one key")
    }

    async fn value(&self, partition: Partition, key: Key) -> Option<Bytes> {
        self.get(partition, key).await.value
    }
}
