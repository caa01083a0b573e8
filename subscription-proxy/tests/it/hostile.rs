//! Peers that mean harm, or that are unlucky at the worst moment.

use std::time::Duration;

use csc_types::{McpttId, Partition};

use crate::ue::Ue;
use crate::world::{ALEX, GROUPS, PROFILE, World, until};

const SEL: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";

/// Another user whose records lie in the same partition as those of Alex.
fn neighbour() -> String {
    let here = Partition::of(ALEX);
    let mut names = (0..).map(|n| format!("tel:+83{n}"));
    names.find(|name| Partition::of(name.parse::<McpttId>().unwrap().as_str()) == here).unwrap()
}

#[tokio::test]
async fn from_makes_nobody_a_server() {
    let world = World::with(&[("FROM_IS_IDENTITY", "true")]).await;
    world.put(&format!("{GROUPS}/global/byGroupID/tel:+8251")).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call("sip:mcptt_psi@example.org", &[]);
    call.body.clear();
    call.psi = format!("sip:cms_psi@example.org;auid={GROUPS}");
    call.fields = "P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mcptt\r\n".to_owned();
    assert_eq!(ue.status(&call).await, 403);
}

#[tokio::test]
async fn nobody_takes_over_the_dialog_of_a_neighbour() {
    let world = World::new().await;
    let one = world.put(PROFILE).await;
    let thief = neighbour();
    world.bench.account(&thief, "fire", &[], &[]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (call, _) = ue.subscribe(ALEX, &[SEL]).await;
    let own = format!("org.3gpp.mcptt.user-profile/users/{thief}/user-profile");
    let mut stolen = ue.call(&thief, &[&own]);
    (stolen.call_id, stolen.cseq) = (call.call_id.clone(), 7);
    ue.granted(&mut stolen).await;
    ue.notify().await;
    assert_ne!(stolen.to_tag, call.to_tag);
    let two = world.put(PROFILE).await;
    ue.notify().await.says(SEL, one.as_str(), two.as_str());
}

#[tokio::test]
async fn a_subscriber_that_starts_over_may_change_the_id_of_its_event() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    call.next().event = "xcap-diff;id=2".to_owned();
    call.to_tag.clear();
    ue.granted(&mut call).await;
    let notify = ue.notify().await;
    assert_eq!(notify.request.headers().event().unwrap().unwrap().id(), Some("2"));
}

#[tokio::test]
async fn no_retry_after_keeps_a_subscription_beyond_its_end() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    ue.granted(&mut call).await;
    let notify = ue.notify_unanswered().await;
    ue.answer(&notify, 503, "Retry-After: 4294967295\r\n").await;
    assert!(ue.is_quiet().await, "the answer has been taken");
    world.pass(Duration::from_secs(3601));
    assert_eq!(ue.notify().await.state, "terminated;reason=timeout");
    until("the records are gone", async || world.records().await == (0, 0)).await;
}

#[tokio::test]
async fn no_retry_after_makes_notifies_follow_at_the_speed_of_the_network() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    ue.granted(&mut call).await;
    let notify = ue.notify_unanswered().await;
    ue.answer(&notify, 503, "Retry-After: 0\r\n").await;
    assert!(ue.is_quiet().await && ue.is_quiet().await);
    world.pass(Duration::from_secs(1));
    ue.notify().await;
}

#[tokio::test]
async fn a_refresh_outlives_the_notify_that_went_to_the_old_contact() {
    let world = World::new().await;
    let etag = world.put(PROFILE).await;
    let proxy = world.start().await;
    let (mut old, mut ue) = (Ue::new(&proxy).await, Ue::new(&proxy).await);
    let mut call = old.call(ALEX, &[SEL]);
    old.granted(&mut call).await;
    let lost = old.notify_unanswered().await;
    // The terminal comes back elsewhere, while the NOTIFY is still on its way to where it was.
    call.next().via = ue.local;
    call.contact = format!("sip:ue@{}", ue.local);
    ue.granted(&mut call).await;
    assert!(ue.is_quiet().await, "one NOTIFY at a time");
    world.pass(Duration::from_secs(33));
    let notify = ue.notify().await;
    notify.says(SEL, "-", etag.as_str());
    assert!(notify.cseq > lost.cseq);
    assert_eq!(world.records().await.0, 1);
}

#[tokio::test]
async fn a_fetch_says_everything_before_it_ends() {
    let world = World::new().await;
    for n in 0..450 {
        world.put_view(&format!("{GROUPS}/users/tel:+8210/tel:+9{n:03}")).await;
    }
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[&format!("{GROUPS}/users/tel:+8210")]);
    call.expires = 0;
    ue.granted(&mut call).await;
    let mut documents = Vec::new();
    loop {
        let notify = ue.notify().await;
        documents.extend(notify.documents);
        if notify.state == "terminated;reason=timeout" {
            break;
        }
        assert_eq!(notify.state, "active;expires=0");
    }
    documents.dedup();
    assert_eq!(documents.len(), 450);
    until("the records are gone", async || world.records().await == (0, 0)).await;
}

#[tokio::test]
async fn one_user_leaves_few_dialogs_behind_however_often_it_starts_over() {
    let world = World::with(&[("MAX_PER_USER", "2")]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    for _ in 0..20 {
        let mut call = ue.call(ALEX, &[SEL]);
        ue.granted(&mut call).await;
        // The terminal never answers a NOTIFY.
        ue.notify_unanswered().await;
    }
    until("few are left", async || world.records().await.0 <= 4).await;
}

#[tokio::test]
async fn who_was_not_refreshed_for_longest_makes_room_also_after_a_restart() {
    let world = World::with(&[("MAX_PER_USER", "8")]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut calls = Vec::new();
    for _ in 0..8 {
        calls.push(ue.subscribe(ALEX, &[SEL]).await.0);
    }
    // The first one shows that it is alive, so the second one is the one to go.
    calls[0].next();
    ue.granted(&mut calls[0]).await;
    ue.notify().await;
    assert!(ue.is_quiet().await);
    proxy.stop().await;
    let proxy = world.start().await;
    ue.proxy = proxy.address;
    until("all are back", async || world.records().await == (8, 8)).await;
    let mut call = ue.call(ALEX, &[SEL]);
    ue.granted(&mut call).await;
    let notifies = [ue.notify().await, ue.notify().await];
    let ended = notifies.iter().find(|notify| notify.state.starts_with("terminated")).unwrap();
    assert_eq!(ended.request.core().unwrap().call_id, calls[1].call_id);
}

#[tokio::test]
async fn strangers_do_not_use_up_the_memory_for_peers() {
    let world = World::with(&[("MAX_PER_SOURCE", "3"), ("TRUSTED_PEERS", "127.0.0.2")]).await;
    let proxy = world.start().await;
    let mut strangers = [Ue::at("127.0.0.3", &proxy).await, Ue::at("127.0.0.4", &proxy).await];
    let mut statuses = Vec::new();
    for round in 0..6 {
        let ue = &mut strangers[round % 2];
        let mut call = ue.call(ALEX, &[SEL]);
        call.event = "x".to_owned();
        statuses.push(ue.status(&call).await);
    }
    assert_eq!(statuses, [489, 489, 489, 503, 503, 503], "all of them share one allowance");
    let mut peer = Ue::at("127.0.0.2", &proxy).await;
    let call = peer.call(ALEX, &["unknown/x"]);
    assert_eq!(peer.status(&call).await, 403);
}
