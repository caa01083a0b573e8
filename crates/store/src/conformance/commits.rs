//! Commits: whole or not at all, once, in order, and kept.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use csc_types::{Clock, Revision};

use super::{Engine, Subject, key, somewhere};
use crate::{Change, CommitError, Records, Tail};

/// Puts, deletes and log entries of one commit appear together, under its revision.
pub async fn a_commit_is_applied_whole(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    subject.done(somewhere(), subject.draft().put(key("old"), "1").put(key("both"), "1")).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let draft = subject
        .draft()
        .put(key("a"), "2")
        .put(key("b"), "3")
        .delete(key("old"))
        .delete(key("never was"))
        .delete(key("both"))
        .put(key("both"), "4")
        .log("entry");
    let revision = subject.done(somewhere(), draft).await;
    let found = subject
        .store
        .get(somewhere(), &[key("a"), key("b"), key("old"), key("both")])
        .await
        .expect("the store answers");
    let seen: Vec<_> = found.iter().map(|record| (record.version, record.value.as_deref())).collect();
    let expected: [(Revision, Option<&[u8]>); 4] = [
        (revision, Some(b"2")),
        (revision, Some(b"3")),
        (Revision::ABSENT, None),
        (revision, Some(b"4")), // a put beside a delete of the same record stands
    ];
    assert_eq!(seen, expected);
    assert_eq!(log_length(&subject, start).await, 1);
}

/// One check that fails keeps everything else from happening.
pub async fn a_conflict_changes_nothing(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let version = subject.done(somewhere(), subject.draft().put(key("a"), "1").log("1")).await;
    let position = subject.store.position(somewhere()).await.expect("the store answers");
    let draft = subject
        .draft()
        .check(key("a"), version)
        .check(key("b"), version)
        .put(key("a"), "2")
        .put(key("c"), "2")
        .delete(key("a"))
        .log("2");
    subject.conflicts(somewhere(), draft).await;
    let record = subject.get(somewhere(), key("a")).await;
    assert_eq!((record.version, record.value.as_deref()), (version, Some(&b"1"[..])));
    assert_eq!(subject.get(somewhere(), key("c")).await.version, Revision::ABSENT);
    assert_eq!(subject.store.position(somewhere()).await.expect("the store answers"), position);
}

/// Exactly this version; zero for none; a deleted record has none.
pub async fn a_check_compares_versions(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let first =
        subject.done(somewhere(), subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "1")).await;
    subject
        .conflicts(somewhere(), subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "2"))
        .await;
    let second = subject.done(somewhere(), subject.draft().check(key("a"), first).put(key("a"), "2")).await;
    for wrong in [first, Revision::new(second.number() + 1), Revision::new(1)] {
        subject.conflicts(somewhere(), subject.draft().check(key("a"), wrong).put(key("a"), "3")).await;
    }
    // A check may stand alone for a record that the commit does not write.
    subject.done(somewhere(), subject.draft().check(key("a"), second).put(key("b"), "1")).await;
    subject.done(somewhere(), subject.draft().check(key("a"), second).delete(key("a"))).await;
    subject.conflicts(somewhere(), subject.draft().check(key("a"), second).put(key("a"), "3")).await;
    let third =
        subject.done(somewhere(), subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "3")).await;
    assert!(third > second, "a record that comes back has no version it had");
}

