//! The engine: one task that owns the socket, the transactions and every subscription of this replica's partitions.
//!
//! It never waits for the store. Reads, commits and the logs have tasks of their own that take work and give results, one
//! batch at a time; answering a SUBSCRIBE is a task as well. So the state machines need no locks, and one slow subscriber
//! or one slow commit holds up nobody else.
//!
//! ```text
//!            ┌─ tail ────── what changed ─────┐
//!  logs ─────┘                                ▼
//!  store ── reader ◄── what to look at ──── engine ◄──► socket
//!        ── writer ◄── progress, endings ──   │  ▲
//!        ── SUBSCRIBE ◄───────────────────────┘  └─ answers
//! ```

mod inbound;
mod metrics;
mod outbound;
mod reader;
mod socket;
mod subscribers;
mod tail;
mod watchers;
mod windows;
mod writer;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use csc_service::Shutdown;
use csc_sip::{ClientTransactions, Expired, Limits, ServerTransactions};
use csc_store::Records;
use csc_store::owner::{self, Fence};
use csc_types::{Entropy, McpttId, Partition};
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) use self::metrics::EngineMetrics;
pub(crate) use self::socket::SipSocket;

use self::inbound::Reply;
use self::outbound::Sent;
use self::reader::{Found, Job, Stored};
use self::subscribers::Entry;
use self::tail::News;
use self::watchers::Watchers;
use self::windows::Windows;
use self::writer::{Write, Written};
use crate::accept::Accept;
use crate::records::ROLE;

/// Our tag, which names a dialog.
type Tag = Arc<str>;
/// Call-ID and the subscriber's tag, which name it before it has ours.
type Half = (String, String);

/// Octets that a remembered request and its answer take in the mean at most.
const OCTETS_PER_REQUEST: usize = 4_096;
/// Jobs handed to the reader or the writer at once.
const BATCH: usize = 1_024;
/// Subscriptions moved on before the socket is looked at again.
const TURN: usize = 128;
/// The longest sleep while a timer runs. The clock is handed in, and need not run as the runtime's does.
const TICK: Duration = Duration::from_millis(100);

/// Runs the notifier until shutdown, or until this replica may no longer notify. `ready` becomes true once it has the role.
pub(crate) async fn run(
    accept: Arc<Accept>,
    socket: SipSocket,
    entropy: Arc<dyn Entropy>,
    metrics: EngineMetrics,
    replica: String,
    ready: Arc<AtomicBool>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let claims = Partition::all().map(|partition| claim(&accept.records, partition, &replica));
    let fences = tokio::select! {
        fences = join_all(claims) => fences.into_iter().collect::<BTreeMap<_, _>>(),
        () = shutdown.requested() => return Ok(()),
    };
    ready.store(true, Ordering::Release);
    let (to_reader, reader_jobs) = mpsc::channel(1);
    let (reader_found, from_reader) = mpsc::channel(1);
    let (to_writer, writer_jobs) = mpsc::channel(1);
    let (writer_done, from_writer) = mpsc::channel(1);
    let (tail_news, from_tail) = mpsc::channel(1);
    let mut helpers = JoinSet::new();
    helpers.spawn(reader::run(accept.records.clone(), accept.naming.clone(), reader_jobs, reader_found));
    helpers.spawn(writer::run(accept.records.clone(), Arc::new(fences), writer_jobs, writer_done));
    helpers.spawn(tail::run(accept.records.clone(), tail_news));
    let config = &accept.config;
    let requests = config.max_per_source;
    let limits = Limits { requests, octets: requests.saturating_mul(OCTETS_PER_REQUEST) };
    let engine = Engine {
        server: ServerTransactions::new(limits),
        client: ClientTransactions::default(),
        windows: Windows::new(config.window),
        accept,
        socket,
        entropy,
        metrics,
        entries: HashMap::new(),
        by_user: HashMap::new(),
        watchers: Watchers::default(),
        ready: VecDeque::new(),
        timers: BTreeSet::new(),
        jobs: VecDeque::new(),
        dirty: VecDeque::new(),
        writes: VecDeque::new(),
        reading: false,
        writing: false,
        to_reader,
        to_writer,
        replies: JoinSet::new(),
        answering: HashMap::new(),
        parked: Vec::new(),
        stopping: false,
    };
    let ended = engine.run(from_reader, from_writer, from_tail, &mut helpers, shutdown).await;
    helpers.shutdown().await;
    ended
}

