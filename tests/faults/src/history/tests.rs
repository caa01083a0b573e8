//! Every rule has a story that breaks it and, where it could be too strict, one that does not.

use csc_store::{Check, CommitId, LogId, Put};

use super::check::check;
use super::*;

fn somewhere() -> Partition {
    Partition::of("history")
}

fn key(name: &str) -> Key {
    Key::new("test.record", name)
}

/// A story told by hand: what began and ended when is said with every sentence.
#[derive(Default)]
struct Story {
    events: Vec<Event>,
}

/// Applied as this revision.
fn done(revision: u64) -> Outcome {
    Outcome::Done(Revision::new(revision))
}

fn commit(id: u8) -> Commit {
    let id = CommitId([id; 16]);
    Commit { id, checks: Vec::new(), puts: Vec::new(), deletes: Vec::new(), log: Vec::new() }
}

/// Commit `id` writes `name`; the value tells which commit it was.
fn put(id: u8, name: &str) -> Commit {
    let value = format!("{name} {id}").into();
    Commit { puts: vec![Put { key: key(name), value, expires: None }], ..commit(id) }
}

fn put_at(id: u8, name: &str, version: u64) -> Commit {
    let checks = vec![Check { key: key(name), version: Revision::new(version) }];
    Commit { checks, ..put(id, name) }
}

fn delete(id: u8, name: &str) -> Commit {
    Commit { deletes: vec![key(name)], ..commit(id) }
}

fn log(id: u8) -> Commit {
    Commit { log: vec![format!("entry {id}").into()], ..commit(id) }
}

fn record(id: u8, name: &str, version: u64) -> (Key, Record) {
    let value = Some(format!("{name} {id}").into());
    (key(name), Record { version: Revision::new(version), value })
}

fn absent(name: &str) -> (Key, Record) {
    (key(name), Record::default())
}

fn entry(id: u8, revision: u64) -> LogEntry {
    let id_in_log = LogId { revision: Revision::new(revision), index: 0 };
    LogEntry { id: id_in_log, payload: format!("entry {id}").into() }
}

impl Story {
    fn tell(mut self, settled: bool, began: Moment, ended: Moment, what: What) -> Self {
        let client = u32::from(settled);
        self.events.push(Event { client, settled, began, ended, partition: somewhere(), what });
        self
    }

    fn commit(self, began: Moment, ended: Moment, commit: Commit, outcome: Outcome) -> Self {
        self.tell(false, began, ended, What::Commit(commit, outcome))
    }

    fn plain(self, began: Moment, found: (Key, Record)) -> Self {
        self.tell(false, began, began + 1, What::Get(vec![found]))
    }

    fn settled(self, began: Moment, found: (Key, Record)) -> Self {
        self.tell(true, began, began + 1, What::Get(vec![found]))
    }

    fn tail(self, began: Moment, what: What) -> Self {
        self.tell(true, began, began + 1, what)
    }

    #[track_caller]
    fn breaks(self, rule: Rule) {
        let found = check(&self.events);
        assert!(found.iter().any(|finding| finding.rule == rule), "{rule:?} is broken, found: {found:?}");
    }

    #[track_caller]
    fn holds(self) {
        assert_eq!(check(&self.events), []);
    }
}

fn begin() -> Story {
    Story::default().commit(1, 2, put(1, "a"), done(10))
}

#[test]
fn an_older_state_is_a_loss() {
    begin().commit(3, 4, put(2, "a"), done(20)).plain(5, record(1, "a", 10)).breaks(Rule::NothingLost);
    begin().commit(3, 7, put(2, "a"), done(20)).plain(5, record(1, "a", 10)).holds();
    begin().commit(3, 4, put(2, "a"), Outcome::Unknown).plain(5, record(1, "a", 10)).holds();
}

#[test]
fn what_a_settled_reader_saw_is_durable() {
    let seen = begin().commit(3, 4, put(2, "a"), Outcome::Unknown).settled(5, record(2, "a", 20));
    seen.plain(7, record(1, "a", 10)).breaks(Rule::NothingLost);
    let seen = begin().commit(3, 4, put(2, "a"), Outcome::Unknown).plain(5, record(2, "a", 20));
    seen.plain(7, record(1, "a", 10)).holds();
}

