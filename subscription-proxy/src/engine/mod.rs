//! The engine: one task that owns the socket, the transactions and every subscription of this replica's partitions.
//!
//! It never waits for the store. Reads, commits and the logs have tasks of their own that take work and give results, one
//! batch at a time; answering a SUBSCRIBE is a task as well. So the state machines need no locks, and one slow subscriber
//! or one slow commit holds up nobody else.
//!
//! ```text
//!            ┌─ tail ────── what changed ─────┐
//!  logs ─────┘                                ▼
//!  ownership ─────── partitions come and go ► engine ◄──► socket
//!  store ── reader ◄── what to look at ────   │  ▲
//!        ── loaders ◄── partitions that came  │  │
//!        ── writers ◄── progress, endings ──  │  │
//!        ── SUBSCRIBE ◄───────────────────────┘  └─ answers
//! ```

mod holdings;
mod inbound;
mod loader;
mod metrics;
mod outbound;
mod reader;
mod socket;
mod subscribers;
mod tail;
mod watch;
mod watchers;
mod windows;
mod writer;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use csc_service::Shutdown;
use csc_service::trace::Cause;
use csc_sip::{ClientTransactions, Expired, Limits, ServerTransactions};
use csc_store::owner::{Lease, Ownership, Shift};
use csc_types::{Entropy, McpttId, Partition};
use sip_codec::Status;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) use self::metrics::EngineMetrics;
pub(crate) use self::socket::SipSocket;

use self::holdings::{Done, Holding};
use self::inbound::Reply;
use self::loader::{Page, Stored};
use self::outbound::Sent;
use self::reader::{Found, Job};
use self::subscribers::Entry;
use self::tail::News;
use self::watchers::Watchers;
use self::windows::Windows;
use crate::accept::Accept;

/// Our tag, which names a dialog.
type Tag = Arc<str>;
/// Call-ID and the subscriber's tag, which name it before it has ours.
type Half = (String, String);

/// Octets that a remembered request and its answer take in the mean at most.
const OCTETS_PER_REQUEST: usize = 4_096;
/// Jobs handed to the reader or to a writer at once.
const BATCH: usize = 1_024;
/// Pages of dialogs that may wait.
const PAGES: usize = 8;
/// Subscriptions moved on before the socket is looked at again.
const TURN: usize = 128;
/// The longest sleep while a timer runs. The clock is handed in, and need not run as the runtime's does.
const TICK: Duration = Duration::from_millis(100);

/// Runs the notifier until shutdown. `ready` becomes true once the logs are followed.
pub(crate) async fn run(
    accept: Arc<Accept>,
    socket: SipSocket,
    entropy: Arc<dyn Entropy>,
    metrics: EngineMetrics,
    ownership: Ownership,
    ready: Arc<AtomicBool>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let (to_reader, reader_jobs) = mpsc::channel(1);
    let (reader_found, from_reader) = mpsc::channel(1);
    let (pages, from_loaders) = mpsc::channel(PAGES);
    let (tail_news, from_tail) = mpsc::channel(1);
    let (shifts, from_ownership) = mpsc::channel(usize::from(csc_types::PARTITIONS));
    let lease = ownership.lease();
    let mut helpers = JoinSet::new();
    helpers.spawn(reader::run(accept.clone(), reader_jobs, reader_found));
    helpers.spawn(tail::run(accept.settled.clone(), tail_news));
    let stop = shutdown.clone();
    helpers.spawn(async move {
        ownership.run(shifts, async move { stop.requested().await }).await;
        Ok(())
    });
    let engine = Engine::new(accept, socket, entropy, metrics, lease, to_reader, pages);
    let inputs = Inputs { from_ownership, from_reader, from_loaders, from_tail };
    let ended = engine.run(inputs, &mut helpers, &ready, shutdown).await;
    helpers.shutdown().await;
    ended
}

struct Engine {
    accept: Arc<Accept>,
    socket: SipSocket,
    entropy: Arc<dyn Entropy>,
    metrics: EngineMetrics,
    server: ServerTransactions,
    client: ClientTransactions<Sent>,
    windows: Windows,
    /// Whether this replica may act for what it holds.
    lease: Lease,
    holdings: BTreeMap<Partition, Holding>,
    /// Those of them that are handed over.
    leaving: BTreeSet<Partition>,
    /// Partitions whose logs are followed.
    followed: BTreeSet<Partition>,
    /// The last number of a holding, a reading, or a generation of a subscription.
    numbers: u64,
    /// The subscriptions of the partitions that are held.
    entries: HashMap<Tag, Entry>,
    /// Subscriptions of each user.
    by_user: HashMap<McpttId, Vec<Tag>>,
    watchers: Watchers,
    /// The traces that the next NOTIFYs belong to; empty where nothing is traced.
    causes: HashMap<Tag, Cause>,
    /// Subscriptions that may have something to do.
    ready: VecDeque<Tag>,
    /// Those that have something to say once the lease is valid again.
    unleased: BTreeSet<Tag>,
    timers: BTreeSet<(Duration, Tag)>,
    /// What is to be read, apart from documents.
    jobs: VecDeque<Job>,
    /// Subscriptions whose documents are to be read.
    dirty: VecDeque<Tag>,
    to_reader: mpsc::Sender<Vec<Job>>,
    pages: mpsc::Sender<Page>,
    /// What holdings do beside: their dialogs are read, their progress is written.
    work: JoinSet<Done>,
    replies: JoinSet<Reply>,
    /// Dialogs whose SUBSCRIBE is being answered: their NOTIFY comes after the answer.
    answering: HashMap<Half, usize>,
    /// What was loaded for those.
    parked: Vec<Parked>,
    stopping: bool,
}

