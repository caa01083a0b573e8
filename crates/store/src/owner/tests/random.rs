//! Anything may happen to anybody. Whatever does, no two act for one partition, and when it is over everything is at
//! its place.

use std::sync::atomic::Ordering;
use std::time::Duration;

use csc_test_support::SeededEntropy;
use csc_types::Entropy;

use super::world::World;

const MOST: usize = 4;

async fn play(seed: u64) {
    let chance = SeededEntropy::new(seed);
    let draw = |below: u64| chance.next_u64() % below;
    let mut world = World::of(2).await;
    for _ in 0..40 {
        let index = draw(world.members.len() as u64) as usize;
        let many = world.members.len();
        let member = &mut world.members[index];
        let flip = |flag: &std::sync::atomic::AtomicBool| flag.fetch_xor(true, Ordering::SeqCst);
        match draw(10) {
            0 if many > 1 => {
                world.kill(index);
            }
            1 | 2 if many < MOST => {
                world.start();
            }
            3 => member.drain(),
            4 | 5 if member.is_frozen() => member.thaw(),
            4 | 5 => member.freeze(),
            6 => {
                flip(&member.link.down);
            }
            7 => {
                flip(&member.link.deaf);
            }
            8 => member.link.latency.store(draw(900), Ordering::SeqCst),
            9 => member.slow.store(draw(300), Ordering::SeqCst),
            _ => {}
        }
        world.pass(Duration::from_millis(draw(1_500))).await;
        world.members.retain(|member| !member.has_left());
        if world.members.is_empty() {
            world.start();
        }
    }
    for member in &world.members {
        member.link.down.store(false, Ordering::SeqCst);
        member.link.deaf.store(false, Ordering::SeqCst);
        member.link.latency.store(0, Ordering::SeqCst);
        member.slow.store(0, Ordering::SeqCst);
        member.thaw();
    }
    world
        .until("the leaving have left", |world| {
            world.members.retain(|member| !member.has_left());
            !world.members.iter().any(super::world::Member::is_leaving)
        })
        .await;
    world.start();
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn no_two_act_at_once_whatever_happens() {
    for seed in 1..=3 {
        play(seed).await;
    }
}
