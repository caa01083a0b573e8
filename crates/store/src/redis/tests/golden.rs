//! Format 1, key by key. Another layout is another format.

use std::time::Duration;

use bytes::Bytes;
use csc_test_support::redis::Reply;
use csc_types::{Clock, Partition, Revision, Timestamp};

use super::{OnRedis, STANDALONE};
use crate::{Commit, CommitId, Cursor, Key, Put, Record, Store, Tail};

const NOW: u64 = 1_800_000_000;

/// What two commits leave behind: key, the command that shows it, what that shows.
const GOLDEN: &[(&str, &[&str], &str)] = &[
    ("last", &["GET"], "1800000000000001"),
    ("commits", &["ZRANGE", "0", "-1", "WITHSCORES"], "\u{1}*16 1800000000000000 \u{2}*16 1800000000000001"),
    (
        "log",
        &["XRANGE", "-", "+"],
        "1800000000000000-0 c \u{1}*16 p one 1800000000000001-0 c \u{2}*16 p two 1800000000000001-1 c \u{2}*16 p three",
    ),
    ("test.record:records", &["HGET", "a"], "18000000000000010000000000000000second"),
    ("test.record:records", &["HGET", "b"], "18000000000000001800000060000000short-lived"),
    ("test.record:names", &["ZRANGE", "0", "-1", "WITHSCORES"], "a 0 b 0"),
    ("test.record:ends", &["ZRANGE", "0", "-1", "WITHSCORES"], "b 1800000060000000"),
];

fn partition() -> Partition {
    Partition::new(17).unwrap()
}

fn commit(id: u8, puts: &[(&str, &'static str, Option<u64>)], log: &[&'static str]) -> Commit {
    let put = |&(name, value, expires): &(&str, &'static str, Option<u64>)| Put {
        key: Key::new("test.record", name),
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

/// The words of an answer; sixteen equal octets are written as one.
fn shown(reply: &Reply) -> String {
    match reply {
        Reply::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Reply::Bulk(Some(octets)) if octets.len() == 16 && octets[0] < b' ' => {
            format!("{}*16", char::from(octets[0]))
        }
        other => other.text(),
    }
}

#[tokio::test]
async fn keys_and_values_are_those_of_format_1() {
    let Some(engine) = OnRedis::new(&STANDALONE).await else { return };
    let store = engine.store();
    store
        .commit(
            partition(),
            &commit(1, &[("a", "first", None), ("b", "short-lived", Some(NOW + 60))], &["one"]),
        )
        .await
        .unwrap();
    store.commit(partition(), &commit(2, &[("a", "second", None)], &["two", "three"])).await.unwrap();
    for (key, command, golden) in GOLDEN {
        let name = format!("{}{{p17}}:{key}", engine.options.prefix);
        let mut call = vec![command[0], &name];
        call.extend(&command[1..]);
        assert_eq!(shown(&engine.servers.call(partition(), &call)), *golden, "{key}");
    }
    let birth = engine.servers.call(partition(), &["GET", &engine.keys(partition()).birth()]).text();
    let (installation, rest) = birth.split_once('|').unwrap();
    assert!(installation.len() == 32 && installation.bytes().all(|b| b.is_ascii_hexdigit()), "{birth}");
    assert_eq!(rest, "64|1");
    let keys = engine.all_keys(engine.servers.masters()[0]);
    let of_partition = keys.iter().filter(|key| key.contains("{p17}")).count();
    assert_eq!(of_partition, 7, "nothing else: {keys:?}");
    assert_eq!(keys.len() - of_partition, 63, "birth records");
}

/// A store written by hand, as format 1 says, is read.
#[tokio::test]
async fn a_store_of_format_1_is_read() {
    let Some(engine) = OnRedis::new(&STANDALONE).await else { return };
    let set = |key: &str, call: &[&[u8]]| {
        let name = format!("{}{{p17}}:{key}", engine.options.prefix);
        let mut all = vec![call[0], name.as_bytes()];
        all.extend(&call[1..]);
        engine.servers.call(partition(), &all);
    };
    set("last", &[b"SET", b"1800000000000001"]);
    set("commits", &[b"ZADD", b"1800000000000001", &[2; 16]]);
    set("log", &[b"XADD", b"1800000000000001-0", b"c", &[2; 16], b"p", b"two"]);
    set("test.record:records", &[b"HSET", b"a", b"18000000000000010000000000000000second"]);
    set("test.record:names", &[b"ZADD", b"0", b"a"]);

    let store = engine.store();
    let record =
        Record { version: Revision::new(NOW * 1_000_000 + 1), value: Some(Bytes::from_static(b"second")) };
    let found = store.get(partition(), &[Key::new("test.record", "a")]).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&record));
    let scanned = store.scan(partition(), "test.record", "", None, 10).await.unwrap();
    assert_eq!(scanned, [("a".to_owned(), record)]);
    let tails = store.tail(&[(partition(), Cursor::START)], 10, Duration::ZERO).await.unwrap();
    let [(_, Tail::Entries { entries, cursor })] = tails.as_slice() else { panic!("entries, not {tails:?}") };
    assert_eq!(entries[0].payload.as_ref(), b"two");
    assert_eq!(*cursor, store.position(partition()).await.unwrap());
    let again = store.commit(partition(), &commit(2, &[], &[])).await.unwrap();
    assert_eq!(again.number(), engine.clock.now().micros() + 1, "its commits are remembered");
}
