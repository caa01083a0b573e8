//! The subscriptions in memory: how they come, what they are told, how they go.

use std::sync::Arc;
use std::time::Duration;

use csc_service::trace::Cause;
use csc_sip::Dialog;
use csc_types::{Caller, McpttId, Partition, Revision, Timestamp};

use super::holdings::Holding;
use super::loader::Stored;
use super::reader::{Found, Job, Seen, What};
use super::tail::News;
use super::watch::Watch;
use super::writer::{Write, Written};
use super::{BATCH, Engine, Half, Parked, Tag};
use crate::domain::subscription::{End, Subscription};
use crate::domain::tag::partition;
use crate::records::DeliveryRecord;

/// Paths that one subscription collects before it looks at everything instead.
const PATHS: usize = 64;
/// Subscriptions whose trace is remembered until their NOTIFY. The NOTIFYs of others begin their own.
const CAUSES: usize = 65_536;

/// A subscription and what belongs to it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) subscription: Subscription,
    pub(super) dialog: Dialog,
    pub(super) partition: Partition,
    pub(super) event_id: Option<String>,
    /// The version of the dialog record it was made from.
    version: Revision,
    /// Changes whenever `watch` or the state to be reported starts anew; no two subscriptions ever have the same.
    generation: u64,
    watch: Arc<Watch>,
    /// Who the last full look found.
    caller: Option<Arc<Caller>>,
    swept: Timestamp,
    /// The deadline it stands in the timers with.
    pub(super) timer: Option<Duration>,
    /// Whether it waits for a place in a window.
    pub(super) waiting: bool,
    /// The branch of the NOTIFY that is under way, or was last.
    pub(super) branch: String,
    dirty: Dirty,
    pending: Pending,
}

/// What of the documents is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Dirty {
    Nothing,
    Paths(Vec<String>),
    Everything,
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Nothing,
    Progress,
    End,
}

impl Entry {
    /// Notes that its progress is to be stored.
    pub(super) fn store(&mut self, tag: &Tag, holding: &mut Holding) {
        if self.pending == Pending::Nothing {
            holding.writes.push_back(tag.clone());
            self.pending = Pending::Progress;
        }
    }

    /// The same, and the next NOTIFY waits for it.
    pub(super) fn reserve(&mut self, tag: &Tag, holding: &mut Holding) {
        self.store(tag, holding);
        holding.urgent = true;
    }

    /// Notes that its records are to be removed.
    pub(super) fn remove(&mut self, tag: &Tag, holding: &mut Holding) {
        self.store(tag, holding);
        self.pending = Pending::End;
        holding.urgent = true;
    }

    /// Notes what to look at. True if nothing was noted before.
    fn soil(&mut self, path: Option<&str>) -> bool {
        let clean = self.dirty == Dirty::Nothing;
        match (&mut self.dirty, path) {
            (Dirty::Paths(paths), Some(path)) if paths.len() < PATHS => {
                if !paths.iter().any(|known| known == path) {
                    paths.push(path.to_owned());
                }
            }
            (dirty @ Dirty::Nothing, Some(path)) => *dirty = Dirty::Paths(vec![path.to_owned()]),
            (dirty, _) => *dirty = Dirty::Everything,
        }
        clean
    }
}

impl Engine {
    /// Takes what a log said.
    pub(super) fn heard(&mut self, news: News) {
        match news {
            News::Document(path, cause) => {
                for tag in self.watchers.of_document(&path) {
                    self.caused(&tag, cause);
                    self.look(&tag, Some(&path));
                }
            }
            News::Account(user, cause) => {
                for tag in self.watchers.of_user(&user) {
                    self.caused(&tag, cause);
                    self.look(&tag, None);
                }
            }
            News::Dialog(tag, cause) => {
                let tag = Tag::from(tag);
                if partition(&tag).is_some_and(|partition| self.holdings.contains_key(&partition)) {
                    self.caused(&tag, cause);
                }
                self.changed(tag);
            }
            News::Missed(here) => self.missed(here),
        }
    }

    /// Notes which trace the next NOTIFY of a subscription belongs to. Of several changes that it tells the last counts.
    fn caused(&mut self, tag: &Tag, cause: Cause) {
        if cause != Cause::NONE && (self.causes.len() < CAUSES || self.causes.contains_key(tag)) {
            self.causes.insert(tag.clone(), cause);
        }
    }

    /// Has a subscription's documents looked at: what an entry that names `path` may have changed, or everything.
    pub(super) fn look(&mut self, tag: &Tag, path: Option<&str>) {
        if let Some(entry) = self.entries.get_mut(tag)
            && entry.soil(path)
        {
            self.dirty.push_back(tag.clone());
        }
    }

