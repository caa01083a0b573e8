//! Several replicas on one store: whoever is asked answers, whoever owns the subscriber's partition notifies. Replicas tell
//! by real time whether another is alive, so these tests run in real time.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use csc_proto::record::v1::Owner;
use csc_store::Key;
use csc_types::Partition;
use prost::Message as _;

use crate::ue::{Call, Ue};
use crate::world::{Proxy, World, until};

const CONTACT: &str = "sip:csc@csc.example.org";
const USERS: usize = 24;

fn user(n: usize) -> String {
    format!("tel:+83{n:04}")
}

fn profile(n: usize) -> String {
    format!("org.3gpp.mcptt.user-profile/users/{}/mcptt-user-profile-0.xml", user(n))
}

fn sel(n: usize) -> String {
    format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", user(n))
}

async fn world() -> World {
    let world = World::in_real_time(&[("CONTACT", CONTACT)]).await;
    for n in 0..USERS {
        world.bench.account(&user(n), "fire", &[], &[]).await;
    }
    world
}

/// How many partitions each replica owns.
async fn owned(world: &World) -> BTreeMap<String, usize> {
    let mut owned = BTreeMap::new();
    for partition in Partition::all() {
        let key = Key::new("subscription-proxy.notifier", "owner");
        let Some(value) = world.bench.records.get(partition, &key).await.unwrap().value else { continue };
        let owner = Owner::decode(&*value).unwrap().replica;
        if !owner.is_empty() {
            *owned.entry(owner).or_default() += 1;
        }
    }
    owned
}

/// Waits until `count` replicas own everything among them, none of them nearly nothing.
async fn shared(world: &World, count: usize) {
    until("the partitions are shared", async || {
        let owned = owned(world).await;
        owned.len() == count && owned.values().sum::<usize>() == 64 && owned.values().all(|own| *own > 8)
    })
    .await;
}

/// Two replicas that share the partitions, and a peer that knows both.
async fn two(world: &World) -> (Proxy, Proxy, Ue) {
    let a = world.replica().await;
    let b = world.replica().await;
    shared(world, 2).await;
    let mut ue = Ue::new(&a).await;
    ue.others = vec![a.address, b.address];
    ue.branches = Some(HashSet::new());
    (a, b, ue)
}

/// What the subscriber of each dialog knows, and the rules that no NOTIFY may break.
#[derive(Default)]
struct Known {
    /// The last CSeq of each dialog, and all that it was told.
    dialogs: BTreeMap<String, (u32, Vec<String>)>,
    /// NOTIFYs that began at something older than the last.
    repeated: usize,
}

impl Known {
    /// Takes the next NOTIFY and answers it.
    async fn hear(&mut self, ue: &mut Ue) {
        let notify = ue.notify().await;
        let call_id = notify.request.core().unwrap().call_id.to_owned();
        let [(_, previous, new)] = &notify.documents[..] else { panic!("one document: {notify:?}") };
        if let Some((cseq, told)) = self.dialogs.get(&call_id) {
            assert!(*cseq < notify.cseq, "CSeq went from {cseq} to {}", notify.cseq);
            assert!(previous == "-" || told.contains(previous), "{previous} was never told");
            self.repeated += usize::from(previous != "-" && told.last() != Some(previous));
        }
        let (cseq, told) = self.dialogs.entry(call_id).or_default();
        *cseq = notify.cseq;
        told.push(new.clone());
    }

    /// Whether this dialog was told this last.
    fn knows(&self, call: &Call, etag: &str) -> bool {
        self.dialogs.get(&call.call_id).is_some_and(|(_, told)| told.last().is_some_and(|last| last == etag))
    }

    /// Takes NOTIFYs until this dialog knows this.
    async fn until(&mut self, ue: &mut Ue, call: &Call, etag: &str) {
        while !self.knows(call, etag) {
            self.hear(ue).await;
        }
    }
}

#[tokio::test]
async fn whoever_is_asked_answers_and_the_owner_notifies() {
    let world = world().await;
    let (a, b, mut ue) = two(&world).await;
    let mut senders = BTreeSet::new();
    for n in 0..USERS {
        let etag = world.put(&profile(n)).await;
        ue.proxy = if n % 2 == 0 { a.address } else { b.address };
        let mut call = ue.call(&user(n), &[&sel(n)]);
        let answer = ue.granted(&mut call).await;
        let contact = answer.headers().single(sip_codec::Name::Contact).unwrap().unwrap().to_owned();
        assert_eq!(contact, format!("<{CONTACT}>"));
        let first = ue.notify().await;
        first.says(&sel(n), "-", etag.as_str());
        let core = first.request.core().unwrap();
        assert_eq!(core.via.sent_by, first.from.to_string());
        let contact = first.request.headers().single(sip_codec::Name::Contact).unwrap().unwrap();
        assert_eq!(contact, format!("<{CONTACT}>"));
        // A refresh goes to the other one.
        ue.proxy = if n % 2 == 0 { b.address } else { a.address };
        call.next();
        ue.granted(&mut call).await;
        let second = ue.notify().await;
        assert_eq!((second.from, second.documents), (first.from, first.documents));
        assert!(second.cseq > first.cseq);
        senders.insert(first.from);
    }
    assert_eq!(senders, BTreeSet::from([a.address, b.address]));
}

