//! The name of a deleted user is nobody's as long as another service keeps something of that user.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csc_proto::identity::v1::put_response::Outcome as Put;
use csc_proto::identity::v1::{DeleteUserRequest, PutUserRequest};
use csc_store::departure::{self, CMS, GMS, KEEPERS, Keeper, Leaving};
use csc_store::{Change, Commit, CommitId, Put as Write, Records, Store as _, StoreError, owner, shared};
use csc_test_support::SeededEntropy;
use csc_types::{McpttId, Partition, Revision};
use tonic::Code;

use crate::world::{ALEX, World, texts, user};

const KIM: &str = "sip:kim@example.org";
const CHIEF: &str = "sip:chief@example.org";

fn id(text: &str) -> McpttId {
    text.parse().unwrap()
}

fn records(world: &World) -> Records {
    // No two commits may have one id.
    static SEED: AtomicU64 = AtomicU64::new(100);
    let entropy = SeededEntropy::new(SEED.fetch_add(1, Ordering::Relaxed));
    Records::new(world.store.clone(), Arc::new(entropy))
}

/// A service takes up its work in the partition of `name`.
async fn at_work(world: &World, keeper: &Keeper, name: &str) {
    owner::claim(&records(world), Partition::of(name), keeper.role.owners, "a").await.unwrap();
}

async fn leaving(world: &World, keeper: &Keeper) -> Option<Leaving> {
    let found = world.store.get(Partition::of(ALEX), &[keeper.departure_key(&id(ALEX))]).await.unwrap();
    Leaving::read(&found[0]).unwrap()
}

/// The service has nothing of Alex any more: it says so, or takes its departure away.
async fn clear(world: &World, keeper: &Keeper, since: Option<Revision>) {
    let key = keeper.departure_key(&id(ALEX));
    let records = records(world);
    let cleared = records.update(Partition::of(ALEX), &[], |_| {
        let change = Change::nothing(());
        Ok::<_, StoreError>(match since {
            Some(since) => change.put(key.clone(), departure::cleared(since)),
            None => change.delete(key.clone()),
        })
    });
    cleared.await.unwrap();
}

async fn delete(world: &mut World) {
    let request = DeleteUserRequest { mcptt_id: ALEX.to_owned(), dry_run: false };
    world.directory.delete_user(request).await.unwrap();
}

async fn put(world: &mut World, request: PutUserRequest) -> Result<Put, Code> {
    let answer = world.directory.put_user(request).await;
    answer.map(|answer| answer.into_inner().outcome()).map_err(|status| status.code())
}

#[tokio::test]
async fn a_name_is_free_when_every_service_has_nothing_left() {
    let mut world = World::new().await;
    for keeper in &KEEPERS {
        at_work(&world, keeper, ALEX).await;
    }
    let again = PutUserRequest { user_uris: texts(&[CHIEF]), ..user(ALEX) };
    for _ in 0..2 {
        delete(&mut world).await;
        let since = [leaving(&world, &CMS).await, leaving(&world, &GMS).await];
        let [Some(Leaving::Pending(since)), Some(Leaving::Pending(same))] = since else {
            panic!("{since:?}")
        };
        assert_eq!(since, same, "one commit");
        // Refused before anything is claimed, however often it is asked for, and whatever is deleted once more.
        delete(&mut world).await;
        assert_eq!(put(&mut world, again.clone()).await, Err(Code::Unavailable));
        assert_eq!(
            put(&mut world, PutUserRequest { dry_run: true, ..again.clone() }).await,
            Ok(Put::Created)
        );
        let claim = csc_idms::records::claim_key(&id(CHIEF));
        assert_eq!(world.store.get(Partition::of(CHIEF), &[claim]).await.unwrap()[0].value, None);
        clear(&world, &CMS, None).await;
        let refused = world.directory.put_user(again.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(refused.message().ends_with("(waiting for gms)"), "{}", refused.message());
        assert_eq!(shared::account(&*world.store, &id(ALEX)).await.unwrap(), None);
        clear(&world, &GMS, Some(since)).await;
        assert_eq!(put(&mut world, again.clone()).await, Ok(Put::Created));
        // A change is no new user.
        let changed = PutUserRequest { user_uris: Vec::new(), ..again.clone() };
        assert_eq!(put(&mut world, changed).await, Ok(Put::Changed));
    }
}

#[tokio::test]
async fn nobody_waits_for_a_service_that_has_never_been_at_work() {
    let mut world = World::new().await;
    at_work(&world, &GMS, ALEX).await;
    let elsewhere =
        (0..).map(|n| format!("tel:+{n}")).find(|name| Partition::of(name) != Partition::of(ALEX));
    at_work(&world, &CMS, &elsewhere.unwrap()).await;
    delete(&mut world).await;
    assert_eq!(leaving(&world, &CMS).await, None);
    assert!(matches!(leaving(&world, &GMS).await, Some(Leaving::Pending(_))));
}

/// Somebody of this name was made and deleted between the look and the commit.
#[tokio::test]
async fn the_commit_that_makes_a_user_looks_itself() {
    let mut world = World::new().await;
    let key = GMS.departure_key(&id(KIM));
    world.store.afterwards("idms.claim", move || {
        let puts = vec![Write { key, value: departure::pending().into(), expires: None }];
        let id = CommitId([7; 16]);
        vec![(Partition::of(KIM), Commit { id, checks: vec![], puts, deletes: vec![], log: vec![] })]
    });
    let request = PutUserRequest { user_uris: texts(&[CHIEF]), ..user(KIM) };
    assert_eq!(put(&mut world, request).await, Err(Code::Unavailable));
    assert_eq!(shared::account(&*world.store, &id(KIM)).await.unwrap(), None);
}