#[test]
fn what_a_settled_entry_announced_is_durable() {
    let both = || Commit { log: log(2).log, ..put(2, "a") };
    let story = || begin().commit(3, 4, both(), Outcome::Unknown).tail(5, What::Position);
    let told = story().tail(7, What::Entries(vec![entry(2, 20)]));
    told.plain(9, record(1, "a", 10)).breaks(Rule::NothingLost);
}

#[test]
fn what_is_there_is_never_absent() {
    begin().plain(3, absent("a")).breaks(Rule::NeverAbsent);
    begin().plain(1, absent("a")).holds();
    begin().commit(2, 9, delete(2, "a"), Outcome::Unknown).plain(3, absent("a")).holds();
    begin().commit(2, 3, delete(2, "a"), Outcome::Conflict).plain(4, absent("a")).breaks(Rule::NeverAbsent);
    begin().commit(5, 9, delete(2, "a"), Outcome::Unknown).plain(3, absent("a")).breaks(Rule::NeverAbsent);
    let deleted_before = Story::default().commit(1, 2, delete(2, "a"), done(5));
    deleted_before.commit(3, 4, put(1, "a"), done(10)).plain(5, absent("a")).breaks(Rule::NeverAbsent);
}

#[test]
fn a_scan_leaves_nothing_out() {
    let two = || begin().commit(3, 4, put(2, "b"), done(20));
    let scan = |after: Option<&str>, complete_to: Option<&str>, found: Vec<(Key, Record)>| What::Scan {
        collection: "test.record",
        prefix: String::new(),
        after: after.map(str::to_owned),
        complete_to: complete_to.map(str::to_owned),
        found: found.into_iter().map(|(key, record)| (key.name, record)).collect(),
    };
    let first = || vec![record(1, "a", 10)];
    two().tell(false, 5, 6, scan(None, None, first())).breaks(Rule::NeverAbsent);
    two().tell(true, 5, 6, scan(None, None, first())).breaks(Rule::NoFalseRemoval);
    two().tell(false, 5, 6, scan(None, Some("a"), first())).holds();
    two().tell(false, 5, 6, scan(Some("b"), None, Vec::new())).holds();
    two().tell(false, 5, 6, scan(Some("a"), None, vec![record(2, "b", 20)])).holds();
}

#[test]
fn a_settled_reader_sees_no_false_removal() {
    begin().settled(3, absent("a")).breaks(Rule::NoFalseRemoval);
    begin().commit(3, 4, delete(2, "a"), done(20)).settled(5, absent("a")).holds();
}

#[test]
fn nothing_is_spent_twice() {
    let spent = || begin().commit(3, 8, put_at(2, "a", 10), done(20));
    spent().commit(3, 8, put_at(3, "a", 10), done(30)).breaks(Rule::ChecksHold);
    spent().commit(3, 8, put_at(3, "a", 10), Outcome::Conflict).holds();
    spent().commit(3, 8, put_at(3, "a", 20), done(30)).holds();
    // Nobody acknowledged the second one, but it can be seen.
    let seen = spent().commit(3, 4, put_at(3, "a", 10), Outcome::Unknown);
    seen.settled(9, record(3, "a", 30)).breaks(Rule::ChecksHold);
}

#[test]
fn a_record_is_made_once() {
    let made = || Story::default().commit(1, 2, put_at(1, "a", 0), done(10));
    made().commit(3, 4, put_at(2, "a", 0), done(20)).breaks(Rule::ChecksHold);
    let deleted = made().commit(3, 4, delete(3, "a"), done(15));
    deleted.commit(5, 6, put_at(2, "a", 0), done(20)).holds();
    let perhaps = made().commit(3, 4, delete(3, "a"), Outcome::Unknown);
    perhaps.commit(5, 6, put_at(2, "a", 0), done(20)).holds();
}

