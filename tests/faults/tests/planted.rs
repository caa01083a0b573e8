//! Faults planted in the engine: what the checker is worth.

use csc_faults::history::Rule;
use csc_faults::soak::Soak;
use csc_faults::trouble::Trouble;
use csc_store::redis::Sabotage;

/// The planted fault is found, as one of `rules`, while `trouble` happens.
async fn found(test: &str, sabotage: Sabotage, trouble: Trouble, rules: &[Rule]) {
    let soak =
        Soak::start(test, 1, |options| options.sabotage = Some(sabotage)).await.expect("the servers come up");
    let Some(mut soak) = soak else { return };
    let round = soak.round(trouble).await.expect("the servers do what they must");
    let found = round.findings.iter().any(|finding| rules.contains(&finding.rule));
    assert!(found, "one of {rules:?}, not {:?} ({:?})", round.findings, round.counts);
}

/// A master without replicas goes on acknowledging what is lost with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_wait_is_found() {
    let rules = [Rule::NothingLost, Rule::NeverAbsent];
    found("a_forgotten_wait_is_found", Sabotage::Wait, Trouble::IsolateMaster, &rules).await;
}

/// The new master counts on from where the old one was when they parted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_as_revision_is_found() {
    let rules = [Rule::OneContent];
    found("a_counter_as_revision_is_found", Sabotage::Counter, Trouble::IsolateMaster, &rules).await;
}

/// An emptied store answers "absent" for everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_birth_record_that_nobody_misses_is_found() {
    let test = "a_missing_birth_record_that_nobody_misses_is_found";
    let rules = [Rule::NeverAbsent, Rule::NoFalseRemoval];
    found(test, Sabotage::Birth, Trouble::Empty, &rules).await;
}
