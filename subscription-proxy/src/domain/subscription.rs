//! One subscription of the notifier, as a state machine (RFC 6665 section 4.2.2, RFC 5875 section 4.7).
//!
//! It holds what the subscriber acknowledged and what there is now. Whenever the two differ, and no NOTIFY is under way,
//! and the rate allows it, a NOTIFY says the difference. So changes coalesce by themselves, a repeated wake-up does no
//! harm, and what was created and removed in between is never mentioned.
//!
//! `now` and every deadline are monotonic readings.

use std::collections::BTreeMap;
use std::time::Duration;

use csc_types::Etag;
use sip_codec::Status;

/// Documents by what a NOTIFY calls them.
pub(crate) type State = BTreeMap<String, Etag>;

/// Documents in one NOTIFY; what is left follows in the next one.
const MAX_DOCUMENTS: usize = 200;
/// Octets that they take in one NOTIFY, so that it fits into a datagram.
const MAX_OCTETS: usize = 40_000;
/// Of these, what stands around the name of each: markup and two tags.
const AROUND: usize = 160;
/// CSeq numbers reserved at once.
pub(crate) const BLOCK: u32 = 64;
/// How long a subscriber that refused without Retry-After is left alone.
const RETRY: Duration = Duration::from_secs(30);
/// How long at least, whatever its Retry-After says: else it sets the pace of large NOTIFYs with small answers.
const RETRY_LEAST: Duration = Duration::from_secs(1);

/// Why a subscription ends, as the `reason` of its last NOTIFY (RFC 6665 section 4.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It expired, or the subscriber ended it.
    Timeout,
    /// The subscriber may no longer subscribe.
    Rejected,
    /// The user has too many: try again later.
    Probation,
}

impl End {
    /// The parameters of `terminated`.
    pub(crate) fn parameters(self) -> &'static str {
        match self {
            End::Timeout => "reason=timeout",
            End::Rejected => "reason=rejected",
            End::Probation => "reason=probation;retry-after=3600",
        }
    }
}

/// One document of a NOTIFY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What the NOTIFY calls it.
    pub(crate) sel: String,
    /// What the subscriber acknowledged.
    pub(crate) previous: Option<Etag>,
    /// What there is now.
    pub(crate) new: Option<Etag>,
}

/// What one NOTIFY says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Its CSeq number.
    pub(crate) cseq: u32,
    /// Seconds that are left, or why it was the last.
    pub(crate) state: Result<u64, End>,
    /// The documents. A full notice has a body even without any.
    pub(crate) differences: Vec<Difference>,
    /// Whether it says everything there is.
    pub(crate) full: bool,
}

/// What has to happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing before this moment.
    Wait(Option<Duration>),
    /// Commit more CSeq numbers.
    Reserve,
    /// Take a notice and send it.
    Send,
    /// Remove the subscription's records.
    Remove,
}

/// What the answer to a NOTIFY changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The subscriber knows more now: store it.
    Acknowledged,
    /// Nothing; it is tried again later.
    Kept,
    /// The subscription is over.
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Active,
    Ending(End),
    Over,
}

#[derive(Debug)]
struct InFlight {
    differences: Vec<Difference>,
    full: Option<u32>,
    /// Whether the subscription was ending when it was taken, and whether it left nothing for another one.
    ending: bool,
    complete: bool,
    /// A refresh came after it left: its failure says nothing about whom the next one goes to.
    superseded: bool,
}

/// What of a subscription is stored by its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// CSeq numbers below this may have been used.
    pub(crate) reserved: u32,
    /// The CSeq of the SUBSCRIBE whose full NOTIFY was acknowledged; 0: none was.
    pub(crate) full_for: u32,
    /// What was acknowledged.
    pub(crate) acknowledged: State,
}

/// A subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    min_interval: Duration,
    expires: Duration,
    phase: Phase,
    /// The CSeq of the SUBSCRIBE that a full NOTIFY is still owed for.
    full_due: Option<u32>,
    /// The next NOTIFY need not wait for the rate: it follows a 2xx, or is the rest of one that did.
    exempt: bool,
    /// Whether `current` was read.
    synced: bool,
    current: State,
    progress: Progress,
    next_cseq: u32,
    in_flight: Option<InFlight>,
    rate_at: Duration,
    retry_at: Duration,
}