#[test]
fn a_fence_that_was_overlooked_is_found() {
    let fenced = Commit { puts: put(3, "b").puts, ..put_at(3, "a", 10) };
    let taken_over = begin().commit(3, 4, put(2, "a"), done(20));
    taken_over.commit(5, 6, fenced, done(30)).breaks(Rule::ChecksHold);
}

#[test]
fn a_revision_is_one_commit() {
    begin().commit(1, 2, put(2, "b"), done(10)).breaks(Rule::OneContent);
    let shown = begin().commit(1, 9, put(2, "a"), Outcome::Unknown).plain(3, record(2, "a", 20));
    shown.commit(5, 6, put(3, "b"), done(20)).breaks(Rule::OneContent);
    let logged = begin().commit(1, 2, log(2), Outcome::Unknown).tail(3, What::Position);
    logged.tail(5, What::Entries(vec![entry(2, 10)])).breaks(Rule::OneContent);
}

#[test]
fn a_commit_is_one_revision() {
    begin().settled(3, record(1, "a", 20)).breaks(Rule::OneContent);
    let twice = begin().commit(3, 4, put(1, "a"), done(20));
    twice.breaks(Rule::OneContent);
    begin().commit(3, 4, put(1, "a"), done(10)).plain(5, record(1, "a", 10)).breaks(Rule::RevisionsRise);
}

#[test]
fn revisions_rise() {
    begin().commit(3, 4, put(2, "b"), done(9)).breaks(Rule::RevisionsRise);
    begin().commit(1, 4, put(2, "b"), done(9)).holds();
}

#[test]
fn what_is_deleted_is_not_there_at_that_revision() {
    let gone = begin().commit(3, 4, delete(2, "a"), done(20)).commit(1, 9, put(3, "a"), Outcome::Unknown);
    gone.plain(5, record(3, "a", 20)).breaks(Rule::OneContent);
}

#[test]
fn readers_of_a_log_miss_nothing() {
    let three = || {
        let story = Story::default().tail(1, What::Position);
        (1..=3).fold(story, |story, n| {
            story.commit(u64::from(n) * 10, u64::from(n) * 10 + 1, log(n), done(u64::from(n)))
        })
    };
    let entries = |ids: &[u8]| What::Entries(ids.iter().map(|id| entry(*id, u64::from(*id))).collect());
    three().tail(40, entries(&[1, 2, 3])).tail(50, What::Quiet).holds();
    three().tail(40, entries(&[1, 2])).holds();
    three().tail(40, entries(&[1, 3])).breaks(Rule::NoEntryMissed);
    three().tail(40, entries(&[1, 2])).tail(50, What::Quiet).breaks(Rule::NoEntryMissed);
    three().tail(15, entries(&[1])).tail(17, What::Quiet).holds();
    three().tail(40, entries(&[1, 2])).tail(50, What::Lost).tail(60, What::Position).holds();
    three().tail(40, What::Position).tail(50, What::Quiet).holds();
    three().tail(2, What::Lost).tail(40, What::Position).tail(50, What::Quiet).holds();
}

#[test]
fn entries_are_in_order_and_there_once() {
    let two = || {
        let story = Story::default().tail(1, What::Position).commit(2, 3, log(1), done(1));
        story.commit(4, 5, log(2), done(2))
    };
    let both = [entry(1, 1), entry(2, 2)];
    two().tail(6, What::Entries([both[1].clone(), both[0].clone()].to_vec())).breaks(Rule::EntriesInOrder);
    let again = two().tail(6, What::Entries(both.to_vec()));
    again.tail(8, What::Entries(both.to_vec())).breaks(Rule::EntriesInOrder);
}

#[test]
fn nothing_is_invented() {
    begin().plain(3, record(9, "a", 90)).breaks(Rule::NothingInvented);
    let refused = begin().commit(3, 4, put(2, "a"), Outcome::Conflict);
    refused.settled(5, record(2, "a", 20)).breaks(Rule::NothingInvented);
    let position = begin().tail(3, What::Position);
    position.tail(5, What::Entries(vec![entry(9, 90)])).breaks(Rule::NothingInvented);
}

mod real;
