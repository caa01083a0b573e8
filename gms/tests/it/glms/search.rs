//! L4: searches, and group associations.

use csc_store::{Change, Key, StoreError};
use csc_types::Partition;
use csc_xcap::search::MEDIA_TYPE;
use csc_xcap_server::testing::Answer;
use http::{Method, StatusCode};

use super::world::{GROUPS, Terminal, World, group};
use crate::world::GROUP_TYPE;

const COLLECTION: &str = "org.openmobilealliance.groups/users/";

/// A search as terminals of the dialect would send it, for the groups for which `conditions` hold.
fn query(collection: &str, conditions: &str, attributes: &str) -> String {
    let conditions = if conditions.is_empty() { String::new() } else { format!("where {conditions}") };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<search-set xmlns=\"urn:oma:xml:xdm:search\">\
         <search id=\"s1\" {attributes}><request><query><![CDATA[\n\
         xquery version \"1.0\";\ndeclare default element namespace \"urn:oma:xml:poc:list-service\";\n\
         for $g in collection(\"{collection}\")/group/list-service {conditions}\n\
         return <list-service>{{$g/@uri}}{{$g/display-name}}</list-service>\n]]></query></request></search></search-set>"
    )
}

async fn post(terminal: &Terminal, body: String) -> Answer {
    terminal.send(Method::POST, GROUPS, &[("content-type", MEDIA_TYPE)], body).await
}

/// The groups that a search finds, in order, and whether the answer is complete.
async fn found(terminal: &Terminal, body: String) -> (Vec<String>, bool) {
    let answer = post(terminal, body).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, MEDIA_TYPE),
        "{}",
        answer.text()
    );
    let document = csc_xml::parse(&answer.body, &csc_xml::Limits::DEFAULT).unwrap();
    let response = document.descendants().find(|node| node.has_tag_name("response")).unwrap();
    let search = response.parent_element().unwrap();
    assert_eq!(search.attribute("id"), Some("s1"));
    let mut uris: Vec<_> = response
        .children()
        .map(|hit| hit.attribute("uri").unwrap().trim_start_matches("tel:").to_owned())
        .collect();
    uris.sort();
    (uris, response.attribute(("urn:x-csc:glms:1.0", "complete")) != Some("false"))
}

async fn world() -> World {
    let world = World::new().await;
    for (number, name, members) in [
        (1, "Engine One", &[1, 2][..]),
        (2, "Engine Two", &[1, 6]),
        (3, "Ladder &amp; Co", &[3]),
        (4, "그룹", &[]),
    ] {
        assert_eq!(world.group(number, name, members).await.status, StatusCode::CREATED);
    }
    let target = format!("{GROUPS}/users/tel:+827/tel:95");
    let police = world.terminal(7).put(&target, GROUP_TYPE, group(5, "Engine Blue", &[1])).await;
    assert_eq!(police.status, StatusCode::CREATED);
    world
}

