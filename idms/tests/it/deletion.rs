//! Deleting users: what goes with them, what is finished later, and that nobody of the same name inherits anything.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_idms::domain::claim::Claim;
use csc_idms::records::{self, Stored as _};
use csc_proto::event::v1::{AccountChanged, LogEntry, log_entry::Change};
use csc_proto::identity::v1::delete_response::Outcome;
use csc_proto::identity::v1::{DeleteUserRequest, PutUserRequest};
use csc_store::{Commit, CommitId, Key, Put, Record, Store as _, Tail, shared};
use csc_types::{McpttId, Partition, Timestamp};
use http::StatusCode;
use prost::Message;
use tonic::Code;

use crate::world::{ALEX, START, World, texts, user};

const KIM: &str = "sip:kim@example.org";
const CHIEF: &str = "sip:chief@example.org";
const SECOND: &str = "tel:+82571000007";

fn id(text: &str) -> McpttId {
    text.parse().unwrap()
}

fn with_uris(id: &str, uris: &[&str]) -> PutUserRequest {
    PutUserRequest { user_uris: texts(uris), ..user(id) }
}

fn request(id: &str) -> DeleteUserRequest {
    DeleteUserRequest { mcptt_id: id.to_owned(), dry_run: false }
}

async fn delete(world: &mut World, id: &str) -> Outcome {
    world.directory.delete_user(request(id)).await.unwrap().into_inner().outcome()
}

async fn record(world: &World, name: &str, key: Key) -> Record {
    world.store.get(Partition::of(name), &[key]).await.unwrap().remove(0)
}

/// Who claims `uri`.
async fn claimed(world: &World, uri: &str) -> Option<String> {
    let key = records::claim_key(&id(uri));
    let claim: Option<Claim> = records::read(&key, &record(world, uri, key.clone()).await).unwrap();
    claim.map(|claim| claim.owner.to_string())
}

/// Whether it is noted that the deletion of Alex is not finished.
async fn unfinished(world: &World) -> bool {
    record(world, ALEX, records::deleted_key(&id(ALEX))).await.value.is_some()
}

fn subject(access_token: &str) -> String {
    let payload = URL_SAFE_NO_PAD.decode(access_token.split('.').nth(1).unwrap()).unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    payload["sub"].as_str().unwrap().to_owned()
}

/// The store goes away right behind the commit that deletes a user.
fn cut_off(world: &World) {
    let store = world.store.clone();
    world.store.afterwards("idms.changed", move || {
        store.down(true);
        vec![]
    });
}

#[tokio::test]
async fn a_user_is_deleted_once() {
    let mut world = World::new().await;
    let partition = Partition::of(ALEX);
    let before = world.store.position(partition).await.unwrap();
    let dry = DeleteUserRequest { dry_run: true, ..request(ALEX) };
    let answer = world.directory.delete_user(dry.clone()).await.unwrap().into_inner();
    assert_eq!(answer.outcome(), Outcome::Deleted);
    assert!(shared::account(&*world.store, &id(ALEX)).await.unwrap().is_some());

    // However the name is written.
    assert_eq!(delete(&mut world, "tel:+82-57-100-9990").await, Outcome::Deleted);
    assert_eq!(shared::account(&*world.store, &id(ALEX)).await.unwrap(), None);
    assert_eq!(record(&world, ALEX, records::user_key(&id(ALEX))).await.value, None);
    assert!(!unfinished(&world).await);
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Absent);
    let answer = world.directory.delete_user(dry).await.unwrap().into_inner();
    assert_eq!(answer.outcome(), Outcome::Absent);
    assert_eq!(delete(&mut world, KIM).await, Outcome::Absent);
    assert_eq!(world.directory.delete_user(request("alex")).await.unwrap_err().code(), Code::InvalidArgument);

    let news = world.store.tail(&[(partition, before)], 10, Duration::ZERO).await.unwrap();
    let Tail::Entries { entries, .. } = &news[0].1 else { panic!("{news:?}") };
    let change = Change::Account(AccountChanged { mcptt_id: ALEX.to_owned() });
    let decoded: Vec<_> =
        entries.iter().map(|entry| LogEntry::decode(entry.payload.clone()).unwrap().change).collect();
    assert_eq!(decoded, [Some(change)], "announced once");
}

