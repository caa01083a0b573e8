//! How large a group may be.

use csc_types::McpttId;
use http::StatusCode;

use crate::world::{GROUP, GROUP_TYPE, World, ids, named};

const ENTRIES: usize = 20_000;
const OCTETS: usize = 4 << 20;
const ELEMENT: &str = "application/xcap-el+xml";

fn members(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("tel:+8210{number:05}")).collect()
}

/// A group with so many members and exactly so many octets.
fn group(entries: usize, octets: usize) -> String {
    let content = named("tel:+829", &members(entries));
    let filler = octets - content.len() - "<!---->".len();
    content.replace("</list-service>", &format!("<!--{}--></list-service>", "x".repeat(filler)))
}

#[tokio::test]
async fn x21_a_group_at_its_limits_is_stored_and_seen() {
    let mut world = World::new().await;
    let (_trigger, _running) = world.project();
    let dispatcher = world.as_user(4);
    let full = group(ENTRIES, OCTETS);
    let stored = dispatcher.put(GROUP, GROUP_TYPE, full.clone()).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    let some: Vec<McpttId> =
        [0, ENTRIES / 2, ENTRIES - 1].iter().map(|at| members(ENTRIES)[*at].parse().unwrap()).collect();
    world.until_shown(&some, &some, &stored.etag()).await;
    world.until_shown(&ids(&[4]), &ids(&[4]), &stored.etag()).await;

    // One entry more, whichever way, and one octet more.
    let list = format!("{GROUP}/~~/group/list-service/list");
    let entry = |uri: &str| format!("{list}/entry[@uri=%22{uri}%22]");
    let name = format!("{GROUP}/~~/group/list-service/display-name");
    let longer = "<display-name xml:lang=\"en-us\">Teams</display-name>";
    for (refused, status) in [
        (dispatcher.put(GROUP, GROUP_TYPE, named("tel:+829", &members(ENTRIES + 1))).await, 409),
        (dispatcher.put(&name, ELEMENT, longer).await, 409),
        (dispatcher.put(GROUP, GROUP_TYPE, full.clone() + " ").await, 413),
    ] {
        assert_eq!(refused.status, status, "{}", refused.text());
        assert!(status == 413 || refused.text().contains("<constraint-failure "), "{}", refused.text());
    }
    let fitting = dispatcher.put(GROUP, GROUP_TYPE, group(ENTRIES, OCTETS - 100)).await;
    assert_eq!(fitting.status, StatusCode::OK);
    let more = dispatcher.put(&entry("tel:+1"), ELEMENT, "<entry uri=\"tel:+1\"/>").await;
    assert_eq!(more.status, StatusCode::CONFLICT);
    assert!(more.text().contains("<constraint-failure "), "{}", more.text());
    assert_eq!(dispatcher.get(GROUP).await.etag(), fitting.etag(), "what is refused leaves no trace");

    // One goes, and there is room for another one.
    let (gone, last) = (some[0].clone(), &some[2]);
    let removed = dispatcher.delete(&entry(gone.as_str())).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text());
    let added = dispatcher.put(&entry("tel:+1"), ELEMENT, "<entry uri=\"tel:+1\"/>").await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    let now = ["tel:+1".parse().unwrap(), last.clone()];
    world.until_shown(&[now[0].clone(), now[1].clone(), gone], &now, &added.etag()).await;
    world.bench.account(last.as_str(), "fire", &[], &[]).await;
    let member = world.bench.client(&world.parts.mounts[0], last.as_str());
    let view = format!("/org.openmobilealliance.groups/users/{last}/tel:+829");
    let seen = member.get(&format!("{view}/~~/group/list-service/list/entry[{}]/@uri", ENTRIES - 1)).await;
    assert_eq!((seen.text(), seen.etag()), (last.as_str(), added.etag()));
    assert_eq!(dispatcher.delete(GROUP).await.status, StatusCode::OK);
    world.until_shown(&some, &[], "").await;
}

#[tokio::test]
async fn x21_limits_are_settings() {
    let world = World::with(&[("CSC_GMS_GROUP_ENTRIES", "2"), ("CSC_GMS_GROUP_SIZE", "4KiB")]).await;
    for (content, status) in [
        (group(2, 4 << 10), 201),
        (group(2, (4 << 10) + 1), 413),
        (named("tel:+829", &members(3)), 409),
        (group(2, 4 << 10), 200),
    ] {
        let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}
