//! User profiles: several of one user, and the database that keeps them.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use csc_cms::{Unconfirmed, UserDatabase};
use csc_types::McpttId;
use http::StatusCode;

use crate::world::{DIRECTORY, PROFILE, PROFILE_TYPE, World, assert_conflict, profile};

fn numbered(number: u8) -> String {
    format!("/org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-{number}.xml")
}

fn content(number: u8, inside: &str) -> String {
    profile(inside).replace("user-profile-index=\"0\"", &format!("user-profile-index=\"{number}\""))
}

#[tokio::test]
async fn c1_several_profiles_and_one_to_begin_with() {
    let world = World::new().await;
    let administrator = world.administrator();
    let put = |number: u8, inside: &str| {
        let (administrator, content) = (administrator.clone(), content(number, inside));
        async move { administrator.put(&numbered(number), PROFILE_TYPE, content).await }
    };
    const FIRST: &str = "<Pre-selected-indication/>";
    assert_eq!(put(0, FIRST).await.status, StatusCode::CREATED);
    assert_eq!(put(1, "<Name/>").await.status, StatusCode::CREATED);
    let refused = put(1, FIRST).await;
    assert_conflict(&refused, "uniqueness-failure");
    let field = "<exists field=\"mcptt-user-profile/Pre-selected-indication\"/>";
    assert!(refused.text().contains(field), "{}", refused.text());
    assert_eq!(world.owner().get(&numbered(1)).await.text(), content(1, "<Name/>"));
    // It may say so again, and another may once it does not any more: by a PUT, a change of a node, or a DELETE.
    assert_eq!(put(0, &format!("{FIRST}<Name/>")).await.status, StatusCode::OK);
    let node = format!("{}/~~/mcptt-user-profile/Pre-selected-indication", numbered(0));
    assert_eq!(administrator.delete(&node).await.status, StatusCode::OK);
    assert_eq!(put(1, FIRST).await.status, StatusCode::OK);
    assert_conflict(&put(0, FIRST).await, "uniqueness-failure");
    assert_eq!(administrator.delete(&numbered(1)).await.status, StatusCode::OK);
    assert_eq!(put(0, FIRST).await.status, StatusCode::OK);

    // The number in the name is the number in the document, except by the names that have none.
    assert_conflict(
        &administrator.put(&numbered(2), PROFILE_TYPE, content(3, "<Name/>")).await,
        "constraint-failure",
    );
    assert_eq!(administrator.put(PROFILE, PROFILE_TYPE, content(3, "<Name/>")).await.status, StatusCode::OK);
    assert_eq!(world.owner().get(&numbered(0)).await.text(), content(3, "<Name/>"));
    let directory = world.owner().get(DIRECTORY).await;
    assert_eq!(directory.text().matches("<entry ").count(), 1, "{}", directory.text());
}

/// A user database elsewhere. It confirms while it is up, and notes what it confirmed.
#[derive(Default)]
struct Remote {
    down: Mutex<bool>,
    has: Mutex<Vec<(String, Option<String>)>>,
}

#[async_trait]
impl UserDatabase for Remote {
    async fn confirm(
        &self,
        user: &McpttId,
        profile: &str,
        content: Option<&Bytes>,
    ) -> Result<(), Unconfirmed> {
        if *self.down.lock().unwrap() {
            return Err(Unconfirmed("down".to_owned()));
        }
        let text = content.map(|content| String::from_utf8(content.to_vec()).unwrap());
        self.has.lock().unwrap().push((format!("{user} {profile}"), text));
        Ok(())
    }
}

#[tokio::test]
async fn c2_nothing_is_seen_before_the_user_database_has_confirmed() {
    let remote = Arc::new(Remote::default());
    let world = World::beside(remote.clone()).await;
    let administrator = world.administrator();
    let down = |is: bool| *remote.down.lock().unwrap() = is;
    down(true);
    let refused = world.store_profile(&profile("<Name/>")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::NOT_FOUND);
    assert!(!world.owner().get(DIRECTORY).await.text().contains("entry"));
    down(false);
    let stored = world.store_profile(&profile("<Name/>")).await;
    assert_eq!(stored.status, StatusCode::CREATED);

    down(true);
    let name = format!("{PROFILE}/~~/mcptt-user-profile/Name");
    let headers = [("content-type", "application/xcap-el+xml")];
    let refused = administrator.send(http::Method::PUT, &name, &headers, "<Name>Kim</Name>").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(administrator.delete(PROFILE).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let kept = world.owner().get(PROFILE).await;
    assert_eq!((kept.etag(), kept.text()), (stored.etag(), profile("<Name/>").as_str()));
    // What it does not keep does not wait for it, and what is refused here is not told there.
    let lists = "/resource-lists/users/tel:+8210/index";
    let empty = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>";
    let put = world.owner().put(lists, "application/resource-lists+xml", empty).await;
    assert_eq!(put.status, StatusCode::CREATED);
    down(false);
    assert_eq!(world.store_profile("<x/>").await.status, StatusCode::CONFLICT);
    let put = administrator.send(http::Method::PUT, &name, &headers, "<Name>Kim</Name>").await;
    assert_eq!(put.status, StatusCode::OK);
    assert_eq!(administrator.delete(PROFILE).await.status, StatusCode::OK);
    let known = "tel:+8210 mcptt-user-profile-0.xml".to_owned();
    assert_eq!(
        *remote.has.lock().unwrap(),
        [
            (known.clone(), Some(profile("<Name/>"))),
            (known.clone(), Some(profile("<Name>Kim</Name>"))),
            (known, None),
        ]
    );
}