#[tokio::test]
async fn sessions_end_and_nobody_of_the_same_name_gets_them() {
    let mut world = World::new().await;
    let (code, login) = (world.code().await, world.login().await);
    let (token, sub) = (login.text("refresh_token"), subject(&login.text("access_token")));
    let account = shared::account(&*world.store, &id(ALEX)).await.unwrap().unwrap();
    assert_eq!(account.subject, sub);
    let refused = async |world: &World| {
        world.tokenreq(&code, &[]).await.refused("invalid_client", "authcode_verification_failed");
        world.refresh(&token, &[]).await.refused("invalid_client", "invalid_refresh_token");
    };
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Deleted);
    refused(&world).await;
    assert_eq!(world.authreq(&[]).await.status, StatusCode::FOUND, "nobody logs in");

    // A code is spent by the first request that names it: here is another.
    world.directory.put_user(user(ALEX)).await.unwrap();
    let code = world.code().await;
    let old = world.login().await;
    for _ in 0..3 {
        assert_eq!(delete(&mut world, ALEX).await, Outcome::Deleted);
        world.directory.put_user(user(ALEX)).await.unwrap();
        refused(&world).await;
        world
            .refresh(&old.text("refresh_token"), &[])
            .await
            .refused("invalid_client", "invalid_refresh_token");
    }
    world.tokenreq(&code, &[]).await.refused("invalid_client", "authcode_verification_failed");
    let new = world.login().await;
    assert_eq!(world.refresh(&new.text("refresh_token"), &[]).await.status, StatusCode::OK);
    // So that resource servers tell access tokens apart, which nobody can end.
    let account = shared::account(&*world.store, &id(ALEX)).await.unwrap().unwrap();
    assert_eq!(account.subject, subject(&new.text("access_token")));
    assert_ne!(account.subject, sub);
}

#[tokio::test]
async fn its_names_are_free_at_once() {
    let mut world = World::new().await;
    world.directory.put_user(with_uris(ALEX, &[CHIEF, SECOND])).await.unwrap();
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Deleted);
    for uri in [CHIEF, SECOND] {
        assert_eq!(claimed(&world, uri).await, None);
    }
    assert!(!unfinished(&world).await);
    world.directory.put_user(with_uris(KIM, &[CHIEF])).await.unwrap();
    world.directory.put_user(user(SECOND)).await.unwrap();
    world.directory.put_user(with_uris(KIM, &[CHIEF, ALEX])).await.unwrap();
    assert_eq!(world.directory.put_user(user(ALEX)).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Absent);
    assert_eq!(claimed(&world, ALEX).await.as_deref(), Some(KIM));
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_is_finished_by_the_next() {
    let mut world = World::new().await;
    world.directory.put_user(with_uris(ALEX, &[CHIEF, SECOND])).await.unwrap();
    // Before its commit: nothing happened.
    let unavailable = csc_store::StoreError::Unavailable("test".to_owned());
    world.store.fail(Some(("idms.claim", unavailable)));
    assert_eq!(world.directory.delete_user(request(ALEX)).await.unwrap_err().code(), Code::Unavailable);
    world.store.fail(None);
    assert!(shared::account(&*world.store, &id(ALEX)).await.unwrap().is_some());
    // Behind it.
    cut_off(&world);
    assert_eq!(world.directory.delete_user(request(ALEX)).await.unwrap_err().code(), Code::Unavailable);
    world.store.down(false);
    assert_eq!(shared::account(&*world.store, &id(ALEX)).await.unwrap(), None);
    assert!(unfinished(&world).await);
    assert_eq!(claimed(&world, CHIEF).await.as_deref(), Some(ALEX));
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Absent);
    assert!(!unfinished(&world).await);
    for uri in [CHIEF, SECOND] {
        assert_eq!(claimed(&world, uri).await, None);
    }
    // The commit was made and nobody was told.
    world.directory.put_user(user(ALEX)).await.unwrap();
    world.store.forget();
    assert_eq!(world.directory.delete_user(request(ALEX)).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Absent);
}

