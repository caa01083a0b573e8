//! Two projectors on one store.

use csc_store::owner::Tally;
use prometheus::IntCounter;
use tokio::task::JoinHandle;

use super::*;

/// Enough for each of two to have some.
const GROUPS: usize = 24;
const MEMBERS: usize = 3;

struct Replica {
    tally: Tally,
    views: IntCounter,
    stop: csc_service::ShutdownTrigger,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Replica {
    fn start(world: &World) -> Self {
        let (projector, ownership) = world.replica_on(world.store.clone(), Replicas::Several);
        let (tally, views) = (ownership.tally(), projector.metrics.views.clone());
        let (stop, shutdown) = Shutdown::new();
        Self { tally, views, stop, task: tokio::spawn(projector.run(ownership, shutdown)) }
    }
}

/// Replicas measure each other's silence by a clock that runs only here, and no faster than they do: however slow the
/// machine is, nobody is taken for dead who is not.
async fn until(world: &World, what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
            world.clock.advance(Duration::from_millis(10));
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Gives every group `members`.
async fn put_all(world: &mut World, members: std::ops::Range<usize>) {
    for number in 0..GROUPS {
        world.group = format!("tel:+5{number:02}").parse().unwrap();
        world.put(members.clone()).await;
    }
}

async fn all_projected(world: &World) {
    until(world, "every group projected", async || {
        for partition in Partition::all() {
            if !group::unfinished(&*world.store, partition).await.unwrap().is_empty() {
                return false;
            }
        }
        true
    })
    .await;
}

async fn two() -> (World, Replica, Replica) {
    let world = World::new();
    let (a, b) = (Replica::start(&world), Replica::start(&world));
    until(&world, "both have a share", async || {
        a.tally.held() > 0 && b.tally.held() > 0 && a.tally.held() + b.tally.held() == u64::from(PARTITIONS)
    })
    .await;
    (world, a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_replica_left_undone_is_done() {
    let (mut world, a, b) = two().await;
    put_all(&mut world, 0..MEMBERS).await;
    all_projected(&world).await;
    assert!(a.views.get() > 0 && b.views.get() > 0, "each does its share");
    assert_eq!(a.views.get() + b.views.get(), (GROUPS * MEMBERS) as u64, "and nothing twice");

    let share = b.tally.held();
    put_all(&mut world, 1..MEMBERS + 1).await;
    b.task.abort();
    put_all(&mut world, 2..MEMBERS + 2).await;
    all_projected(&world).await;
    until(&world, "the other has all", async || a.tally.held() == u64::from(PARTITIONS)).await;
    assert_eq!(a.tally.takeovers(), share);
    for number in 0..GROUPS {
        world.group = format!("tel:+5{number:02}").parse().unwrap();
        world.assert_seen_by(MEMBERS + 2, |member| member >= 2).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_hands_over() {
    let (mut world, a, b) = two().await;
    put_all(&mut world, 0..MEMBERS).await;
    b.stop.request();
    put_all(&mut world, 1..MEMBERS + 1).await;
    b.task.await.unwrap().unwrap();
    put_all(&mut world, 2..MEMBERS + 2).await;
    all_projected(&world).await;
    until(&world, "the other has all", async || a.tally.held() == u64::from(PARTITIONS)).await;
    assert_eq!((b.tally.held(), a.tally.takeovers()), (0, 0), "handed over, not taken over");
    a.stop.request();
    a.task.await.unwrap().unwrap();
}

/// Whoever comes finds what nobody was there to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_replica_finds_what_is_undone() {
    let mut world = World::new();
    put_all(&mut world, 0..MEMBERS).await;
    let late = Replica::start(&world);
    all_projected(&world).await;
    assert_eq!(late.views.get(), (GROUPS * MEMBERS) as u64);
}

/// A fence that fails takes one partition away and ends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_fence_costs_one_partition() {
    let mut world = World::new();
    let only = Replica::start(&world);
    until(&world, "it has all", async || only.tally.held() == u64::from(PARTITIONS)).await;
    // As if another replica had come and gone.
    world.fence().await;
    put_all(&mut world, 0..MEMBERS).await;
    world.group = "tel:+9".parse().unwrap();
    world.put(0..MEMBERS).await;
    all_projected(&world).await;
    world.assert_seen_by(MEMBERS, |_| true).await;
    assert!(!only.task.is_finished());
}
