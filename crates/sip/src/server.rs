//! Server transactions other than INVITE, over an unreliable transport (RFC 3261 section 17.2.2).
//!
//! A request that is still being processed is known, and its copies are dropped; once it is answered,
//! each copy gets the same octets until timer J ends. A request that arrives a second time on another
//! path is merged (section 8.2.2.2).

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sip_codec::{Core, Encoded, Request};

use crate::TRANSACTION;

/// Names one server transaction (section 17.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TransactionKey(Arc<str>);

impl TransactionKey {
    /// The key of `request`, whose fields `core` are.
    pub fn of(request: &Request, core: &Core<'_>) -> TransactionKey {
        let method = request.method_text();
        // Blanks stand in none of the parts, so that two keys cannot run into each other.
        let key = match core.via.transaction() {
            Some(branch) => {
                let port = core.via.port.unwrap_or(5060);
                format!("3261 {branch} {}:{port} {method}", core.via.host.to_ascii_lowercase())
            }
            None => format!(
                "2543 {} {} {} {} {} {method} {}:{:?} {}",
                request.uri().as_str(),
                core.to.tag().unwrap_or_default(),
                core.from.tag().unwrap_or_default(),
                core.call_id,
                core.cseq.number,
                core.via.host.to_ascii_lowercase(),
                core.via.port,
                core.via.branch().unwrap_or_default(),
            ),
        };
        TransactionKey(key.into())
    }
}

/// What an arriving request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A request to serve; it is now in the table.
    New,
    /// A copy of a request that is still being processed: drop it.
    Pending,
    /// A copy of an answered request: send this again, to that address.
    Answered(Encoded, SocketAddr),
    /// The same request on another path: refuse with 482.
    Merged,
    /// There is no room: refuse with 503 and keep nothing.
    Full,
}

/// What is remembered for one party. Each peer is one; all strangers together are one, since a stranger's address may
/// be anybody's invention. Peers are configured, so that there is an end to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Transactions.
    pub requests: usize,
    /// Octets of their names and answers. Beyond this nothing new is taken.
    pub octets: usize,
}

/// The server transactions of one socket.
#[derive(Debug)]
pub struct ServerTransactions {
    limits: Limits,
    table: HashMap<TransactionKey, Entry>,
    /// Requests outside a dialog, by what stays the same on every path.
    paths: HashMap<Arc<str>, TransactionKey>,
    /// By peer; strangers are `None`.
    usage: HashMap<Option<IpAddr>, Usage>,
    /// Every deadline lies the same span ahead, so that the queue is in order. An entry whose deadline
    /// has moved on is passed over.
    queue: VecDeque<(Duration, TransactionKey)>,
}

#[derive(Debug)]
struct Entry {
    deadline: Duration,
    party: Option<IpAddr>,
    path: Option<Arc<str>>,
    octets: usize,
    answer: Option<(Encoded, SocketAddr)>,
}

#[derive(Debug, Default)]
struct Usage {
    requests: usize,
    octets: usize,
}

impl ServerTransactions {
    /// An empty table.
    pub fn new(limits: Limits) -> ServerTransactions {
        ServerTransactions {
            limits,
            table: HashMap::new(),
            paths: HashMap::new(),
            usage: HashMap::new(),
            queue: VecDeque::new(),
        }
    }

    /// Finds out what the request with this key is, and remembers it if it is new. `peer` is the address of the
    /// configured peer it came from, `None` for anybody else.
    pub fn receive(
        &mut self,
        key: &TransactionKey,
        core: &Core<'_>,
        peer: Option<IpAddr>,
        now: Duration,
    ) -> Arrival {
        if let Some(entry) = self.table.get(key) {
            return match &entry.answer {
                Some((answer, to)) => Arrival::Answered(answer.clone(), *to),
                None => Arrival::Pending,
            };
        }
        let path = core.to.tag().is_none().then(|| {
            let tag = core.from.tag().unwrap_or_default();
            Arc::from(format!("{} {tag} {} {}", core.call_id, core.cseq.number, core.cseq.method))
        });
        if path.as_ref().is_some_and(|path| self.paths.contains_key(path)) {
            return Arrival::Merged;
        }
        let usage = self.usage.entry(peer).or_default();
        if usage.requests >= self.limits.requests || usage.octets >= self.limits.octets {
            return Arrival::Full;
        }
        let octets = key.0.len() + path.as_ref().map_or(0, |path| path.len());
        usage.requests += 1;
        usage.octets += octets;
        if let Some(path) = &path {
            self.paths.insert(path.clone(), key.clone());
        }
        let deadline = now + TRANSACTION;
        self.queue.push_back((deadline, key.clone()));
        self.table.insert(key.clone(), Entry { deadline, party: peer, path, octets, answer: None });
        Arrival::New
    }

    /// Stores the final answer of a transaction; copies of the request get it until timer J ends.
    pub fn answer(&mut self, key: &TransactionKey, answer: Encoded, to: SocketAddr, now: Duration) {
        // Processing that took longer than timer J has nobody waiting for copies.
        if let Some(entry) = self.table.get_mut(key) {
            let octets = answer.as_bytes().len();
            entry.octets += octets;
            self.usage.entry(entry.party).or_default().octets += octets;
            entry.answer = Some((answer, to));
            entry.deadline = now + TRANSACTION;
            self.queue.push_back((entry.deadline, key.clone()));
        }
    }

    /// When [`ServerTransactions::expire`] next has something to do.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.queue.front().map(|(deadline, _)| *deadline)
    }

    /// Forgets every transaction whose time is over.
    pub fn expire(&mut self, now: Duration) {
        while let Some((deadline, _)) = self.queue.front()
            && *deadline <= now
        {
            let Some((deadline, key)) = self.queue.pop_front() else { return };
            if self.table.get(&key).is_none_or(|entry| entry.deadline != deadline) {
                continue;
            }
            let Some(entry) = self.table.remove(&key) else { continue };
            if let Some(path) = &entry.path {
                self.paths.remove(path);
            }
            if let Some(usage) = self.usage.get_mut(&entry.party) {
                usage.requests -= 1;
                usage.octets -= entry.octets;
            }
        }
    }

    /// How many transactions are remembered.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }
}