#[tokio::test]
async fn what_a_deletion_left_behind_is_in_nobodys_way() {
    let mut world = World::new().await;
    world.directory.put_user(with_uris(ALEX, &[CHIEF, SECOND])).await.unwrap();
    world.advance(61);
    cut_off(&world);
    world.directory.delete_user(request(ALEX)).await.unwrap_err();
    world.store.down(false);
    // One name is taken over, and is not taken away again.
    world.directory.put_user(with_uris(KIM, &[CHIEF])).await.unwrap();
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Absent);
    assert_eq!(claimed(&world, CHIEF).await.as_deref(), Some(KIM));
    assert_eq!(claimed(&world, SECOND).await, None);
    assert!(!unfinished(&world).await);

    // Cut off again, and the user is made again, with one of its names: its deletion finishes both.
    world.directory.put_user(with_uris(ALEX, &[SECOND, "sip:alex@example.org"])).await.unwrap();
    cut_off(&world);
    world.directory.delete_user(request(ALEX)).await.unwrap_err();
    world.store.down(false);
    world.directory.put_user(with_uris(ALEX, &[SECOND])).await.unwrap();
    assert!(unfinished(&world).await);
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Deleted);
    for uri in [SECOND, "sip:alex@example.org"] {
        assert_eq!(claimed(&world, uri).await, None);
    }
    assert!(!unfinished(&world).await);
}

#[tokio::test]
async fn a_name_that_is_claimed_again_meanwhile_stays_claimed() {
    let mut world = World::new().await;
    world.directory.put_user(with_uris(ALEX, &[CHIEF])).await.unwrap();
    // Behind the commit, in front of the release, Alex is made again with the same name.
    let claim = Claim { owner: id(ALEX), since: Timestamp::from_seconds(START), confirmed: true }.encode();
    world.store.afterwards("idms.changed", move || {
        let put = Put { key: records::claim_key(&id(CHIEF)), value: claim, expires: None };
        let commit =
            Commit { id: CommitId([7; 16]), checks: vec![], puts: vec![put], deletes: vec![], log: vec![] };
        vec![(Partition::of(CHIEF), commit)]
    });
    assert_eq!(delete(&mut world, ALEX).await, Outcome::Deleted);
    assert_eq!(claimed(&world, CHIEF).await.as_deref(), Some(ALEX));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deletions_and_changes_at_once_leave_record_and_claims_agreeing() {
    let mut world = World::new().await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..24 {
        let mut directory = world.directory.clone();
        calls.spawn(async move {
            if n % 3 == 0 {
                directory.delete_user(request(ALEX)).await.map(drop)
            } else {
                directory.put_user(with_uris(ALEX, &[[CHIEF, SECOND][n % 2]])).await.map(drop)
            }
        });
    }
    for result in calls.join_all().await {
        if let Err(status) = result {
            assert_eq!(status.code(), Code::Unavailable);
        }
    }
    world.advance(61);
    let held = shared::account(&*world.store, &id(ALEX)).await.unwrap().map(|account| account.user_uris);
    for (n, uri) in [CHIEF, SECOND].into_iter().enumerate() {
        let other = world.directory.put_user(with_uris(&format!("tel:+825730000{n}"), &[uri])).await;
        let taken = held.as_ref().is_some_and(|held| held.iter().any(|held| held == uri));
        assert_eq!(other.is_err(), taken, "{uri}");
    }
}