/// Many commits with the same check, sent at once: one is applied.
pub async fn of_writers_with_one_version_one_wins(engine: &dyn Engine) {
    let subject = Arc::new(Subject::open(engine).await);
    let version = subject.done(somewhere(), subject.draft().put(key("a"), "0")).await;
    let writers: Vec<_> = (0..16)
        .map(|n| {
            let subject = Arc::clone(&subject);
            tokio::spawn(async move {
                let draft = subject.draft().check(key("a"), version).put(key("a"), n.to_string());
                (n, subject.send(somewhere(), &draft).await)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for writer in writers {
        match writer.await.expect("the writer ends") {
            (n, Ok(revision)) => winners.push((n, revision)),
            (_, Err(error)) => assert!(matches!(error, CommitError::Conflict), "{error}"),
        }
    }
    let [(n, revision)] = winners.as_slice() else { panic!("one winner, not {winners:?}") };
    let record = subject.get(somewhere(), key("a")).await;
    assert_eq!((record.version, record.value), (*revision, Some(Bytes::from(n.to_string()))));
}

/// 64 writers count one record up through the closure layer.
pub async fn sixty_four_writers_lose_nothing(engine: &dyn Engine) {
    const WRITERS: usize = 64;
    const EACH: usize = 2;
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let records = Records::new(Arc::clone(&subject.store), subject.entropy.clone());
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let records = records.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    records
                        .update(somewhere(), &[key("count")], |found| {
                            let next = count(found[0].value.as_deref()) + 1;
                            Ok::<_, ()>(
                                Change::nothing(()).put(key("count"), next.to_string()).log("one more"),
                            )
                        })
                        .await
                        .expect("the count goes up");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    assert_eq!(count(subject.value(somewhere(), key("count")).await.as_deref()), WRITERS * EACH);
    assert_eq!(log_length(&subject, start).await, WRITERS * EACH);
}

/// The same without the queue in front, as replicas meet: checks alone keep the count right.
pub async fn writers_without_a_queue_lose_nothing(engine: &dyn Engine) {
    const WRITERS: usize = 16;
    const EACH: usize = 10;
    let subject = Arc::new(Subject::open(engine).await);
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let subject = Arc::clone(&subject);
            tokio::spawn(async move {
                let mut done = 0;
                while done < EACH {
                    let found = subject.get(somewhere(), key("count")).await;
                    let next = count(found.value.as_deref()) + 1;
                    let draft = subject.draft().check(key("count"), found.version);
                    match subject.send(somewhere(), &draft.put(key("count"), next.to_string())).await {
                        Ok(_) => done += 1,
                        Err(CommitError::Conflict) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    assert_eq!(count(subject.value(somewhere(), key("count")).await.as_deref()), WRITERS * EACH);
}

/// The second time it answers as at first, whatever has happened since, and writes nothing.
pub async fn sent_twice_it_is_applied_once(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let draft = subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "1").log("1");
    let first = subject.send(somewhere(), &draft).await.expect("the commit is applied");
    assert_eq!(subject.send(somewhere(), &draft).await.expect("the same answer"), first);
    let since = subject.done(somewhere(), subject.draft().put(key("a"), "2")).await;
    engine.clock().advance(Duration::from_secs(59));
    assert_eq!(subject.send(somewhere(), &draft).await.expect("the same answer"), first);
    let record = subject.get(somewhere(), key("a")).await;
    assert_eq!((record.version, record.value.as_deref()), (since, Some(&b"2"[..])));
    assert_eq!(log_length(&subject, start).await, 1);

    // A conflict wrote nothing, so there is nothing to remember: it is judged anew.
    let draft = subject.draft().check(key("b"), since).put(key("b"), "1");
    assert!(matches!(subject.send(somewhere(), &draft).await, Err(CommitError::Conflict)));
    assert!(matches!(subject.send(somewhere(), &draft).await, Err(CommitError::Conflict)));
}

/// Both may be under way together.
pub async fn sent_twice_at_once_it_is_applied_once(engine: &dyn Engine) {
    let subject = Arc::new(Subject::open(engine).await);
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let draft = Arc::new(subject.draft().check(key("a"), Revision::ABSENT).put(key("a"), "1").log("1"));
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (subject, draft) = (Arc::clone(&subject), Arc::clone(&draft));
            tokio::spawn(
                async move { subject.send(somewhere(), &draft).await.expect("applied, or was before") },
            )
        })
        .collect();
    let mut answers = HashSet::new();
    for sender in senders {
        answers.insert(sender.await.expect("the sender ends"));
    }
    assert_eq!(answers.len(), 1, "one revision");
    assert_eq!(log_length(&subject, start).await, 1);
}

/// A restart does not shorten the minute; after it the id is as good as new.
pub async fn it_is_remembered_over_a_restart_and_then_forgotten(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let draft = subject.draft().put(key("a"), "1");
    let first = subject.send(somewhere(), &draft).await.expect("the commit is applied");
    drop(subject);
    let subject = Subject::seeded(engine, 2).await;
    assert_eq!(subject.send(somewhere(), &draft).await.expect("the same answer"), first);
    engine.clock().advance(Duration::from_secs(3600));
    // Forgetting may ride along with other commits.
    subject.done(somewhere(), subject.draft().put(key("other"), "1")).await;
    let second = subject.send(somewhere(), &draft).await.expect("the commit is applied");
    assert!(second > first);
}

/// They are the clock's microseconds while it runs forward, and go on from the last when it steps back.
pub async fn revisions_rise_whatever_the_clock_does(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let now = || engine.clock().now().micros();
    let mut last = Revision::ABSENT;
    for step in ["first", "stands still", "still", "goes on", "steps back", "stays back", "steps forward"] {
        match step {
            "goes on" => engine.clock().advance(Duration::from_secs(5)),
            "steps back" => engine.clock().step_to(now() / 1_000_000 - 86_400),
            "steps forward" => engine.clock().step_to(now() / 1_000_000 + 2 * 86_400),
            _ => {}
        }
        let revision = subject.done(somewhere(), subject.draft().put(key("a"), step)).await;
        assert!(revision > last, "{step}: {revision} after {last}");
        if matches!(step, "first" | "goes on" | "steps forward") {
            assert_eq!(revision.number(), now(), "{step}: by the clock");
        }
        last = revision;
    }
}

/// The last revision outlives every record and a restart with a clock that is behind.
pub async fn revisions_rise_when_nothing_is_left(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let first = subject.done(somewhere(), subject.draft().put(key("a"), "1")).await;
    let second = subject.done(somewhere(), subject.draft().delete(key("a"))).await;
    assert!(second > first);
    drop(subject);
    engine.clock().step_to(engine.clock().now().seconds() - 86_400);
    let subject = Subject::seeded(engine, 2).await;
    let third = subject.done(somewhere(), subject.draft().put(key("a"), "1")).await;
    assert!(third > second, "{third} after {second}");
}

/// Records, versions and log.
pub async fn what_was_acknowledged_is_there_after_a_restart(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let start = subject.store.position(somewhere()).await.expect("the store answers");
    let mut versions = Vec::new();
    for n in 0..20 {
        let draft = subject.draft().put(key(n.to_string()), n.to_string()).log(n.to_string());
        versions.push(subject.done(somewhere(), draft).await);
    }
    drop(subject);
    let subject = Subject::seeded(engine, 2).await;
    for (n, version) in versions.iter().enumerate() {
        let record = subject.get(somewhere(), key(n.to_string())).await;
        assert_eq!((record.version, record.value), (*version, Some(Bytes::from(n.to_string()))));
    }
    assert_eq!(log_length(&subject, start).await, 20, "a cursor from before the restart is still good");
}

fn count(value: Option<&[u8]>) -> usize {
    let text = value.map_or("0", |value| std::str::from_utf8(value).expect("a text was written"));
    text.parse().expect("a number was written")
}

/// How many entries there are behind `start`.
async fn log_length(subject: &Subject, start: crate::Cursor) -> usize {
    let found = subject.store.tail(&[(somewhere(), start)], 100_000, Duration::ZERO).await;
    match found.expect("the store answers").as_slice() {
        [] => 0,
        [(_, Tail::Entries { entries, .. })] => entries.len(),
        other => panic!("entries, not {other:?}"),
    }
}