#[tokio::test]
async fn copies_of_a_subscribe_at_two_replicas_get_one_answer_and_one_dialog() {
    let world = world().await;
    let (a, b, mut ue) = two(&world).await;
    for n in 0..USERS {
        let mut call = ue.call(&user(n), &[&sel(n)]);
        for _ in 0..2 {
            for proxy in [&a, &b] {
                ue.proxy = proxy.address;
                ue.send(call.text()).await;
            }
            let answers = [ue.response().await, ue.response().await];
            assert_eq!(answers[0], answers[1]);
            let notify = ue.notify().await;
            // The refresh is copied as well.
            call.to_tag = format!(";tag={}", notify.request.core().unwrap().from.tag().unwrap());
            call.next();
        }
    }
    assert_eq!(world.records().await.0, USERS);
    assert!(ue.is_quiet().await);
}

#[tokio::test]
async fn what_a_killed_replica_owned_is_taken_over_and_no_change_is_missed() {
    let world = world().await;
    let (a, b, mut ue) = two(&world).await;
    let (mut known, mut calls) = (Known::default(), Vec::new());
    for n in 0..USERS {
        world.put(&profile(n)).await;
        let mut call = ue.call(&user(n), &[&sel(n)]);
        ue.granted(&mut call).await;
        known.hear(&mut ue).await;
        calls.push(call);
    }
    // Some are told before the end, none of it stored for certain.
    for n in 0..USERS / 2 {
        world.put(&profile(n)).await;
    }
    b.kill().await;
    let mut latest = Vec::new();
    for n in 0..USERS {
        latest.push(world.put(&profile(n)).await.to_string());
    }
    // What was acknowledged and not stored may be said again.
    for (call, etag) in calls.iter().zip(&latest) {
        known.until(&mut ue, call, etag).await;
    }
    shared(&world, 1).await;
    let again = world.put(&profile(0)).await;
    let notify = ue.notify().await;
    notify.says(&sel(0), &latest[0], again.as_str());
    assert_eq!(notify.from, a.address);
}

#[tokio::test]
async fn a_replica_that_stops_hands_over_what_it_told() {
    let world = world().await;
    let (a, mut b, mut ue) = two(&world).await;
    let (mut known, mut calls) = (Known::default(), Vec::new());
    for n in 0..USERS {
        world.put(&profile(n)).await;
        let mut call = ue.call(&user(n), &[&sel(n)]);
        ue.granted(&mut call).await;
        known.hear(&mut ue).await;
        calls.push(call);
    }
    for round in 0..3 {
        let stopping = tokio::spawn(b.stop());
        let mut latest = vec![String::new(); USERS];
        let mut changes = 0;
        // Changes go on until it has stopped, and each is heard of; one that is skipped breaks the chain of ETags.
        while !stopping.is_finished() || changes < USERS {
            let n = changes % USERS;
            latest[n] = world.put(&profile(n)).await.to_string();
            known.until(&mut ue, &calls[n], &latest[n]).await;
            changes += 1;
        }
        stopping.await.unwrap();
        assert!(known.dialogs.len() == USERS, "in round {round}");
        // One is under way at a time; if this machine takes long to answer it, the next owner says it again.
        assert!(known.repeated <= round + 1, "{} repeated in round {round}", known.repeated);
        b = world.replica().await;
        ue.others.push(b.address);
        shared(&world, 2).await;
    }
    drop(a);
}

#[tokio::test]
async fn a_refresh_while_the_owner_changes_is_answered_and_notified() {
    let world = world().await;
    let (a, mut b, mut ue) = two(&world).await;
    let mut calls = Vec::new();
    for n in 0..USERS {
        world.put(&profile(n)).await;
        let mut call = ue.call(&user(n), &[&sel(n)]);
        ue.granted(&mut call).await;
        let cseq = ue.notify().await.cseq;
        calls.push((call, cseq));
    }
    for round in 0..2 {
        let ending = match round {
            0 => tokio::spawn(b.stop()),
            _ => tokio::spawn(b.kill()),
        };
        for (n, (call, cseq)) in calls.iter_mut().enumerate() {
            // Refreshes and endings at the replica that stays.
            call.next().expires = if n % 3 == 0 { 0 } else { 3600 };
            if n % 3 == 0 && round == 0 {
                call.expires = 3600;
            }
            ue.granted(call).await;
            let ended = call.expires == 0;
            // A NOTIFY of the one that goes may come in between.
            loop {
                let notify = ue.notify_of(&call.call_id).await;
                assert!(notify.cseq > *cseq, "CSeq went from {cseq} to {}", notify.cseq);
                *cseq = notify.cseq;
                if notify.documents.iter().any(|(_, previous, _)| previous == "-")
                    && notify.state.starts_with("terminated") == ended
                {
                    break;
                }
            }
        }
        ending.await.unwrap();
        b = world.replica().await;
        ue.others.push(b.address);
        shared(&world, 2).await;
    }
    until("ended dialogs are gone", async || world.records().await.0 == USERS - USERS / 3).await;
    drop(a);
}
