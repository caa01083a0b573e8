//! Several replicas on one store, in a time that only passes when nobody has anything to do.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use csc_test_support::SeededEntropy;
use csc_types::{Clock, Partition, Revision, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::owner::spread::winner;
use crate::owner::{Fence, Lease, Ownership, Replicas, Role, Shift, Tally};
use crate::testing::Between;
use crate::{Commit, CommitError, Embedded, Key, Record, Records, Store, StoreError};

pub(super) const ROLE: Role = Role { owners: "test.role", replicas: "test.replica" };
/// How often it is looked whether two act at once.
const GLANCE: Duration = Duration::from_millis(10);

/// The runtime's time, and a calendar that can be set.
pub(super) struct TestClock {
    origin: Instant,
    calendar: AtomicU64,
}

impl TestClock {
    /// Sets the calendar `seconds` forth or back.
    pub(super) fn step(&self, seconds: i64) {
        let calendar = self.calendar.load(Ordering::SeqCst).saturating_add_signed(seconds);
        self.calendar.store(calendar, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.calendar.load(Ordering::SeqCst)).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// What lies between one replica and the store.
pub(super) struct Link {
    inner: Arc<Embedded>,
    /// Nothing gets through.
    pub(super) down: AtomicBool,
    /// Reads get through, commits do not.
    pub(super) refuse: AtomicBool,
    /// Commits are applied, and the answers are lost.
    pub(super) deaf: AtomicBool,
    /// Milliseconds that every call takes, there and back.
    pub(super) latency: AtomicU64,
}

impl Link {
    /// Half of the way.
    async fn travel(&self) -> Result<(), StoreError> {
        sleep(Duration::from_millis(self.latency.load(Ordering::SeqCst)) / 2).await;
        match self.down.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("the link is down".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Between for Link {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.travel().await?;
        let found = self.inner.get(partition, keys).await;
        self.travel().await?;
        found
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        self.travel().await?;
        let found = self.inner.scan(partition, collection, prefix, after, limit).await;
        self.travel().await?;
        found
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        self.travel().await?;
        if self.refuse.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("no replicas".to_owned()).into());
        }
        let (store, commit) = (Arc::clone(&self.inner), commit.clone());
        // On a thread that the runtime knows of: time stands still until the engine has answered.
        let work = move || futures::executor::block_on(store.commit(partition, &commit));
        let answer = tokio::task::spawn_blocking(work).await.expect("the engine does not panic");
        self.travel().await?;
        match self.deaf.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable("the answer was lost".to_owned()).into()),
            false => answer,
        }
    }
}

/// A process that can be stopped and continued (SIGSTOP, SIGCONT).
#[derive(Default)]
struct Freezer {
    frozen: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

struct Process<F> {
    freezer: Arc<Freezer>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Process<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        *self.freezer.waker.lock().unwrap() = Some(context.waker().clone());
        if self.freezer.frozen.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        self.work.as_mut().poll(context)
    }
}

/// One replica and the holder of its partitions.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) link: Arc<Link>,
    pub(super) lease: Lease,
    pub(super) tally: Tally,
    pub(super) held: Arc<Mutex<BTreeMap<Partition, Fence>>>,
    /// Everything it was told: gained or lost.
    pub(super) told: Arc<Mutex<Vec<(Partition, bool)>>>,
    /// Milliseconds that its holder takes to release a partition.
    pub(super) slow: Arc<AtomicU64>,
    freezer: Arc<Freezer>,
    holder: Option<oneshot::Sender<()>>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Member {
    pub(super) fn holds(&self) -> BTreeMap<Partition, Fence> {
        self.held.lock().unwrap().clone()
    }

    pub(super) fn freeze(&self) {
        self.freezer.frozen.store(true, Ordering::SeqCst);
    }

    pub(super) fn thaw(&self) {
        self.freezer.frozen.store(false, Ordering::SeqCst);
        if let Some(waker) = self.freezer.waker.lock().unwrap().take() {
            waker.wake();
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.freezer.frozen.load(Ordering::SeqCst)
    }

    /// The code that acts in the role has ended.
    pub(super) fn drop_holder(&mut self) {
        self.holder.take();
    }

    /// SIGTERM.
    pub(super) fn drain(&mut self) {
        self.stop.take();
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.stop.is_none()
    }

    pub(super) fn has_left(&self) -> bool {
        self.task.is_finished()
    }
}

pub(super) struct World {
    pub(super) clock: Arc<TestClock>,
    pub(super) store: Arc<Embedded>,
    pub(super) members: Vec<Member>,
    started: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Arc::new(TestClock { origin: Instant::now(), calendar: AtomicU64::new(1_800_000_000) });
        let store = Arc::new(Embedded::in_memory(clock.clone(), &SeededEntropy::new(1)).unwrap());
        Self { clock, store, members: Vec::new(), started: 0 }
    }

    /// Starts a replica under a new name, and returns its index.
    pub(super) fn start(&mut self) -> usize {
        self.started += 1;
        let name = format!("replica-{}", self.started);
        let link = Arc::new(Link {
            inner: Arc::clone(&self.store),
            down: AtomicBool::default(),
            refuse: AtomicBool::default(),
            deaf: AtomicBool::default(),
            latency: AtomicU64::default(),
        });
        let entropy = Arc::new(SeededEntropy::new(1_000 + self.started));
        let records = Records::new(Arc::clone(&link) as Arc<dyn Store>, entropy);
        let own = Ownership::new(&records, self.clock.clone(), ROLE, &*name, Replicas::Several);
        let (lease, tally) = (own.lease(), own.tally());
        let (holder_lives, gone) = oneshot::channel::<()>();
        let (stop, stopped) = oneshot::channel::<()>();
        let (shifts, mut news) = mpsc::channel(usize::from(csc_types::PARTITIONS));
        let (held, told): (Arc<Mutex<BTreeMap<_, _>>>, Arc<Mutex<Vec<_>>>) = Default::default();
        let slow = Arc::new(AtomicU64::default());
        let freezer = Arc::new(Freezer::default());
        let holder = {
            let (held, told, slow) = (held.clone(), told.clone(), slow.clone());
            async move {
                tokio::select! {
                    _ = gone => {}
                    () = async {
                while let Some(shift) = news.recv().await {
                    match shift {
                        Shift::Gained(partition, fence) => {
                            told.lock().unwrap().push((partition, true));
                            held.lock().unwrap().insert(partition, fence);
                        }
                        Shift::Lost(partition, released) => {
                            told.lock().unwrap().push((partition, false));
                            sleep(Duration::from_millis(slow.load(Ordering::SeqCst))).await;
                            held.lock().unwrap().remove(&partition);
                            drop(released);
                        }
                    }
                }
                    } => {}
                }
                held.lock().unwrap().clear();
            }
        };
        let work = async move {
            let stopped = async {
                let _ = stopped.await;
            };
            tokio::join!(own.run(shifts, stopped), holder);
        };
        let work = Box::pin(work);
        let task = tokio::spawn(Process { freezer: freezer.clone(), work });
        let (stop, holder) = (Some(stop), Some(holder_lives));
        self.members.push(Member { name, link, lease, tally, held, told, slow, freezer, holder, stop, task });
        self.members.len() - 1
    }

    /// Starts `count` replicas and waits until each has its share.
    pub(super) async fn of(count: usize) -> Self {
        let mut world = Self::new();
        for _ in 0..count {
            world.start();
        }
        world.settled().await;
        world
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self, index: usize) -> Member {
        let member = self.members.remove(index);
        member.task.abort();
        member
    }

    /// Waits until `done`, for 20 s at most, and watches that nobody acts where somebody else does. Returns how long
    /// it took.
    pub(super) async fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) -> Duration {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
            self.glance();
            sleep(GLANCE).await;
        }
        self.glance();
        start.elapsed()
    }

    /// Lets time pass, watching.
    pub(super) async fn pass(&mut self, span: Duration) {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.glance();
            sleep(GLANCE).await;
        }
    }

    /// Waits until every partition is where it belongs, with a valid lease.
    pub(super) async fn settled(&mut self) -> Duration {
        self.until("each partition at its place", |world| world.is_settled()).await
    }

    fn is_settled(&self) -> bool {
        let staying = || self.members.iter().filter(|member| !member.is_leaving());
        Partition::all().all(|partition| {
            let place = winner(partition, staying().map(|member| member.name.as_str()));
            self.members.iter().all(|member| {
                let holds = member.held.lock().unwrap().contains_key(&partition);
                holds == (place == Some(&member.name)) && (!holds || member.lease.valid())
            })
        })
    }

    /// Nobody may act for a partition while somebody else may.
    fn glance(&self) {
        let mut acting = BTreeMap::<Partition, &str>::new();
        for member in self.members.iter().filter(|member| member.lease.valid()) {
            for partition in member.held.lock().unwrap().keys() {
                let other = acting.insert(*partition, &member.name);
                assert_eq!(other, None, "{} acts for {partition:?} as well", member.name);
            }
        }
    }

    /// All partitions that anybody holds.
    pub(super) fn covered(&self) -> BTreeSet<Partition> {
        self.members.iter().flat_map(|member| member.holds().into_keys()).collect()
    }
}
