//! The log: order, waiting, and cursors that are no longer good.

use std::sync::Arc;
use std::time::Duration;

use csc_types::Partition;

use super::{Draft, Engine, Subject, key, somewhere};
use crate::{Cursor, LogEntry, Tail};

/// What a log keeps at least.
const KEPT: usize = 10_000;

/// How long a case waits for what must come; only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Entries stand in the order of commits and, within one, in the order given; ids tell both.
pub async fn entries_keep_their_order(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let first = subject.done(somewhere(), subject.draft().log("a").log("b").log("c")).await;
    subject.done(somewhere(), subject.draft().put(key("a"), "silent")).await;
    let second = subject.done(somewhere(), subject.draft().log("d")).await;

    let (entries, end) = entries(&subject, start, 100).await;
    let seen: Vec<_> = entries.iter().map(|e| (e.id.revision, e.id.index, e.payload.as_ref())).collect();
    assert_eq!(seen, [(first, 0, &b"a"[..]), (first, 1, b"b"), (first, 2, b"c"), (second, 0, b"d")]);
    assert_eq!(subject.store.position(somewhere()).await.expect("the store answers"), end);

    let mut page = start;
    let mut walked = Vec::new();
    while page != end {
        let (found, next) = self::entries(&subject, page, 3).await;
        assert!(found.len() <= 3);
        walked.extend(found);
        page = next;
    }
    assert_eq!(walked, entries, "page by page nothing is missed or repeated");
}

/// A reader that follows many writers sees each entry once, in the order of ids, and each writer's in its order.
pub async fn concurrent_writers_leave_no_gap(engine: &dyn Engine) {
    const WRITERS: usize = 16;
    const EACH: usize = 25;
    let subject = Arc::new(Subject::open(engine).await);
    let mut cursor = subject.store.position(somewhere()).await.expect("the store answers");
    for writer in 0..WRITERS {
        let subject = Arc::clone(&subject);
        tokio::spawn(async move {
            for n in 0..EACH {
                subject.done(somewhere(), subject.draft().log(format!("{writer} {n}"))).await;
            }
        });
    }
    let mut seen: Vec<LogEntry> = Vec::new();
    while seen.len() < WRITERS * EACH {
        let (found, next) = entries(&subject, cursor, 7).await;
        seen.extend(found);
        cursor = next;
    }
    assert!(seen.is_sorted_by(|a, b| a.id < b.id), "ids rise");
    let mut next = [0; WRITERS];
    for entry in &seen {
        let text = std::str::from_utf8(&entry.payload).expect("a text was written");
        let (writer, n) = text.split_once(' ').expect("two numbers were written");
        let (writer, n): (usize, usize) = (writer.parse().expect("a number"), n.parse().expect("a number"));
        assert_eq!(n, next[writer], "the entries of writer {writer}");
        next[writer] += 1;
    }
    assert_eq!(next, [EACH; WRITERS]);
}

/// A reader of several logs sleeps until one of them grows.
pub async fn a_reader_waits_and_is_woken(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let mut cursors = Vec::new();
    for partition in Partition::all() {
        cursors.push((partition, subject.store.position(partition).await.expect("the store answers")));
    }
    let store = Arc::clone(&subject.store);
    let reader =
        tokio::spawn(async move { store.tail(&cursors, 10, PATIENCE).await.expect("the store answers") });
    tokio::task::yield_now().await;
    subject.done(somewhere(), subject.draft().put(key("a"), "silent")).await;
    subject.done(somewhere(), subject.draft().log("news")).await;
    let found = reader.await.expect("the reader returns");
    assert_eq!(found.len(), 1, "partitions without news are left out");
    let (partition, Tail::Entries { entries, .. }) = &found[0] else { panic!("entries, not {found:?}") };
    assert_eq!((*partition, entries.len(), entries[0].payload.as_ref()), (somewhere(), 1, &b"news"[..]));
}

/// No news in time is an empty answer; what is there already is not waited for.
pub async fn an_empty_answer_means_no_news(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let now = async |cursor| {
        subject.store.tail(&[(somewhere(), cursor)], 10, Duration::ZERO).await.expect("the store answers")
    };
    assert_eq!(now(start).await, []);
    subject.done(somewhere(), subject.draft().log("a")).await;
    let found = now(start).await;
    let [(_, Tail::Entries { cursor, .. })] = found.as_slice() else { panic!("entries, not {found:?}") };
    assert_eq!(now(*cursor).await, []);
    let brief = Duration::from_millis(1);
    let found = subject.store.tail(&[(somewhere(), *cursor)], 10, brief).await.expect("the store answers");
    assert_eq!(found, []);
}

/// Reading takes nothing away, and a cursor serves as often as one likes.
pub async fn each_reader_has_its_own_place(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    subject.done(somewhere(), subject.draft().log("a")).await;
    let middle = subject.store.position(somewhere()).await.expect("the store answers");
    subject.done(somewhere(), subject.draft().log("b")).await;
    for _ in 0..2 {
        assert_eq!(entries(&subject, start, 10).await.0.len(), 2);
        assert_eq!(entries(&subject, middle, 10).await.0.len(), 1);
    }
}