/// Takes the role of the notifier for a partition. In one process this replica has it for all.
async fn claim(records: &Records, partition: Partition, replica: &str) -> (Partition, Fence) {
    loop {
        match owner::claim(records, partition, ROLE, replica).await {
            Ok(fence) => return (partition, fence),
            Err(error) => {
                tracing::warn!(%error, partition = partition.number(), "role of the notifier not claimed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

struct Engine {
    accept: Arc<Accept>,
    socket: SipSocket,
    entropy: Arc<dyn Entropy>,
    metrics: EngineMetrics,
    server: ServerTransactions,
    client: ClientTransactions<Sent>,
    windows: Windows,
    entries: HashMap<Tag, Entry>,
    /// Subscriptions of each user.
    by_user: HashMap<McpttId, Vec<Tag>>,
    watchers: Watchers,
    /// Subscriptions that may have something to do.
    ready: VecDeque<Tag>,
    timers: BTreeSet<(Duration, Tag)>,
    /// What is to be read, apart from documents.
    jobs: VecDeque<Job>,
    /// Subscriptions whose documents are to be read.
    dirty: VecDeque<Tag>,
    /// Subscriptions with something to be written.
    writes: VecDeque<Tag>,
    reading: bool,
    writing: bool,
    to_reader: mpsc::Sender<Vec<Job>>,
    to_writer: mpsc::Sender<Vec<Write>>,
    replies: JoinSet<Reply>,
    /// Dialogs whose SUBSCRIBE is being answered: their NOTIFY comes after the answer.
    answering: HashMap<Half, usize>,
    /// What was loaded for those.
    parked: Vec<(Tag, Box<Stored>)>,
    stopping: bool,
}

impl Engine {
    async fn run(
        mut self,
        mut from_reader: mpsc::Receiver<Vec<Found>>,
        mut from_writer: mpsc::Receiver<Vec<Written>>,
        mut from_tail: mpsc::Receiver<Vec<News>>,
        helpers: &mut JoinSet<anyhow::Result<()>>,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        loop {
            let now = self.now();
            self.timers(now);
            self.turn(now);
            self.hand_out();
            if self.stopping && self.replies.is_empty() && !self.writing && self.writes.is_empty() {
                return Ok(());
            }
            let sleep = self.sleep(now);
            tokio::select! {
                ready = self.socket.ready() => {
                    ready?;
                    for (datagram, source) in self.socket.receive() {
                        self.datagram(datagram, source);
                    }
                }
                Some(reply) = self.replies.join_next() => {
                    self.reply(reply?);
                    while let Some(reply) = self.replies.try_join_next() {
                        self.reply(reply?);
                    }
                }
                Some(found) = from_reader.recv() => {
                    self.reading = false;
                    for found in found {
                        self.found(found);
                    }
                }
                Some(written) = from_writer.recv() => {
                    self.writing = false;
                    for written in written {
                        self.written(written);
                    }
                }
                Some(news) = from_tail.recv() => {
                    for news in news {
                        self.heard(news);
                    }
                }
                Some(helper) = helpers.join_next() => {
                    helper??;
                    anyhow::bail!("a part of the notifier stopped");
                }
                () = tokio::time::sleep(sleep) => {}
                () = shutdown.requested(), if !self.stopping => self.stopping = true,
            }
        }
    }

    fn now(&self) -> Duration {
        self.accept.clock.monotonic()
    }

    /// How long nothing will happen by itself.
    fn sleep(&mut self, now: Duration) -> Duration {
        if !self.ready.is_empty() || self.windows.can_admit() {
            return Duration::ZERO;
        }
        let deadlines = [
            self.server.next_deadline(),
            self.client.next_deadline(),
            self.windows.next_deadline(),
            self.timers.first().map(|(deadline, _)| *deadline),
        ];
        let next = deadlines.into_iter().flatten().min();
        next.map_or(Duration::from_secs(3600), |next| next.saturating_sub(now).min(TICK))
    }

    /// Fires what is due.
    fn timers(&mut self, now: Duration) {
        self.server.expire(now);
        for expired in self.client.expire(now) {
            match expired {
                Expired::Repeat(request, to) => {
                    self.metrics.repeated();
                    self.socket.send(request, to);
                }
                Expired::TimedOut(sent) => self.timed_out(&sent, now),
            }
        }
        self.windows.expire(now);
        for tag in self.windows.admit() {
            if let Some(entry) = self.entries.get_mut(&tag) {
                entry.waiting = false;
                self.ready.push_back(tag);
            }
        }
        while let Some((deadline, _)) = self.timers.first()
            && *deadline <= now
        {
            if let Some((_, tag)) = self.timers.pop_first() {
                self.ready.push_back(tag);
            }
        }
    }

    /// Moves subscriptions on, a limited number of them.
    fn turn(&mut self, now: Duration) {
        for _ in 0..TURN {
            let Some(tag) = self.ready.pop_front() else { break };
            self.step(&tag, now);
        }
        self.metrics.subscriptions(self.entries.len());
    }

    /// Gives the reader and the writer what has gathered for them, if they have nothing to do.
    fn hand_out(&mut self) {
        if !self.reading {
            let jobs = self.next_jobs();
            // Each takes one batch at a time, so there is room.
            self.reading = !jobs.is_empty() && self.to_reader.try_send(jobs).is_ok();
        }
        if !self.writing {
            let writes = self.next_writes();
            self.writing = !writes.is_empty() && self.to_writer.try_send(writes).is_ok();
        }
    }
}

#[cfg(test)]
mod tests;