impl Subscription {
    /// A subscription as its records know it. CSeq goes on behind what was reserved, since any of that may have been used.
    pub(crate) fn new(progress: Progress, remote_cseq: u32, min_interval: Duration) -> Subscription {
        let owed = progress.full_for != remote_cseq;
        Subscription {
            min_interval,
            expires: Duration::MAX,
            phase: Phase::Active,
            full_due: owed.then_some(remote_cseq),
            exempt: owed,
            synced: false,
            current: State::new(),
            next_cseq: progress.reserved.max(1),
            progress,
            in_flight: None,
            rate_at: Duration::ZERO,
            retry_at: Duration::ZERO,
        }
    }

    /// Sets when the subscription ends by itself.
    pub(crate) fn expire_at(&mut self, expires: Duration) {
        self.expires = expires;
    }

    /// A SUBSCRIBE with this CSeq was answered with 2xx: everything is to be said anew, from a state that is yet to be read.
    pub(crate) fn refreshed(&mut self, remote_cseq: u32, expires: Duration) {
        self.expires = expires;
        self.phase = Phase::Active;
        self.full_due = Some(remote_cseq);
        self.exempt = true;
        self.synced = false;
        self.retry_at = Duration::ZERO;
        if let Some(sent) = &mut self.in_flight {
            sent.superseded = true;
        }
    }

    /// Ends the subscription with a last NOTIFY.
    pub(crate) fn end(&mut self, why: End) {
        // Who asked for a last look, and lost the right to it meanwhile, gets the last NOTIFY without one.
        let lost = self.phase == Phase::Ending(End::Timeout) && why == End::Rejected;
        if self.phase == Phase::Active || lost {
            self.phase = Phase::Ending(why);
        }
    }

    /// Ends the subscription without a word.
    pub(crate) fn abandon(&mut self) {
        self.phase = Phase::Over;
        self.in_flight = None;
    }

    /// Whether nothing has ended it yet.
    pub(crate) fn is_active(&self) -> bool {
        self.phase == Phase::Active
    }

    /// The documents cannot be read, and will not be soon: what is owed is owed without them.
    pub(crate) fn cannot_see(&mut self) {
        self.full_due = None;
    }

    /// What there is now, in full.
    pub(crate) fn saw_all(&mut self, state: State) {
        self.current = state;
        self.synced = true;
    }

    /// What there is now under one name.
    pub(crate) fn saw(&mut self, sel: String, etag: Option<Etag>) {
        match etag {
            Some(etag) => self.current.insert(sel, etag),
            None => self.current.remove(&sel),
        };
    }

    /// CSeq numbers below `reserved` are committed.
    pub(crate) fn reserved(&mut self, reserved: u32) {
        self.progress.reserved = self.progress.reserved.max(reserved);
    }

    /// What is to be stored now, with CSeq numbers for the time to come.
    pub(crate) fn to_store(&self) -> Progress {
        let low = self.progress.reserved.saturating_sub(self.next_cseq) < BLOCK / 2;
        let reserved = if low { self.next_cseq.saturating_add(BLOCK) } else { self.progress.reserved };
        Progress { reserved, ..self.progress.clone() }
    }

    /// What has to happen next.
    pub(crate) fn step(&mut self, now: Duration) -> Step {
        if self.phase == Phase::Over {
            return Step::Remove;
        }
        if self.in_flight.is_some() {
            return Step::Wait(None);
        }
        if self.phase == Phase::Active && self.expires <= now {
            self.phase = Phase::Ending(End::Timeout);
        }
        let ready_at = match self.wants() {
            None => return Step::Wait((self.phase == Phase::Active).then_some(self.expires)),
            // The last one waits for nothing: no answer of the subscriber keeps what has ended.
            Some(_) if self.phase != Phase::Active => now,
            Some(true) => self.retry_at,
            Some(false) => self.retry_at.max(self.rate_at),
        };
        if ready_at > now {
            return Step::Wait(Some(ready_at.min(self.expires)));
        }
        if self.next_cseq >= self.progress.reserved { Step::Reserve } else { Step::Send }
    }

