//! Client transactions other than INVITE, over an unreliable transport (RFC 3261 section 17.1.2).
//!
//! Timer E repeats the request at T1, 2 T1, … up to T2, timer F gives up after 64 T1: 11 copies in 32 s.
//! There is no Completed state: timer K would only swallow further copies of the final response, and a
//! response without a transaction is dropped anyway.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use sip_codec::{Encoded, Name, Response, Status, Via};

use crate::{T1, T2, TRANSACTION};

/// The client transactions of one socket. `T` is what the caller wants back when one ends.
#[derive(Debug)]
pub struct ClientTransactions<T> {
    table: HashMap<String, Entry<T>>,
    queue: BinaryHeap<Reverse<(Duration, String)>>,
}

#[derive(Debug)]
struct Entry<T> {
    method: String,
    request: Encoded,
    to: SocketAddr,
    owner: T,
    /// Timer E: its interval, and when it fires next.
    interval: Duration,
    repeat: Duration,
    /// Timer F.
    deadline: Duration,
    /// Whether a provisional response came: copies then leave every T2.
    proceeding: bool,
}

/// A branch that is in use already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("branch in use")]
pub struct InUse;

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Final<T> {
    /// What the caller gave.
    pub owner: T,
    /// The final status.
    pub status: Status,
}

/// What a timer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expired<T> {
    /// Send this copy.
    Repeat(Encoded, SocketAddr),
    /// Nobody answered in time: treat it as a 408.
    TimedOut(T),
}

impl<T> Default for ClientTransactions<T> {
    fn default() -> Self {
        ClientTransactions { table: HashMap::new(), queue: BinaryHeap::new() }
    }
}

impl<T> ClientTransactions<T> {
    /// Begins a transaction. The caller sends the first copy of `request` to `to`; its Via carries
    /// `branch`, which nobody can guess.
    pub fn start(
        &mut self,
        branch: &str,
        method: &str,
        request: Encoded,
        to: SocketAddr,
        owner: T,
        now: Duration,
    ) -> Result<(), InUse> {
        if self.table.contains_key(branch) {
            return Err(InUse);
        }
        let entry = Entry {
            method: method.to_owned(),
            request,
            to,
            owner,
            interval: T1,
            repeat: now + T1,
            deadline: now + TRANSACTION,
            proceeding: false,
        };
        self.queue.push(Reverse((entry.repeat, branch.to_owned())));
        self.table.insert(branch.to_owned(), entry);
        Ok(())
    }

    /// Takes a response. Gives how its transaction ended, if it ended; a response that belongs to no
    /// transaction, or that has other Vias than ours alone (section 8.1.3.3), does nothing.
    pub fn receive(&mut self, response: &Response) -> Option<Final<T>> {
        let mut vias = response.headers().values(Name::Via);
        let branch = Via::parse(vias.next()?)?.branch()?;
        if vias.next().is_some() {
            return None;
        }
        let core = response.headers().core().ok()?;
        let entry = self.table.get_mut(branch)?;
        if entry.method != core.cseq.method {
            return None;
        }
        if !response.status().is_final() {
            entry.proceeding = true;
            return None;
        }
        let entry = self.table.remove(branch)?;
        Some(Final { owner: entry.owner, status: response.status() })
    }

    /// Gives a transaction up: nothing more is sent, and an answer is nobody's.
    pub fn cancel(&mut self, branch: &str) -> Option<T> {
        Some(self.table.remove(branch)?.owner)
    }

    /// When [`ClientTransactions::expire`] next has something to do.
    pub fn next_deadline(&mut self) -> Option<Duration> {
        // Deadlines of ended transactions are taken off here, so that they wake nobody.
        while let Some(Reverse((_, branch))) = self.queue.peek()
            && !self.table.contains_key(branch)
        {
            self.queue.pop();
        }
        self.queue.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// Fires every timer that is due.
    pub fn expire(&mut self, now: Duration) -> Vec<Expired<T>> {
        let mut fired = Vec::new();
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            let Some(Reverse((_, branch))) = self.queue.pop() else { break };
            let Some(entry) = self.table.get_mut(&branch) else { continue };
            if entry.deadline <= now {
                if let Some(entry) = self.table.remove(&branch) {
                    fired.push(Expired::TimedOut(entry.owner));
                }
                continue;
            }
            fired.push(Expired::Repeat(entry.request.clone(), entry.to));
            entry.interval = if entry.proceeding { T2 } else { (entry.interval * 2).min(T2) };
            // Counted from the planned moment, so that a late driver sends no fewer copies; after a long
            // pause one copy leaves, not all that were missed.
            let planned = entry.repeat + entry.interval;
            entry.repeat = if planned > now { planned } else { now + entry.interval };
            self.queue.push(Reverse((entry.repeat.min(entry.deadline), branch)));
        }
        fired
    }

    /// How many transactions are under way.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}
