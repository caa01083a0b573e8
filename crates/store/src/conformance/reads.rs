//! Reads: points and ranges, each of one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use csc_types::{Clock, Partition, Revision};

use super::{Engine, Subject, key, somewhere};
use crate::{Key, Record};

/// One record per key, in the order of the keys, whatever is there.
pub async fn names_keys_in_the_order_asked(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let version = subject.done(somewhere(), subject.draft().put(key("b"), "2").put(key("a"), "1")).await;
    let record = |value: &'static str| Record { version, value: Some(Bytes::from_static(value.as_bytes())) };
    let asked = [key("b"), key("none"), key("a"), key("b")];
    let found = subject.store.get(somewhere(), &asked).await.expect("the store answers");
    assert_eq!(found, [record("2"), Record::default(), record("1"), record("2")]);
    assert_eq!(subject.store.get(somewhere(), &[]).await.expect("the store answers"), []);

    let many: Vec<Key> = (0..500).map(|n| key(if n % 2 == 0 { "a" } else { "none" })).collect();
    let found = subject.store.get(somewhere(), &many).await.expect("the store answers");
    assert_eq!(found.len(), 500);
    assert!(found.iter().enumerate().all(|(n, found)| found.value.is_some() == (n % 2 == 0)));
}

/// The same name elsewhere is another record.
pub async fn partitions_and_collections_are_apart(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let elsewhere = Partition::all().find(|partition| *partition != somewhere()).expect("there are 64");
    let other = Key::new("test.record.2", "a");
    subject.done(somewhere(), subject.draft().put(key("a"), "1").put(other.clone(), "2")).await;
    subject.done(elsewhere, subject.draft().put(key("a"), "3")).await;
    subject.done(elsewhere, subject.draft().delete(other.clone())).await;
    assert_eq!(subject.value(somewhere(), key("a")).await.as_deref(), Some(&b"1"[..]));
    assert_eq!(subject.value(somewhere(), other.clone()).await.as_deref(), Some(&b"2"[..]));
    assert_eq!(subject.value(elsewhere, key("a")).await.as_deref(), Some(&b"3"[..]));
    for (partition, collection, count) in
        [(somewhere(), "test.record", 1), (somewhere(), "test", 0), (elsewhere, "test.record.2", 0)]
    {
        let found = subject.store.scan(partition, collection, "", None, 10).await.expect("the store answers");
        assert_eq!(found.len(), count, "{collection} in {partition:?}");
    }
}

/// Two records that are always written together are always read alike, by points and by a range.
pub async fn a_snapshot_is_of_one_moment(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    subject.done(somewhere(), subject.draft().put(key("left"), "0").put(key("right"), "0")).await;
    let finished = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, finished) = (Arc::clone(&subject.store), Arc::clone(&finished));
        tokio::spawn(async move {
            let mut reads = 0;
            while !finished.load(Ordering::SeqCst) {
                let points =
                    store.get(somewhere(), &[key("left"), key("right")]).await.expect("the store answers");
                assert_eq!(points[0], points[1]);
                let range =
                    store.scan(somewhere(), "test.record", "", None, 2).await.expect("the store answers");
                assert_eq!(range[0].1, range[1].1);
                reads += 1;
                tokio::task::yield_now().await;
            }
            reads
        })
    };
    for n in 1..=100 {
        let draft = subject.draft().put(key("left"), n.to_string()).put(key("right"), n.to_string());
        subject.done(somewhere(), draft).await;
    }
    finished.store(true, Ordering::SeqCst);
    reader.await.expect("the reader saw only equal records");
}

/// Names come octet by octet; prefix, place and limit each do what they say, together as well.
pub async fn a_scan_is_ordered_and_bounded(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    // In the order of octets, which is neither that of an alphabet nor that of lengths.
    let ordered = ["", "B", "a", "a/", "a/1", "a/10", "a/2", "a/é", "a/\u{10ffff}", "a0", "b", "é"];
    let mut draft = subject.draft();
    for name in ordered.iter().rev() {
        draft = draft.put(key(*name), *name);
    }
    let end = engine.clock().now().plus(Duration::from_secs(1));
    subject.done(somewhere(), draft.put_until(key("a/0"), "expired", end)).await;
    engine.clock().advance(Duration::from_secs(2));

    let scan = async |prefix: &str, after: Option<&str>, limit: usize| {
        let found = subject.store.scan(somewhere(), "test.record", prefix, after, limit).await;
        let found = found.expect("the store answers");
        for (name, record) in &found {
            assert_eq!(record.value.as_deref(), Some(name.as_bytes()));
            assert_ne!(record.version, Revision::ABSENT);
        }
        found.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(scan("", None, 100).await, ordered);
    assert_eq!(scan("a/", None, 100).await, ordered[3..9]);
    assert_eq!(scan("a/", None, 2).await, ["a/", "a/1"], "what has expired takes no place");
    assert_eq!(scan("a/", Some("a/1"), 100).await, ordered[5..9]);
    assert_eq!(scan("a/", Some("a/1"), 1).await, ["a/10"]);
    assert_eq!(scan("a/", Some("a/15"), 1).await, ["a/2"], "the place need not be a record");
    assert_eq!(scan("a/", Some("B"), 1).await, ["a/"], "a place before the prefix");
    assert_eq!(scan("a/", Some("a0"), 100).await, [""; 0], "a place behind it");
    assert_eq!(scan("", Some(""), 1).await, ["B"], "the empty name is a name");
    assert_eq!(scan("", None, 0).await, [""; 0]);

    let mut walked = Vec::new();
    loop {
        let page = scan("", walked.last().map(String::as_str), 5).await;
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!(walked, ordered, "page by page nothing is missed or repeated");
}

/// Values are octets of any number, and an empty one is a value. Names are any text.
pub async fn any_name_and_value_can_be_stored(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let large: Vec<u8> = (0..2_000_003_u32).map(|n| (n % 251) as u8).collect();
    let every: Vec<u8> = (0..=255).collect();
    let long = "n".repeat(900);
    let cases: [(&str, &[u8]); 5] = [
        ("empty", b""),
        ("every octet", &every),
        ("large", &large),
        ("\0 ~~/[@x=\"\u{7f}\"]{}*?\r\n", b"odd name"),
        (&long, b"long name"),
    ];
    for (name, value) in cases {
        subject.done(somewhere(), subject.draft().put(key(name), value.to_vec())).await;
    }
    for (name, value) in cases {
        let found = subject.value(somewhere(), key(name)).await;
        assert!(found.as_deref() == Some(value), "{name:?} comes back as it was");
    }
}
