//! Many clients at once: writers that count, spend, come and go; readers; followers of logs.
//!
//! They share few records, so that they meet, and write every value once only, so that the history can tell whose it
//! was. Each is like a task of a service: when the store does not answer, it goes on with something else.

mod reader;
mod tailer;
mod writer;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use csc_store::{Key, Store};
use csc_test_support::SeededEntropy;
use csc_types::{Entropy, Partition, Revision};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::history::History;

/// In how many partitions they meet.
const MEETING: u16 = 4;

/// How long the store may take to be itself again once all faults are over.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two requests of one client.
const PAUSE: Duration = Duration::from_millis(2);

/// Records that are changed again and again.
const TALLY: &str = "crowd.tally";
/// Records that are made once and spent once.
const CODE: &str = "crowd.code";
/// Records that come and go.
const GUEST: &str = "crowd.guest";

const COLLECTIONS: [&str; 3] = [TALLY, CODE, GUEST];

/// How many of which.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Those who write.
    pub writers: usize,
    /// Those who read records, each plainly and settled by turns.
    pub readers: usize,
    /// Those who follow the logs, every second one settled.
    pub tailers: usize,
}

/// A record that waits to be spent.
#[derive(Clone)]
struct Code {
    partition: Partition,
    key: Key,
    version: Revision,
}

/// What all clients share.
struct Shared {
    seed: u64,
    /// How the names of their records begin, so that crowds may follow each other in one store.
    tag: String,
    /// Nobody begins anything new.
    over: AtomicBool,
    /// Nobody will write any more: followers leave once they hear nothing new.
    written: AtomicBool,
    done: AtomicUsize,
    codes: Mutex<Vec<Code>>,
}

/// The clients, at work.
pub struct Crowd {
    shared: Arc<Shared>,
    workers: JoinSet<()>,
    tailers: JoinSet<()>,
    audit: Arc<dyn Store>,
}

impl Crowd {
    /// Sends `size` clients to work at `stores`, which all are the same store as different processes have it. What
    /// they do depends on `seed`; when it happens does not.
    pub fn start(history: &Arc<History>, stores: &[Arc<dyn Store>], size: Size, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            seed,
            tag: format!("{seed:016x}."),
            over: AtomicBool::new(false),
            written: AtomicBool::new(false),
            done: AtomicUsize::new(0),
            codes: Mutex::default(),
        });
        let client = |number: usize| history.client(Arc::clone(&stores[number % stores.len()]));
        let mut workers = JoinSet::new();
        let mut tailers = JoinSet::new();
        for number in 0..size.writers {
            workers.spawn(writer::run(number, client(number), Arc::clone(&shared)));
        }
        for number in 0..size.readers {
            workers.spawn(reader::run(size.writers + number, client(number), Arc::clone(&shared)));
        }
        for number in 0..size.tailers {
            let plain = client(number / 2);
            let store = if number % 2 == 0 { plain.settled() } else { plain };
            tailers.spawn(tailer::run(store, Arc::clone(&shared)));
        }
        Self { shared, workers, tailers, audit: client(0) }
    }

    /// How many commits were acknowledged so far.
    pub fn done(&self) -> usize {
        self.shared.done.load(Ordering::SeqCst)
    }

    /// Waits until `count` more commits were acknowledged.
    ///
    /// # Panics
    /// When that takes longer than a store may take to be itself again.
    pub async fn until_done(&self, count: usize) {
        let goal = self.done() + count;
        let reached = async {
            while self.done() < goal {
                sleep(PAUSE).await;
            }
        };
        let in_time = timeout(PATIENCE, reached).await.is_ok();
        assert!(in_time, "{} of {goal} commits were acknowledged", self.done());
    }

    /// Lets everybody finish, then reads all that is there, plainly and settled. All faults are over by now.
    ///
    /// # Panics
    /// When the store does not come back in time.
    pub async fn finish(mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let all = async {
            while self.workers.join_next().await.is_some() {}
            self.shared.written.store(true, Ordering::SeqCst);
            while self.tailers.join_next().await.is_some() {}
            for partition in partitions() {
                reader::snapshot(&Arc::clone(&self.audit).settled(), &self.shared.tag, partition).await;
                reader::snapshot(&self.audit, &self.shared.tag, partition).await;
            }
        };
        assert!(timeout(PATIENCE, all).await.is_ok(), "the store does not come back");
    }

    /// Sends everybody home, wherever they are: the store will not come back.
    pub async fn abandon(mut self) {
        self.workers.shutdown().await;
        self.tailers.shutdown().await;
    }
}

impl Shared {
    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn key(&self, collection: &'static str, name: impl Display) -> Key {
        Key::new(collection, format!("{}{name}", self.tag))
    }

    fn entropy(&self, number: usize) -> Arc<SeededEntropy> {
        Arc::new(SeededEntropy::new(self.seed.wrapping_mul(1000).wrapping_add(number as u64)))
    }
}

/// Where they meet.
fn partitions() -> impl Iterator<Item = Partition> {
    Partition::all().skip(1).take(usize::from(MEETING))
}

fn somewhere(entropy: &SeededEntropy) -> Partition {
    let number = entropy.next_u64() % u64::from(MEETING);
    Partition::new(1 + number as u16).expect("there are more partitions than are met in")
}
