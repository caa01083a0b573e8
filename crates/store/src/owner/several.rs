//! One of several replicas: beats, watches the others, takes and hands over.
//!
//! ```text
//! every BEAT   write our heartbeat ─► lease
//! every LOOK   read owner records ─► read heartbeats ─► plan ─► tell the holder, compare and set
//! ```
//!
//! Owner records are read before the heartbeats by which their owners are judged, and taking compares with what was
//! read then. So an owner that comes back after a gap, and [confirms](super::records::Board::confirm) what it holds before it acts
//! again, either was seen to beat or makes the taking fail. The same holds for what was handed to somebody who is
//! taken for gone: it is held only when its new owner has written its own name once more.
//!
//! Two that leave at the same moment may hand over to each other, even when one is gone already. Nobody looks after
//! that: a replica whose heartbeat was taken away is gone, and whoever is there or comes next takes it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use csc_proto::record::v1::Heartbeat;
use csc_types::{PARTITIONS, Partition, Revision};
use futures::future::{BoxFuture, FutureExt, join_all};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, watch};

use super::peers::Peers;
use super::plan::{Case, Holding, Seen, Step, step};
use super::spread::winner;
use super::{Ownership, Shift};
use crate::{StoreError, UpdateError};

/// How often a replica says that it is there.
const BEAT: Duration = Duration::from_millis(500);
/// How often it looks at the others.
const LOOK: Duration = Duration::from_millis(100);
/// Owner records of which nothing special is expected are read in turn, so many with each look.
const IN_TURN: u16 = PARTITIONS.div_ceil(8);

