//! The documents of a user go with the account.

use std::time::Duration;

use csc_proto::documents::v1::DeleteRequest;
use csc_proto::documents::v1::delete_response::Outcome;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_service::{Shutdown, bus};
use csc_store::departure::CMS;
use csc_types::Partition;
use http::StatusCode;
use tokio::time::timeout;

use crate::world::{PROFILE, World, profile};

const LISTS: &str = "/resource-lists/users/tel:+8210/index";
const SERVICES: &str = "/rls-services/users/tel:+8210/index";
const LIMIT: Duration = Duration::from_secs(60);

async fn fill(world: &World) {
    assert_eq!(world.store_profile(&profile("<Pre-selected-indication/>")).await.status, StatusCode::CREATED);
    let lists = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>";
    let put = world.owner().put(LISTS, "application/resource-lists+xml", lists).await;
    assert_eq!(put.status, StatusCode::CREATED);
    let services = "<rls-services xmlns='urn:ietf:params:xml:ns:rls-services'><service uri='sip:s@example.org'>\
        <list/></service></rls-services>";
    assert_eq!(
        world.owner().put(SERVICES, "application/rls-services+xml", services).await.status,
        StatusCode::CREATED
    );
}

/// Waits until nothing of +8210 is left, and it is said that nothing is.
async fn until_gone(world: &World) {
    let partition = Partition::of("tel:+8210");
    let store = world.bench.records.store();
    let gone = async {
        loop {
            let mut left = Vec::new();
            for collection in ["cms.document", "cms.history", "cms.preselected", "cms.held", "index"] {
                let found = store.scan(partition, collection, "", None, 100).await.unwrap();
                left.extend(
                    found.into_iter().map(|(name, _)| name).filter(|name| name.contains("tel:+8210")),
                );
            }
            let departures = CMS.departures(store, partition).await.unwrap();
            left.extend(departures.into_iter().map(|(user, _)| user.to_string()));
            let claim = "sip:s@example.org";
            left.extend(
                store
                    .scan(Partition::of(claim), "cms.claim", claim, None, 1)
                    .await
                    .unwrap()
                    .pop()
                    .map(|(name, _)| name),
            );
            if left.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, gone).await.expect("documents of a user without an account stay");
}

#[tokio::test]
async fn documents_go_with_the_account() {
    let mut world = World::new().await;
    fill(&world).await;
    let other = profile("<Name/>").replace("tel:+8210", "tel:+8211");
    let others = PROFILE.replace("tel:+8210", "tel:+8211");
    let administrator = world.administrator();
    let stored = administrator.put(&others, crate::world::PROFILE_TYPE, other).await;
    let (trigger, shutdown) = Shutdown::new();
    let task = tokio::spawn((world.parts.tasks.pop().unwrap().run)(shutdown));
    // An entry about a user who is still there removes nothing; the next one removes everything of the one who is gone.
    world.bench.remove_account("tel:+8210").await;
    until_gone(&world).await;
    assert_eq!(world.as_user("tel:+8211").get(&others).await.etag(), stored.etag());
    // The URI of its service is free, and the log has told of every document.
    let services = "<rls-services xmlns='urn:ietf:params:xml:ns:rls-services'><service uri='sip:s@example.org'>\
        <list/></service></rls-services>";
    let target = SERVICES.replace("tel:+8210", "tel:+8211");
    let put = world.as_user("tel:+8211").put(&target, "application/rls-services+xml", services).await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.text());
    // Whoever comes again under the same name begins with nothing.
    world.bench.account("tel:+8210", "fire", &[], &[]).await;
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.store_profile(&profile("<Pre-selected-indication/>")).await.status, StatusCode::CREATED);
    trigger.request();
    timeout(LIMIT, task).await.unwrap().unwrap().unwrap();
}

/// What the remover has not come to yet can be removed by hand, and what was not removed is not said to be.
#[tokio::test]
async fn documents_of_nobody_can_be_deleted_over_the_bus() {
    let world = World::new().await;
    fill(&world).await;
    world.bench.remove_account("tel:+8210").await;
    let mut client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    for path in [PROFILE, LISTS, SERVICES] {
        let name = path.trim_start_matches('/').replace(
            "user-profile/users/tel:+8210/user-profile",
            "user-profile/users/tel:+8210/mcptt-user-profile-0.xml",
        );
        let mut delete = async || {
            let request = DeleteRequest { path: name.clone(), ..DeleteRequest::default() };
            client.delete(request).await.unwrap().into_inner().outcome()
        };
        assert_eq!(delete().await, Outcome::Deleted, "{name}");
        assert_eq!(delete().await, Outcome::Absent, "{name}");
    }
}

#[tokio::test]
async fn what_was_left_by_a_server_that_stopped_goes_when_the_next_one_starts() {
    let mut world = World::new().await;
    fill(&world).await;
    world.bench.remove_account("tel:+8210").await;
    let (trigger, shutdown) = Shutdown::new();
    let task = tokio::spawn((world.parts.tasks.pop().unwrap().run)(shutdown));
    until_gone(&world).await;
    trigger.request();
    timeout(LIMIT, task).await.unwrap().unwrap().unwrap();
}
