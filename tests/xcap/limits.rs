//! X21: how much is too much.

use std::sync::Arc;

use csc_tests::Server;
use csc_tests::raw::{self, Answer};
use tokio::task::JoinSet;

use crate::call::{Call, condition_of};
use crate::check::checks;
use crate::documents::{GROUP_TYPE, GROUPS, TEST_NAMESPACE, TEST_TYPE, group_with};
use crate::people::{DANA, KIM, Person};
use crate::world::World;

checks! {
    "X21" Everywhere x21_octets;
    "X21" Everywhere x21_depth;
    "X21" Everywhere x21_structure;
    "X21" Everywhere x21_entries;
    "X21" Everywhere x21_nobody_reads_what_is_too_much;
    "X21" Plain x21_memory_does_not_grow;
    "X21" Plain x21_limits_are_settings;
}

const MEBIBYTE: usize = 1 << 20;

/// A document of exactly this many octets.
fn of_size(octets: usize) -> Vec<u8> {
    let (start, end) = (format!("<root xmlns=\"{TEST_NAMESPACE}\"><!--"), "--></root>");
    let filling = "x".repeat(octets - start.len() - end.len());
    format!("{start}{filling}{end}").into_bytes()
}

fn nested(depth: usize) -> String {
    format!("<root xmlns=\"{TEST_NAMESPACE}\">{}{}</root>", "<e>".repeat(depth - 1), "</e>".repeat(depth - 1))
}

/// Sends it on a connection that must end behind the answer.
async fn closing(world: &World, call: &Call<'_>) -> Answer {
    let client = world.client();
    raw::last_exchange(client.https(), &client.site().ca(), &call.octets().await).await
}

async fn x21_octets(world: Arc<World>) {
    let path = world.free_path();
    let put = |octets| world.call(KIM, "PUT", path.clone()).body(TEST_TYPE, of_size(octets));
    put(MEBIBYTE).is(201).await;
    let answer = closing(&world, &put(MEBIBYTE + 1)).await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    let answer = world.call(KIM, "GET", path.clone()).is(200).await;
    assert_eq!(answer.body.len(), MEBIBYTE);
    // An element may be no larger, nor make the document so.
    let node = |body: Vec<u8>| world.call(KIM, "PUT", format!("{path}/~~/root/e")).element(body);
    let answer = closing(&world, &node(of_size(MEBIBYTE + 1))).await;
    assert_eq!(answer.status, 413);
    let answer = node(b"<e/>".to_vec()).is_one_of(&[409, 413]).await;
    assert!(answer.status == 413 || condition_of(&answer) == "constraint-failure", "{}", answer.text());
    world.call(KIM, "DELETE", path).is(200).await;

    // Groups may be larger.
    let (id, group) = world.group(&[DANA.0]).await;
    let large = |octets: usize| {
        let empty = group_with(&id, &[DANA.0], "<!---->").len();
        group_with(&id, &[DANA.0], &format!("<!--{}-->", "x".repeat(octets - empty)))
    };
    group.itself("PUT").body(GROUP_TYPE, large(4 * MEBIBYTE)).is(200).await;
    let answer = closing(&world, &group.itself("PUT").body(GROUP_TYPE, large(4 * MEBIBYTE + 1))).await;
    assert_eq!(answer.status, 413);
    group.itself("DELETE").is(200).await;
}

async fn x21_depth(world: Arc<World>) {
    let path = world.free_path();
    let put = |depth| world.call(KIM, "PUT", path.clone()).body(TEST_TYPE, nested(depth));
    put(64).is(201).await;
    put(65).conflicts("constraint-failure").await;
    put(20_000).conflicts("constraint-failure").await;
    let deepest = format!("{path}/~~/root{}", "/e".repeat(63));
    let node = |body: &'static str| world.call(KIM, "PUT", format!("{deepest}/f")).element(body);
    node("<f/>").conflicts("constraint-failure").await;
    let above = format!("{path}/~~/root{}/f", "/e".repeat(62));
    world.call(KIM, "PUT", above.clone()).element("<f/>").is(201).await;
    world.call(KIM, "PUT", above).element("<f><f/></f>").conflicts("constraint-failure").await;
}

async fn x21_structure(world: Arc<World>) {
    let path = world.free_path();
    let attributes: String = (0..20_000).map(|n| format!(" a{n}=\"\"")).collect();
    let declarations: String = (0..20_000).map(|n| format!(" xmlns:n{n}=\"urn:n{n}\"")).collect();
    for body in [
        format!("<root xmlns=\"{TEST_NAMESPACE}\"{attributes}/>"),
        format!("<root xmlns=\"{TEST_NAMESPACE}\"{declarations}/>"),
        format!("<root xmlns=\"{TEST_NAMESPACE}\"><e{declarations}><f/></e></root>"),
    ] {
        world.call(KIM, "PUT", path.clone()).body(TEST_TYPE, body).conflicts("constraint-failure").await;
    }
    world.call(KIM, "GET", path).is(404).await;
    let document = world.document("<e/>").await;
    let call = document.node("PUT", "root/e").element(format!("<e{declarations}/>"));
    document.stays(&call, |status| status == 409).await;
}

