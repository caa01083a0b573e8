//! A large group that changes all the time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use csc_proto::event::v1::{LogEntry, log_entry};
use csc_store::{Tail, shared};
use csc_types::{McpttId, Partition, Revision};
use csc_xcap_server::testing::Answer;
use futures::future::join_all;
use prost::Message;

use crate::world::{GROUP, GROUP_TYPE, World, ids, named};

const MEMBERS: usize = 2_000;
/// Changes that are under way at the same time.
const AT_ONCE: usize = 64;
/// Most of all changes: a flood that is still not through after them will never be.
const MOST: usize = 64 * 100;

fn members() -> Vec<McpttId> {
    (0..MEMBERS).map(|number| format!("tel:+8230{number:04}").parse().unwrap()).collect()
}

fn content(name: usize, more: &[String]) -> String {
    let all: Vec<String> = members().iter().map(ToString::to_string).chain(more.iter().cloned()).collect();
    named("tel:+829", &all).replace(">Team<", &format!(">Team {name}<"))
}

/// The change with this number: a name, somebody who joins, or the whole document, none of them conditional.
async fn change(world: &World, number: usize) -> Answer {
    let dispatcher = world.as_user(4);
    let element = |selector: &str| format!("{GROUP}/~~/group/list-service/{selector}");
    let answer = match number % 4 {
        0 => dispatcher.put(GROUP, GROUP_TYPE, content(number, &[])).await,
        1 => {
            let joins = format!("tel:+8231{number:04}");
            let entry = element(&format!("list/entry[@uri=%22{joins}%22]"));
            dispatcher.put(&entry, "application/xcap-el+xml", format!("<entry uri=\"{joins}\"/>")).await
        }
        _ => {
            let name = format!("<display-name>{number}</display-name>");
            dispatcher.put(&element("display-name"), "application/xcap-el+xml", name).await
        }
    };
    assert!(answer.status.is_success(), "{number} {} {}", answer.status, answer.text());
    answer
}

/// What the logs said of the views of the group since `positions`: of each member, the revisions of its commits.
async fn announced(
    world: &World,
    positions: &[(Partition, csc_store::Cursor)],
) -> BTreeMap<String, Vec<Revision>> {
    let mut views: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    for (partition, tail) in
        world.bench.records.store().tail(positions, 10_000, Duration::ZERO).await.unwrap()
    {
        let Tail::Entries { entries, .. } = tail else { panic!("{partition:?} lost") };
        for entry in entries {
            let change = LogEntry::decode(&*entry.payload).unwrap().change.unwrap();
            let log_entry::Change::Document(changed) = change else { panic!() };
            let view = changed.path.strip_prefix("org.openmobilealliance.groups/users/");
            if let Some(member) = view.and_then(|view| view.strip_suffix("/tel:+829")) {
                views.entry(member.to_owned()).or_default().push(entry.id.revision);
            }
        }
    }
    views
}

/// 64 writers at a time change a group of 2 000 members. Meanwhile every member keeps seeing newer states, and so do the
/// members of another group; afterwards everybody sees the last one, and the logs tell of each state that was shown.
#[tokio::test]
async fn g7_a_flood_of_changes_reaches_everybody() {
    let mut world = World::new().await;
    let members = members();
    let (_trigger, _running) = world.project();
    let first = world.as_user(4).put(GROUP, GROUP_TYPE, content(0, &[])).await;
    world.until_shown(&members, &members, &first.etag()).await;
    let mut positions = Vec::new();
    for partition in Partition::all() {
        positions.push((partition, world.bench.records.store().position(partition).await.unwrap()));
    }
    let (changes, through) = (AtomicUsize::new(0), AtomicBool::new(false));
    let flood = async {
        join_all((0..AT_ONCE).map(async |_| {
            loop {
                let number = changes.fetch_add(1, Ordering::SeqCst);
                assert!(number < MOST, "the views make no progress");
                change(&world, number).await;
                if through.load(Ordering::SeqCst) && changes.load(Ordering::SeqCst) >= AT_ONCE {
                    return;
                }
            }
        }))
        .await
    };
    let watch = async {
        // The last of the members sees three other states, the members of another group theirs, while the flood goes on.
        let last = members.last().unwrap();
        for round in 0..3 {
            let before = world.indexed(last).await;
            let other = format!("tel:+827{round}");
            let document = named(&other, &[last.to_string()]);
            let stored = world.as_user(5).put(&GROUP.replace("tel:+829", &other), GROUP_TYPE, document).await;
            assert_eq!(stored.status, 201);
            world.until_view(last, &other).await;
            world
                .until(last, async || {
                    let shown = world.indexed(last).await;
                    if shown == before { Err(shown) } else { Ok(()) }
                })
                .await;
        }
        through.store(true, Ordering::SeqCst);
    };
    tokio::join!(flood, watch);
    let last = world.as_user(4).put(GROUP, GROUP_TYPE, content(9, &[])).await;
    world.until_shown(&members, &members, &last.etag()).await;

    // Who joined in between and is not in the last document has left again: no view, no way in.
    let changes = changes.into_inner();
    let joined: Vec<McpttId> =
        (0..changes).map(|number| format!("tel:+8231{number:04}").parse().unwrap()).collect();
    world.until_shown(&joined, &[], "").await;
    let views = announced(&world, &positions).await;
    let mut most = 0;
    for member in &members {
        let path = format!("org.openmobilealliance.groups/users/{member}/tel:+829");
        let store = world.bench.records.store();
        let (entry, version) =
            shared::index_entry(store, Partition::of(member.as_str()), &path).await.unwrap().unwrap();
        let told = &views[member.as_str()];
        assert_eq!(told.last(), Some(&version), "the last entry tells of what the index shows");
        assert_eq!(shared::etag(&entry, version).to_string(), last.etag().trim_matches('"'));
        assert!(told.is_sorted_by(|a, b| a < b), "no state twice: {told:?}");
        most = most.max(told.len());
    }
    // However many changes: each turn of the group brings all that have come until then.
    assert!(most <= changes + 1, "{most} states shown for {changes} changes");
    println!("{changes} changes, {most} states shown");
}

/// Deleted and made again faster than it is projected, in turns by two organisations and with other members each time:
/// what was last is what is seen, and of the others there is nothing.
#[tokio::test]
async fn g7_deleted_and_made_again_while_it_is_projected() {
    let mut world = World::new().await;
    let (_trigger, _running) = world.project();
    let all = members();
    let mut last = String::new();
    let round = |round: usize| &all[round * 100..round * 100 + 400];
    for number in 0..12 {
        let dispatcher = world.as_user(if number % 2 == 0 { 4 } else { 7 });
        let members: Vec<String> = round(number).iter().map(ToString::to_string).collect();
        let made = dispatcher.put(GROUP, GROUP_TYPE, named("tel:+829", &members)).await;
        assert_eq!(made.status, 201, "{}", made.text());
        last = made.etag();
        if number < 11 {
            assert_eq!(dispatcher.delete(GROUP).await.status, 200);
        }
    }
    world.until_shown(&all, round(11), &last).await;
    world.until_shown(&ids(&[4, 7]), &ids(&[7]), &last).await;
    assert_eq!(world.as_user(7).delete(GROUP).await.status, 200);
    world.until_shown(&all, &[], "").await;
}
