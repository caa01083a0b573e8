//! Records with an end.

use std::time::Duration;

use csc_types::{Clock, Revision, Timestamp};

use super::{Engine, Subject, key, somewhere};

/// Longer than any engine keeps an expired record.
const LONG: Duration = Duration::from_secs(24 * 3600);

fn in_ten_seconds(engine: &dyn Engine) -> Timestamp {
    engine.clock().now().plus(Duration::from_secs(10))
}

/// From its end on there is no value, but still the version, and checks are made against it.
pub async fn an_expired_record_reads_as_absent(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let end = in_ten_seconds(engine);
    let version = subject.done(somewhere(), subject.draft().put_until(key("a"), "1", end)).await;
    engine.clock().advance(Duration::from_micros(9_999_999));
    assert_eq!(subject.value(somewhere(), key("a")).await.as_deref(), Some(&b"1"[..]));

    engine.clock().advance(Duration::from_micros(1));
    let record = subject.get(somewhere(), key("a")).await;
    assert_eq!((record.version, record.value), (version, None), "absent from its end on, version kept");
    let scanned =
        subject.store.scan(somewhere(), "test.record", "", None, 10).await.expect("the store answers");
    assert_eq!(scanned, [], "left out of scans");
    subject
        .conflicts(somewhere(), subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "2"))
        .await;
    let draft = subject.draft().check(key("a"), version).put(key("a"), "2");
    subject.done(somewhere(), draft).await;
    assert_eq!(subject.value(somewhere(), key("a")).await.as_deref(), Some(&b"2"[..]));
}

/// Some time later it is gone with its version, also if it was written again with the same end. Sweeping may ride along with other commits.
pub async fn an_expired_record_is_swept(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let end = in_ten_seconds(engine);
    for name in ["a", "b", "b"] {
        subject.done(somewhere(), subject.draft().put_until(key(name), "1", end)).await;
    }
    engine.clock().advance(LONG);
    subject.done(somewhere(), subject.draft().put(key("other"), "1")).await;
    for name in ["a", "b"] {
        assert_eq!(subject.get(somewhere(), key(name)).await.version, Revision::ABSENT, "{name} is swept");
    }
    subject.done(somewhere(), subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "2")).await;
}

/// The sweeper goes by the end a record has now, not by one it had.
pub async fn what_was_renewed_is_not_swept(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let (end, later) = (in_ten_seconds(engine), engine.clock().now().plus(LONG * 10));
    for name in ["longer", "for good", "again"] {
        subject.done(somewhere(), subject.draft().put_until(key(name), "1", end)).await;
    }
    subject.done(somewhere(), subject.draft().put_until(key("longer"), "2", later)).await;
    subject.done(somewhere(), subject.draft().put(key("for good"), "2")).await;
    subject.done(somewhere(), subject.draft().delete(key("again"))).await;
    subject.done(somewhere(), subject.draft().put(key("again"), "2")).await;
    engine.clock().advance(LONG);
    for _ in 0..2 {
        subject.done(somewhere(), subject.draft().put(key("other"), "1")).await;
    }
    for name in ["longer", "for good", "again"] {
        assert_eq!(subject.value(somewhere(), key(name)).await.as_deref(), Some(&b"2"[..]), "{name}");
    }
}
