//! What the closure layer adds to a store.

use std::sync::Arc;

use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Partition, Revision};

use super::{Change, Records, UpdateError};
use crate::{Check, Embedded, Key};

const HERE: Partition = Partition::INSTALLATION;

fn records() -> Records {
    let entropy = SeededEntropy::new(1);
    let store = Embedded::in_memory(Arc::new(ManualClock::at(1_800_000_000)), &entropy).unwrap();
    Records::new(Arc::new(store), Arc::new(entropy))
}

fn key(name: &str) -> Key {
    Key::new("test.record", name)
}

async fn put(records: &Records, name: &str, value: &'static str) -> Revision {
    let change = |_: &[_]| Ok::<_, ()>(Change::nothing(()).put(key(name), value));
    records.update(HERE, &[key(name)], change).await.unwrap().revision.unwrap()
}

#[tokio::test]
async fn what_the_closure_refuses_is_not_written() {
    let records = records();
    put(&records, "a", "1").await;
    let refused = records.update(HERE, &[key("a")], |_| Err::<Change<()>, _>("no")).await;
    assert!(matches!(refused, Err(UpdateError::Rejected("no"))));
    assert_eq!(records.get(HERE, &key("a")).await.unwrap().value.as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_change_that_writes_nothing_makes_no_commit() {
    let records = records();
    let position = records.store().position(HERE).await.unwrap();
    let unchanged =
        records.update(HERE, &[key("a")], |seen| Ok::<_, ()>(Change::nothing(seen.len()))).await.unwrap();
    assert_eq!((unchanged.outcome, unchanged.revision), (1, None));
    assert_eq!(records.store().position(HERE).await.unwrap(), position);
}

/// Someone else changes a record that was read, though not the first: it is read and decided again.
#[tokio::test]
async fn a_conflict_is_decided_again() {
    let records = records();
    put(&records, "b", "old").await;
    // The closure cannot wait, so the interference runs on a runtime of its own while the closure stands still.
    let interfere = || {
        let records = records.clone();
        let thread = std::thread::spawn(move || futures::executor::block_on(put(&records, "b", "new")));
        thread.join().unwrap();
    };
    let mut runs = 0;
    let updated = records
        .update(HERE, &[key("a"), key("b")], |seen| {
            runs += 1;
            if runs == 1 {
                interfere();
            }
            let b = seen[1].value.clone().unwrap();
            // Checked in any case; saying so does no harm.
            let again = Check { key: key("b"), version: seen[1].version };
            Ok::<_, ()>(Change::nothing(b.clone()).check(again).put(key("a"), b))
        })
        .await
        .unwrap();
    assert_eq!((runs, updated.outcome.as_ref()), (2, &b"new"[..]));
    assert_eq!(records.get(HERE, &key("a")).await.unwrap().value.as_deref(), Some(&b"new"[..]));
}

/// A decision that waits is checked like any other, and it keeps its turn while it waits.
#[tokio::test]
async fn a_decision_may_wait() {
    let records = records();
    put(&records, "a", "0").await;
    let change = |seen: Vec<crate::Record>| async move {
        tokio::task::yield_now().await;
        let count: u32 = std::str::from_utf8(&seen[0].value.clone().unwrap()).unwrap().parse().unwrap();
        tokio::task::yield_now().await;
        Ok::<_, ()>(Change::nothing(()).put(key("a"), (count + 1).to_string()))
    };
    let writers: Vec<_> = (0..20)
        .map(|_| {
            let records = records.clone();
            tokio::spawn(async move { records.update_async(HERE, &[key("a")], change).await.unwrap() })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(records.get(HERE, &key("a")).await.unwrap().value.as_deref(), Some(&b"20"[..]));
}

/// However often others win, the caller gets an answer.
#[tokio::test]
async fn it_gives_up_in_the_end() {
    let records = records();
    let refused = records
        .update(HERE, &[key("a"), key("b")], |_| {
            let records = records.clone();
            let thread = std::thread::spawn(move || futures::executor::block_on(put(&records, "b", "again")));
            thread.join().unwrap();
            Ok::<_, ()>(Change::nothing(()).put(key("a"), "1"))
        })
        .await;
    assert!(matches!(refused, Err(UpdateError::Contended)), "{refused:?}");
    assert_eq!(records.get(HERE, &key("a")).await.unwrap().version, Revision::ABSENT);
}

/// A check of the closure's own is not worth a second try: the closure has no newer version to check.
#[tokio::test]
async fn a_check_that_fails_is_told_at_once() {
    let records = records();
    put(&records, "claimed", "1").await;
    let mut runs = 0;
    let refused = records
        .update(HERE, &[key("a")], |_| {
            runs += 1;
            let free = Check { key: key("claimed"), version: Revision::ABSENT };
            Ok::<_, ()>(Change::nothing(()).check(free).put(key("a"), "1"))
        })
        .await;
    assert!(matches!(refused, Err(UpdateError::Stale)));
    assert_eq!(runs, 1);
}
