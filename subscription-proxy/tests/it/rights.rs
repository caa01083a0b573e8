//! What a subscriber may read, and what happens when that changes.

use csc_proto::record::v1::account::Status;

use crate::ue::Ue;
use crate::world::{ALEX, GROUPS, PROFILE, SERVICE_CONFIG, World, until};

const SEL: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";

#[tokio::test]
async fn what_may_not_be_read_is_left_out() {
    let world = World::new().await;
    let mine = world.put(PROFILE).await;
    world.put("org.3gpp.mcptt.user-profile/users/tel:+8211/mcptt-user-profile-0.xml").await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let other = "org.3gpp.mcptt.user-profile/users/tel:+8211/user-profile";
    let (_, notify) = ue.subscribe(ALEX, &[other, SEL]).await;
    notify.says(SEL, "-", mine.as_str());
    // An administrator of the organisation reads both.
    let (_, notify) = ue.subscribe("tel:+8202", &[other, SEL]).await;
    assert_eq!(notify.documents.len(), 2);
    let call = ue.call("tel:+8299", &[SEL]);
    assert_eq!(ue.status(&call).await, 403);
}

#[tokio::test]
async fn a_global_document_reaches_everybody_under_the_name_they_gave() {
    let world = World::new().await;
    let etag = world.put(SERVICE_CONFIG).await;
    world.put_in("org.3gpp.mcptt.service-config/global/police/service-config.xml", "police").await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let view = "org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    let global = "org.3gpp.mcptt.service-config/global/service-config.xml";
    let rooted = "Org/F/org.3gpp.mcptt.service-config/global/service-config.xml";
    let (_, notify) =
        ue.subscribe(ALEX, &[view, global, rooted, "org.3gpp.mcptt.service-config/users/tel:+8210/"]).await;
    let sels: Vec<_> = notify.documents.iter().map(|(sel, _, _)| sel.as_str()).collect();
    assert_eq!(sels, [rooted, global, view]);
    let new = world.put(SERVICE_CONFIG).await;
    let notify = ue.notify().await;
    assert_eq!(notify.documents.len(), 3);
    for (_, previous, now) in notify.documents {
        assert_eq!((previous.as_str(), now.as_str()), (etag.as_str(), new.as_str()));
    }
}

#[tokio::test]
async fn a_disabled_account_ends_its_subscriptions() {
    let world = World::new().await;
    world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    world.account(ALEX, Status::Disabled, "fire", &[]).await;
    let last = ue.notify().await;
    assert_eq!((last.state.as_str(), last.request.body().len()), ("terminated;reason=rejected", 0));
    until("the records are gone", async || world.records().await == (0, 0)).await;
    call.next();
    assert_eq!(ue.status(&call).await, 481);
}

/// The user was deleted, and somebody else was given the name, before this service looked.
#[tokio::test]
async fn who_gets_the_name_of_a_deleted_user_gets_none_of_its_subscriptions() {
    let world = World::new().await;
    world.person(ALEX, "7").await;
    let etag = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (_, notify) = ue.subscribe(ALEX, &[SEL]).await;
    notify.says(SEL, "-", etag.as_str());
    world.person(ALEX, "8").await;
    let last = ue.notify().await;
    assert_eq!((last.state.as_str(), last.request.body().len()), ("terminated;reason=rejected", 0));
    until("the records are gone", async || world.records().await == (0, 0)).await;
    // The new one has its own.
    let (_, notify) = ue.subscribe(ALEX, &[SEL]).await;
    notify.says(SEL, "-", etag.as_str());
    let now = world.put(PROFILE).await;
    ue.notify().await.says(SEL, etag.as_str(), now.as_str());
}

#[tokio::test]
async fn a_member_watches_the_group_itself_until_it_is_none() {
    let world = World::new().await;
    let group = format!("{GROUPS}/global/byGroupID/tel:+8251");
    let view = format!("{GROUPS}/users/tel:+8210/tel:+8251");
    let etag = world.put(&group).await;
    world.put_view(&view).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (_, notify) = ue.subscribe(ALEX, &[&group]).await;
    notify.says(&group, "-", etag.as_str());
    world.remove_view(&view).await;
    ue.notify().await.says(&group, etag.as_str(), "-");
    // What happens to it now is none of its business; as a member again it learns of it.
    let new = world.put(&group).await;
    world.put_view(&view).await;
    ue.notify().await.says(&group, "-", new.as_str());
    assert!(ue.is_quiet().await);
}

#[tokio::test]
async fn a_dispatcher_watches_groups_of_the_organisation() {
    let world = World::new().await;
    let group = format!("{GROUPS}/global/byGroupID/tel:+8251");
    let one = world.put(&group).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (_, notify) = ue.subscribe("tel:+8201", &[&group]).await;
    notify.says(&group, "-", one.as_str());
    let two = world.put(&group).await;
    ue.notify().await.says(&group, one.as_str(), two.as_str());
    world.delete(&group).await;
    ue.notify().await.says(&group, two.as_str(), "-");
}

#[tokio::test]
async fn a_user_who_moves_sees_the_documents_of_the_new_organisation() {
    let world = World::new().await;
    let fire = world.put(SERVICE_CONFIG).await;
    let police =
        world.put_in("org.3gpp.mcptt.service-config/global/police/service-config.xml", "police").await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let view = "org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    let (_, notify) = ue.subscribe(ALEX, &[view]).await;
    notify.says(view, "-", fire.as_str());
    world.account(ALEX, Status::Enabled, "police", &[]).await;
    ue.notify().await.says(view, fire.as_str(), police.as_str());
}
