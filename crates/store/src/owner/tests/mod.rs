//! Several replicas: killed, stopped, cut off, joining, leaving.

mod random;
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_proto::record::v1::Owner;
use csc_test_support::SeededEntropy;
use csc_types::Partition;
use prost::Message;

use self::world::{ROLE, World};
use super::Fence;
use crate::{Change, Key, Records, Store, UpdateError};

const SECOND: Duration = Duration::from_secs(1);

/// Writes as the owner with this fence would.
async fn write(world: &World, partition: Partition, fence: &Fence) -> Result<(), UpdateError<()>> {
    let records = Records::new(world.store.clone(), std::sync::Arc::new(SeededEntropy::new(99)));
    let change = || Change::nothing(()).check(fence.check()).put(Key::new("test.record", "a"), "written");
    records.update(partition, &[], |_| Ok(change())).await.map(|_| ())
}

async fn owner(world: &World, partition: Partition) -> String {
    let found = world.store.get(partition, &[Key::new(ROLE.owners, "owner")]).await.unwrap().remove(0);
    Owner::decode(found.value.unwrap()).unwrap().replica
}

#[tokio::test(start_paused = true)]
async fn replicas_share() {
    let world = World::of(3).await;
    for member in &world.members {
        let held = member.holds();
        assert!((10..=35).contains(&held.len()), "{} of 64", held.len());
        assert_eq!(member.tally.held(), held.len() as u64);
        assert_eq!(member.tally.takeovers(), 0);
        for (partition, fence) in held {
            write(&world, partition, &fence).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_replica_is_replaced_within_two_seconds() {
    let mut world = World::of(3).await;
    for span in [0, 130, 260, 390] {
        world.start();
        world.settled().await;
        world.pass(Duration::from_millis(span)).await;
        let killed = world.kill(0);
        let moved: BTreeSet<Partition> = killed.holds().into_keys().collect();
        let took = world.until("taken over", |world| world.covered().is_superset(&moved)).await;
        assert!(took < Duration::from_millis(1_800), "{took:?}");
        assert!(
            world.members.iter().map(|member| member.tally.takeovers()).sum::<u64>() >= moved.len() as u64
        );
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_sleeps_neither_writes_nor_acts_after_waking() {
    let mut world = World::of(2).await;
    let before = world.members[0].holds();
    world.members[0].freeze();
    let others: BTreeSet<Partition> = before.keys().copied().collect();
    world
        .until("taken over", |world| {
            let taken = world.members[1].holds();
            if taken.keys().any(|partition| others.contains(partition)) {
                assert!(!world.members[0].lease.valid(), "it would act where another one does");
            }
            taken.len() == 64
        })
        .await;
    for (partition, fence) in &before {
        let refused = write(&world, *partition, fence).await;
        assert!(matches!(refused, Err(UpdateError::Stale)), "{refused:?}");
    }
    world.members[0].told.lock().unwrap().clear();
    world.members[0].thaw();
    world.settled().await;
    let told = world.members[0].told.lock().unwrap().clone();
    for partition in others {
        let heard: Vec<bool> =
            told.iter().filter(|(at, _)| *at == partition).map(|(_, gained)| *gained).collect();
        assert_eq!(heard, [false, true], "lost first, then handed back");
    }
}

/// Nobody takes over within a nap, and it goes on with what it has.
#[tokio::test(start_paused = true)]
async fn a_nap_costs_nothing() {
    let mut world = World::of(2).await;
    let before = world.members[0].holds();
    for _ in 0..5 {
        world.members[0].freeze();
        world.pass(Duration::from_millis(900)).await;
        world.members[0].thaw();
        world.pass(SECOND).await;
    }
    assert_eq!(world.members[0].holds(), before);
}

#[tokio::test(start_paused = true)]
async fn who_joins_gets_its_share_when_it_is_released() {
    let mut world = World::of(1).await;
    world.members[0].slow.store(100, Ordering::SeqCst);
    world.start();
    let took = world.settled().await;
    assert!(took >= 10 * Duration::from_millis(100), "it waited for the holder: {took:?}");
    let moved = world.members[1].holds().len();
    let told = world.members[0].told.lock().unwrap().iter().filter(|(_, gained)| !gained).count();
    assert_eq!(told, moved, "nothing moves that need not");
}

#[tokio::test(start_paused = true)]
async fn who_leaves_hands_over_first() {
    let mut world = World::of(3).await;
    let before = world.members[1].holds().len();
    // What it handed over when others joined is not of interest here.
    let heard = world.members[1].told.lock().unwrap().len();
    world.members[1].drain();
    let took = world.until("gone", |world| world.members[1].has_left()).await;
    assert!(took < SECOND, "{took:?}");
    let left = world.members.remove(1);
    assert!(left.holds().is_empty() && !left.lease.valid());
    assert!(world.settled().await < SECOND);
    assert_eq!(left.told.lock().unwrap()[heard..].iter().filter(|(_, gained)| !gained).count(), before);
    assert!(world.members.iter().all(|member| member.tally.takeovers() == 0), "handed over, not taken over");
    let beats = world.store.scan(Partition::INSTALLATION, ROLE.replicas, "", None, 9).await.unwrap();
    assert_eq!(beats.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_one_out_leaves_the_door_open() {
    let mut world = World::of(2).await;
    while let Some(member) = world.members.first_mut() {
        member.drain();
        world.until("gone", |world| world.members[0].has_left()).await;
        world.members.remove(0);
    }
    for partition in Partition::all() {
        assert_eq!(owner(&world, partition).await, "");
    }
    world.start();
    let took = world.settled().await;
    assert!(took < Duration::from_millis(300), "nobody to wait for: {took:?}");
}

/// Whoever hears late that the other one leaves hands over to somebody who is gone.
#[tokio::test(start_paused = true)]
async fn two_that_leave_at_once_leave_the_door_open() {
    for later in (0..200).step_by(10) {
        let mut world = World::of(2).await;
        leave_together(&mut world, later).await;
        world.members.clear();
        world.start();
        let took = world.settled().await;
        assert!(took < Duration::from_millis(300), "nobody to wait for: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_two_that_leave_at_once_had_goes_to_who_stays() {
    for later in (0..200).step_by(10) {
        let mut world = World::of(3).await;
        leave_together(&mut world, later).await;
        let took = world.settled().await;
        assert!(took < Duration::from_millis(300), "nobody to wait for: {took:?}");
    }
}

/// The first, far from the store, begins to leave; `later` milliseconds after it so does the second, which is quick.
async fn leave_together(world: &mut World, later: u64) {
    world.members[0].link.latency.store(40, Ordering::SeqCst);
    world.members[0].drain();
    world.pass(Duration::from_millis(later)).await;
    world.members[1].drain();
    let took = world.until("gone", |world| world.members[..2].iter().all(world::Member::has_left)).await;
    assert!(took < SECOND, "{took:?}");
}

/// Two want what was handed to one who slept: it itself, and who took it for dead.
#[tokio::test(start_paused = true)]
async fn who_wakes_up_as_an_heir_takes_nothing_that_is_being_taken() {
    for nap in (1_000..2_400).step_by(50) {
        let mut world = World::of(3).await;
        world.members[0].freeze();
        world.members[1].drain();
        world.until("gone", |world| world.members[1].has_left()).await;
        world.members[2].link.latency.store(200, Ordering::SeqCst);
        world.pass(Duration::from_millis(nap)).await;
        world.members[0].thaw();
        world.members.remove(1);
        world.pass(SECOND).await;
        world.members[1].link.latency.store(0, Ordering::SeqCst);
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_moves_nothing() {
    let mut world = World::of(3).await;
    let before: Vec<_> = world.members.iter().map(world::Member::holds).collect();
    let told =
        |world: &World| world.members.iter().map(|member| member.told.lock().unwrap().len()).sum::<usize>();
    let heard = told(&world);
    for away in [1, 3, 30] {
        world.members.iter().for_each(|member| member.link.down.store(true, Ordering::SeqCst));
        world.pass(away * SECOND).await;
        assert!(away == 1 || world.members.iter().all(|member| !member.lease.valid()));
        // They find it again one after the other.
        for index in 0..3 {
            world.members[index].link.down.store(false, Ordering::SeqCst);
            world.pass(Duration::from_millis(700)).await;
        }
        world.settled().await;
    }
    assert_eq!(told(&world), heard);
    assert_eq!(world.members.iter().map(world::Member::holds).collect::<Vec<_>>(), before);
}

/// As a master without replicas: everybody reads, nobody writes.
#[tokio::test(start_paused = true)]
async fn a_store_that_takes_no_writes_moves_nothing() {
    let mut world = World::of(2).await;
    let before: Vec<_> = world.members.iter().map(world::Member::holds).collect();
    world.members.iter().for_each(|member| member.link.refuse.store(true, Ordering::SeqCst));
    world.pass(10 * SECOND).await;
    world.members.iter().for_each(|member| member.link.refuse.store(false, Ordering::SeqCst));
    world.settled().await;
    assert_eq!(world.members.iter().map(world::Member::holds).collect::<Vec<_>>(), before);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_steps_moves_nothing() {
    let mut world = World::of(2).await;
    let before: Vec<_> = world.members.iter().map(world::Member::holds).collect();
    for hours in [12, -36, 80_000, -80_000] {
        world.clock.step(hours * 60 * 60);
        world.pass(3 * SECOND).await;
    }
    assert_eq!(world.members.iter().map(world::Member::holds).collect::<Vec<_>>(), before);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_reach_the_store_is_replaced_and_comes_back() {
    let mut world = World::of(2).await;
    world.members[0].link.down.store(true, Ordering::SeqCst);
    let took = world.until("taken over", |world| world.members[1].holds().len() == 64).await;
    assert!(took < 2 * SECOND, "{took:?}");
    world.pass(10 * SECOND).await;
    world.members[0].link.down.store(false, Ordering::SeqCst);
    world.settled().await;
}

/// Of a commit whose answer is lost nobody knows whether it was made; the record tells.
#[tokio::test(start_paused = true)]
async fn lost_answers_are_found_out() {
    let mut world = World::new();
    world.start();
    world.pass(Duration::from_millis(50)).await;
    world.members[0].link.deaf.store(true, Ordering::SeqCst);
    world.pass(3 * SECOND).await;
    world.start();
    world.members[1].link.latency.store(40, Ordering::SeqCst);
    world.pass(SECOND).await;
    world.members[0].link.deaf.store(false, Ordering::SeqCst);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_gone_counts_as_a_stop() {
    let mut world = World::of(2).await;
    let name = world.members[0].name.clone();
    world.members[0].drop_holder();
    world.until("taken by the other", |world| world.members[1].holds().len() == 64).await;
    for partition in Partition::all() {
        assert_ne!(owner(&world, partition).await, name);
    }
}

#[tokio::test(start_paused = true)]
async fn old_heartbeats_are_cleared_away() {
    let mut world = World::of(2).await;
    for _ in 0..3 {
        world.kill(0);
        world.start();
        world.settled().await;
    }
    world.pass(10 * SECOND).await;
    let beats = world.store.scan(Partition::INSTALLATION, ROLE.replicas, "", None, 9).await.unwrap();
    assert_eq!(beats.len(), 2);
}
