//! L3: multicast information and its keys, opened as a terminal would.

use std::time::Duration;

use aes_gcm::KeyInit;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherDecrypt;
use csc_types::Partition;
use csc_xcap_server::testing::Answer;
use hkdf::Hkdf;
use http::{Method, StatusCode};
use sha2::Sha256;

use super::world::{KEY, Terminal, World};

const CNONCE: &str = "102E3A4D516B7085910A1E2C3D40526A";
const MEDIA_TYPE: &str = "application/multicast-info+xml";

fn target(user: u32) -> String {
    format!("/glms-services/MULTICAST-INFO/users/tel:+82{user}/tel:91")
}

fn info(port: u16) -> String {
    format!(
        "<multicast-info xmlns=\"urn:x-csc:glms:1.0\"><conference-id>7</conference-id>\
         <address>239.192.0.1</address><port>{port}</port></multicast-info>"
    )
}

async fn get(terminal: &Terminal, user: u32, cnonce: &str) -> Answer {
    terminal.send(Method::GET, &target(user), &[("q-cnonce", cnonce)], "").await
}

/// What a terminal has after a GET: the generation, the keys in clear (old, new) and the time.
#[derive(Debug, PartialEq, Eq)]
struct Keys {
    generation: u32,
    old: Option<Vec<u8>>,
    new: Vec<u8>,
    time: u64,
}

/// The keys in an answer to the user `tel:+82<user>`, who knows its terminal key.
fn open(answer: &Answer, user: u32, cnonce: &str) -> Keys {
    open_with(KEY, answer, user, cnonce)
}

fn open_with(key: &str, answer: &Answer, user: u32, cnonce: &str) -> Keys {
    assert_eq!(answer.status, StatusCode::OK);
    let document = csc_xml::parse(&answer.body, &csc_xml::Limits::DEFAULT).unwrap();
    let root = document.root_element();
    let text = |name: &str| {
        let element = csc_xml::child(root, "urn:x-csc:glms:1.0", name)?;
        Some(element.text().unwrap().to_owned())
    };
    let secret = hex::decode(key).unwrap();
    let mut terminal = [0; 32];
    let user = format!("tel:+82{user}");
    let info = format!("terminal\0{user}");
    Hkdf::<Sha256>::new(Some(b"csc glms 1"), &secret).expand(info.as_bytes(), &mut terminal).unwrap();
    let mut pek = [0; 32];
    let salt = hex::decode(cnonce).unwrap();
    let info = format!("PEK\0{user}\0tel:91");
    Hkdf::<Sha256>::new(Some(&salt), &terminal).expand(info.as_bytes(), &mut pek).unwrap();
    let cipher = Aes256::new((&pek).into());
    let key = |name| {
        let mut key = hex::decode(text(name)?).unwrap();
        assert_eq!(key.len(), 32, "a GSK has 256 bits");
        key.as_chunks_mut::<16>().0.iter_mut().for_each(|block| cipher.decrypt_block(block.into()));
        Some(key)
    };
    let time = text("gsk-time").unwrap();
    assert_eq!(time.len(), 8, "gsk-time has 32 bits, in clear");
    Keys {
        generation: root.attribute("generation").unwrap().parse().unwrap(),
        old: key("gsk-old"),
        new: key("gsk-new").unwrap(),
        time: u64::from_str_radix(&time, 16).unwrap(),
    }
}

async fn world() -> World {
    let world = World::with(&[("CSC_GLMS_ACCEPT_AFTER", "0s")]).await;
    world.group(1, "Team", &[1, 2, 3]).await;
    world
}

