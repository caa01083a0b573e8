//! What changes of a group bring to its members.

use std::time::Duration;

use csc_proto::event::v1::{LogEntry, log_entry};
use csc_store::Tail;
use csc_types::{McpttId, Partition};
use http::StatusCode;
use prost::Message;

use crate::world::{GROUP, GROUP_TYPE, World, group, ids, named, view};

#[tokio::test]
async fn g7_membership_follows_the_document() {
    let mut world = World::new().await;
    let all = ids(&[1, 2, 3, 4, 5, 6]);
    // A group that was there before the projector.
    let first = world.store(&[1, 2]).await;
    let (trigger, running) = world.project();
    world.until_shown(&all, &ids(&[1, 2, 4]), &first.etag()).await;
    let second = world.store(&[2, 6]).await;
    world.until_shown(&all, &ids(&[2, 4, 6]), &second.etag()).await;
    assert_eq!(world.as_user(1).get(&view(1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(6).get(&view(6)).await.etag(), second.etag());
    world.as_user(5).delete(GROUP).await;
    world.until_shown(&all, &[], "").await;
    // Made again, by somebody else: the first creator has no part in it.
    let third = world.as_user(5).put(GROUP, GROUP_TYPE, group(&[1])).await;
    assert_eq!(third.status, StatusCode::CREATED);
    world.until_shown(&all, &ids(&[1, 5]), &third.etag()).await;
    trigger.request();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_thousand_members_see_every_change() {
    let mut world = World::new().await;
    let members: Vec<McpttId> =
        (0..1000).map(|number| format!("tel:+8230{number:04}").parse().unwrap()).collect();
    let content = named("tel:+829", &members.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut positions = Vec::new();
    for partition in Partition::all() {
        positions.push((partition, world.bench.records.store().position(partition).await.unwrap()));
    }
    let (_trigger, _running) = world.project();
    let mut tag = String::new();
    for _ in 0..2 {
        tag = world.as_user(4).put(GROUP, GROUP_TYPE, content.clone()).await.etag();
        world.until_shown(&members, &members, &tag).await;
    }
    // Each change announced each view once, in its member's partition.
    let mut announced = 0;
    for (partition, tail) in
        world.bench.records.store().tail(&positions, 10_000, Duration::ZERO).await.unwrap()
    {
        let Tail::Entries { entries, .. } = tail else { panic!("{partition:?} lost") };
        for entry in entries {
            let Some(log_entry::Change::Document(changed)) =
                LogEntry::decode(&*entry.payload).unwrap().change
            else {
                panic!()
            };
            if let Some(view) = changed.path.strip_prefix("org.openmobilealliance.groups/users/") {
                assert_eq!(changed.organisation, "fire");
                assert_eq!(Partition::of(view.split('/').next().unwrap()), partition);
                announced += usize::from(!view.starts_with("tel:+824/"));
            }
        }
    }
    assert_eq!(announced, 2000);
    let one_less = content.replacen("<entry uri=\"tel:+82300000\"/>", "", 1);
    assert_ne!(tag, world.as_user(4).put(GROUP, GROUP_TYPE, one_less).await.etag());
}

#[tokio::test]
async fn g7_a_deleted_user_leaves_nothing_dangling() {
    let mut world = World::new().await;
    let all = ids(&[1, 2, 3, 4]);
    let (trigger, running) = world.project();
    let first = world.store(&[1, 2]).await;
    world.until_shown(&all, &ids(&[1, 2, 4]), &first.etag()).await;
    world.bench.remove_account("tel:+822").await;
    world.until_shown(&ids(&[2]), &[], "").await;
    let changed = world.as_user(1).get(&view(1)).await;
    assert_eq!(changed.text(), group(&[1, 2]).replace("\n<entry uri=\"tel:+822\"/>", ""));
    assert_ne!(changed.etag(), first.etag());
    world.until_shown(&all, &ids(&[1, 4]), &changed.etag()).await;
    // The creator goes, too; the group stays.
    world.bench.remove_account("tel:+824").await;
    world.until_shown(&ids(&[4]), &[], "").await;
    world.bench.remove_account("tel:+821").await;
    world.until_shown(&all, &[], "").await;
    assert!(!world.as_user(5).get(GROUP).await.text().contains("<entry"));
    trigger.request();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn temporary_groups_reach_the_members_of_their_constituents() {
    let mut world = World::new().await;
    let all = ids(&[1, 2, 4]);
    let (_trigger, _running) = world.project();
    let constituent = GROUP.replace("+829", "+828");
    let content = named("tel:+828", &["tel:+821".to_owned(), "tel:+822".to_owned()]);
    assert_eq!(
        world.as_user(5).put(&constituent, GROUP_TYPE, content.clone()).await.status,
        StatusCode::CREATED
    );
    // Its own projection is over: what comes now comes from regrouping.
    for member in ids(&[1, 2, 5]) {
        world.until_view(&member, "tel:+828").await;
    }
    let temporary = group(&[]).replace(
        "</list-service>",
        "<on-network-temporary xmlns=\"urn:3gpp:ns:mcpttGroupInfo:1.0\"><constituent-MCPTT-group-IDs>\
         <constituent-MCPTT-group-ID>tel:+828</constituent-MCPTT-group-ID></constituent-MCPTT-group-IDs>\
         </on-network-temporary></list-service>",
    );
    let formed = world.as_user(4).put(&view(4), GROUP_TYPE, temporary).await;
    assert_eq!(formed.status, StatusCode::CREATED, "{}", formed.text());
    world.until_shown(&all, &ids(&[1, 2, 4]), &formed.etag()).await;
    assert_eq!(world.as_user(2).get(&view(2)).await.etag(), formed.etag());
    assert_eq!(world.as_user(3).get(&view(3)).await.status, StatusCode::FORBIDDEN);
    let regrouped = world.as_user(2).get(&constituent).await;
    assert!(
        regrouped
            .text()
            .contains("temporary-MCPTT-group-ID=\"tel:+829\" temporary-MCPTT-group-requestor=\"tel:+824\"")
    );
    assert_eq!(world.as_user(5).delete(&constituent).await.status, StatusCode::CONFLICT);
    assert_eq!(world.as_user(4).delete(&view(4)).await.status, StatusCode::OK);
    world.until_shown(&all, &[], "").await;
    assert_eq!(world.as_user(2).get(&constituent).await.text(), content);
    assert_eq!(world.as_user(5).delete(&constituent).await.status, StatusCode::OK);
}
