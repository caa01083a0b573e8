//! The remover at work on partitions that come and go, and on records that cannot be read.

use async_trait::async_trait;
use csc_proto::record::v1::IndexEntry;
use csc_store::testing::Between;
use csc_store::{Cursor, Embedded, Store, Tail, departure, owner};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::Entropy;
use futures::future::pending;
use prost::Message;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::*;
use crate::domain::Local;

const LIMIT: Duration = Duration::from_secs(60);

/// A store without news. Whoever scans `slow` needs a permit.
struct Quiet {
    inner: Embedded,
    slow: Partition,
    permits: Semaphore,
}

#[async_trait]
impl Between for Quiet {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        if partition == self.slow {
            let _permit = self.permits.acquire().await.unwrap();
        }
        self.inner.scan(partition, collection, prefix, after, limit).await
    }

    async fn tail(
        &self,
        _: &[(Partition, Cursor)],
        _: usize,
        _: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        pending().await
    }
}

struct World {
    store: Arc<Quiet>,
    records: Records,
    clock: Arc<dyn Clock>,
}

impl World {
    fn new(slow: Partition) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_800_000_000));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(3));
        let inner = Embedded::in_memory(Arc::clone(&clock), &*entropy).unwrap();
        let store = Arc::new(Quiet { inner, slow, permits: Semaphore::new(0) });
        let records = Records::new(store.clone(), entropy);
        Self { store, records, clock }
    }

    /// What is told to a remover that works.
    async fn work(&self) -> mpsc::Sender<Shift> {
        let metrics = Metrics::new();
        let ground = Ground {
            records: &self.records,
            clock: &self.clock,
            metrics: &metrics,
            replica: "a".to_owned(),
            replicas: Replicas::Alone,
        };
        let names = Names::of("fire".parse().unwrap());
        let (remover, _) = Remover::new(names, Arc::new(Local), ground);
        let mut news = follow(self.records.clone());
        news.next().await;
        let (shifts, told) = mpsc::channel(8);
        tokio::spawn(async move { remover.work(told, news).await });
        shifts
    }

    async fn gained(&self, partition: Partition) -> Shift {
        Shift::Gained(partition, owner::claim(&self.records, partition, CMS.role.owners, "a").await.unwrap())
    }

    /// Stores the lists of a user who is gone; half of what they are made of, if `damaged`.
    async fn lists_of(&self, user: &str, damaged: bool) {
        let path = path(user);
        let entry = IndexEntry { organisation: "fire".to_owned(), ..IndexEntry::default() };
        let [document, index] = SHELF.keys(&path);
        let departure = CMS.departure_key(&user.parse().unwrap());
        let made = self.records.update(Partition::of(user), &[], |_| {
            let change = Change::nothing(()).put(index.clone(), entry.encode_to_vec());
            let change = change.put(departure.clone(), departure::pending());
            Ok::<_, StoreError>(if damaged { change } else { change.put(document.clone(), "<a/>") })
        });
        made.await.unwrap();
    }

    /// Whether it is not said yet that nothing is left of `user`.
    async fn is_pending(&self, user: &str) -> bool {
        let key = CMS.departure_key(&user.parse().unwrap());
        self.records.get(Partition::of(user), &key).await.unwrap().value.is_some()
    }

    /// Waits until it is said that nothing is left, and looks whether that is so.
    async fn until_cleared(&self, user: &str) {
        let cleared = async {
            while self.is_pending(user).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, cleared).await.expect("it is never said that nothing is left");
        let [document, _] = SHELF.keys(&path(user));
        assert_eq!(self.records.get(Partition::of(user), &document).await.unwrap().value, None);
    }
}

fn path(user: &str) -> String {
    format!("resource-lists/users/{user}/index")
}

#[tokio::test]
async fn work_for_a_partition_that_is_lost_keeps_no_other_waiting() {
    let [slow, lost, mine] = ["tel:+1", "tel:+2", "tel:+3"];
    let [first, second, third] = [slow, lost, mine].map(Partition::of);
    assert!(first != second && second != third && third != first);
    let world = World::new(first);
    world.lists_of(mine, false).await;
    let shifts = world.work().await;
    for partition in [first, second, third] {
        shifts.send(world.gained(partition).await).await.unwrap();
    }
    let (loss, released) = Shift::lost(second);
    shifts.send(loss).await.unwrap();
    // The first is looked at, the second was in line in front of the third, and is lost by now.
    let _ = timeout(LIMIT, released).await.expect("a partition that is lost is released");
    world.store.permits.add_permits(1);
    world.until_cleared(mine).await;
}

#[tokio::test]
async fn what_is_damaged_keeps_no_other() {
    let names = (0..).map(|number| format!("tel:+{number:04}"));
    let two: Vec<String> =
        names.filter(|name| Partition::of(name) == Partition::of("tel:+0000")).take(2).collect();
    let world = World::new(Partition::of("tel:+1"));
    assert!(world.store.slow != Partition::of(&two[0]));
    world.lists_of(&two[0], true).await;
    world.lists_of(&two[1], false).await;
    let shifts = world.work().await;
    shifts.send(world.gained(Partition::of(&two[0])).await).await.unwrap();
    world.until_cleared(&two[1]).await;
    assert!(world.is_pending(&two[0]).await, "something is left, and nobody else gets the name");
}

#[tokio::test]
async fn many_documents_go_and_what_was_deleted_before_leaves_no_history() {
    const MANY: usize = 1_000;
    let user = "tel:+3";
    let world = World::new(Partition::of("tel:+1"));
    world.lists_of(user, false).await;
    let prefix = format!("org.openmobilealliance.pres-content/users/{user}/");
    let entry = IndexEntry { organisation: "fire".to_owned(), ..IndexEntry::default() }.encode_to_vec();
    for number in 0..MANY {
        let path = format!("{prefix}oma_status-icon/{number:04}.png");
        let [document, index] = SHELF.keys(&path);
        let history = SHELF.history_key(&path);
        let made = world.records.update(Partition::of(user), &[], |_| {
            let change = Change::nothing(()).put(history.clone(), "").put(document.clone(), "picture");
            Ok::<_, StoreError>(change.put(index.clone(), entry.clone()))
        });
        made.await.unwrap();
    }
    let before = SHELF.history_key(&format!("resource-lists/users/{user}/before"));
    let made = world.records.update(Partition::of(user), &[], |_| {
        Ok::<_, StoreError>(Change::nothing(()).put(before.clone(), ""))
    });
    made.await.unwrap();
    let shifts = world.work().await;
    shifts.send(world.gained(Partition::of(user)).await).await.unwrap();
    world.until_cleared(user).await;
    for collection in [SHELF.documents, SHELF.history, "index"] {
        let left = world.store.inner.scan(Partition::of(user), collection, "", None, 10).await.unwrap();
        assert_eq!(left, [], "{collection}");
    }
}
