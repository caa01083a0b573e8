//! What is remembered of changes.

use csc_proto::documents::v1::HistoryRequest;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_service::bus;
use csc_xcap_server::{Action, Library, Provisioning, Revised};
use tonic::service::Routes;

use crate::world::{DOCUMENT, ELEMENT, TYPE, World};

async fn history(world: &World) -> Vec<Revised> {
    let selector = csc_xcap::uri::DocumentSelector::from_decoded(DOCUMENT);
    let names = csc_xcap::Names::of("default".parse().unwrap());
    let document = names.document(&selector, None).unwrap();
    world.server.library().history(&document).await.unwrap()
}

#[tokio::test]
async fn who_when_and_what() {
    let world = World::new().await;
    let owner = world.owner();
    let mut etags = vec![world.stored("<r xmlns='test-app'/>").await];
    let node = format!("{DOCUMENT}/~~/r/a");
    etags.push(world.as_user(3).put(&node, ELEMENT, "<a/>").await.etag());
    etags.push(owner.delete(&node).await.etag());
    assert_eq!(owner.put(DOCUMENT, TYPE, "<").await.status, 409);
    assert_eq!(owner.delete(DOCUMENT).await.status, 200);
    let seen: Vec<_> = history(&world).await.into_iter().rev().collect();
    let expected = [
        ("tel:+1", Action::Stored, 21),
        ("tel:+3", Action::NodeStored, 28),
        ("tel:+1", Action::NodeDeleted, 24),
        ("tel:+1", Action::Deleted, 0),
    ];
    assert_eq!(seen.len(), expected.len());
    for (index, (revised, (by, action, octets))) in seen.iter().zip(expected).enumerate() {
        assert_eq!((revised.by.as_str(), revised.action), (by, action));
        let etag = revised.etag.as_ref().map(|etag| format!("\"{etag}\""));
        assert_eq!(etag.as_ref(), etags.get(index));
        assert_eq!(revised.at.seconds(), csc_xcap_server::testing::NOW);
        assert_eq!(revised.octets, octets, "{revised:?}");
    }
    // It goes on when the document is made again.
    world.stored("<r/>").await;
    assert_eq!(history(&world).await.len(), 5);
}

#[tokio::test]
async fn it_is_bounded_and_can_be_switched_off() {
    let world = World::with(&[("CSC_XCAP_HISTORY", "3")]).await;
    for _ in 0..9 {
        world.stored("<r/>").await;
    }
    let seen = history(&world).await;
    assert_eq!(seen.len(), 3);
    let current = world.owner().get(DOCUMENT).await.etag();
    assert_eq!(seen[0].etag.as_ref().map(|etag| format!("\"{etag}\"")), Some(current));

    let world = World::with(&[("CSC_XCAP_HISTORY", "0")]).await;
    world.stored("<r/>").await;
    assert_eq!(history(&world).await, []);
}

/// What is kept no more goes with the next change, and is told no more at once.
#[tokio::test]
async fn a_setting_that_was_lowered() {
    let world = World::new().await;
    for _ in 0..5 {
        world.stored("<r/>").await;
    }
    let told = async |server: &std::sync::Arc<csc_xcap_server::XcapServer<_>>| {
        let routes = Routes::new(Provisioning::service(std::sync::Arc::clone(server)));
        let mut client = DocumentsClient::new(bus::in_process(routes));
        let request = HistoryRequest { path: DOCUMENT[1..].to_owned(), ..HistoryRequest::default() };
        client.history(request).await.unwrap().into_inner().revisions.len()
    };
    for (setting, kept) in [("2", 2), ("0", 0)] {
        let (server, mount) = world.again(&[("CSC_XCAP_HISTORY", setting)]);
        assert_eq!(told(&server).await, kept);
        assert!(history(&world).await.len() > kept);
        let client = world.bench.client(&mount, "tel:+1");
        assert_eq!(client.put(DOCUMENT, TYPE, "<r/>").await.status, 200);
        assert_eq!((told(&server).await, history(&world).await.len()), (kept, kept));
    }
    assert_eq!(told(&world.server).await, 0);
    // So does that of a document that goes.
    world.stored("<r/>").await;
    assert_eq!(history(&world).await.len(), 1);
    let (_, mount) = world.again(&[("CSC_XCAP_HISTORY", "0")]);
    assert_eq!(world.bench.client(&mount, "tel:+1").delete(DOCUMENT).await.status, 200);
    assert_eq!(history(&world).await, []);
}