/// A dialog that was read while its SUBSCRIBE was being answered.
struct Parked {
    tag: Tag,
    number: u64,
    stored: Box<Stored>,
}

/// What the helpers give.
struct Inputs {
    from_ownership: mpsc::Receiver<Shift>,
    from_reader: mpsc::Receiver<Vec<Found>>,
    from_loaders: mpsc::Receiver<Page>,
    from_tail: mpsc::Receiver<Vec<News>>,
}

impl Engine {
    /// An engine that holds nothing yet.
    fn new(
        accept: Arc<Accept>,
        socket: SipSocket,
        entropy: Arc<dyn Entropy>,
        metrics: EngineMetrics,
        lease: Lease,
        to_reader: mpsc::Sender<Vec<Job>>,
        pages: mpsc::Sender<Page>,
    ) -> Engine {
        let config = &accept.config;
        let requests = config.max_per_source;
        let limits = Limits { requests, octets: requests.saturating_mul(OCTETS_PER_REQUEST) };
        Engine {
            server: ServerTransactions::new(limits),
            client: ClientTransactions::default(),
            windows: Windows::new(config.window),
            accept,
            socket,
            entropy,
            metrics,
            lease,
            holdings: BTreeMap::new(),
            leaving: BTreeSet::new(),
            followed: BTreeSet::new(),
            numbers: 0,
            entries: HashMap::new(),
            by_user: HashMap::new(),
            watchers: Watchers::default(),
            causes: HashMap::new(),
            ready: VecDeque::new(),
            unleased: BTreeSet::new(),
            timers: BTreeSet::new(),
            jobs: VecDeque::new(),
            dirty: VecDeque::new(),
            to_reader,
            pages,
            work: JoinSet::new(),
            replies: JoinSet::new(),
            answering: HashMap::new(),
            parked: Vec::new(),
            stopping: false,
        }
    }

    async fn run(
        mut self,
        mut inputs: Inputs,
        helpers: &mut JoinSet<anyhow::Result<()>>,
        ready: &AtomicBool,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        loop {
            let now = self.now();
            self.timers(now);
            self.turn(now);
            self.hand_out();
            self.hand_over(now);
            // Whoever owned the partitions has handed all of them over, and everything that was accepted is answered.
            let idle = self.replies.is_empty() && self.socket.is_flushed();
            if self.stopping && inputs.from_ownership.is_closed() && self.holdings.is_empty() && idle {
                return Ok(());
            }
            let sleep = self.sleep(now);
            tokio::select! {
                readable = self.socket.ready() => {
                    readable?;
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
                Some(found) = inputs.from_reader.recv() => {
                    for found in found {
                        self.found(found);
                    }
                }
                Some(page) = inputs.from_loaders.recv() => self.page(page),
                Some(done) = self.work.join_next() => match done {
                    Ok(done) => self.done(done),
                    // It belonged to a partition that was dropped.
                    Err(error) if error.is_cancelled() => {}
                    Err(error) => return Err(error.into()),
                },
                Some(news) = inputs.from_tail.recv() => {
                    ready.store(true, Ordering::Release);
                    for news in news {
                        self.heard(news);
                    }
                }
                Some(shift) = inputs.from_ownership.recv() => self.shift(shift),
                Some(helper) = helpers.join_next() => {
                    helper??;
                    anyhow::ensure!(shutdown.is_requested(), "a part of the notifier stopped");
                }
                () = rest(sleep) => {}
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
            self.next_hand_over(now),
            (!self.unleased.is_empty()).then(|| now + TICK),
        ];
        let next = deadlines.into_iter().flatten().min();
        next.map_or(Duration::from_secs(3600), |next| next.saturating_sub(now).min(TICK))
    }

    /// Fires what is due.
    fn timers(&mut self, now: Duration) {
        self.server.expire(now);
        for expired in self.client.expire(now) {
            match expired {
                // Without the lease another replica may be saying something newer.
                Expired::Repeat(request, to) if self.lease.valid() => {
                    self.metrics.repeated();
                    self.socket.send(request, to);
                }
                Expired::Repeat(..) => {}
                Expired::TimedOut(sent) if self.lease.valid() => self.timed_out(&sent, now),
                // It was not the subscriber who was silent.
                Expired::TimedOut(sent) => self.answered(&sent, Status::SERVICE_UNAVAILABLE, None),
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
        if !self.unleased.is_empty() && self.lease.valid() {
            self.ready.extend(std::mem::take(&mut self.unleased));
        }
        for _ in 0..TURN {
            let Some(tag) = self.ready.pop_front() else { break };
            self.step(&tag, now);
        }
        self.metrics.subscriptions(self.entries.len());
        self.metrics.dropped(self.socket.take_dropped());
    }

    /// Gives the reader and the writers what has gathered for them, if they have nothing to do.
    fn hand_out(&mut self) {
        if !(self.jobs.is_empty() && self.dirty.is_empty())
            && let Ok(place) = self.to_reader.clone().try_reserve_owned()
        {
            let jobs = self.next_jobs();
            if !jobs.is_empty() {
                place.send(jobs);
            }
        }
        self.hand_out_writes();
    }
}

/// Sleeps; not at all is a glance at what has arrived, where the runtime's timer would take a millisecond.
async fn rest(time: Duration) {
    match time.is_zero() {
        true => tokio::task::yield_now().await,
        false => tokio::time::sleep(time).await,
    }
}

#[cfg(test)]
mod tests;