#[tokio::test]
async fn l4_member_owner_and_name_as_far_as_one_may_read() {
    let world = world().await;
    let member = |id: &str| format!("$g/list/entry/@uri = \"{id}\"");
    let name = |text: &str| format!("contains($g/display-name, '{text}')");
    let tree = |user: &str| format!("{COLLECTION}{user}/");
    let all = COLLECTION.to_owned();
    for (number, collection, conditions, hits) in [
        // Own groups, and those of whom one commands; the police see none of the fire brigade's but as members.
        (1, &all, String::new(), &["91", "92", "95"][..]),
        (2, &all, String::new(), &["91"]),
        (4, &all, String::new(), &["91", "92", "93", "94"]),
        (5, &all, String::new(), &["91", "92", "93", "94"]),
        (6, &all, String::new(), &["92"]),
        (7, &all, String::new(), &["95"]),
        (4, &all, member("tel:+821"), &["91", "92"]),
        (4, &all, member("+821"), &["91", "92"]),
        (4, &all, format!("{} and {}", member("tel:+821"), member("tel:+826")), &["92"]),
        (2, &all, member("tel:+821"), &["91"]),
        (2, &all, member("tel:+823"), &[]),
        (4, &all, member("nobody"), &[]),
        (4, &tree("tel:+823"), String::new(), &["93"]),
        (5, &tree("tel:+824"), String::new(), &["91", "92", "93", "94"]),
        (2, &tree("tel:+821"), String::new(), &["91"]),
        (1, &all, "$g/owner = 'tel:+827'".to_owned(), &["95"]),
        (5, &all, "$g/owner = 'tel:+824'".to_owned(), &["91", "92", "93", "94"]),
        (5, &all, "$g/owner = 'tel:+827'".to_owned(), &[]),
        (4, &all, "$g/display-name = 'Engine One'".to_owned(), &["91"]),
        (4, &all, "$g/display-name = 'Engine'".to_owned(), &[]),
        (4, &all, "starts-with($g/display-name, 'Engine ')".to_owned(), &["91", "92"]),
        (4, &all, name("Ladder &amp; C"), &["93"]),
        (4, &all, name("룹"), &["94"]),
        (1, &all, format!("{} and {}", name("Engine"), "$g/owner eq \"tel:+824\""), &["91", "92"]),
    ] {
        let (hits_found, complete) = found(&world.terminal(number), query(collection, &conditions, "")).await;
        assert_eq!(
            (hits_found, complete),
            (hits.iter().map(|hit| (*hit).to_owned()).collect(), true),
            "{number} {collection} {conditions}"
        );
    }
    let answer = post(&world.terminal(4), query(COLLECTION, &name("Ladder"), "")).await;
    assert!(
        answer.text().contains(
            "<list-service xmlns=\"urn:oma:xml:poc:list-service\" uri=\"tel:93\">\
             <display-name>Ladder &amp; Co</display-name></list-service>"
        ),
        "{}",
        answer.text()
    );
    // A group that is renamed, or gone, is found so.
    world.group(1, "Boat", &[2]).await;
    assert_eq!(found(&world.terminal(4), query(COLLECTION, &name("Boat"), "")).await.0, ["91"]);
    assert_eq!(found(&world.terminal(1), query(COLLECTION, &name("Boat"), "")).await.0, [""; 0]);
    world.terminal(4).delete(&format!("{GROUPS}/users/tel:+824/tel:91")).await;
    assert_eq!(found(&world.terminal(4), query(COLLECTION, &name("Boat"), "")).await.0, [""; 0]);
}

#[tokio::test]
async fn l4_results_are_capped() {
    let world = world().await;
    let (hits, complete) = found(&world.terminal(4), query(COLLECTION, "", "max-results=\"2\"")).await;
    assert_eq!((hits.len(), complete), (2, false));
    let (hits, complete) = found(&world.terminal(4), query(COLLECTION, "", "max-results=\"4\"")).await;
    assert_eq!((hits.len(), complete), (4, true));
    let (hits, complete) = found(&world.terminal(1), query(COLLECTION, "", "max-results=\"1\"")).await;
    assert_eq!((hits.len(), complete), (1, false));

    for (name, value) in [("CSC_GLMS_SEARCH_RESULTS", "1"), ("CSC_GLMS_SEARCH_GROUPS", "1")] {
        let world = World::with(&[(name, value)]).await;
        for number in 1..=3 {
            assert_eq!(world.group(number, "Team", &[]).await.status, StatusCode::ACCEPTED);
        }
        let (hits, complete) = found(&world.terminal(4), query(COLLECTION, "", "max-results=\"9\"")).await;
        assert_eq!((hits.len(), complete), (1, false), "{name}");
    }
}

