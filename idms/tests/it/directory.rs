//! Administration over gRPC, and the public account record.

use std::time::Duration;

use csc_idms::domain::claim::Claim;
use csc_idms::records::{self, Stored as _};
use csc_proto::event::v1::{AccountChanged, LogEntry, log_entry::Change};
use csc_proto::identity::v1::keys_client::KeysClient;
use csc_proto::identity::v1::put_response::Outcome;
use csc_proto::identity::v1::{
    GetKeysRequest, PutClientRequest, PutOrganisationRequest, PutResponse, PutUserRequest,
};
use csc_proto::record::v1::{Account, account::Status};
use csc_store::{Commit, CommitId, Put, Store as _, Tail, shared};
use csc_types::{Partition, Timestamp};
use http::StatusCode;
use prost::Message;
use tonic::{Code, Response};

use crate::world::{ALEX, PASSWORD, START, World, digest, field_client, texts, user};

const KIM: &str = "sip:kim@example.org";

/// The field that is wrong, and how it is made so.
type Case<R> = (&'static str, fn(&mut R));

fn outcome(response: Result<Response<PutResponse>, tonic::Status>) -> Outcome {
    response.unwrap().into_inner().outcome()
}

fn with_uris(id: &str, uris: &[&str]) -> PutUserRequest {
    PutUserRequest { user_uris: texts(uris), ..user(id) }
}

async fn account(world: &World, id: &str) -> Option<Account> {
    shared::account(&*world.store, &id.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn organisations() {
    let mut world = World::new().await;
    let mut put = PutOrganisationRequest {
        id: "harbour".to_owned(),
        display_name: "Harbour".to_owned(),
        dry_run: true,
    };
    assert_eq!(outcome(world.directory.put_organisation(put.clone()).await), Outcome::Created);
    put.dry_run = false;
    assert_eq!(outcome(world.directory.put_organisation(put.clone()).await), Outcome::Created);
    assert_eq!(outcome(world.directory.put_organisation(put.clone()).await), Outcome::Unchanged);
    put.display_name = "Harbour Police".to_owned();
    assert_eq!(outcome(world.directory.put_organisation(put.clone()).await), Outcome::Changed);
    for bad in ["", "a/b", "..", &"x".repeat(65)] {
        put.id = bad.to_owned();
        assert_eq!(
            world.directory.put_organisation(put.clone()).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
}

#[tokio::test]
async fn a_user_is_put_once() {
    let mut world = World::new().await;
    let mut kim = user(KIM);
    kim.dry_run = true;
    assert_eq!(outcome(world.directory.put_user(kim.clone()).await), Outcome::Created);
    assert_eq!(account(&world, KIM).await, None);
    kim.dry_run = false;
    assert_eq!(outcome(world.directory.put_user(kim.clone()).await), Outcome::Created);
    assert_eq!(outcome(world.directory.put_user(kim.clone()).await), Outcome::Unchanged);
    (kim.password, kim.password_hash) = (None, Some(digest(PASSWORD)));
    assert_eq!(outcome(world.directory.put_user(kim.clone()).await), Outcome::Unchanged);
    kim.password_hash = None;
    assert_eq!(outcome(world.directory.put_user(kim.clone()).await), Outcome::Unchanged);
    kim.password = Some("another".to_owned());
    assert_eq!(outcome(world.directory.put_user(kim.clone()).await), Outcome::Changed);
    kim.roles = texts(&["administrator"]);
    assert_eq!(outcome(world.directory.put_user(kim).await), Outcome::Changed);
    let changes = [("user_name", KIM), ("user_password", &digest("another"))];
    assert_eq!(world.authreq(&changes).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_account_record_and_its_log_entry_come_with_the_user() {
    let mut world = World::new().await;
    let partition = Partition::of(KIM);
    let before = world.store.position(partition).await.unwrap();
    let mut kim = with_uris(KIM, &["tel:+82571000007", "SIP:Kim.Park@Example.org", KIM]);
    kim.ue_ids = texts(&["urn:gsma:imei:90420156-025763-0"]);
    kim.kms_uri = "https://kms.example.org".to_owned();
    world.directory.put_user(kim.clone()).await.unwrap();
    let subject = account(&world, KIM).await.expect("an account").subject;
    assert_eq!(subject.len(), 43, "{subject}");
    let expected = Account {
        status: Status::Enabled.into(),
        organisation: "city-fire".to_owned(),
        roles: texts(&["dispatcher"]),
        ue_ids: kim.ue_ids.clone(),
        user_uris: texts(&["sip:Kim.Park@example.org", "tel:+82571000007"]),
        kms_uri: kim.kms_uri.clone(),
        subject,
    };
    assert_eq!(account(&world, KIM).await.as_ref(), Some(&expected));
    kim.disabled = true;
    world.directory.put_user(kim.clone()).await.unwrap();
    world.directory.put_user(kim).await.unwrap();
    let disabled = Account { status: Status::Disabled.into(), ..expected };
    assert_eq!(account(&world, KIM).await, Some(disabled));

    let news = world.store.tail(&[(partition, before)], 10, Duration::ZERO).await.unwrap();
    let Tail::Entries { entries, .. } = &news[0].1 else { panic!("{news:?}") };
    let change = Change::Account(AccountChanged { mcptt_id: KIM.to_owned() });
    let entry = LogEntry { change: Some(change), ..LogEntry::default() };
    let decoded: Vec<_> =
        entries.iter().map(|entry| LogEntry::decode(entry.payload.clone()).unwrap()).collect();
    assert_eq!(decoded, [entry.clone(), entry], "nothing is announced when nothing changes");
}

#[tokio::test]
async fn users_that_are_refused() {
    let mut world = World::new().await;
    let good = user(KIM);
    let cases: [Case<PutUserRequest>; 11] = [
        ("mcptt_id", |user| user.mcptt_id = "kim".to_owned()),
        ("organisation", |user| user.organisation = String::new()),
        ("roles", |user| user.roles = texts(&["root"])),
        ("ue_ids", |user| user.ue_ids = texts(&["a b"])),
        ("ue_ids", |user| user.ue_ids = vec!["urn:x".to_owned(); 65]),
        ("user_uris", |user| user.user_uris = texts(&["http://example.org"])),
        ("kms_uri", |user| user.kms_uri = "a\nb".to_owned()),
        ("scopes", |user| user.scopes = texts(&["email"])),
        ("password", |user| user.password = Some(String::new())),
        ("password", |user| user.password_hash = Some(digest("x"))),
        ("password_hash", |user| (user.password, user.password_hash) = (None, Some("x".to_owned()))),
    ];
    for (field, change) in cases {
        let mut bad = good.clone();
        change(&mut bad);
        let status = world.directory.put_user(bad).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(field), "{field}: {}", status.message());
    }
    let nameless = PutUserRequest { password: None, ..good.clone() };
    assert_eq!(world.directory.put_user(nameless).await.unwrap_err().code(), Code::InvalidArgument);
    let mut homeless = PutUserRequest { organisation: "nowhere".to_owned(), ..good };
    assert_eq!(
        world.directory.put_user(homeless.clone()).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    // The real run may make the organisation first.
    homeless.dry_run = true;
    assert_eq!(outcome(world.directory.put_user(homeless).await), Outcome::Created);
}

#[tokio::test]
async fn no_two_users_hold_one_uri() {
    let mut world = World::new().await;
    let uri = "sip:chief@example.org";
    world.directory.put_user(with_uris(ALEX, &[uri])).await.unwrap();
    for dry_run in [true, false] {
        let taken =
            PutUserRequest { dry_run, ..with_uris(KIM, &["sip:kim2@example.org", "sip:chief@EXAMPLE.org"]) };
        assert_eq!(world.directory.put_user(taken).await.unwrap_err().code(), Code::AlreadyExists);
    }
    assert_eq!(account(&world, KIM).await, None);
    // An MCPTT ID is nobody else's UserUri, and the other way round.
    let mut chief = PutUserRequest { dry_run: true, ..user(uri) };
    assert_eq!(world.directory.put_user(chief.clone()).await.unwrap_err().code(), Code::AlreadyExists);
    chief.dry_run = false;
    assert_eq!(world.directory.put_user(chief.clone()).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(
        world.directory.put_user(with_uris(KIM, &[ALEX])).await.unwrap_err().code(),
        Code::AlreadyExists
    );

    // Given up, it is free at once.
    world.directory.put_user(user(ALEX)).await.unwrap();
    assert_eq!(outcome(world.directory.put_user(with_uris(KIM, &[uri])).await), Outcome::Created);
    assert_eq!(
        world.directory.put_user(with_uris(ALEX, &[uri])).await.unwrap_err().code(),
        Code::AlreadyExists
    );
    assert_eq!(world.directory.put_user(chief).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_claim_that_was_never_finished_may_be_taken_over_after_a_while() {
    let mut world = World::new().await;
    let uri = "sip:chief@example.org";
    // Alex's change fails behind its claim, before its commit.
    let damaged = csc_store::StoreError::Damaged("test".to_owned());
    world.store.fail(Some(("account", damaged)));
    assert_eq!(world.directory.put_user(with_uris(ALEX, &[uri])).await.unwrap_err().code(), Code::Internal);
    world.store.fail(None);
    let kim = with_uris(KIM, &[uri]);
    assert_eq!(
        world.directory.put_user(kim.clone()).await.unwrap_err().code(),
        Code::AlreadyExists,
        "too early"
    );
    world.advance(60);
    assert_eq!(outcome(world.directory.put_user(kim).await), Outcome::Created);
    assert_eq!(
        world.directory.put_user(with_uris(ALEX, &[uri])).await.unwrap_err().code(),
        Code::AlreadyExists
    );
}

#[tokio::test]
async fn a_claim_that_was_lost_meanwhile_is_given_up() {
    let mut world = World::new().await;
    let (uri, own) = ("sip:chief@example.org", "sip:alex@example.org");
    let key = records::claim_key(&uri.parse().unwrap());
    let claim =
        Claim { owner: KIM.parse().unwrap(), since: Timestamp::from_seconds(START), confirmed: false };
    // Alex's commit takes so long that Kim takes the claim over.
    world.store.afterwards("account", move || {
        let put = Put { key, value: claim.encode(), expires: None };
        let commit =
            Commit { id: CommitId([7; 16]), checks: vec![], puts: vec![put], deletes: vec![], log: vec![] };
        vec![(Partition::of(uri), commit)]
    });
    let status = world.directory.put_user(with_uris(ALEX, &[own, uri])).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(account(&world, ALEX).await.unwrap().user_uris, [own]);
}

#[tokio::test]
async fn every_claim_that_was_lost_is_given_up() {
    let mut world = World::new().await;
    let (uris, own) = (["sip:chief@example.org", "sip:chief2@example.org"], "sip:alex@example.org");
    // Kim takes over both.
    world.store.afterwards("account", move || {
        let since = Timestamp::from_seconds(START);
        let claim = Claim { owner: KIM.parse().unwrap(), since, confirmed: true }.encode();
        let commit = |(n, uri): (u8, &str)| {
            let key = records::claim_key(&uri.parse().unwrap());
            let puts = vec![Put { key, value: claim.clone(), expires: None }];
            let commit = Commit { id: CommitId([n; 16]), checks: vec![], puts, deletes: vec![], log: vec![] };
            (Partition::of(uri), commit)
        };
        (1..).zip(uris).map(commit).collect()
    });
    let status = world.directory.put_user(with_uris(ALEX, &[own, uris[0], uris[1]])).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(account(&world, ALEX).await.unwrap().user_uris, [own]);
}

#[tokio::test]
async fn a_claim_that_was_lost_to_a_new_user_is_given_up() {
    let mut world = World::new().await;
    let uri = "tel:+82571000009";
    // Alex's commit takes so long that her claim is cleared away and a user of that name is made.
    let key = records::user_key(&uri.parse().unwrap());
    let alex =
        world.store.get(Partition::of(ALEX), &[records::user_key(&ALEX.parse().unwrap())]).await.unwrap();
    let put = Put { key, value: alex[0].value.clone().unwrap(), expires: None };
    let delete = records::claim_key(&uri.parse().unwrap());
    world.store.afterwards("account", move || {
        let commit = Commit {
            id: CommitId([7; 16]),
            checks: vec![],
            puts: vec![put],
            deletes: vec![delete],
            log: vec![],
        };
        vec![(Partition::of(uri), commit)]
    });
    let status = world.directory.put_user(with_uris(ALEX, &[uri])).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert!(account(&world, ALEX).await.unwrap().user_uris.is_empty());
}

#[tokio::test]
async fn a_change_that_dawdles_is_not_written() {
    let mut world = World::new().await;
    let clock = world.clock.clone();
    world.store.afterwards("idms.claim", move || {
        clock.advance(Duration::from_secs(21));
        vec![]
    });
    let alex = with_uris(ALEX, &["sip:chief@example.org"]);
    assert_eq!(world.directory.put_user(alex.clone()).await.unwrap_err().code(), Code::Unavailable);
    assert!(account(&world, ALEX).await.unwrap().user_uris.is_empty());
    assert_eq!(outcome(world.directory.put_user(alex).await), Outcome::Changed);
}

#[tokio::test]
async fn a_change_that_was_broken_off_can_be_repeated() {
    let mut world = World::new().await;
    let uri = "sip:chief@example.org";
    let alex = with_uris(ALEX, &[uri]);
    // Claimed, not written.
    world.store.fail(Some(("account", csc_store::StoreError::Unavailable("test".to_owned()))));
    assert_eq!(world.directory.put_user(alex.clone()).await.unwrap_err().code(), Code::Unavailable);
    world.store.fail(None);
    assert_eq!(outcome(world.directory.put_user(alex.clone()).await), Outcome::Changed);
    assert_eq!(outcome(world.directory.put_user(alex).await), Outcome::Unchanged);
    world.advance(3600);
    let kim = with_uris(KIM, &[uri]);
    assert_eq!(world.directory.put_user(kim).await.unwrap_err().code(), Code::AlreadyExists, "held is held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_want_one_uri_one_gets_it() {
    let world = World::new().await;
    let mut puts = tokio::task::JoinSet::new();
    for n in 0..32 {
        let mut directory = world.directory.clone();
        let request = with_uris(&format!("tel:+8257200{n:04}"), &["sip:chief@example.org"]);
        puts.spawn(async move { (request.mcptt_id.clone(), directory.put_user(request).await) });
    }
    let mut winners = Vec::new();
    for (id, result) in puts.join_all().await {
        match result {
            Ok(_) => winners.push(id),
            Err(status) => {
                assert_eq!(status.code(), Code::AlreadyExists);
                assert_eq!(account(&world, &id).await, None);
            }
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(account(&world, &winners[0]).await.unwrap().user_uris, ["sip:chief@example.org"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_of_one_user_leave_record_and_claims_agreeing() {
    let mut world = World::new().await;
    let uris = ["sip:a@example.org", "sip:b@example.org", "sip:c@example.org"];
    let mut puts = tokio::task::JoinSet::new();
    for n in 0..24 {
        let mut directory = world.directory.clone();
        let request = with_uris(ALEX, &uris[n % 3..=n % 3]);
        puts.spawn(async move { directory.put_user(request).await });
    }
    for result in puts.join_all().await {
        if let Err(status) = result {
            assert_eq!(status.code(), Code::Unavailable);
        }
    }
    let held = account(&world, ALEX).await.unwrap().user_uris;
    assert_eq!(held.len(), 1);
    world.advance(61);
    for (n, uri) in uris.iter().enumerate() {
        let other = world.directory.put_user(with_uris(&format!("tel:+825730000{n}"), &[uri])).await;
        assert_eq!(other.is_err(), held[0] == *uri, "{uri}");
    }
}

#[tokio::test]
async fn clients() {
    let mut world = World::new().await;
    assert_eq!(outcome(world.directory.put_client(field_client()).await), Outcome::Unchanged);
    let kept = PutClientRequest { secret: None, ..field_client() };
    assert_eq!(
        outcome(world.directory.put_client(kept).await),
        Outcome::Unchanged,
        "an existing secret stays"
    );
    let changed = PutClientRequest { secret: Some("f".repeat(32)), ..field_client() };
    let dry = PutClientRequest { dry_run: true, ..changed.clone() };
    assert_eq!(outcome(world.directory.put_client(dry).await), Outcome::Changed);
    assert_eq!(outcome(world.directory.put_client(field_client()).await), Outcome::Unchanged);
    assert_eq!(outcome(world.directory.put_client(changed).await), Outcome::Changed);

    let public = PutClientRequest { client_id: "public".to_owned(), secret: None, ..field_client() };
    assert_eq!(outcome(world.directory.put_client(public.clone()).await), Outcome::Created);
    let cases: [Case<PutClientRequest>; 9] = [
        ("client_id", |client| client.client_id = String::new()),
        ("organisation", |client| client.organisation = "a/b".to_owned()),
        ("redirect_uris", |client| client.redirect_uris.clear()),
        ("redirect_uris", |client| client.redirect_uris = texts(&["/cb"])),
        ("scopes", |client| client.scopes.clear()),
        ("scopes", |client| client.scopes = texts(&["email"])),
        ("secret", |client| client.secret = Some("x".repeat(31))),
        ("id_token_algorithm", |client| client.id_token_algorithm = "none".to_owned()),
        ("id_token_algorithm", |client| client.id_token_algorithm = "HS256".to_owned()),
    ];
    for (field, change) in cases {
        let mut bad = public.clone();
        change(&mut bad);
        let status = world.directory.put_client(bad).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(field), "{field}: {}", status.message());
    }
    let homeless = PutClientRequest { organisation: "nowhere".to_owned(), ..public };
    assert_eq!(world.directory.put_client(homeless).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn keys() {
    let world = World::new().await;
    let keys = KeysClient::new(world.channel.clone()).get_keys(GetKeysRequest {}).await.unwrap().into_inner();
    assert_eq!(keys.jwks, world.get("/idms/jwks").await.body);
}
