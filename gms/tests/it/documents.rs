//! What a group's document may hold, and how parts of it are reached.

use http::{Method, StatusCode};

use crate::world::{GROUP, GROUP_TYPE, World, group, named, view};

#[tokio::test]
async fn g1_the_uri_is_the_name() {
    let world = World::new().await;
    let twice = group(&[]).replace("</group>", "<list-service uri=\"tel:+829\"/></group>");
    for (content, condition) in [
        (named("tel:+828", &[]), "<constraint-failure "),
        (twice, "<constraint-failure "),
        ("<group xmlns='urn:oma:xml:poc:list-service'/>".to_owned(), "<schema-validation-error "),
    ] {
        let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.text().contains(condition), "{}", answer.text());
    }
    for entry in ["<entry/>", "<entry uri='mailto:a@example.org'/>"] {
        let content = group(&[1]).replace("<list>", &format!("<list>{entry}"));
        assert_eq!(
            world.as_user(4).put(GROUP, GROUP_TYPE, content).await.status,
            StatusCode::CONFLICT,
            "{entry}"
        );
    }
}

#[tokio::test]
async fn nodes_as_the_field_selects_them() {
    let world = World::new().await;
    let stored = world.store(&[1, 2]).await;
    for (selector, body) in [
        (
            "group/list-service%5b@uri=%22tel:+829%22%5d/display-name",
            "<display-name xml:lang=\"en-us\">Team</display-name>",
        ),
        ("group/list-service/list/entry[2]", "<entry uri=\"tel:+822\"/>"),
        ("group/list-service/list/entry[@uri='tel:+821']/@uri", "tel:+821"),
    ] {
        let answer = world.as_user(1).get(&format!("{}/~~/{selector}", view(1))).await;
        assert_eq!(
            (answer.status, answer.text(), answer.etag()),
            (StatusCode::OK, body, stored.etag()),
            "{selector}"
        );
    }
    let outsider = world.as_user(6).get(&format!("{}/~~/group", view(6))).await;
    assert_eq!(outsider.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn x14_a_user_is_named_once() {
    let world = World::new().await;
    let content = group(&[1, 2]).replace("<list>", "<list><entry uri=\"TEL:+82-2\"/>");
    let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let exists = "<exists field=\"group/list-service/list/entry%5B3%5D/@uri\"";
    assert!(answer.text().contains("<uniqueness-failure"), "{}", answer.text());
    assert!(answer.text().contains(exists), "{}", answer.text());
}

#[tokio::test]
async fn g6_everything_but_the_members() {
    const GMOP: &str = "application/vnd.3gpp.GMOP+xml";
    let ask = |what: &str| {
        format!("<document xmlns=\"urn:3gpp:ns:mcpttGMOP:1.0\"><request><{what}/></request></document>")
    };
    let world = World::new().await;
    let stored = world.store(&[1, 2]).await;
    let post = async |number: u32, target: &str, media_type: &str, body: String| {
        let headers = [("content-type", media_type)];
        world.as_user(number).send(Method::POST, target, &headers, body).await
    };
    let wanted = ask("get-excluding-memberlist");
    for number in [1, 4, 5] {
        let answer = post(number, GROUP, GMOP, wanted.clone()).await;
        assert_eq!((answer.status, answer.etag()), (StatusCode::OK, stored.etag()), "{number}");
        assert!(answer.header("content-type").starts_with(GROUP_TYPE));
        let (before, list) =
            group(&[1, 2]).split_once("<list>").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let (_, behind) = list.split_once("</list>").unwrap();
        assert_eq!(answer.text(), before + behind);
    }
    assert_eq!(post(1, GROUP, GMOP, ask("group-regroup-creation")).await.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(
        post(1, GROUP, "application/xml", wanted.clone()).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(post(6, GROUP, GMOP, wanted.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(post(1, &view(1), GMOP, wanted).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// G4 for parts of a document: what is put below one's own tree reaches the group, members and all.
#[tokio::test]
async fn g4_nodes_below_the_own_tree_reach_the_group() {
    let world = World::new().await;
    world.store(&[1, 3]).await;
    let entry = |number: u32, tree: u32| {
        format!("{}/~~/group/list-service/list/entry[@uri=%22tel:+82{number}%22]", view(tree))
    };
    let element = "application/xcap-el+xml";
    for (number, status) in [(1, 405), (2, 403), (6, 403)] {
        let answer = world.as_user(number).put(&entry(2, number), element, "<entry uri=\"tel:+822\"/>").await;
        assert_eq!(answer.status, status, "{number}");
    }
    // An authorized user in the list may add an entry, and take one away.
    let added = world.as_user(3).put(&entry(2, 3), element, "<entry uri=\"tel:+822\"/>").await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    assert_eq!(world.as_user(2).get(&view(2)).await.etag(), added.etag());
    let again = world.as_user(3).put(&entry(9, 3), element, "<entry uri=\"tel:+822\"/>").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let removed = world.as_user(3).delete(&entry(1, 3)).await;
    assert_eq!(removed.status, StatusCode::OK, "{}", removed.text());
    assert_eq!(world.as_user(1).get(&view(1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(3).get(&view(3)).await.etag(), removed.etag());
    // The name of the group is not to be changed in parts either.
    let renamed = world
        .as_user(4)
        .put(&format!("{GROUP}/~~/group/list-service/@uri"), "application/xcap-att+xml", "tel:+828")
        .await;
    assert_eq!(renamed.status, StatusCode::CONFLICT);
    let gone = world.as_user(4).delete(&format!("{GROUP}/~~/group/list-service/@uri")).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
}

const INFO: &str = "urn:3gpp:ns:mcpttGroupInfo:1.0";

/// A group with this in front of and behind its list.
fn around(before: &str, behind: &str) -> String {
    group(&[1]).replace("<list>", &format!("{before}<list>")).replace("</list>", &format!("</list>{behind}"))
}

#[tokio::test]
async fn g2_order_and_values() {
    let world = World::new().await;
    let count = "<max-participant-count>9</max-participant-count>";
    let priority = |value: &str| {
        format!("<on-network-group-priority xmlns=\"{INFO}\">{value}</on-network-group-priority>")
    };
    let extension = "<x xmlns=\"urn:example:x\"><y/></x>";
    for content in [
        around("", &format!("<invite-members>true</invite-members>{count}{extension}{}", priority("255"))),
        around("", &format!("{}{extension}", priority("0"))),
    ] {
        let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content.clone()).await;
        assert!(answer.status.is_success(), "{content} {}", answer.text());
        assert_eq!(world.as_user(1).get(GROUP).await.text(), content);
    }
    for content in [
        around(count, ""),
        around("", &format!("{count}<invite-members>true</invite-members>")),
        around("", &format!("{extension}{count}")),
        around("", "<invite-members>perhaps</invite-members>"),
        around("", &priority("256")),
        around("", &priority("-1")),
        group(&[1]).replace("<list>", "<list>text"),
    ] {
        let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content.clone()).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{content}");
        assert!(answer.text().contains("<schema-validation-error "), "{content} {}", answer.text());
    }
}

/// Pre-arranged and chat groups, with the enabler of the standard and that of the field, are groups; what is absent stays so.
#[tokio::test]
async fn g3_kinds_of_groups() {
    let world = World::new().await;
    for enabler in ["urn:urn-7:3gpp-service.ims.icsi.mcptt", "example.mcptt"] {
        for invite in ["true", "false"] {
            let content = around(
                "",
                &format!(
                    "<on-network-invite-members xmlns=\"{INFO}\">{invite}</on-network-invite-members>\
                     <supported-services xmlns=\"urn:oma:xml:xdm:extensions\"><service enabler=\"{enabler}\">\
                     <group-media><mcptt-speech xmlns=\"{INFO}\"/></group-media></service></supported-services>"
                ),
            );
            let answer = world.as_user(4).put(GROUP, GROUP_TYPE, content.clone()).await;
            assert!(answer.status.is_success(), "{content} {}", answer.text());
            assert_eq!(world.as_user(1).get(&view(1)).await.text(), content);
        }
    }
}