#[tokio::test]
async fn l3_cnonce_is_mandatory_and_echoed() {
    let world = world().await;
    assert_eq!(world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await.status, StatusCode::CREATED);
    let terminal = world.terminal(1);
    assert_eq!(terminal.get(&target(1)).await.status, StatusCode::BAD_REQUEST);
    for wrong in
        ["", &CNONCE[1..], &CNONCE.replace('A', "G"), &format!("{CNONCE}0"), &format!("{CNONCE}, {CNONCE}")]
    {
        let answer = get(&terminal, 1, wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(answer.header("q-cnonce"), "");
    }
    for cnonce in [CNONCE.to_owned(), CNONCE.to_lowercase(), "0".repeat(32)] {
        let answer = get(&terminal, 1, &cnonce).await;
        assert_eq!(answer.header("q-cnonce"), cnonce);
        open(&answer, 1, &cnonce);
    }
}

#[tokio::test]
async fn l3_members_get_the_keys_encrypted_each_for_itself() {
    let world = world().await;
    let stored = world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let answer = get(&world.terminal(1), 1, CNONCE).await;
    assert_eq!((answer.header("content-type"), answer.etag()), (MEDIA_TYPE, stored.etag()));
    let text = answer.text();
    assert!(
        text.contains(
            "<multicast-info xmlns=\"urn:x-csc:glms:1.0\" uri=\"tel:91\" generation=\"1\">\
             <conference-id>7</conference-id><address>239.192.0.1</address><port>5004</port><gsk-new>"
        ),
        "{text}"
    );
    let keys = open(&answer, 1, CNONCE);
    assert_eq!((keys.generation, &keys.old, keys.time), (1, &None, csc_xcap_server::testing::NOW));
    // The same key for every member and nonce, in another form each time.
    let other = get(&world.terminal(2), 2, CNONCE).await;
    assert_eq!(open(&other, 2, CNONCE), keys);
    let later = get(&world.terminal(1), 1, &"0".repeat(32)).await;
    assert_eq!(open(&later, 1, &"0".repeat(32)), keys);
    assert!(other.text() != text && later.text() != text && other.text() != later.text());
    assert!(!text.contains(&hex::encode_upper(&keys.new)));
    // The creator is like a member; a dispatcher, or whoever may read the group otherwise, is not.
    assert_eq!(open(&get(&world.terminal(4), 4, CNONCE).await, 4, CNONCE), keys);
    for (number, user) in [(5, 5), (6, 6), (5, 1), (2, 1), (4, 1)] {
        let refused = get(&world.terminal(number), user, CNONCE).await;
        assert_eq!((refused.status, refused.text()), (StatusCode::FORBIDDEN, ""), "{number} {user}");
    }
    let tag = answer.etag();
    let conditional = [("q-cnonce", CNONCE), ("if-none-match", tag.as_str())];
    let fresh = world.terminal(1).send(Method::GET, &target(1), &conditional, "").await;
    assert_eq!((fresh.status, fresh.header("q-cnonce")), (StatusCode::NOT_MODIFIED, CNONCE));

    // At rest it is sealed.
    let partition = Partition::of("tel:91");
    let records = world.bench.records.store().scan(partition, "gms.multicast", "", None, 9).await.unwrap();
    let [(name, record)] = &records[..] else { panic!("{records:?}") };
    let value = record.value.clone().unwrap();
    assert_eq!(name, "tel:91");
    assert!(!value.windows(16).any(|window| keys.new.windows(16).any(|key| key == window)));
}

#[tokio::test]
async fn l3_who_leaves_never_gets_the_new_key() {
    let world = world().await;
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let first = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    world.group(1, "Renamed", &[1, 2, 3]).await;
    assert_eq!(open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE), first, "nobody came or went");

    world.group(1, "Team", &[1, 3]).await;
    assert_eq!(get(&world.terminal(2), 2, CNONCE).await.status, StatusCode::FORBIDDEN);
    let answer = get(&world.terminal(1), 1, CNONCE).await;
    let second = open(&answer, 1, CNONCE);
    assert_eq!((second.generation, second.old.as_ref()), (2, Some(&first.new)));
    assert_ne!(second.new, first.new);
    assert_eq!(second.time, csc_xcap_server::testing::NOW + 60, "the old one goes on for glms.gsk_lead");
    let again = get(&world.terminal(3), 3, CNONCE).await;
    assert_eq!((open(&again, 3, CNONCE), again.etag()), (second, answer.etag()));
}

#[tokio::test]
async fn l3_the_key_in_use_goes_on_until_its_successor_is_used() {
    let world = world().await;
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let first = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let dropped = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let third = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    assert_eq!((third.generation, third.old.as_ref()), (3, Some(&first.new)));
    world.clock.advance(Duration::from_secs(60));
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let fourth = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    assert_eq!((fourth.generation, fourth.old.as_ref()), (4, Some(&third.new)));
    assert_ne!(dropped.new, third.new);
}

