//! The rules for commits and for reads of records; those for logs are in the sibling module.

use std::collections::{BTreeMap, HashMap};

use csc_store::{Key, Record};
use csc_types::{Partition, Revision};

use super::writes::{Place, Writes};
use super::{Event, Finding, Moment, Outcome, Rule, What, tails};

/// How many findings are kept: the first ones tell most.
const KEPT: usize = 100;

/// The findings so far.
#[derive(Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, rule: Rule, event: &Event, text: String) {
        if self.findings.len() < KEPT {
            let text = format!("{text} (client {}, moment {})", event.client, event.ended);
            self.findings.push(Finding { rule, partition: event.partition, text });
        }
    }
}

pub(super) fn check(events: &[Event]) -> Vec<Finding> {
    let mut report = Report::default();
    let writes = Writes::gather(events, &mut report);
    revisions_rise(events, &mut report);
    checks_hold(events, &writes, &mut report);
    for event in events {
        read(event, &writes, &mut report);
    }
    tails::check(events, &mut report);
    report.findings
}

fn revisions_rise(events: &[Event], report: &mut Report) {
    let mut ends: HashMap<Partition, Vec<(Moment, Revision)>> = HashMap::new();
    let mut done = Vec::new();
    for event in events {
        if let What::Commit(_, Outcome::Done(revision)) = event.what {
            ends.entry(event.partition).or_default().push((event.ended, revision));
            done.push((event, revision));
        }
    }
    for ends in ends.values_mut() {
        ends.sort_unstable();
        for n in 1..ends.len() {
            ends[n].1 = ends[n].1.max(ends[n - 1].1);
        }
    }
    for (event, revision) in done {
        let ends = &ends[&event.partition];
        let count = ends.partition_point(|(ended, _)| *ended < event.began);
        if count > 0 && ends[count - 1].1 >= revision {
            let text = format!("revision {revision} follows {}", ends[count - 1].1);
            report.add(Rule::RevisionsRise, event, text);
        }
    }
}

/// What durable commits did to one record, by their revision: whether they wrote it.
type Chain = BTreeMap<Revision, bool>;

fn checks_hold<'a>(events: &'a [Event], writes: &Writes<'a>, report: &mut Report) {
    let mut chains: HashMap<Place<'_>, Chain> = HashMap::new();
    let mut checked = Vec::new();
    for event in events {
        let What::Commit(commit, _) = &event.what else { continue };
        let Some(revision) = writes.durable(commit) else { continue };
        for key in &commit.deletes {
            chains.entry((event.partition, key)).or_default().insert(revision, false);
        }
        for put in &commit.puts {
            chains.entry((event.partition, &put.key)).or_default().insert(revision, true);
        }
        checked.extend(commit.checks.iter().map(|check| (event, check, revision)));
    }
    for (event, check, revision) in checked {
        let place = (event.partition, &check.key);
        let Some(chain) = chains.get(&place) else { continue };
        // A commit that was sent twice is no rival of its own, and one below the version is what was checked.
        let Some((at, present)) = chain.range(..revision).next_back().filter(|(at, _)| **at > check.version)
        else {
            continue;
        };
        let explained =
            check.version == Revision::ABSENT && (!present || writes.may_be_deleted(place, *at, event.ended));
        if !explained {
            let text = format!(
                "commit {revision} holds although {:?} was no longer at {} but at {at}",
                check.key, check.version
            );
            report.add(Rule::ChecksHold, event, text);
        }
    }
}

fn read<'a>(event: &'a Event, writes: &Writes<'a>, report: &mut Report) {
    match &event.what {
        What::Get(found) => {
            for (key, record) in found {
                judge(event, key, record, writes, report);
            }
        }
        What::Scan { collection, prefix, after, complete_to, found } => {
            let found: HashMap<&str, &Record> =
                found.iter().map(|(name, record)| (name.as_str(), record)).collect();
            let first = Key::new(collection, prefix.as_str());
            let absent = Record::default();
            let range = writes
                .proven_from(event.partition, &first)
                .take_while(|key| key.collection == *collection && key.name.starts_with(prefix));
            for key in range {
                let name = key.name.as_str();
                let behind = after.as_deref().is_none_or(|after| name > after);
                let covered = complete_to.as_deref().is_none_or(|last| name <= last);
                if behind && covered {
                    judge(event, key, found.get(name).copied().unwrap_or(&absent), writes, report);
                }
            }
        }
        _ => {}
    }
}

/// Holds one record that was read against what was proven before the reader asked.
fn judge<'a>(event: &Event, key: &'a Key, record: &Record, writes: &Writes<'a>, report: &mut Report) {
    let place = (event.partition, key);
    let Some(floor) = writes.floor(place, event.began) else { return };
    let proven = floor.revision;
    if record.version == Revision::ABSENT {
        if floor.present && !writes.may_be_deleted(place, proven, event.ended) {
            let rule = if event.settled { Rule::NoFalseRemoval } else { Rule::NeverAbsent };
            report.add(rule, event, format!("{key:?} was there at {proven} and is answered absent"));
        }
    } else if record.version < proven {
        let text = format!("{key:?} is answered as of {}, it was at {proven} already", record.version);
        report.add(Rule::NothingLost, event, text);
    } else if record.version == proven && !floor.present {
        report.add(Rule::OneContent, event, format!("{key:?} is there at {proven}, which deleted it"));
    }
}
