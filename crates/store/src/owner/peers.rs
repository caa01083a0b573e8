//! Who else is there. A judgement over readings of the heartbeats; no I/O, and no clock but the times handed in.
//!
//! A replica is dead when for [`DEAD`] of the observer's monotonic time, all of it covered by readings that succeeded,
//! no new beat of it was seen. So a store that is away kills nobody, and neither does a clock that steps, nor an
//! observer that slept.
//!
//! A replica without a heartbeat is gone. It writes one before it takes anything or is given anything, and the heartbeat is
//! taken away when it has left, by itself, or [`FORGET`] after its last one, by others; if it wakes up after all, it
//! confirms what it holds before it acts. So whom an owner record names owns nothing if its heartbeat is missing in
//! a reading that began later.

use std::collections::BTreeMap;
use std::time::Duration;

use csc_proto::record::v1::Heartbeat;

/// How long nobody may have seen a new beat of a replica that is taken over from.
pub(super) const DEAD: Duration = Duration::from_millis(1_500);
/// Readings that lie further apart do not cover the time between them.
const GAP: Duration = Duration::from_millis(750);
/// What replicas get on top after a store that did not answer: they need not find it again at the same moment.
const GRACE: Duration = Duration::from_millis(1_500);
/// How long the heartbeat of a dead replica is kept. A replica that wakes up later writes it anew.
const FORGET: Duration = Duration::from_secs(5);

/// The other replicas.
#[derive(Debug, Default)]
pub(super) struct Peers {
    known: BTreeMap<String, Peer>,
    /// When the last reading ended; `None`: the time since is not covered.
    covered: Option<Duration>,
    /// When the last reading began.
    now: Duration,
    /// The store did not answer since the last reading.
    outage: bool,
}

#[derive(Debug, Default)]
struct Peer {
    /// The last beat; `None` before the first one was taken in.
    beat: Option<u64>,
    /// Another beat was seen to follow, so that it is not just the record of somebody long gone.
    steady: bool,
    draining: bool,
    /// No new beat was seen since.
    silent: Duration,
}

impl Peers {
    /// The store did not answer, or does not take our own heartbeats: nothing is known about the time since the last
    /// reading.
    pub(super) fn interrupted(&mut self) {
        self.covered = None;
        self.outage = true;
    }

    /// Takes in a reading of all heartbeats but our own, begun and ended at these monotonic times.
    pub(super) fn observe(
        &mut self,
        (began, ended): (Duration, Duration),
        found: &BTreeMap<String, Heartbeat>,
    ) {
        let covered = self.covered.is_some_and(|last| began.saturating_sub(last) <= GAP);
        if !covered {
            let since = if self.outage { ended + GRACE } else { ended };
            self.known.values_mut().for_each(|peer| peer.silent = peer.silent.max(since));
        }
        (self.covered, self.now, self.outage) = (Some(ended), began, false);
        let mut before = std::mem::take(&mut self.known);
        for (name, heartbeat) in found {
            let mut peer = before.remove(name).unwrap_or_else(|| Peer { silent: ended, ..Peer::default() });
            if peer.beat.is_none_or(|beat| beat < heartbeat.beat) {
                peer.steady = peer.beat.is_some() && !self.is_silent(&peer);
                peer.beat = Some(heartbeat.beat);
                peer.silent = ended;
            }
            peer.draining = heartbeat.draining;
            self.known.insert(name.clone(), peer);
        }
    }

    /// Who may be given partitions.
    pub(super) fn heirs(&self) -> impl Iterator<Item = &str> {
        let fit = |peer: &Peer| peer.steady && !peer.draining && !self.is_silent(peer);
        self.known.iter().filter(move |(_, peer)| fit(peer)).map(|(name, _)| name.as_str())
    }

    /// Whether `name` owns nothing any more, whatever the records say that were read before the heartbeats.
    pub(super) fn is_gone(&self, name: &str) -> bool {
        self.known.get(name).is_none_or(|peer| self.is_silent(peer))
    }

    /// Whether the heartbeat of `name` may be cleared away.
    pub(super) fn is_long_gone(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|peer| self.now.saturating_sub(peer.silent) >= FORGET)
    }

    /// When the next of them will have been silent for too long, if it stays so.
    pub(super) fn next_death(&self) -> Option<Duration> {
        self.known.values().map(|peer| peer.silent + DEAD).filter(|death| *death > self.now).min()
    }

    fn is_silent(&self, peer: &Peer) -> bool {
        self.now.saturating_sub(peer.silent) >= DEAD
    }
}
