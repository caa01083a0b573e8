//! When NOTIFYs are sent, what they say, and what their answers do.

use std::time::Duration;

use crate::ue::Ue;
use crate::world::{ALEX, GROUPS, PROFILE, SERVICE_CONFIG, World, until};

const SEL: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn created_changed_removed() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (_, first) = ue.subscribe(ALEX, &[SEL]).await;
    assert!(first.documents.is_empty() && first.root == crate::world::ROOT);
    let one = world.put(PROFILE).await;
    let created = ue.notify().await;
    created.says(SEL, "-", one.as_str());
    let two = world.put(PROFILE).await;
    let changed = ue.notify().await;
    changed.says(SEL, one.as_str(), two.as_str());
    world.delete(PROFILE).await;
    let removed = ue.notify().await;
    removed.says(SEL, two.as_str(), "-");
    let numbers = [first.cseq, created.cseq, changed.cseq, removed.cseq];
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2, numbers[0] + 3]);
}

#[tokio::test]
async fn a_change_that_the_log_no_longer_holds_is_notified() {
    let world = World::new().await;
    let one = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    ue.subscribe(ALEX, &[SEL]).await;
    let two = world.put_unheard(PROFILE).await;
    ue.notify().await.says(SEL, one.as_str(), two.as_str());
    let three = world.put(PROFILE).await;
    ue.notify().await.says(SEL, two.as_str(), three.as_str());
    // A dialog that begins now is heard of as well.
    ue.subscribe(ALEX, &[SEL]).await.1.says(SEL, "-", three.as_str());
}

#[tokio::test]
async fn changes_during_a_notify_wait_and_coalesce() {
    let world = World::new().await;
    let old = world.put(PROFILE).await;
    let proxy = world.start().await;
    let (mut ue, mut other) = (Ue::new(&proxy).await, Ue::new(&proxy).await);
    let mut call = ue.call(ALEX, &[SEL, &format!("{GROUPS}/users/tel:+8210/")]);
    ue.granted(&mut call).await;
    let held = ue.notify_unanswered().await;
    held.says(SEL, "-", old.as_str());
    other.subscribe(ALEX, &[SEL]).await;
    world.put(PROFILE).await;
    let view = format!("{GROUPS}/users/tel:+8210/tel:+8251");
    world.put_view(&view).await;
    world.remove_view(&view).await;
    let new = world.put(PROFILE).await;
    // The other watcher is told all the while.
    while other.notify().await.documents[0].2 != new.as_str() {}
    assert!(ue.is_quiet().await);
    ue.answer(&held, 200, "").await;
    ue.notify().await.says(SEL, old.as_str(), new.as_str());
}

#[tokio::test]
async fn a_refresh_says_everything_and_replaces_the_list() {
    let world = World::new().await;
    let profile = world.put(PROFILE).await;
    let config = world.put(SERVICE_CONFIG).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    call.next().body.clear();
    call.contact = format!("sip:elsewhere@{}", ue.local);
    call.expires = 1800;
    let response = ue.granted(&mut call).await;
    assert_eq!(response.headers().expires(), Ok(Some(1800)));
    let notify = ue.notify().await;
    notify.says(SEL, "-", profile.as_str());
    assert_eq!(notify.request.uri().as_str(), call.contact);
    assert_eq!(notify.state, "active;expires=1800");

    let other = "org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    call.next().body = crate::ue::list(&[other]);
    ue.granted(&mut call).await;
    ue.notify().await.says(other, "-", config.as_str());
    world.put(PROFILE).await;
    let config = (config, world.put(SERVICE_CONFIG).await);
    ue.notify().await.says(other, config.0.as_str(), config.1.as_str());
}

#[tokio::test]
async fn unsubscribing_gets_a_last_notify_and_leaves_nothing() {
    let world = World::new().await;
    let etag = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    call.next().body.clear();
    call.expires = 0;
    let response = ue.granted(&mut call).await;
    assert_eq!(response.headers().expires(), Ok(Some(0)));
    let last = ue.notify().await;
    assert_eq!(last.state, "terminated;reason=timeout");
    last.says(SEL, "-", etag.as_str());
    until("the records are gone", async || world.records().await == (0, 0)).await;
    call.next();
    assert_eq!(ue.status(&call).await, 481);
}

#[tokio::test]
async fn a_subscribe_that_expires_at_once_is_a_fetch() {
    let world = World::new().await;
    let etag = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    call.expires = 0;
    ue.granted(&mut call).await;
    let only = ue.notify().await;
    assert_eq!(only.state, "terminated;reason=timeout");
    only.says(SEL, "-", etag.as_str());
    until("the records are gone", async || world.records().await == (0, 0)).await;
}

#[tokio::test]
async fn a_subscription_expires() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    assert!(ue.is_quiet().await, "the answer has been taken");
    world.pass(seconds(3601));
    let last = ue.notify().await;
    assert_eq!((last.state.as_str(), last.request.body().len()), ("terminated;reason=timeout", 0));
    call.next();
    assert_eq!(ue.status(&call).await, 481);
    until("the records are gone", async || world.records().await == (0, 0)).await;
}