#[tokio::test]
async fn l3_whoever_may_change_the_group_sets_and_ends_it() {
    let world = world().await;
    for (number, status) in [(1, 405), (2, 405), (6, 403), (7, 403)] {
        let answer = world.terminal(number).put(&target(number), MEDIA_TYPE, info(5004)).await;
        assert_eq!(answer.status, status, "{number}");
    }
    assert_eq!(get(&world.terminal(1), 1, CNONCE).await.status, StatusCode::NOT_FOUND);
    // An authorized user in the list may change, not delete.
    let first = world.terminal(3).put(&target(3), MEDIA_TYPE, info(5004)).await;
    assert_eq!((first.status, first.text()), (StatusCode::CREATED, ""));
    assert_eq!(world.terminal(3).delete(&target(3)).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let second = world.terminal(4).put(&target(4), MEDIA_TYPE, info(5006)).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_ne!(second.etag(), first.etag());
    let keys = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    assert_eq!(keys.generation, 2, "every PUT makes a new key");

    let stale = [("if-match", first.etag()), ("content-type", MEDIA_TYPE.to_owned())];
    let stale: Vec<(&str, &str)> = stale.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let part = [("content-range", "bytes 0-9/99"), ("content-type", MEDIA_TYPE)];
    let coded = [("content-encoding", "gzip"), ("content-type", MEDIA_TYPE)];
    for (answer, status) in [
        (world.terminal(4).send(Method::PUT, &target(4), &part, info(1)).await, 400),
        (world.terminal(4).send(Method::PUT, &target(4), &coded, info(1)).await, 415),
        (world.terminal(4).send(Method::PUT, &target(4), &stale, info(1)).await, 412),
        (world.terminal(4).send(Method::DELETE, &target(4), &stale, "").await, 412),
        (world.terminal(4).put(&target(4), "text/plain", info(1)).await, 415),
        (world.terminal(4).put(&target(4), MEDIA_TYPE, info(0)).await, 409),
        (world.terminal(4).put(&target(4), MEDIA_TYPE, "<a").await, 409),
        (world.terminal(4).put(&target(4), MEDIA_TYPE, " ".repeat(9 << 10)).await, 409),
        (world.terminal(4).send(Method::POST, &target(4), &[], "").await, 405),
        (get(&world.terminal(4), 4, CNONCE).await, 200),
    ] {
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    }
    assert_eq!(open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE), keys, "nothing happened");
    let node = world.terminal(1).get(&format!("{}/~~/multicast-info/gsk-new", target(1))).await;
    assert_eq!(node.status, StatusCode::NOT_FOUND);

    assert_eq!(world.terminal(4).delete(&target(4)).await.status, StatusCode::OK);
    assert_eq!(world.terminal(4).delete(&target(4)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&world.terminal(1), 1, CNONCE).await.status, StatusCode::NOT_FOUND);
    let other = "/glms-services/MULTICAST-INFO/users/tel:+824/tel:92";
    assert_eq!(world.terminal(4).put(other, MEDIA_TYPE, info(1)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn l3_keys_go_with_their_group() {
    let world = world().await;
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let first = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    let group = format!("{}/users/tel:+824/tel:91", super::world::GROUPS);
    assert_eq!(world.terminal(4).delete(&group).await.status, StatusCode::OK);
    assert_eq!(get(&world.terminal(1), 1, CNONCE).await.status, StatusCode::FORBIDDEN);
    let left = world
        .bench
        .records
        .store()
        .scan(Partition::of("tel:91"), "gms.multicast", "", None, 9)
        .await
        .unwrap();
    assert_eq!(left, []);
    // Another group of the same name has other keys.
    world.group(1, "Other", &[1]).await;
    assert_eq!(get(&world.terminal(1), 1, CNONCE).await.status, StatusCode::NOT_FOUND);
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    let second = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    assert_eq!((second.generation, second.old), (1, None));
    assert_ne!(second.new, first.new);
}

#[tokio::test]
async fn l3_parallel_reads_after_a_change_agree_on_one_key() {
    let world = world().await;
    world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await;
    world.group(1, "Team", &[1, 2]).await;
    let reads = (0..16).map(|number| {
        let (terminal, user) = (world.terminal(1 + number % 2), 1 + number % 2);
        tokio::spawn(async move { open(&get(&terminal, user, CNONCE).await, user, CNONCE) })
    });
    let mut found = Vec::new();
    for read in reads.collect::<Vec<_>>() {
        found.push(tokio::time::timeout(Duration::from_secs(60), read).await.unwrap().unwrap());
    }
    assert!(found.iter().all(|keys| *keys == found[0] && keys.generation == 2));
}

#[tokio::test]
async fn l3_who_lost_the_key_file_begins_anew() {
    let mut world = world().await;
    let put = async |world: &World| world.terminal(4).put(&target(4), MEDIA_TYPE, info(5004)).await.status;
    put(&world).await;
    assert_eq!(put(&world).await, StatusCode::OK);
    let before = open(&get(&world.terminal(1), 1, CNONCE).await, 1, CNONCE);
    let other = "a".repeat(64);
    world.with_key(&other);
    let lost = get(&world.terminal(1), 1, CNONCE).await;
    assert_eq!((lost.status, lost.text()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(put(&world).await, StatusCode::OK);
    let answer = get(&world.terminal(1), 1, CNONCE).await;
    let keys = open_with(&other, &answer, 1, CNONCE);
    assert_eq!((keys.generation, &keys.old, keys.time), (3, &None, csc_xcap_server::testing::NOW));
    assert!(keys.new != before.new && before.old.is_some_and(|old| old != keys.new));
}