    /// Whether a NOTIFY is wanted, and whether without regard to the rate.
    fn wants(&self) -> Option<bool> {
        match self.phase {
            Phase::Over => None,
            Phase::Ending(End::Timeout) if self.full_due.is_some() => self.synced.then_some(true),
            Phase::Ending(_) => Some(true),
            Phase::Active if !self.synced => None,
            Phase::Active if self.full_due.is_some() => Some(true),
            Phase::Active => (self.current != self.progress.acknowledged).then_some(self.exempt),
        }
    }

    /// The notice that [`Step::Send`] announced. It is under way from here on.
    pub(crate) fn take(&mut self, now: Duration) -> Notice {
        let ending = match self.phase {
            Phase::Ending(end) => Some(end),
            Phase::Active | Phase::Over => None,
        };
        let told = self.synced && ending.is_none_or(|end| end == End::Timeout);
        let full = self.full_due.is_some() && told;
        if full {
            // A refresh makes the subscriber forget what it knew (RFC 5875 section 4.8).
            self.progress.acknowledged.clear();
        }
        let (differences, rest) = if told { self.differences() } else { (Vec::new(), false) };
        self.exempt = rest && (full || self.exempt);
        let cseq = self.next_cseq;
        self.next_cseq += 1;
        self.rate_at = now + self.min_interval;
        self.in_flight = Some(InFlight {
            differences: differences.clone(),
            full: self.full_due.filter(|_| full),
            ending: ending.is_some(),
            complete: !rest,
            superseded: false,
        });
        // Only what leaves nothing to be said is the last one.
        let state = match ending {
            Some(end) if !rest => Err(end),
            _ => Ok(self.expires.saturating_sub(now).as_secs()),
        };
        Notice { cseq, state, differences, full }
    }

    /// What the subscriber does not know, as much as one NOTIFY holds, and whether there is more.
    fn differences(&self) -> (Vec<Difference>, bool) {
        let known = &self.progress.acknowledged;
        let removed = known.keys().filter(|sel| !self.current.contains_key(*sel));
        let changed =
            self.current.iter().filter(|(sel, etag)| known.get(*sel) != Some(etag)).map(|(sel, _)| sel);
        let (mut found, mut octets) = (Vec::new(), 0);
        for sel in removed.chain(changed) {
            octets += csc_xml::escape_attribute(sel).len() + AROUND;
            if found.len() == MAX_DOCUMENTS || octets > MAX_OCTETS && !found.is_empty() {
                return (found, true);
            }
            let (previous, new) = (known.get(sel).cloned(), self.current.get(sel).cloned());
            found.push(Difference { sel: sel.clone(), previous, new });
        }
        (found, false)
    }

    /// Takes the final answer to the NOTIFY that is under way; a timeout is a 408.
    pub(crate) fn answered(&mut self, status: Status, retry_after: Option<u32>, now: Duration) -> Answered {
        let Some(sent) = self.in_flight.take() else {
            return Answered::Kept;
        };
        let said = sent.ending && (sent.complete || !status.is_success());
        if !sent.superseded && (said || ends(status)) {
            self.phase = Phase::Over;
            return Answered::Over;
        }
        if !status.is_success() {
            if !sent.superseded {
                let asked = retry_after.map_or(RETRY, |seconds| Duration::from_secs(seconds.into()));
                self.retry_at = now.saturating_add(asked.max(RETRY_LEAST));
            }
            return Answered::Kept;
        }
        for difference in sent.differences {
            match difference.new {
                Some(etag) => self.progress.acknowledged.insert(difference.sel, etag),
                None => self.progress.acknowledged.remove(&difference.sel),
            };
        }
        if let Some(cseq) = sent.full {
            self.progress.full_for = cseq;
            if self.full_due == Some(cseq) {
                self.full_due = None;
            }
        }
        Answered::Acknowledged
    }
}

/// Whether this answer to a NOTIFY ends the subscription: nobody is there, or nobody there knows it (RFC 6665 section
/// 4.2.2, RFC 5057).
fn ends(status: Status) -> bool {
    matches!(status.code(), 404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}

#[cfg(test)]
mod tests;