async fn x21_entries(world: Arc<World>) {
    let id = world.free_group();
    let members: Vec<String> = (0..20_001).map(|n| format!("tel:+8290{n:06}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let put = world.call(DANA, "PUT", format!("/{GROUPS}/global/byGroupID/{id}"));
    put.body(GROUP_TYPE, group_with(&id, &members, "")).conflicts("constraint-failure").await;
    world.call(DANA, "GET", format!("/{GROUPS}/global/byGroupID/{id}")).is(404).await;
}

/// Where one may put something, by whom and as what.
fn places(world: &World) -> Vec<(Person, String, &'static str)> {
    let path = world.free_path();
    let group = format!("/{GROUPS}/global/byGroupID/{}", world.free_group());
    vec![
        (KIM, path.clone(), TEST_TYPE),
        (KIM, format!("{path}/~~/root/e"), crate::call::ELEMENT),
        (DANA, group, GROUP_TYPE),
    ]
}

async fn x21_nobody_reads_what_is_too_much(world: Arc<World>) {
    for (who, target, media_type) in places(&world) {
        // The head alone: the answer must come without anything of the body.
        let put = world.call(who, "PUT", target.clone()).with("Content-Type", media_type);
        let put = put.with("Content-Length", "1099511627776");
        let answer = closing(&world, &put).await;
        assert_eq!((answer.status, answer.header("connection")), (413, Some("close")), "{target}");
    }
}

/// Resident memory of this process, which is the server's, too.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("a Linux system");
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number of pages") * 4096
}

async fn x21_memory_does_not_grow(world: Arc<World>) {
    const AT_ONCE: usize = 32;
    const OFFERED: usize = 40;
    let client = world.client().clone();
    let before = resident();
    for (who, target, media_type) in places(&world) {
        let put = world.call(who, "PUT", target.clone()).with("Content-Type", media_type);
        let put = put.with("Transfer-Encoding", "chunked");
        let mut request = put.octets().await;
        // In chunks of one MiB: nobody knows beforehand how much it will be.
        let chunk = format!("{:x}\r\n{}\r\n", MEBIBYTE, " ".repeat(MEBIBYTE));
        request.extend_from_slice(chunk.repeat(OFFERED).as_bytes());
        request.extend_from_slice(b"0\r\n\r\n");
        let request: Arc<[u8]> = request.into();
        let mut sending = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, request) = (client.clone(), Arc::clone(&request));
            sending.spawn(
                async move { raw::last_exchange(client.https(), &client.site().ca(), &request).await },
            );
        }
        for answer in sending.join_all().await {
            assert!(matches!(answer.status, 413 | 503), "{target}: {}", answer.head);
        }
    }
    // Each may be read up to the largest limit; the rest is for what other checks do meanwhile.
    let grown = resident().saturating_sub(before) / MEBIBYTE;
    assert!(grown < AT_ONCE * 4 + 256, "{grown} MiB of {} that were offered", AT_ONCE * OFFERED);
}

async fn x21_limits_are_settings(_: Arc<World>) {
    let settings = [
        ("CSC_GMS_GROUP_SIZE", "8KiB"),
        ("CSC_GMS_GROUP_ENTRIES", "3"),
        ("CSC_GMS_DEPTH", "10"),
        ("CSC_CMS_DOCUMENT_SIZE", "8KiB"),
        ("CSC_CMS_DEPTH", "12"),
    ];
    let Some(server) = Server::start_with(&settings).await else { return };
    let token = format!("Bearer {}", server.token(DANA).await);
    let put = async |target: &str, media_type: &str, body: &str| {
        let fields = [("Authorization", token.as_str()), ("Content-Type", media_type)];
        let request = raw::request("PUT", target, &fields, body.as_bytes());
        raw::exchange(server.https(), &server.site().ca(), &request).await
    };
    let id = "tel:+82579999999";
    let target = format!("/{GROUPS}/global/byGroupID/{id}");
    let three = ["tel:+821", "tel:+822", "tel:+823"];
    let deep =
        |depth: usize| format!("{}{}", "<x:e xmlns:x=\"urn:x\">".repeat(depth), "</x:e>".repeat(depth));
    for (body, status) in [
        (group_with(id, &three, ""), 201),
        (group_with(id, &[&three[..], &["tel:+824"]].concat(), ""), 409),
        (group_with(id, &three, &deep(8)), 200),
        (group_with(id, &three, &deep(9)), 409),
        (group_with(id, &three, &format!("<!--{}-->", "x".repeat(9000))), 413),
    ] {
        let answer = put(&target, GROUP_TYPE, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(status != 409 || condition_of(&answer) == "constraint-failure", "{answer:?}");
    }
    let lists = |content: &str| crate::documents::lists(&format!("<list>{content}</list>"));
    let target = format!("/resource-lists/users/{}/index", DANA.0);
    for (body, status) in [
        (lists(&deep(10)), 201),
        (lists(&deep(11)), 409),
        (lists(&format!("<!--{}-->", "x".repeat(9000))), 413),
    ] {
        let answer = put(&target, crate::documents::LISTS_TYPE, &body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    server.stop().await;
}