#[tokio::test]
async fn l4_an_association_says_when_it_is_cut_off() {
    let world = World::with(&[("CSC_GLMS_ASSOCIATION_GROUPS", "1"), ("CSC_GLMS_ACCEPT_AFTER", "30s")]).await;
    let world = world.projecting();
    let target = "/glms-services/GROUP-ASSOCIATION/users/tel:+821/index";
    for (number, complete) in [(1, true), (2, false)] {
        assert_eq!(world.group(number, "Team", &[1]).await.status, StatusCode::CREATED);
        let answer = world.terminal(1).get(target).await;
        assert_eq!(!answer.text().contains("complete=\"false\""), complete, "{}", answer.text());
        assert_eq!(answer.text().matches("<group uri").count(), 1);
    }
}

#[tokio::test]
async fn l4_what_is_no_search() {
    let world = World::with(&[]).await;
    let terminal = world.terminal(4);
    let good = query(COLLECTION, "", "");
    for target in
        [GROUPS.to_owned(), format!("{GROUPS}/"), format!("{GROUPS}/users"), format!("{GROUPS}/global/index")]
    {
        let answer =
            terminal.send(Method::POST, &target, &[("content-type", MEDIA_TYPE)], good.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{target}");
    }
    assert_eq!(
        terminal.send(Method::POST, GROUPS, &[("content-type", "text/xml")], good.clone()).await.status,
        415
    );
    assert_eq!(terminal.send(Method::POST, GROUPS, &[], good.clone()).await.status, 415);
    let coded = [("content-type", MEDIA_TYPE), ("content-encoding", "gzip")];
    assert_eq!(terminal.send(Method::POST, GROUPS, &coded, good.clone()).await.status, 415);
    // There is no document that conditions could be about.
    for name in ["if-match", "if-none-match"] {
        let headers = [("content-type", MEDIA_TYPE), (name, "*")];
        assert_eq!(terminal.send(Method::POST, GROUPS, &headers, good.clone()).await.status, 200, "{name}");
    }
    let get = terminal.get(GROUPS).await;
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, "POST"));
    for (body, condition) in [
        (good.replace("</search>", ""), "<not-well-formed"),
        (good.replace("search-set", "searches"), "<schema-validation-error"),
        (good.replace("id=\"s1\"", ""), "<schema-validation-error"),
        (good.replace("return", "order by 1 return"), "<constraint-failure"),
        (good.replace("collection(", "doc("), "<constraint-failure"),
        (good.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE a>"), "<constraint-failure"),
    ] {
        let answer = post(&terminal, body).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        assert!(answer.text().contains(condition), "{condition} {}", answer.text());
    }
    let large = " ".repeat(csc_xcap::search::Search::OCTETS + 1);
    assert_eq!(post(&terminal, large.clone()).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(terminal.send(Method::POST, GROUPS, &[], large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut stranger = terminal.clone();
    stranger.peer = "192.0.2.8:1";
    assert_eq!(post(&stranger, good).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn l4_the_groups_of_a_user() {
    let world = world().await;
    let content = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"urn:oma:xml:poc:list-service\" \
         xmlns:g=\"urn:x-csc:glms:1.0\"><list-service uri=\"tel:91\"><display-name>Engine One</display-name><list>\
         <entry uri=\"tel:+821\"><g:premium-flag>true</g:premium-flag></entry><entry uri=\"tel:+822\"/></list>\
         <g:conference-id>7</g:conference-id></list-service></group>";
    let stored = world.terminal(4).put(&format!("{GROUPS}/users/tel:+824/tel:91"), GROUP_TYPE, content).await;
    assert_eq!(stored.status, StatusCode::OK, "{}", stored.text());
    let target = |user: u32| format!("/glms-services/GROUP-ASSOCIATION/users/tel:+82{user}/index");
    let answer = world.terminal(1).get(&target(1)).await;
    assert_eq!(answer.header("content-type"), "application/group-association+xml");
    assert_eq!(
        answer.text(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group-association xmlns=\"urn:x-csc:glms:1.0\" user=\"tel:+821\">\
         <group uri=\"tel:91\"><display-name>Engine One</display-name><conference-id>7</conference-id>\
         <premium-flag>true</premium-flag></group>\
         <group uri=\"tel:92\"><display-name>Engine Two</display-name></group>\
         <group uri=\"tel:95\"><display-name>Engine Blue</display-name></group></group-association>"
    );
    let tag = answer.etag();
    let fresh = world.terminal(1).send(Method::GET, &target(1), &[("if-none-match", &tag)], "").await;
    assert_eq!((fresh.status, fresh.etag()), (StatusCode::NOT_MODIFIED, tag.clone()));
    let node =
        world.terminal(1).get(&format!("{}/~~/group-association/group[2]/display-name", target(1))).await;
    assert_eq!(node.text(), "<display-name>Engine Two</display-name>");
    let none = world.terminal(1).get(&format!("{}/~~/group-association/group[9]", target(1))).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);

    // Another's is for administrators, and holds what these may read: not the group of the police.
    for (number, status) in [(2, 403), (4, 403), (7, 403), (5, 200)] {
        let answer = world.terminal(number).get(&target(1)).await;
        assert_eq!(answer.status, status, "{number}");
        assert!(!answer.text().contains("tel:95"));
    }
    assert_eq!(world.terminal(5).get(&target(99)).await.status, StatusCode::FORBIDDEN);
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let answer = world.terminal(1).send(method, &target(1), &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"));
    }
    // Who is taken out of a group does not find it any more.
    world.group(2, "Engine Two", &[6]).await;
    let answer = world.terminal(1).get(&target(1)).await;
    assert!(!answer.text().contains("tel:92") && answer.etag() != tag, "{}", answer.text());
}

#[tokio::test]
async fn l4_a_temporary_group_is_in_the_trees_of_its_constituents_members() {
    let world = world().await;
    let temporary = group(6, "Both", &[]).replace(
        "</list-service>",
        "<on-network-temporary xmlns=\"urn:3gpp:ns:mcpttGroupInfo:1.0\"><constituent-MCPTT-group-IDs>\
         <constituent-MCPTT-group-ID>tel:91</constituent-MCPTT-group-ID></constituent-MCPTT-group-IDs>\
         </on-network-temporary></list-service>",
    );
    let formed =
        world.terminal(4).put(&format!("{GROUPS}/users/tel:+824/tel:96"), GROUP_TYPE, temporary).await;
    assert_eq!(formed.status, StatusCode::CREATED, "{}", formed.text());
    for (collection, expected) in [
        (COLLECTION.to_owned(), 1),
        (format!("{COLLECTION}tel:+822/"), 1),
        (format!("{COLLECTION}tel:+823/"), 0),
    ] {
        for number in [2, 4] {
            let name = query(&collection, "$g/display-name = 'Both'", "");
            let (hits, complete) = found(&world.terminal(number), name).await;
            assert_eq!((hits.len(), complete), (expected, true), "{number} {collection}");
        }
    }
}

/// A group that cannot be read hides no other one.
#[tokio::test]
async fn l4_a_group_that_cannot_be_read_is_left_out() {
    let world = world().await;
    let key = Key::new("gms.group", "tel:92");
    let damaged = world.bench.records.update(Partition::of("tel:92"), std::slice::from_ref(&key), |_| {
        Ok::<_, StoreError>(Change::nothing(()).put(key.clone(), vec![0xff]))
    });
    damaged.await.unwrap();
    let conditions = "starts-with($g/display-name, 'Engine')";
    for (number, hits) in [(4, &["91"][..]), (1, &["91", "95"])] {
        let (found, complete) = found(&world.terminal(number), query(COLLECTION, conditions, "")).await;
        assert_eq!(
            (found, complete),
            (hits.iter().map(|hit| (*hit).to_owned()).collect(), false),
            "{number}"
        );
    }
    let answer = world.terminal(1).get("/glms-services/GROUP-ASSOCIATION/users/tel:+821/index").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("complete=\"false\"") && answer.text().contains("uri=\"tel:91\""));
    assert!(!answer.text().contains("tel:92"), "{}", answer.text());
}
