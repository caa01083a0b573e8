//! Two removers on one store.

use std::sync::Arc;
use std::time::Duration;

use csc_cms::Local;
use csc_service::{Metrics, Shutdown, ShutdownTrigger};
use csc_store::owner::Replicas;
use csc_types::{PARTITIONS, Partition, SystemClock};
use http::StatusCode;
use tokio::task::JoinHandle;

use crate::presence::LISTS;
use crate::world::World;

/// Enough for each of two to have some.
const USERS: usize = 24;

struct Replica {
    metrics: Metrics,
    stop: ShutdownTrigger,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Replica {
    fn start(world: &World, name: &str) -> Self {
        let metrics = Metrics::new();
        // Replicas measure each other's silence by a clock that runs.
        let clock = Arc::new(SystemClock::new());
        let deps = csc_cms::Deps {
            metrics: metrics.clone(),
            clock,
            replica: name.to_owned(),
            replicas: Replicas::Several,
            ..world.deps()
        };
        let mut parts = world.parts_of(deps, Arc::new(Local));
        let (stop, shutdown) = Shutdown::new();
        let task = tokio::spawn((parts.tasks.pop().unwrap().run)(shutdown));
        Self { metrics, stop, task }
    }

    /// The value of a metric without labels.
    fn value(&self, name: &str) -> u64 {
        let rendered = self.metrics.render();
        let line = rendered.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    fn held(&self) -> u64 {
        self.value("csc_cms_partitions_held")
    }

    fn removed(&self) -> u64 {
        self.value("csc_cms_documents_removed_total")
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn users() -> impl Iterator<Item = String> {
    (0..USERS).map(|number| format!("tel:+5{number:02}"))
}

/// Makes every user, each with a document.
async fn make(world: &World) {
    for user in users() {
        world.bench.account(&user, "fire", &[], &[]).await;
        let target = format!("/resource-lists/users/{user}/index");
        let lists = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>";
        assert_eq!(world.as_user(&user).put(&target, LISTS, lists).await.status, StatusCode::CREATED);
    }
}

async fn until_gone(world: &World) {
    until("all documents gone", async || {
        for user in users() {
            let prefix = format!("resource-lists/users/{user}/");
            let store = world.bench.records.store();
            let found = store.scan(Partition::of(&user), "cms.document", &prefix, None, 1).await.unwrap();
            if !found.is_empty() {
                return false;
            }
        }
        true
    })
    .await;
}

async fn two(world: &World) -> (Replica, Replica) {
    let (a, b) = (Replica::start(world, "cms-a"), Replica::start(world, "cms-b"));
    until("both have a share", async || {
        a.held() > 0 && b.held() > 0 && a.held() + b.held() == u64::from(PARTITIONS)
    })
    .await;
    (a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_does_its_share_and_what_a_killed_one_left_undone_is_done() {
    let world = World::new().await;
    let (a, b) = two(&world).await;
    make(&world).await;
    for user in users() {
        world.bench.remove_account(&user).await;
    }
    until_gone(&world).await;
    until("each does its share", async || a.removed() > 0 && b.removed() > 0).await;
    assert!(a.removed() + b.removed() <= USERS as u64, "and nothing twice");

    make(&world).await;
    for (number, user) in users().enumerate() {
        if number == USERS / 2 {
            b.task.abort();
        }
        world.bench.remove_account(&user).await;
    }
    until_gone(&world).await;
    until("the other has all", async || a.held() == u64::from(PARTITIONS)).await;
    a.stop.request();
    a.task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_hands_over() {
    let world = World::new().await;
    make(&world).await;
    let (a, b) = two(&world).await;
    b.stop.request();
    for user in users() {
        world.bench.remove_account(&user).await;
    }
    b.task.await.unwrap().unwrap();
    until_gone(&world).await;
    until("the other has all", async || a.held() == u64::from(PARTITIONS)).await;
    a.stop.request();
    a.task.await.unwrap().unwrap();
}
