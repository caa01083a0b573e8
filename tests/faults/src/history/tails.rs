//! The rules for those who follow a log.

use std::collections::{HashMap, HashSet};

use csc_store::LogId;
use csc_types::Partition;

use super::check::Report;
use super::{Event, Moment, Outcome, Rule, What};

/// An acknowledged entry.
struct Entry {
    id: LogId,
    /// When its commit was asked for and acknowledged.
    began: Moment,
    ended: Moment,
}

/// What a reader saw since it took its place.
struct Session<'a> {
    position: &'a Event,
    seen: HashSet<LogId>,
    last: LogId,
    /// When it last asked and heard that there is nothing more.
    quiet: Moment,
}

pub(super) fn check(events: &[Event], report: &mut Report) {
    let acknowledged = acknowledged(events);
    let mut readers: HashMap<(u32, Partition), Vec<&Event>> = HashMap::new();
    for event in events {
        if matches!(event.what, What::Position | What::Entries(_) | What::Quiet | What::Lost) {
            readers.entry((event.client, event.partition)).or_default().push(event);
        }
    }
    for ((_, partition), mut steps) in readers {
        steps.sort_by_key(|event| event.began);
        let due = acknowledged.get(&partition).map_or(&[][..], Vec::as_slice);
        follow(&steps, due, report);
    }
}

fn acknowledged(events: &[Event]) -> HashMap<Partition, Vec<Entry>> {
    let mut all: HashMap<Partition, Vec<Entry>> = HashMap::new();
    for event in events {
        if let What::Commit(commit, Outcome::Done(revision)) = &event.what {
            let entries = all.entry(event.partition).or_default();
            entries.extend((0..commit.log.len() as u32).map(|index| Entry {
                id: LogId { revision: *revision, index },
                began: event.began,
                ended: event.ended,
            }));
        }
    }
    all
}

fn follow(steps: &[&Event], due: &[Entry], report: &mut Report) {
    let mut session: Option<Session<'_>> = None;
    for event in steps {
        match &event.what {
            What::Position => {
                if let Some(session) = session.take() {
                    missed(&session, due, report);
                }
                let (seen, last) = (HashSet::new(), LogId::default());
                session = Some(Session { position: event, seen, last, quiet: 0 });
            }
            What::Entries(entries) => {
                let Some(session) = session.as_mut() else { continue };
                for entry in entries {
                    if entry.id <= session.last {
                        let text = format!("entry {:?} comes behind {:?}", entry.id, session.last);
                        report.add(Rule::EntriesInOrder, event, text);
                    }
                    session.last = entry.id;
                    session.seen.insert(entry.id);
                }
            }
            What::Quiet => {
                if let Some(session) = session.as_mut() {
                    session.quiet = event.began;
                }
            }
            // Whoever is told rebuilds from the records; what it did not see does no harm.
            _ => session = None,
        }
    }
    if let Some(session) = session {
        missed(&session, due, report);
    }
}

fn missed(session: &Session<'_>, due: &[Entry], report: &mut Report) {
    for entry in due {
        // What was asked for before the place was taken may stand in front of it.
        let ours = entry.began > session.position.ended;
        let passed = entry.id < session.last || entry.ended < session.quiet;
        if ours && passed && !session.seen.contains(&entry.id) {
            let text = format!("entry {:?} was acknowledged and never shown", entry.id);
            report.add(Rule::NoEntryMissed, session.position, text);
        }
    }
}
