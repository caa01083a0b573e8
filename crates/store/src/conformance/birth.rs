//! Birth records: a store without its own is unavailable, not empty.

use std::time::Duration;

use csc_types::Partition;

use super::{Engine, Subject, key, somewhere};
use crate::{CommitError, StoreError};

/// Every call on the partition is refused, and the others go on.
pub async fn a_partition_without_a_birth_record_is_refused(engine: &dyn Engine) {
    prepare(engine).await;
    engine.lose_birth(somewhere()).await;
    is_refused(engine).await;
}

/// A record of another installation is as good as none.
pub async fn a_partition_of_another_installation_is_refused(engine: &dyn Engine) {
    prepare(engine).await;
    engine.swap_birth(somewhere()).await;
    is_refused(engine).await;
}

async fn prepare(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    for partition in [somewhere(), elsewhere()] {
        subject.done(partition, subject.draft().put(key("a"), "1").log("a")).await;
    }
}

fn elsewhere() -> Partition {
    Partition::all().find(|partition| *partition != somewhere()).expect("there are 64")
}

async fn is_refused(engine: &dyn Engine) {
    let subject = Subject::seeded(engine, 2).await;
    let refused = |error: &StoreError| {
        let ours = somewhere().number();
        matches!(error, StoreError::NoBirthRecord { partition, .. } if *partition == ours)
    };
    let cursor = subject.store.position(elsewhere()).await.expect("the others go on");

    let got = subject.store.get(somewhere(), &[key("a")]).await;
    assert!(got.as_ref().is_err_and(refused), "get: {got:?}");
    let scanned = subject.store.scan(somewhere(), "test.record", "", None, 10).await;
    assert!(scanned.as_ref().is_err_and(refused), "scan: {scanned:?}");
    let position = subject.store.position(somewhere()).await;
    assert!(position.as_ref().is_err_and(refused), "position: {position:?}");
    let tailed =
        subject.store.tail(&[(elsewhere(), cursor), (somewhere(), cursor)], 10, Duration::ZERO).await;
    assert!(tailed.as_ref().is_err_and(refused), "tail: {tailed:?}");
    match subject.send(somewhere(), &subject.draft().put(key("a"), "2")).await {
        Err(CommitError::Store(error)) => assert!(refused(&error), "commit: {error}"),
        other => panic!("commit: {other:?}"),
    }

    assert_eq!(subject.value(elsewhere(), key("a")).await.as_deref(), Some(&b"1"[..]));
    subject.done(elsewhere(), subject.draft().put(key("a"), "2")).await;
}
