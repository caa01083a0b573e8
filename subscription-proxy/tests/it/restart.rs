//! A process ends, another one goes on.

use crate::ue::Ue;
use crate::world::{ALEX, PROFILE, World, until};

const SEL: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";

#[tokio::test]
async fn subscriptions_go_on_and_cseq_keeps_rising() {
    let world = World::new().await;
    let one = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, first) = ue.subscribe(ALEX, &[SEL]).await;
    let two = world.put(PROFILE).await;
    let second = ue.notify().await;
    second.says(SEL, one.as_str(), two.as_str());
    until("it is stored that this was acknowledged", async || stored(&world, two.as_str()).await).await;
    proxy.kill().await;
    // The change is made while nobody is there to tell.
    let three = world.put(PROFILE).await;

    let proxy = world.start().await;
    ue.proxy = proxy.address;
    let third = ue.notify().await;
    third.says(SEL, two.as_str(), three.as_str());
    assert!(first.cseq < second.cseq && second.cseq < third.cseq);
    call.next();
    ue.granted(&mut call).await;
    ue.notify().await.says(SEL, "-", three.as_str());
    call.next().expires = 0;
    ue.granted(&mut call).await;
    assert_eq!(ue.notify().await.state, "terminated;reason=timeout");
    until("the records are gone", async || world.records().await == (0, 0)).await;
}

/// Whether some delivery record holds this tag.
async fn stored(world: &World, etag: &str) -> bool {
    for partition in csc_types::Partition::all() {
        let store = world.bench.records.store();
        let found = store.scan(partition, "subscription-proxy.delivery", "", None, 10).await.unwrap();
        let holds = |value: &[u8]| value.windows(etag.len()).any(|part| part == etag.as_bytes());
        if found.iter().any(|(_, record)| record.value.as_ref().is_some_and(|value| holds(value))) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_change_just_before_the_end_is_notified() {
    let world = World::new().await;
    let one = world.put(PROFILE).await;
    let mut proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (_, notify) = ue.subscribe(ALEX, &[SEL]).await;
    let (mut known, mut cseq) = (one.to_string(), notify.cseq);
    for round in 0..20u64 {
        let new = world.put(PROFILE).await;
        // Killed at ever other moments: before the log was read, before the NOTIFY, before its answer, after it.
        for _ in 0..round * 3 {
            tokio::task::yield_now().await;
        }
        proxy.kill().await;
        proxy = world.start().await;
        ue.proxy = proxy.address;
        loop {
            let notify = ue.notify_of_any().await;
            assert!(notify.cseq > cseq, "CSeq went from {cseq} to {}", notify.cseq);
            cseq = notify.cseq;
            if let Some((_, _, now)) = notify.documents.last() {
                now.clone_into(&mut known);
            }
            if known == new.as_str() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_copy_of_a_subscribe_finds_its_answer_after_the_restart() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    let text = call.text();
    let answer = ue.ask_raw(&text).await;
    let first = ue.notify_unanswered().await;
    proxy.kill().await;

    let proxy = world.start().await;
    ue.proxy = proxy.address;
    assert_eq!(ue.ask_raw(&text).await, answer);
    assert_eq!(world.records().await.0, 1);
    // The first NOTIFY was never acknowledged: it is owed still.
    let again = ue.notify().await;
    assert!(again.cseq > first.cseq);
    assert_eq!(again.documents, first.documents);
    // A refresh that is copied as well.
    call.to_tag = format!(";tag={}", again.request.core().unwrap().from.tag().unwrap());
    call.next();
    let refreshed = ue.ask_raw(call.text()).await;
    ue.notify().await;
    proxy.kill().await;
    let proxy = world.start().await;
    ue.proxy = proxy.address;
    assert_eq!(ue.ask_raw(call.text()).await, refreshed);
}

#[tokio::test]
async fn a_process_that_stops_stores_what_it_knows() {
    let world = World::new().await;
    let one = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    ue.subscribe(ALEX, &[SEL]).await;
    assert!(ue.is_quiet().await, "the answer has been taken");
    proxy.stop().await;
    assert!(stored(&world, one.as_str()).await);

    let proxy = world.start().await;
    ue.proxy = proxy.address;
    let two = world.put(PROFILE).await;
    ue.notify().await.says(SEL, one.as_str(), two.as_str());
}
