//! A file that format 1 wrote can be read by whatever comes after it.
//!
//! `golden/embedded.1.hex` is a whole store: lines of an offset and the octets there, or one octet and how often it comes;
//! the rest is zero. It is never changed: another format gets another file.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use csc_test_support::ManualClock;
use csc_types::{Partition, Revision, Timestamp};

use super::disk::Disk;
use super::durability::{formatted, open};
use crate::{Commit, CommitId, Cursor, Key, Put, Record, Store, Tail};

const GOLDEN: &str = include_str!("../../../golden/embedded.1.hex");
const NOW: u64 = 1_800_000_000;

/// As many equal octets in a row are written as one and a number.
const RUN: usize = 16;

fn partition() -> Partition {
    Partition::new(17).unwrap()
}

fn key(name: &str) -> Key {
    Key::new("test.record", name)
}

fn commit(id: u8, puts: &[(&str, &'static str, Option<u64>)], log: &[&'static str]) -> Commit {
    let put = |&(name, value, expires): &(&str, &'static str, Option<u64>)| Put {
        key: key(name),
        value: Bytes::from_static(value.as_bytes()),
        expires: expires.map(Timestamp::from_seconds),
    };
    Commit {
        id: CommitId([id; 16]),
        checks: Vec::new(),
        puts: puts.iter().map(put).collect(),
        deletes: Vec::new(),
        log: log.iter().map(|entry| Bytes::from_static(entry.as_bytes())).collect(),
    }
}

fn commits() -> [Commit; 2] {
    [
        commit(1, &[("a", "first", None), ("b", "short-lived", Some(NOW + 60))], &["one"]),
        commit(2, &[("a", "second", None)], &["two", "three"]),
    ]
}

/// The store in the golden encoding.
fn decode(text: &str) -> Vec<u8> {
    let mut lines = text.lines();
    let length = lines.next().unwrap().strip_prefix("length ").unwrap().parse().unwrap();
    let mut image = vec![0; length];
    for line in lines {
        let (offset, octets) = line.split_once(' ').unwrap();
        let (octets, times) = octets.split_once('*').unwrap_or((octets, "1"));
        let octets = hex::decode(octets).unwrap().repeat(times.parse().unwrap());
        let offset: usize = offset.parse().unwrap();
        image[offset..offset + octets.len()].copy_from_slice(&octets);
    }
    image
}

#[tokio::test]
async fn the_golden_file_is_read() {
    let store = open(&Disk::holding(decode(GOLDEN)), Arc::new(ManualClock::at(NOW + 1)));
    let [first, second] = commits();
    let revision = |nth: u64| Revision::new(NOW * 1_000_000 + nth);

    let found = store.get(partition(), &[key("a"), key("b"), key("c")]).await.unwrap();
    let record = |nth, value| Record { version: revision(nth), value: Some(Bytes::from_static(value)) };
    assert_eq!(found, [record(1, b"second"), record(0, b"short-lived"), Record::default()]);

    let tails = store.tail(&[(partition(), Cursor::START)], 10, Duration::ZERO).await.unwrap();
    let [(_, Tail::Entries { entries, cursor })] = tails.as_slice() else { panic!("entries, not {tails:?}") };
    let seen: Vec<_> = entries.iter().map(|e| (e.id.revision, e.id.index, e.payload.as_ref())).collect();
    assert_eq!(seen, [(revision(0), 0, &b"one"[..]), (revision(1), 0, b"two"), (revision(1), 1, b"three")]);
    assert_eq!(*cursor, store.position(partition()).await.unwrap());

    assert_eq!(store.commit(partition(), &first).await.unwrap(), revision(0), "its commits are remembered");
    assert_eq!(store.commit(partition(), &second).await.unwrap(), revision(1));
    assert!(store.commit(partition(), &commit(3, &[("a", "third", None)], &[])).await.unwrap() > revision(1));
}

#[tokio::test]
async fn what_has_expired_in_the_golden_file_is_swept() {
    let store = open(&Disk::holding(decode(GOLDEN)), Arc::new(ManualClock::at(NOW + 3600)));
    store.commit(partition(), &commit(3, &[("a", "third", None)], &[])).await.unwrap();
    let found = store.get(partition(), &[key("b")]).await.unwrap();
    assert_eq!(found, [Record::default()]);
}

/// A store, written in the golden encoding and read again, is the same. With `WRITE_GOLDEN=1` this makes the file of a
/// new format.
#[tokio::test]
async fn the_golden_encoding_keeps_every_octet() {
    let disk = formatted();
    let store = open(&disk, Arc::new(ManualClock::at(NOW)));
    for commit in commits() {
        store.commit(partition(), &commit).await.unwrap();
    }
    drop(store);
    let image = disk.synced();
    let text = encode(&image);
    assert_eq!(decode(&text), image);
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        let format = super::super::layout::FORMAT;
        std::fs::write(format!("{}/golden/embedded.{format}.hex", env!("CARGO_MANIFEST_DIR")), text).unwrap();
    }
}

fn encode(image: &[u8]) -> String {
    let mut text = format!("length {}", image.len());
    let runs =
        image.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(if run.len() < RUN { 1 } else { run.len() }));
    let (mut at, mut previous) = (0, RUN);
    for run in runs {
        match run.len() {
            1 if previous == 1 => write!(text, "{:02x}", run[0]).unwrap(),
            1 => write!(text, "\n{at} {:02x}", run[0]).unwrap(),
            _ if run[0] == 0 => {}
            times => write!(text, "\n{at} {:02x}*{times}", run[0]).unwrap(),
        }
        at += run.len();
        previous = run.len();
    }
    text.push('\n');
    text
}
