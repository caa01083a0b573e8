//! What holds for several documents together, also when they are stored at the same time.

use std::sync::atomic::Ordering;

use csc_proto::record::v1::IndexEntry;
use csc_store::{Change, StoreError, shared};
use csc_types::Partition;
use http::StatusCode;
use prost::Message;

use crate::presence::{LISTS, SERVICES, index_of, served};
use crate::world::{World, assert_conflict};

/// A request that fails leaves nothing behind: what it asked for beside what is taken is free for others at once.
#[tokio::test]
async fn x14_a_refused_change_claims_nothing() {
    let (world, _) = World::with_clock().await;
    let (one, other) = (world.owner(), world.as_user("tel:+8211"));
    let (first, second) = (index_of("tel:+8210"), index_of("tel:+8211"));
    let (taken, free) = ("sip:friends@example.org", "sip:friends-2@example.org");
    assert_eq!(one.put(&first, SERVICES, served(&[taken])).await.status, StatusCode::CREATED);
    let refused = other.put(&second, SERVICES, served(&[free, taken])).await;
    assert_conflict(&refused, "uniqueness-failure");
    // Nor is it offered what it asked for itself.
    let offered =
        "<exists field=\"rls-services/service%5B2%5D/@uri\"><alt-value>sip:friends-3@example.org</alt-value>";
    assert!(refused.text().contains(offered), "{}", refused.text());
    assert_eq!(one.put(&first, SERVICES, served(&[taken, free])).await.status, StatusCode::OK);
    // What a document holds already it keeps, whatever else is refused.
    assert_conflict(&other.put(&second, SERVICES, served(&[free])).await, "uniqueness-failure");
    assert_eq!(
        other.put(&second, SERVICES, served(&["sip:more@example.org"])).await.status,
        StatusCode::CREATED
    );
    let both = served(&[taken, free, "sip:more@example.org"]);
    assert_conflict(&one.put(&first, SERVICES, both).await, "uniqueness-failure");
    for uri in [taken, free] {
        assert_conflict(&other.put(&second, SERVICES, served(&[uri])).await, "uniqueness-failure");
    }
}

/// RFC 4826 4.4.5: a service may not be what exists in its domain.
#[tokio::test]
async fn x14_a_service_is_no_user_and_no_group() {
    let world = World::with(&[("CSC_XCAP_NUMBER_DOMAINS", "ptt.example.org")]).await;
    let group = "sip:engine7@example.org";
    let key = shared::index_key(&format!("org.openmobilealliance.groups/global/byGroupID/{group}"));
    let entry = IndexEntry { organisation: "fire".to_owned(), ..IndexEntry::default() };
    let made = world.bench.records.update(Partition::of(group), &[], |_| {
        Ok::<_, StoreError>(Change::nothing(()).put(key.clone(), entry.encode_to_vec()))
    });
    made.await.unwrap();
    for uri in [group, "sip:Engine7@Example.org", "tel:+8211", "sip:+8211@ptt.example.org"] {
        let put = world.owner().put(&index_of("tel:+8210"), SERVICES, served(&[uri])).await;
        match uri {
            // The user part of a sip URI does not ignore case.
            "sip:Engine7@Example.org" => assert_eq!(put.status, StatusCode::CREATED),
            _ => assert_conflict(&put, "uniqueness-failure"),
        }
    }
}

#[tokio::test]
async fn two_documents_at_the_same_time_do_not_share_the_last_place() {
    let (world, store) = World::tricky_with(&[("CSC_CMS_DOCUMENTS_PER_USER", "1")]).await;
    let owner = world.owner();
    let empty = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>";
    let put = |name: &str| {
        let (owner, target) = (owner.clone(), format!("/resource-lists/users/tel:+8210/{name}"));
        async move { owner.put(&target, LISTS, empty).await.status }
    };
    // Both have looked, and both have read what their commits depend on, before either goes on.
    store.paired.store(4, Ordering::SeqCst);
    let mut answers = <[StatusCode; 2]>::from(tokio::join!(put("a"), put("b")));
    answers.sort();
    assert_eq!(answers, [StatusCode::CREATED, StatusCode::CONFLICT]);
    assert_eq!(store.paired.load(Ordering::SeqCst), 0);
}
