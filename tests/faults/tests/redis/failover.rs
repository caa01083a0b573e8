//! Another server becomes master while everybody is at work.

use std::time::Duration;

use csc_faults::site::Site;
use csc_faults::soak::Soak;
use csc_faults::trouble::Trouble;
use csc_store::redis::RedisOptions;
use futures::future::join_all;

use crate::alone::{get, open, put, records, sources, spend, text};

/// Plays one trouble to 32 writers, readers and followers of the logs.
async fn survives(test: &str, trouble: Trouble, confirmations: u32) {
    let soak = Soak::start(test, 1, |options| options.min_replicas = confirmations)
        .await
        .expect("the servers come up");
    let Some(mut soak) = soak else { return };
    let round = soak.round(trouble).await.expect("the servers do what they must");
    assert_eq!(round.findings, [], "{:?}", round.counts);
    assert!(round.counts.done > 0 && round.counts.entries > 0, "{:?}", round.counts);
}

/// Clients still see the old master, whose replicas have left it: it may say what it wants, nobody believes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partitioned_master_and_a_promotion_lose_nothing() {
    survives("a_partitioned_master_and_a_promotion_lose_nothing", Trouble::IsolateMaster, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_during_32_writers_loses_nothing() {
    survives("a_failover_during_32_writers_loses_nothing", Trouble::KillMaster, 1).await;
}

/// An old master that wakes up is a master in its own eyes for a moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_wakes_up_deposed_loses_nothing() {
    survives("a_master_that_wakes_up_deposed_loses_nothing", Trouble::FreezeMaster, 1).await;
}

/// The old master is well, and so is its replica that has not been told yet: one confirmation proves nothing there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_confirmations_an_ordered_failover_loses_nothing() {
    survives("with_two_confirmations_an_ordered_failover_loses_nothing", Trouble::Replace, 2).await;
}

/// 100 uses of one code, by two processes, from before the failover until after it: one succeeds, and everybody who was
/// told so is the one whom the record names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_spent_once_across_a_failover() {
    let test = "a_code_is_spent_once_across_a_failover";
    let site = Site::start(test).await.expect("the servers come up");
    let Some(mut site) = site else { return };
    let (clock, names) = sources();
    site.install(clock, names).await.expect("the store is empty");
    let processes = [open(site.options()), open(site.options())];
    let patient = open(RedisOptions { deadline: Duration::from_secs(30), ..site.options() });
    put(patient.as_ref(), "code", "fresh").await.expect("the store answers");

    let master = site.master().expect("there is a master");
    tokio::task::block_in_place(|| site.nodes[master].server.kill());
    let uses = (0..100).map(|n| {
        let records = records(processes[n % 2].clone());
        tokio::spawn(async move {
            let name = format!("user {n}");
            // Until the store answers: a caller would be told 503 and come again, with the same code.
            loop {
                if let Ok(spent) = spend(&records, "code", &name).await {
                    return spent.then_some(name);
                }
            }
        })
    });
    let uses = join_all(uses);
    site.promoted(master).await.expect("a replica is promoted");
    let winners: Vec<String> = uses.await.into_iter().filter_map(|user| user.expect("a user ends")).collect();
    let record = get(patient.as_ref(), "code").await.expect("the store answers");
    let spender = text(&record).expect("it is there");
    assert_ne!(spender, "fresh", "somebody spent it");
    // Whose commit was applied without an answer finds it spent, and does not know by whom.
    assert!(winners.iter().all(|winner| winner == spender) && winners.len() <= 1, "{winners:?}, {spender}");
}

/// The same by chance for a while: the kinds of trouble that the seed puts first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_soak_finds_nothing() {
    let soak = Soak::start("a_short_soak_finds_nothing", 20, |_| ()).await.expect("the servers come up");
    let Some(mut soak) = soak else { return };
    for _ in 0..3 {
        let trouble = soak.draw();
        let round = soak.round(trouble).await.expect("the servers do what they must");
        assert_eq!(round.findings, [], "{trouble:?}: {:?}", round.counts);
    }
}