/// Position first, snapshot second: whatever is not in the snapshot comes behind the position.
pub async fn a_position_lies_before_the_snapshot(engine: &dyn Engine) {
    let subject = Arc::new(Subject::open(engine).await);
    let writer = {
        let subject = Arc::clone(&subject);
        tokio::spawn(async move {
            for n in 1..=50_u32 {
                subject
                    .done(somewhere(), subject.draft().put(key("n"), n.to_string()).log(n.to_string()))
                    .await;
            }
        })
    };
    let number = |value: &[u8]| std::str::from_utf8(value).expect("a text").parse::<u32>().expect("a number");
    let mut known = 0;
    while known < 50 {
        let position = subject.store.position(somewhere()).await.expect("the store answers");
        known = subject.value(somewhere(), key("n")).await.map_or(0, |value| number(&value));
        let found = subject.store.tail(&[(somewhere(), position)], 100, Duration::ZERO).await;
        if let [(_, Tail::Entries { entries, .. })] = found.expect("the store answers").as_slice() {
            let first = number(&entries[0].payload);
            assert!(first <= known + 1, "entry {first} follows a snapshot with {known}");
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer ends");
}

/// A log keeps its last entries; a reader left behind is told, one that still can goes on.
pub async fn a_trimmed_cursor_is_lost(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    subject.done(somewhere(), subject.draft().log("first")).await;
    let (_, first) = entries(&subject, start, 1).await;
    subject.done(somewhere(), filled(subject.draft(), KEPT - 1)).await;
    assert_eq!(entries(&subject, start, 1).await.1, first, "a log that is just full lost nothing");

    subject.done(somewhere(), subject.draft().log("one too many")).await;
    let kept = subject.store.position(somewhere()).await.expect("the store answers");
    for _ in 0..3 {
        subject.done(somewhere(), filled(subject.draft(), KEPT / 2)).await;
    }
    for (name, cursor) in [("start", start), ("first", first), ("trimmed later", kept)] {
        let found =
            subject.store.tail(&[(somewhere(), cursor)], 10, PATIENCE).await.expect("the store answers");
        assert_eq!(found, [(somewhere(), Tail::Lost)], "{name}");
    }

    let end = subject.store.position(somewhere()).await.expect("the store answers");
    subject.done(somewhere(), filled(subject.draft(), KEPT - 1)).await;
    assert_eq!(entries(&subject, end, KEPT).await.0.len(), KEPT - 1, "the last entries are all there");
}

/// After a restore, a place that the log no longer holds, or holds with other content, is lost; one from before the
/// copy is good. The clock stands still, so that revisions repeat.
pub async fn a_rewritten_cursor_is_lost(engine: &dyn Engine) {
    let subject = Subject::seeded(engine, 1).await;
    subject.done(somewhere(), subject.draft().log("before")).await;
    let before = subject.store.position(somewhere()).await.expect("the store answers");
    drop(subject);
    engine.back_up().await;

    let subject = Subject::seeded(engine, 2).await;
    let taken_back = subject.done(somewhere(), subject.draft().log("taken back")).await;
    let cursor = subject.store.position(somewhere()).await.expect("the store answers");
    drop(subject);
    engine.restore().await;

    let subject = Subject::seeded(engine, 3).await;
    let tail = async |cursor: Cursor| {
        subject.store.tail(&[(somewhere(), cursor)], 10, Duration::ZERO).await.expect("the store answers")
    };
    assert_eq!(tail(cursor).await, [(somewhere(), Tail::Lost)], "its entry is gone");
    assert_eq!(tail(before).await, [], "a place from before the copy");
    let instead = subject.done(somewhere(), subject.draft().log("instead")).await;
    if instead == taken_back {
        assert_eq!(
            tail(cursor).await,
            [(somewhere(), Tail::Lost)],
            "its entry is another one of the same id"
        );
    }
    let found = tail(before).await;
    let [(_, Tail::Entries { entries, .. })] = found.as_slice() else { panic!("entries, not {found:?}") };
    assert_eq!(entries[0].payload.as_ref(), b"instead");
}

fn filled(draft: Draft, count: usize) -> Draft {
    (0..count).fold(draft, |draft, n| draft.log(n.to_string()))
}

/// The entries behind `cursor`, of which there is at least one.
async fn entries(subject: &Subject, cursor: Cursor, limit: usize) -> (Vec<LogEntry>, Cursor) {
    let found = subject.store.tail(&[(somewhere(), cursor)], limit, PATIENCE).await;
    match found.expect("the store answers").pop() {
        Some((_, Tail::Entries { entries, cursor })) => (entries, cursor),
        other => panic!("entries, not {other:?}"),
    }
}
