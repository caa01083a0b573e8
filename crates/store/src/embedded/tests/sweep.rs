//! Sweeping in a store that nobody writes to.

use std::sync::Arc;
use std::time::Duration;

use csc_test_support::ManualClock;
use csc_types::{Clock, Partition};
use redb::{Database, ReadableDatabase, ReadableTableMetadata};

use super::super::layout::{COMMITS, EXPIRY, RECORDS};
use super::super::state::State;
use super::super::writer::Writer;
use super::super::{Options, file};
use super::durability::{formatted, open};
use crate::{Commit, CommitId, Key, Put, Store};

const RECORDS_MADE: u64 = 1500;

/// Records that expire in a second, all in one commit.
fn short_lived(clock: &ManualClock) -> Commit {
    let expires = Some(clock.now().plus(Duration::from_secs(1)));
    let put = |n: u64| Put { key: Key::new("test", n.to_string()), value: "x".into(), expires };
    let puts = (0..RECORDS_MADE).map(put).collect();
    Commit { id: CommitId([1; 16]), checks: Vec::new(), puts, deletes: Vec::new(), log: Vec::new() }
}

/// How many records, expiries and commit ids there are.
fn left(database: &Database) -> (u64, u64, u64) {
    let transaction = database.begin_read().unwrap();
    (
        transaction.open_table(RECORDS).unwrap().len().unwrap(),
        transaction.open_table(EXPIRY).unwrap().len().unwrap(),
        transaction.open_table(COMMITS).unwrap().len().unwrap(),
    )
}

#[tokio::test]
async fn an_idle_store_is_swept_in_portions() {
    let disk = formatted();
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let store = open(&disk, clock.clone());
    store.commit(Partition::INSTALLATION, &short_lived(&clock)).await.unwrap();
    drop(store);

    let database = Arc::new(file::builder(&Options::default()).create_with_backend(disk).unwrap());
    let state = Arc::new(State::new(Vec::new()));
    let mut writer = Writer::new(database.clone(), state.clone(), clock.clone(), 1).unwrap();
    let mut idle = || writer.transact(&[]).unwrap().1;
    assert!(!idle());
    assert_eq!(
        (left(&database), state.stats(0).transactions),
        ((1500, 1500, 1), 0),
        "nothing is due, nothing written"
    );
    clock.advance(Duration::from_secs(59));
    assert!(!idle());
    assert_eq!((left(&database), state.stats(0).transactions), ((1500, 1500, 1), 0), "not for a minute");
    clock.advance(Duration::from_secs(3));
    assert!(idle(), "there is more");
    assert_eq!(left(&database), (476, 476, 0));
    assert!(!idle());
    assert_eq!(left(&database), (0, 0, 0));
    assert!(!idle());
    assert_eq!(state.stats(0).transactions, 2);
}