impl Ownership {
    /// Shares the role with others until `stop` resolves and everything is handed over.
    pub(super) async fn run_several(&self, shifts: &mpsc::Sender<Shift>, stop: impl Future<Output = ()>) {
        let (leaving, told) = watch::channel(false);
        // A last heartbeat may be under way; nothing shall write it again when it was taken away.
        tokio::join!(self.keep_beating(told), Replica::new(self, shifts).run(leaving, stop));
        self.lease.close();
        if let Err(error) = self.board.forget(&self.replica, None).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, role = self.board.owners_in(), "heartbeat not taken away");
        }
    }

    /// Writes heartbeats; ends when nobody could tell it any more that we leave.
    async fn keep_beating(&self, mut leaving: watch::Receiver<bool>) {
        let mut heartbeat = Heartbeat::default();
        let mut written = true;
        loop {
            heartbeat.beat += 1;
            heartbeat.draining = *leaving.borrow_and_update();
            let sent = self.clock.monotonic();
            let beaten = self.board.beat(&self.replica, heartbeat).await;
            if beaten.is_ok() {
                self.lease.renew(sent);
            }
            match &beaten {
                Ok(()) if !written => tracing::info!(role = self.board.owners_in(), "heartbeats go on"),
                Err(error) if written => {
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(error, role = self.board.owners_in(), "heartbeat not written");
                }
                _ => {}
            }
            written = beaten.is_ok();
            let spent = self.clock.monotonic().saturating_sub(sent);
            tokio::select! {
                () = tokio::time::sleep(BEAT.saturating_sub(spent)) => {}
                changed = leaving.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Compares the owner record with `seen` and sets it to `name`; the record as it then is, or `None` if that is to
    /// be read anew.
    async fn write(&self, partition: Partition, seen: &Seen, name: &str) -> (Partition, Option<Seen>) {
        let board = &self.board;
        let written = if name == self.replica {
            board.take(partition, seen, name).await
        } else {
            board.pass(partition, seen.version, name).await
        };
        let seen = match written {
            Ok(version) => Some(Seen { replica: name.to_owned(), version, confirmed: seen.confirmed }),
            Err(UpdateError::Stale | UpdateError::Contended) => None,
            Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => {
                let (error, role) = (&error as &dyn std::error::Error, board.owners_in());
                tracing::debug!(error, role, partition = partition.number(), "owner record not written");
                None
            }
        };
        (partition, seen)
    }
}

/// What one replica knows and does.
struct Replica<'a> {
    own: &'a Ownership,
    shifts: &'a mpsc::Sender<Shift>,
    peers: Peers,
    seen: BTreeMap<Partition, Seen>,
    /// To be read with the next look, whatever its turn.
    due: BTreeSet<Partition>,
    /// Whose turn it is next.
    turn: u16,
    /// What the holder has, with its fence.
    held: BTreeMap<Partition, Revision>,
    /// What the holder was told to release.
    going: BTreeSet<Partition>,
    releases: FuturesUnordered<BoxFuture<'static, Partition>>,
    /// The gap that was gone through, and what of the taken partitions is not released yet.
    reopening: Option<(u64, BTreeSet<Partition>)>,
    leaving: bool,
    /// The store did not answer the last time.
    away: bool,
}

impl<'a> Replica<'a> {
    fn new(own: &'a Ownership, shifts: &'a mpsc::Sender<Shift>) -> Self {
        Self {
            own,
            shifts,
            peers: Peers::default(),
            seen: BTreeMap::new(),
            due: Partition::all().collect(),
            turn: 0,
            held: BTreeMap::new(),
            going: BTreeSet::new(),
            releases: FuturesUnordered::new(),
            reopening: None,
            leaving: false,
            away: false,
        }
    }

    async fn run(mut self, leaving: watch::Sender<bool>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut looked_again = false;
        loop {
            let looked = self.look().await;
            self.note(&looked);
            if looked.is_ok() {
                self.act().await;
                if self.has_left() {
                    if looked_again {
                        return;
                    }
                    // Somebody may have handed us something before they heard that we leave.
                    looked_again = true;
                    self.due.extend(Partition::all());
                    continue;
                }
                looked_again = false;
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                Some(partition) = self.releases.next() => self.released(partition).await,
                () = &mut stop, if !self.leaving => self.leave(&leaving).await,
                () = self.shifts.closed(), if !self.leaving => self.leave(&leaving).await,
            }
        }
    }

    /// Until the next look.
    fn pause(&self) -> Duration {
        let now = self.own.clock.monotonic();
        let death = self.peers.next_death().map(|death| death.saturating_sub(now));
        death.map_or(LOOK, |death| LOOK.min(death.max(Duration::from_millis(1))))
    }

    async fn leave(&mut self, leaving: &watch::Sender<bool>) {
        self.leaving = true;
        leaving.send_replace(true);
        self.act().await;
    }

    /// Nothing is held, and nothing names us.
    fn has_left(&self) -> bool {
        let named = || self.seen.values().any(|seen| seen.replica == self.own.replica);
        self.leaving && self.held.is_empty() && self.going.is_empty() && self.due.is_empty() && !named()
    }

    /// Reads what the next decisions depend on.
    async fn look(&mut self) -> Result<(), StoreError> {
        self.confirm().await?;
        let partitions = self.choose();
        let owners = self.own.board.owners(partitions).await?;
        let began = self.own.clock.monotonic();
        let mut beats = self.own.board.beats().await?;
        let ended = self.own.clock.monotonic();
        if !self.own.lease.beating() {
            self.peers.interrupted();
        }
        beats.remove(&self.own.replica);
        let found = beats.iter().map(|(name, (heartbeat, _))| (name.clone(), *heartbeat)).collect();
        self.peers.observe((began, ended), &found);
        // Not before: an owner is judged by heartbeats that were read later.
        for (partition, seen) in owners {
            self.seen.insert(partition, seen);
            self.due.remove(&partition);
        }
        let cleared = beats.iter().find(|(name, _)| self.peers.is_long_gone(name));
        if let Some((name, (_, version))) = cleared {
            // If it came back meanwhile, the version is another one.
            let _ = self.own.board.forget(name, Some(*version)).await;
        }
        Ok(())
    }

    /// What is expected to change, and a few of the others.
    fn choose(&mut self) -> BTreeSet<Partition> {
        let mut partitions = std::mem::take(&mut self.due);
        let turns = (self.turn..self.turn + IN_TURN).map(|turn| turn % PARTITIONS);
        partitions.extend(turns.filter_map(Partition::new));
        self.turn = (self.turn + IN_TURN) % PARTITIONS;
        let heirs = self.heirs();
        let waited_for = |at: &Partition| {
            self.holding(*at) == Holding::Not
                && winner(*at, heirs.iter().map(String::as_str)) == Some(&self.own.replica)
        };
        partitions.extend(Partition::all().filter(waited_for));
        self.due.clone_from(&partitions);
        partitions
    }

    /// After a gap in our heartbeats: finds out what others took meanwhile, and makes those fail that are about to.
    async fn confirm(&mut self) -> Result<(), StoreError> {
        let Some(gap) = self.own.lease.gap().filter(|_| self.own.lease.beating()) else { return Ok(()) };
        if self.reopening.as_ref().is_some_and(|(earlier, _)| *earlier == gap) {
            return Ok(());
        }
        let board = &self.own.board;
        let confirmations = self.held.iter().map(|(partition, version)| async move {
            (*partition, board.confirm(*partition, &board.fence(*version)).await)
        });
        let confirmed = join_all(confirmations).await;
        let mut outcome = Ok(());
        for (partition, confirmed) in confirmed {
            match confirmed {
                Ok(_) => {}
                Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => outcome = Err(error),
                Err(UpdateError::Stale | UpdateError::Contended) => {
                    self.due.insert(partition);
                    self.lose(partition).await;
                }
            }
        }
        if outcome.is_ok() {
            self.reopening = Some((gap, self.going.clone()));
            self.reopen();
        }
        outcome
    }

    fn reopen(&mut self) {
        if let Some((gap, _)) = self.reopening.take_if(|(_, taken)| taken.is_empty()) {
            self.own.lease.open(gap);
        }
    }

    /// Does what follows from what was read.
    async fn act(&mut self) {
        let heirs = self.heirs();
        let mut steps = Vec::new();
        for (partition, seen) in &self.seen {
            let winner = winner(*partition, heirs.iter().map(String::as_str));
            let case = Case {
                me: &self.own.replica,
                seen,
                holding: self.holding(*partition),
                winner,
                is_free: seen.replica == self.own.replica
                    || seen.replica.is_empty()
                    || self.peers.is_gone(&seen.replica),
                may_take: self.own.lease.valid() && !self.due.contains(partition),
            };
            match step(&case) {
                Step::Rest => {}
                step => steps.push((*partition, seen.clone(), step, winner.unwrap_or_default())),
            }
        }
        let writes = steps
            .iter()
            .filter(|(_, _, step, _)| matches!(step, Step::Take | Step::Pass))
            .map(|(partition, seen, _, name)| self.own.write(*partition, seen, name));
        for (partition, seen) in join_all(writes).await {
            match seen {
                Some(seen) => self.wrote(partition, seen).await,
                None => {
                    self.due.insert(partition);
                }
            }
        }
        for (partition, ..) in steps.iter().filter(|(_, _, step, _)| *step == Step::Lose) {
            self.lose(*partition).await;
        }
    }

    async fn wrote(&mut self, partition: Partition, seen: Seen) {
        let (ours, version) = (seen.replica == self.own.replica, seen.version);
        let before = self.seen.insert(partition, seen);
        if ours {
            if before.is_some_and(|before| !before.replica.is_empty() && before.replica != self.own.replica) {
                self.own.tally.took_over();
            }
            self.gain(partition, version).await;
        }
    }

    async fn gain(&mut self, partition: Partition, version: Revision) {
        self.held.insert(partition, version);
        self.own.tally.holds(self.held.len());
        // A holder that is gone makes us leave; then there is nothing to release.
        let _ = self.shifts.send(Shift::Gained(partition, self.own.board.fence(version))).await;
    }

    async fn lose(&mut self, partition: Partition) {
        self.held.remove(&partition);
        self.own.tally.holds(self.held.len());
        self.going.insert(partition);
        let (lost, released) = Shift::lost(partition);
        let _ = self.shifts.send(lost).await;
        self.releases.push(released.map(move |_| partition).boxed());
    }

    /// The holder has released `partition`, and perhaps others.
    async fn released(&mut self, partition: Partition) {
        let mut next = Some(partition);
        while let Some(partition) = next {
            self.going.remove(&partition);
            if let Some((_, taken)) = &mut self.reopening {
                taken.remove(&partition);
            }
            next = self.releases.next().now_or_never().flatten();
        }
        self.reopen();
        self.act().await;
    }

    fn holding(&self, partition: Partition) -> Holding {
        if self.going.contains(&partition) {
            return Holding::Going;
        }
        self.held.get(&partition).map_or(Holding::Not, |fence| Holding::Held(*fence))
    }

    /// Everybody who may have partitions, ourselves included while we stay.
    fn heirs(&self) -> Vec<String> {
        let me = (!self.leaving).then_some(self.own.replica.as_str());
        self.peers.heirs().chain(me).map(str::to_owned).collect()
    }

    fn note(&mut self, looked: &Result<(), StoreError>) {
        let role = self.own.board.owners_in();
        match looked {
            Ok(()) if self.away => tracing::info!(role, "the other replicas are seen again"),
            Err(error) if !self.away => {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    role,
                    "the other replicas are not seen"
                );
            }
            _ => {}
        }
        self.away = looked.is_err();
        if self.away {
            self.peers.interrupted();
        }
    }
}
