//! Power cuts and broken syncs: what was acknowledged stays, and half a commit is never seen.

use std::sync::Arc;
use std::time::Duration;

use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Clock, Partition, Revision};

use super::super::{birth, file};
use super::disk::{Disk, random};
use crate::{Change, Embedded, Key, Options, Records, Store, StoreError, Tail};

const CUTS: u64 = 200;
const WRITERS: usize = 6;

/// Only as much as a cut can hit.
const OPTIONS: Options = Options { cache: 1 << 20, queue: 16 };

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(1_800_000_000))
}

/// A disk with a new store.
pub(super) fn formatted() -> Disk {
    let disk = Disk::default();
    let database = file::builder(&OPTIONS).create_with_backend(disk.clone()).unwrap();
    birth::write(&database, &[7; 16]).unwrap();
    drop(database);
    disk
}

pub(super) fn open(disk: &Disk, clock: Arc<dyn Clock>) -> Embedded {
    let database = file::builder(&OPTIONS).create_with_backend(disk.clone()).unwrap();
    Embedded::start(database, OPTIONS, clock).unwrap()
}

/// What one writer knows at the cut.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    attempted: u64,
    acknowledged: u64,
    revision: Revision,
}

fn partition(writer: usize) -> Partition {
    Partition::new(u16::try_from(writer % 2).unwrap()).unwrap()
}

fn left(writer: usize) -> Key {
    Key::new("test", format!("{writer} left"))
}

/// Far from the left one in the file, so that they are not in one page.
fn right(writer: usize) -> Key {
    Key::new("xxxx", format!("{writer} right"))
}

/// Counts up two records and writes a log entry in each commit, until the power is gone.
async fn write(records: Records, writer: usize, mut progress: Progress) -> Progress {
    loop {
        progress.attempted = progress.acknowledged + 1;
        let text = progress.attempted.to_string();
        // Some values need pages of their own, so that the file grows under the cut.
        let value = text.repeat(1 + usize::try_from(progress.attempted).unwrap() % 5 * 900);
        let keys = [left(writer), right(writer)];
        let updated = records
            .update(partition(writer), &keys, |_| {
                let change =
                    Change::nothing(()).put(left(writer), value.clone()).put(right(writer), value.clone());
                Ok::<_, ()>(change.log(format!("{writer} {text}")))
            })
            .await;
        match updated {
            Ok(updated) => {
                progress.acknowledged = progress.attempted;
                progress.revision = updated.revision.unwrap();
            }
            Err(_) => return progress,
        }
    }
}

/// Runs all writers until the power is gone; what they know then.
async fn write_until_cut(store: Arc<Embedded>, seed: u64, before: &[Progress]) -> Vec<Progress> {
    let records = Records::new(store, Arc::new(SeededEntropy::new(seed)));
    let writers: Vec<_> = before
        .iter()
        .enumerate()
        .map(|(writer, progress)| tokio::spawn(write(records.clone(), writer, *progress)))
        .collect();
    let mut after = Vec::new();
    for writer in writers {
        after.push(writer.await.unwrap());
    }
    after
}

/// Compares the store with what the writers know; what is really there.
async fn verify(store: &Embedded, known: &[Progress], context: &str) -> Vec<Progress> {
    let mut logged = vec![0; known.len()];
    for number in 0..2 {
        let partition = Partition::new(number).unwrap();
        let start = crate::Cursor::START;
        for (_, tail) in store.tail(&[(partition, start)], 100_000, Duration::ZERO).await.unwrap() {
            let Tail::Entries { entries, .. } = tail else { panic!("{context}: the log is lost") };
            for entry in entries {
                let (writer, n) = std::str::from_utf8(&entry.payload).unwrap().split_once(' ').unwrap();
                let (writer, n): (usize, u64) = (writer.parse().unwrap(), n.parse().unwrap());
                assert_eq!(n, logged[writer] + 1, "{context}: a gap in the log of writer {writer}");
                logged[writer] = n;
            }
        }
    }
    let mut found = Vec::new();
    for (writer, progress) in known.iter().enumerate() {
        let records = store.get(partition(writer), &[left(writer), right(writer)]).await.unwrap();
        assert_eq!(records[0], records[1], "{context}: half a commit of writer {writer}");
        let n = logged[writer];
        let digits = n.to_string();
        let value = records[0].value.clone().unwrap_or_default();
        assert!(
            value.chunks(digits.len()).all(|chunk| chunk == digits.as_bytes()),
            "{context}: the log says {n}, the record of writer {writer} does not"
        );
        assert!(
            n >= progress.acknowledged,
            "{context}: writer {writer} was told {progress:?}, but it is {n}"
        );
        assert!(n <= progress.attempted, "{context}: writer {writer} only tried {progress:?}, but it is {n}");
        assert!(records[0].version >= progress.revision, "{context}: the version went back");
        found.push(Progress { attempted: n, acknowledged: n, revision: records[0].version });
    }
    found
}

