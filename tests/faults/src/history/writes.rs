//! All commits of a history, and where each was seen.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use bytes::Bytes;
use csc_store::{Commit, CommitId, Key};
use csc_types::{Partition, Revision};

use super::check::Report;
use super::{Event, Moment, Outcome, Rule, What};

/// A place that records are written to.
pub(super) type Place<'a> = (Partition, &'a Key);

/// One commit, however often it was sent.
struct Written<'a> {
    commit: &'a Commit,
    began: Moment,
    outcome: Outcome,
    /// As what it was acknowledged, or shown by a settled answer.
    durable: Option<Revision>,
}

impl Written<'_> {
    fn refused(&self) -> bool {
        self.outcome == Outcome::Conflict
    }
}

/// That a record was durably so from some moment on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    pub(super) at: Moment,
    pub(super) revision: Revision,
    /// Written, not deleted.
    pub(super) present: bool,
}

#[derive(Default)]
pub(super) struct Writes<'a> {
    all: Vec<Written<'a>>,
    by_id: HashMap<CommitId, usize>,
    by_value: HashMap<(Place<'a>, &'a Bytes), usize>,
    by_payload: HashMap<(Partition, &'a Bytes), usize>,
    /// Deletions that may have been applied.
    deletes: HashMap<Place<'a>, Vec<usize>>,
    /// Which commit a revision belongs to, as far as anybody saw it.
    revisions: HashMap<(Partition, Revision), usize>,
    /// Every key that somebody tried to write.
    keys: HashMap<Partition, HashSet<&'a Key>>,
    /// What is proven, by the moment of the proof; each with the highest revision proven until then.
    proofs: HashMap<Partition, BTreeMap<&'a Key, Vec<Proof>>>,
}

impl<'a> Writes<'a> {
    pub(super) fn gather(events: &'a [Event], report: &mut Report) -> Self {
        let mut writes = Self::default();
        for event in events {
            if let What::Commit(commit, outcome) = &event.what {
                writes.commit(event, commit, *outcome);
            }
        }
        for event in events {
            writes.observe(event, report);
        }
        for proofs in writes.proofs.values_mut().flat_map(BTreeMap::values_mut) {
            proofs.sort_by_key(|proof| proof.at);
            for n in 1..proofs.len() {
                if proofs[n - 1].revision > proofs[n].revision {
                    proofs[n] = Proof { at: proofs[n].at, ..proofs[n - 1] };
                }
            }
        }
        writes
    }

    fn commit(&mut self, event: &Event, commit: &'a Commit, outcome: Outcome) {
        let number = match self.by_id.entry(commit.id) {
            Entry::Occupied(sent) => {
                let before = &mut self.all[*sent.get()];
                before.began = before.began.min(event.began);
                if !matches!(before.outcome, Outcome::Done(_)) {
                    before.outcome = outcome;
                }
                return;
            }
            Entry::Vacant(new) => *new.insert(self.all.len()),
        };
        self.all.push(Written { commit, began: event.began, outcome, durable: None });
        let keys = self.keys.entry(event.partition).or_default();
        keys.extend(commit.puts.iter().map(|put| &put.key));
        for put in &commit.puts {
            self.by_value.insert(((event.partition, &put.key), &put.value), number);
        }
        for payload in &commit.log {
            self.by_payload.insert((event.partition, payload), number);
        }
        for key in &commit.deletes {
            self.deletes.entry((event.partition, key)).or_default().push(number);
        }
    }

    fn observe(&mut self, event: &'a Event, report: &mut Report) {
        match &event.what {
            What::Commit(commit, Outcome::Done(revision)) => {
                let number = self.by_id[&commit.id];
                self.shown(event, number, *revision, true, report);
                self.proven(event, number, *revision);
            }
            What::Get(found) => {
                for (key, record) in found {
                    if let Some(value) = &record.value {
                        self.value(event, key, record.version, value, report);
                    }
                }
            }
            // The names that a scan finds belong to keys that somebody wrote.
            What::Scan { collection, found, .. } => {
                for (name, record) in found {
                    let key = Key::new(collection, name.clone());
                    match (self.place(event.partition, &key), &record.value) {
                        (Some(key), Some(value)) => self.value(event, key, record.version, value, report),
                        (None, _) => {
                            report.add(Rule::NothingInvented, event, format!("{name} was never written"));
                        }
                        (_, None) => {}
                    }
                }
            }
            What::Entries(entries) => {
                for entry in entries {
                    let Some(number) = self.by_payload.get(&(event.partition, &entry.payload)).copied()
                    else {
                        let text = format!("entry {:?} was never written", entry.id);
                        report.add(Rule::NothingInvented, event, text);
                        continue;
                    };
                    self.shown(event, number, entry.id.revision, event.settled, report);
                    let own = self.all[number].commit.log.get(entry.id.index as usize);
                    if own != Some(&entry.payload) {
                        let text = format!("entry {:?} is another one of its commit", entry.id);
                        report.add(Rule::OneContent, event, text);
                    }
                    if event.settled {
                        self.proven(event, number, entry.id.revision);
                    }
                }
            }
            What::Commit(..) | What::Position | What::Quiet | What::Lost => {}
        }
    }