    /// The next batch for the reader.
    pub(super) fn next_jobs(&mut self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.jobs.drain(..self.jobs.len().min(BATCH)).collect();
        while jobs.len() < BATCH {
            let Some(tag) = self.dirty.pop_front() else { break };
            let Some(entry) = self.entries.get_mut(&tag) else { continue };
            let dirty = std::mem::replace(&mut entry.dirty, Dirty::Nothing);
            let what = match (dirty, &entry.caller) {
                (Dirty::Nothing, _) => continue,
                (Dirty::Paths(paths), Some(caller)) => What::At(caller.clone(), paths),
                (Dirty::Paths(_) | Dirty::Everything, _) => What::All,
            };
            let (generation, watch) = (entry.generation, entry.watch.clone());
            jobs.push(Job::Look { tag, generation, watch, what });
        }
        jobs
    }

    /// The next batch for the writer of a partition.
    pub(super) fn next_writes(&mut self, partition: Partition) -> Vec<Write> {
        let mut writes = Vec::new();
        let Some(holding) = self.holdings.get_mut(&partition) else { return writes };
        while writes.len() < BATCH {
            let Some(tag) = holding.writes.pop_front() else { break };
            let Some(entry) = self.entries.get_mut(&tag) else { continue };
            match std::mem::replace(&mut entry.pending, Pending::Nothing) {
                Pending::Nothing => {}
                Pending::Progress => {
                    let record = DeliveryRecord::from(entry.subscription.to_store());
                    writes.push(Write::Progress(tag, record, entry.swept));
                }
                Pending::End => writes.push(Write::End(tag, entry.version)),
            }
        }
        // What is left may be what could not wait.
        holding.urgent = !holding.writes.is_empty();
        writes
    }

    /// Takes what the reader found.
    pub(super) fn found(&mut self, found: Found) {
        match found {
            Found::Loaded(tag, number, None) => {
                if self.holds(&tag, number) {
                    self.forget(&tag);
                }
            }
            Found::Loaded(tag, number, Some(stored)) => self.stored(tag, number, stored),
            Found::Seen(tag, generation, seen) => {
                let Some(entry) = self.entries.get_mut(&tag) else { return };
                if entry.generation != generation {
                    return;
                }
                match seen {
                    Seen::All(caller, state) => {
                        entry.caller = Some(caller);
                        entry.subscription.saw_all(state);
                    }
                    Seen::Some(documents) => {
                        for (sel, etag) in documents {
                            entry.subscription.saw(sel, etag);
                        }
                    }
                    Seen::Rejected => entry.subscription.end(End::Rejected),
                    Seen::Damaged => entry.subscription.cannot_see(),
                }
                self.ready.push_back(tag);
            }
        }
    }

    /// Whether the partition of `tag` is held, and since before what is at hand was asked for.
    fn holds(&self, tag: &Tag, number: u64) -> bool {
        let holding = partition(tag).and_then(|partition| self.holdings.get(&partition));
        holding.is_some_and(|holding| holding.number() == number)
    }

    /// A dialog was read for the holding with this number. While its SUBSCRIBE is being answered it waits.
    pub(super) fn stored(&mut self, tag: Tag, number: u64, stored: Box<Stored>) {
        let half = (stored.dialog.call_id.clone(), stored.dialog.remote_tag.clone());
        if self.answering.contains_key(&half) {
            self.parked.push(Parked { tag, number, stored });
        } else {
            self.loaded(&tag, number, *stored);
        }
    }

    /// The answer to a SUBSCRIBE has left: what it changed may now be acted upon.
    pub(super) fn unpark(&mut self, half: &Half) {
        let of = |parked: &Parked| {
            parked.stored.dialog.call_id == half.0 && parked.stored.dialog.remote_tag == half.1
        };
        let (now, later) = std::mem::take(&mut self.parked).into_iter().partition(of);
        self.parked = later;
        for Parked { tag, number, stored } in now {
            self.loaded(&tag, number, *stored);
        }
    }

