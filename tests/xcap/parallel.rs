//! X19: many at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::call::{Call, tag};
use crate::check::checks;
use crate::documents::{LISTS, LISTS_TYPE, lists};
use crate::people::{ADMIN, DANA};
use crate::world::World;

checks! {
    "X19" Everywhere x19_inserts_of_one_user_all_persist;
    "X19" Everywhere x19_inserts_into_a_group_all_persist;
    "X19" Everywhere x19_inserts_and_deletes_all_count;
    "X19" Everywhere x19_one_of_equal_preconditions_wins;
    "X19" Everywhere x19_one_of_equal_preconditions_wins_a_group;
    "X19" Everywhere x19_one_creates;
}

const WRITERS: usize = 64;
const RIVALS: usize = 16;

/// Sends all at once, each on a connection of its own if need be, and returns their statuses.
async fn at_once<'w>(world: &Arc<World>, calls: impl IntoIterator<Item = Call<'w>>) -> Vec<u16> {
    let mut sending = JoinSet::new();
    for call in calls {
        let (world, request) = (Arc::clone(world), call.octets().await);
        sending.spawn(async move { world.exchange(&request).await });
    }
    let answers = sending.join_all().await;
    let mut tags: Vec<_> = answers.iter().filter(|answer| answer.status < 300).map(tag).collect();
    let count = tags.len();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), count, "two changes got one tag");
    answers.iter().map(|answer| answer.status).collect()
}

async fn x19_inserts_of_one_user_all_persist(world: Arc<World>) {
    let document = world.document("").await;
    let puts = (0..WRITERS)
        .map(|n| document.node("PUT", &format!("root/e[@k='{n}']")).element(format!("<e k='{n}'/>")));
    assert_eq!(at_once(&world, puts).await, [201; WRITERS]);
    let (content, _) = document.state().await;
    for n in 0..WRITERS {
        assert_eq!(content.matches(&format!("<e k='{n}'/>")).count(), 1, "{n}: {content}");
    }
    // The same at different places of one document, below a schema.
    let path = format!("/{LISTS}/users/{}/index", ADMIN.0);
    let stored = world.store(ADMIN, path, LISTS_TYPE, &lists("<list name=\"a\"/><list name=\"b\"/>")).await;
    let puts = (0..WRITERS).map(|n| {
        let (list, uri) = (if n % 2 == 0 { "a" } else { "b" }, format!("tel:+82{n:04}"));
        let selector = format!("resource-lists/list[@name='{list}']/entry[@uri='{uri}']");
        stored.node("PUT", &selector).element(format!("<entry uri=\"{uri}\"/>"))
    });
    assert_eq!(at_once(&world, puts).await, [201; WRITERS]);
    let (content, _) = stored.state().await;
    assert_eq!(content.matches("<entry ").count(), WRITERS, "{content}");
}

async fn x19_inserts_into_a_group_all_persist(world: Arc<World>) {
    let (id, group) = world.group(&[DANA.0]).await;
    let uri = |n: usize| format!("tel:+8299{n:05}");
    let puts = (0..WRITERS).map(|n| {
        let selector = format!("group/list-service[@uri='{id}']/list/entry[@uri='{}']", uri(n));
        group.node("PUT", &selector).element(format!("<entry uri=\"{}\"/>", uri(n)))
    });
    assert_eq!(at_once(&world, puts).await, [201; WRITERS]);
    let (content, _) = group.state().await;
    for n in 0..WRITERS {
        assert_eq!(content.matches(&format!("\"{}\"", uri(n))).count(), 1, "{n}: {content}");
    }
}

async fn x19_inserts_and_deletes_all_count(world: Arc<World>) {
    let old: String = (0..WRITERS / 2).map(|n| format!("<old k='{n}'/>")).collect();
    let document = world.document(&old).await;
    let calls = (0..WRITERS).map(|n| match n % 2 {
        0 => document.node("DELETE", &format!("root/old[@k='{}']", n / 2)),
        _ => document.node("PUT", &format!("root/new[@k='{n}']")).element(format!("<new k='{n}'/>")),
    });
    let mut statuses = at_once(&world, calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; WRITERS / 2], [201; WRITERS / 2]].concat());
    let (content, _) = document.state().await;
    assert_eq!(
        (content.matches("<old").count(), content.matches("<new").count()),
        (0, WRITERS / 2),
        "{content}"
    );
}

/// One succeeds, all others are told that they came too late.
fn one_won(mut statuses: Vec<u16>, won: u16) {
    statuses.sort_unstable();
    assert_eq!(statuses, [&[won][..], &[412; RIVALS - 1]].concat());
}

async fn x19_one_of_equal_preconditions_wins(world: Arc<World>) {
    let document = world.document("<e k=\"start\"/>").await;
    let (_, current) = document.state().await;
    let puts = (0..RIVALS).map(|n| {
        let element = format!("<e k='{n}'/>");
        document.node("PUT", "root/e").element(element).with("If-Match", current.clone())
    });
    one_won(at_once(&world, puts).await, 200);
    let (content, current) = document.state().await;
    assert!(!content.contains("start"), "{content}");
    let puts = (0..RIVALS).map(|n| {
        let whole = content.replace("<e ", &format!("<e n='{n}' "));
        document.itself("PUT").body(crate::documents::TEST_TYPE, whole).with("If-Match", current.clone())
    });
    one_won(at_once(&world, puts).await, 200);
    let elements: String = (0..RIVALS).map(|n| format!("<a k=\"{n}\"/>")).collect();
    document.put("root/e", &format!("<e>{elements}</e>"), 200).await;
    let (_, current) = document.state().await;
    let deletes = (0..RIVALS).map(|n| {
        let selector = format!("root/e/a[@k='{n}']");
        document.node("DELETE", &selector).with("If-Match", current.clone())
    });
    one_won(at_once(&world, deletes).await, 200);
}

async fn x19_one_of_equal_preconditions_wins_a_group(world: Arc<World>) {
    let (_, group) = world.group(&[DANA.0]).await;
    let (content, current) = group.state().await;
    let puts = (0..RIVALS).map(|n| {
        let whole = content.replace("Pump 3", &format!("Pump {n}"));
        group.itself("PUT").body(crate::documents::GROUP_TYPE, whole).with("If-Match", current.clone())
    });
    one_won(at_once(&world, puts).await, 200);
    let (_, current) = group.state().await;
    let puts = (0..RIVALS).map(|n| {
        let name = format!("<display-name>Ladder {n}</display-name>");
        group.node("PUT", "group/list-service/display-name").element(name).with("If-Match", current.clone())
    });
    one_won(at_once(&world, puts).await, 200);
}

async fn x19_one_creates(world: Arc<World>) {
    let path = world.free_path();
    let put = world.call(crate::people::KIM, "PUT", path);
    let put = put.body(crate::documents::TEST_TYPE, "<root xmlns=\"test-app\"/>").with("If-None-Match", "*");
    one_won(at_once(&world, (0..RIVALS).map(|_| put.clone())).await, 201);
}