    fn value(
        &mut self,
        event: &'a Event,
        key: &'a Key,
        version: Revision,
        value: &'a Bytes,
        report: &mut Report,
    ) {
        let Some(number) = self.by_value.get(&((event.partition, key), value)).copied() else {
            let text = format!("{key:?} has a value at {version} that was never written");
            report.add(Rule::NothingInvented, event, text);
            return;
        };
        self.shown(event, number, version, event.settled, report);
        if event.settled {
            let proof = Proof { at: event.ended, revision: version, present: true };
            self.proofs.entry(event.partition).or_default().entry(key).or_default().push(proof);
        }
    }

    /// Commit `number` was seen as `revision`.
    fn shown(
        &mut self,
        event: &Event,
        number: usize,
        revision: Revision,
        durably: bool,
        report: &mut Report,
    ) {
        let owner = *self.revisions.entry((event.partition, revision)).or_insert(number);
        if owner != number {
            let text = format!("revision {revision} stands for two commits");
            report.add(Rule::OneContent, event, text);
        }
        let written = &mut self.all[number];
        if !durably {
            return;
        }
        if written.refused() {
            let text = format!("a refused commit was applied as {revision}");
            report.add(Rule::NothingInvented, event, text);
        }
        let durable = *written.durable.get_or_insert(revision);
        if durable != revision {
            let text = format!("one commit was applied as {durable} and as {revision}");
            report.add(Rule::OneContent, event, text);
        }
    }

    /// What commit `number` wrote and deleted is durably so since the end of `event`.
    fn proven(&mut self, event: &Event, number: usize, revision: Revision) {
        let commit = self.all[number].commit;
        let put = commit.puts.iter().map(|put| (&put.key, true));
        let deleted = commit.deletes.iter().filter(|key| commit.puts.iter().all(|put| put.key != **key));
        for (key, present) in put.chain(deleted.map(|key| (key, false))) {
            let proof = Proof { at: event.ended, revision, present };
            self.proofs.entry(event.partition).or_default().entry(key).or_default().push(proof);
        }
    }

    /// The key, if somebody wrote it.
    fn place(&self, partition: Partition, key: &Key) -> Option<&'a Key> {
        self.keys.get(&partition)?.get(key).copied()
    }

    /// As what a commit was durably applied, as far as anybody knows.
    pub(super) fn durable(&self, commit: &Commit) -> Option<Revision> {
        self.all[*self.by_id.get(&commit.id)?].durable
    }

    /// What was proven of a record before `moment`.
    pub(super) fn floor(&self, place: Place<'a>, moment: Moment) -> Option<Proof> {
        let proofs = self.proofs.get(&place.0)?.get(place.1)?;
        let count = proofs.partition_point(|proof| proof.at < moment);
        count.checked_sub(1).map(|last| proofs[last])
    }

    /// Every record of a partition of which anything is proven, from `from` on, in their order.
    pub(super) fn proven_from(&self, partition: Partition, from: &Key) -> impl Iterator<Item = &'a Key> {
        let range = (Bound::Included(from), Bound::Unbounded);
        self.proofs
            .get(&partition)
            .into_iter()
            .flat_map(move |all| all.range::<Key, _>(range))
            .map(|(key, _)| *key)
    }

    /// Whether a deletion may have taken away what was written at `revision`, by `moment`.
    pub(super) fn may_be_deleted(&self, place: Place<'_>, revision: Revision, moment: Moment) -> bool {
        self.deletes.get(&place).into_iter().flatten().map(|number| &self.all[*number]).any(|delete| {
            !delete.refused() && delete.began < moment && delete.durable.is_none_or(|at| at > revision)
        })
    }
}