    /// A dialog record was read that is new to us, or a newer version, or the same again.
    fn loaded(&mut self, tag: &Tag, number: u64, stored: Stored) {
        let Some(partition) = partition(tag).filter(|_| self.holds(tag, number)) else { return };
        let now = self.now();
        let left = stored.dialog.expires().since(self.accept.clock.now());
        let expires = now.saturating_add(left);
        let cseq = stored.dialog.remote_cseq;
        self.numbers += 1;
        let generation = self.numbers;
        if let Some(entry) = self.entries.get_mut(tag) {
            if entry.version >= stored.version {
                return;
            }
            self.watchers.remove(tag, &entry.watch);
            entry.subscription.refreshed(cseq, expires);
            entry.dialog = stored.dialog.dialog();
            entry.event_id = stored.dialog.event_id.clone();
            entry.version = stored.version;
            entry.generation = generation;
            entry.watch = Arc::new(stored.watch);
            entry.swept = stored.dialog.swept();
            if entry.pending == Pending::End {
                // It was about to be removed: the refresh came first, and wins.
                entry.pending = Pending::Progress;
            }
        } else {
            let interval = self.accept.config.min_notify_interval;
            let mut subscription = Subscription::new(stored.progress, cseq, interval);
            subscription.expire_at(expires);
            let user = stored.watch.subscriber.clone();
            let entry = Entry {
                subscription,
                dialog: stored.dialog.dialog(),
                partition,
                event_id: stored.dialog.event_id.clone(),
                version: stored.version,
                generation,
                watch: Arc::new(stored.watch),
                caller: None,
                swept: stored.dialog.swept(),
                timer: None,
                waiting: false,
                branch: String::new(),
                dirty: Dirty::Nothing,
                pending: Pending::Nothing,
            };
            self.entries.insert(tag.clone(), entry);
            if let Some(holding) = self.holdings.get_mut(&partition) {
                holding.tags.insert(tag.clone());
            }
            self.by_user.entry(user.clone()).or_default().push(tag.clone());
            self.keep_within_limit(&user);
        }
        let Some(entry) = self.entries.get_mut(tag) else { return };
        if stored.dialog.ended {
            entry.subscription.end(End::Timeout);
        }
        self.watchers.add(tag, &entry.watch);
        self.look(tag, None);
        self.ready.push_back(tag.clone());
    }

    /// A user's subscription that was not refreshed for longest makes room for the newest: a terminal that starts over and
    /// over leaves dialogs behind that nobody will end. Those that wait for the answer to their last NOTIFY are as many
    /// again at most; what is beyond goes without one.
    fn keep_within_limit(&mut self, user: &McpttId) {
        let most = self.accept.config.max_per_user;
        let Some(tags) = self.by_user.get(user).filter(|tags| tags.len() > most) else { return };
        let entries = tags.iter().filter_map(|tag| Some((self.entries.get(tag)?, tag.clone())));
        // A version is as old as the last SUBSCRIBE.
        let mut by_age: Vec<_> = entries.map(|(entry, tag)| (entry.version, tag)).collect();
        by_age.sort();
        let (mut active, mut ending): (Vec<Tag>, Vec<Tag>) = by_age
            .into_iter()
            .map(|(_, tag)| tag)
            .partition(|tag| self.entries[tag].subscription.is_active());
        for tag in active.drain(..active.len().saturating_sub(most)) {
            self.end(&tag, End::Probation);
            ending.push(tag);
        }
        for tag in ending.drain(..ending.len().saturating_sub(most)) {
            self.abandon(&tag);
        }
    }

    fn end(&mut self, tag: &Tag, why: End) {
        let Some(entry) = self.entries.get_mut(tag) else { return };
        entry.subscription.end(why);
        self.ready.push_back(tag.clone());
    }

    /// Gives up a subscription together with the NOTIFY that is under way.
    fn abandon(&mut self, tag: &Tag) {
        self.cancel(tag);
        let Some(entry) = self.entries.get_mut(tag) else { return };
        entry.subscription.abandon();
        self.ready.push_back(tag.clone());
    }

    /// Takes what the writer of the holding with this number did.
    pub(super) fn written(&mut self, number: u64, written: Written) {
        match written {
            Written::Reserved(tag, reserved) => {
                if let Some(entry) = self.entries.get_mut(&tag) {
                    entry.subscription.reserved(reserved);
                    self.ready.push_back(tag);
                }
            }
            Written::Ended(tag, version) => match self.entries.get_mut(&tag) {
                // A dialog that the subscriber began anew under the same name was loaded before this was known. It stays,
                // and its progress went with the old one's.
                Some(entry) if entry.version > version => {
                    if let Some(holding) = self.holdings.get_mut(&entry.partition) {
                        entry.store(&tag, holding);
                    }
                }
                _ => self.forget(&tag),
            },
            Written::Refreshed(tag) => self.jobs.push_back(Job::Load(tag, number)),
        }
    }

    /// A subscription is no longer ours, or no longer there; nor is the NOTIFY that may be under way.
    pub(super) fn forget(&mut self, tag: &Tag) {
        self.cancel(tag);
        self.causes.remove(tag);
        let Some(entry) = self.entries.remove(tag) else { return };
        if let Some(holding) = self.holdings.get_mut(&entry.partition) {
            holding.tags.remove(tag);
        }
        self.watchers.remove(tag, &entry.watch);
        if let Some(timer) = entry.timer {
            self.timers.remove(&(timer, tag.clone()));
        }
        let user = &entry.watch.subscriber;
        if let Some(tags) = self.by_user.get_mut(user) {
            tags.retain(|known| known != tag);
            if tags.is_empty() {
                self.by_user.remove(user);
            }
        }
    }
}