#[tokio::test]
async fn reports_of_changes_keep_their_distance() {
    let world = World::with(&[("MIN_NOTIFY_INTERVAL", "5s")]).await;
    let one = world.put(PROFILE).await;
    let proxy = world.start().await;
    let (mut ue, mut other) = (Ue::new(&proxy).await, Ue::new(&proxy).await);
    other.subscribe(ALEX, &[SEL]).await;
    assert!(other.is_quiet().await, "the answer has been taken");
    world.pass(seconds(10));
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    let two = world.put(PROFILE).await;
    // Who was told long ago is told at once, who was told just now is not.
    other.notify().await.says(SEL, one.as_str(), two.as_str());
    assert!(ue.is_quiet().await);
    world.pass(seconds(5));
    ue.notify().await.says(SEL, one.as_str(), two.as_str());
    // What follows a 2xx does not wait.
    call.next();
    ue.granted(&mut call).await;
    ue.notify().await.says(SEL, "-", two.as_str());
}

#[tokio::test]
async fn a_silent_terminal_gets_eleven_copies_and_is_forgotten() {
    let world = World::new().await;
    let proxy = world.start().await;
    let (mut silent, mut lively) = (Ue::new(&proxy).await, Ue::new(&proxy).await);
    let config = "org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    let mut call = silent.call(ALEX, &[config]);
    silent.granted(&mut call).await;
    let first = silent.notify_unanswered().await;
    let mut copies = 1;
    for pause in [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000] {
        world.pass(Duration::from_millis(pause));
        let copy = silent.notify_unanswered().await;
        assert_eq!((copy.cseq, copy.request.body()), (first.cseq, first.request.body()));
        copies += 1;
    }
    assert_eq!(copies, 11);
    // Meanwhile others are told as if nothing was wrong.
    lively.subscribe(ALEX, &[config]).await;
    let etag = world.put(SERVICE_CONFIG).await;
    lively.notify().await.says(config, "-", etag.as_str());
    assert!(lively.is_quiet().await, "the answer has been taken");
    assert_eq!(world.records().await.0, 2);
    world.pass(Duration::from_millis(500));
    until("the subscription is gone", async || world.records().await == (1, 1)).await;
    call.next();
    assert_eq!(silent.status(&call).await, 481);
}

#[tokio::test]
async fn an_answer_decides_whether_the_subscription_stays() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    for code in [481, 404, 604] {
        let mut call = ue.call(ALEX, &[SEL]);
        ue.granted(&mut call).await;
        let notify = ue.notify_unanswered().await;
        ue.answer(&notify, code, "").await;
        until("the subscription is gone", async || world.records().await == (0, 0)).await;
        call.next();
        assert_eq!(ue.status(&call).await, 481);
    }
    let etag = world.put(PROFILE).await;
    let mut call = ue.call(ALEX, &[SEL]);
    ue.granted(&mut call).await;
    let refused = ue.notify_unanswered().await;
    ue.answer(&refused, 503, "Retry-After: 120\r\n").await;
    assert!(ue.is_quiet().await, "the answer has been taken");
    world.pass(seconds(119));
    assert!(ue.is_quiet().await);
    world.pass(seconds(1));
    let again = ue.notify().await;
    again.says(SEL, "-", etag.as_str());
    assert_eq!(again.cseq, refused.cseq + 1);
}

#[tokio::test]
async fn a_copy_of_a_subscribe_gets_the_same_octets() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    let answer = ue.ask_raw(call.text()).await;
    ue.notify().await;
    assert_eq!(ue.ask_raw(call.text()).await, answer);
    // Two copies at once: the second finds the first being processed or answered, and creates nothing.
    let twice = ue.call(ALEX, &[SEL]);
    ue.send(twice.text()).await;
    ue.ask_raw(twice.text()).await;
    ue.notify().await;
    assert_eq!(world.records().await.0, 2);
    call.branch.push('x');
    assert_eq!(ue.status(&call).await, 482, "the same request on another path");
}

#[tokio::test]
async fn the_oldest_of_too_many_subscriptions_makes_room() {
    let world = World::with(&[("MAX_PER_USER", "2")]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (first, _) = ue.subscribe(ALEX, &[SEL]).await;
    ue.subscribe(ALEX, &[SEL]).await;
    let mut third = ue.call(ALEX, &[SEL]);
    ue.granted(&mut third).await;
    let notifies = [ue.notify().await, ue.notify().await];
    let ended = notifies.iter().find(|notify| notify.state.starts_with("terminated")).unwrap();
    assert_eq!(ended.state, "terminated;reason=probation;retry-after=3600");
    assert_eq!(ended.request.core().unwrap().call_id, first.call_id);
    until("it is gone", async || world.records().await.0 == 2).await;
}

#[tokio::test]
async fn a_long_list_of_groups_comes_in_pieces() {
    let world = World::new().await;
    for n in 0..450 {
        world.put_view(&format!("{GROUPS}/users/tel:+8210/tel:+9{n:03}")).await;
    }
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (_, first) = ue.subscribe(ALEX, &[&format!("{GROUPS}/users/tel:+8210")]).await;
    let mut documents = first.documents;
    while documents.len() < 450 {
        documents.extend(ue.notify().await.documents);
    }
    documents.dedup();
    assert_eq!(documents.len(), 450);
    assert!(documents.iter().all(|(_, previous, _)| previous == "-"));
    assert!(ue.is_quiet().await);
}
