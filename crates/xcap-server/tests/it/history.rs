//! What is remembered of changes.

use csc_xcap_server::{Action, Library, Revised};

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