/// 200 cuts at random moments, each followed by a second one in the life, or the repair, that follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_nothing_acknowledged() {
    let fresh = formatted();
    let (mut acknowledged, mut lost_unacknowledged) = (0, 0);
    for seed in 0..CUTS {
        let mut numbers = seed;
        let mut disk = fresh.copy();
        let mut known = vec![Progress::default(); WRITERS];
        for life in 0..2 {
            let context = format!("seed {seed}, life {life}");
            let store = Arc::new(open(&disk, clock()));
            disk.cut_after(random(&mut numbers) % 700);
            let seen = write_until_cut(store, seed * 2 + life, &known).await;
            acknowledged += seen.iter().map(|progress| progress.acknowledged).sum::<u64>();
            disk = disk.after_cut(&mut numbers);

            // The repair may be cut as well, which must not make things worse.
            if random(&mut numbers).is_multiple_of(3) {
                disk.cut_after(random(&mut numbers) % 60);
                let _ = file::builder(&OPTIONS).create_with_backend(disk.clone());
                disk = disk.after_cut(&mut numbers);
            }

            let store = open(&disk, clock());
            known = verify(&store, &seen, &context).await;
            let attempts = seen.iter().map(|progress| progress.attempted).sum::<u64>();
            lost_unacknowledged += attempts - known.iter().map(|progress| progress.acknowledged).sum::<u64>();
        }
    }
    // The cuts must have hit something, or this test proves nothing.
    assert!(acknowledged > CUTS * 5, "{acknowledged} commits acknowledged");
    assert!(lost_unacknowledged > CUTS, "{lost_unacknowledged} commits cut off");
}

/// Nobody is told of a success, everybody is told of the failure, and the file is good again when it is opened anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_stops_the_engine() {
    let disk = formatted();
    let store = Arc::new(open(&disk, clock()));
    let records = Records::new(store.clone(), Arc::new(SeededEntropy::new(1)));
    let key = Key::new("test", "a");
    let put = async |value: &'static str| {
        let keys = std::slice::from_ref(&key);
        records
            .update(Partition::INSTALLATION, keys, |_| {
                Ok::<_, ()>(Change::nothing(()).put(key.clone(), value).log(value))
            })
            .await
    };
    put("kept").await.unwrap();
    let position = store.position(Partition::INSTALLATION).await.unwrap();
    let reader = {
        let store = store.clone();
        tokio::spawn(async move {
            store.tail(&[(Partition::INSTALLATION, position)], 10, Duration::from_secs(60)).await
        })
    };

    disk.break_next_sync();
    assert!(put("not kept").await.is_err());
    let why = store.failed().await;
    assert!(why.contains("the disk could not keep it"), "{why}");
    assert!(matches!(reader.await.unwrap(), Err(StoreError::Unavailable(_))), "readers of logs are woken");
    assert!(put("nor this").await.is_err(), "a later sync that seems to succeed proves nothing");
    let read = store.get(Partition::INSTALLATION, std::slice::from_ref(&key)).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(store.position(Partition::INSTALLATION).await.is_err());
    let operations = disk.operations();
    assert!(put("nor that").await.is_err());
    assert_eq!(disk.operations(), operations, "the disk is left alone");

    drop((records, store));
    let store = open(&disk.after_cut(&mut 3), clock());
    let found = store.get(Partition::INSTALLATION, &[key]).await.unwrap();
    assert_eq!(found[0].value.as_deref(), Some(&b"kept"[..]));
}
