//! G1 to G3: what a group document is. G6: a group without its members.

use std::sync::Arc;

use csc_xml::Limits;

use crate::call::essence;
use crate::check::checks;
use crate::documents::{GROUP_TYPE, GROUPS, group, group_with, view};
use crate::people::{ALEX, DANA, HARBOUR, KIM, PORT, SAM};
use crate::world::World;

checks! {
    "G1" Everywhere g1_the_name_is_in_the_document;
    "G1" Everywhere g1_one_list_service_in_a_group;
    "G1" Everywhere g1_a_name_that_is_taken;
    "G2" Everywhere g2_the_sequence;
    "G2" Everywhere g2_priorities;
    "G3" Everywhere g3_absent_stays_absent;
    "G3" Everywhere g3_enablers_of_the_field;
    "G3" Everywhere g3_the_defaults_are_documented;
    "G6" Everywhere g6_a_group_without_its_list;
    "G6" Everywhere g6_other_requests;
    "G6" Everywhere g6_conditions_count;
}

const NAMESPACE: &str = "urn:oma:xml:poc:list-service";

/// Where a group is.
pub(crate) fn global(id: &str) -> String {
    format!("/{GROUPS}/global/byGroupID/{id}")
}

async fn g1_the_name_is_in_the_document(world: Arc<World>) {
    let (id, other) = (world.free_group(), world.free_group());
    let put = |path: String, document: String| world.call(DANA, "PUT", path).body(GROUP_TYPE, document);
    for path in [global(&id), view(DANA.0, &id), global(&id).replace("byGroupID", "byGroup")] {
        put(path, group(&other, &[ALEX.0])).conflicts("constraint-failure").await;
    }
    world.call(DANA, "GET", global(&id)).is(404).await;
    put(global(&id), group(&id, &[ALEX.0])).is(201).await;
    put(global(&id), group(&other, &[ALEX.0])).conflicts("constraint-failure").await;
    let uri = format!("{}/~~/group/list-service/@uri", global(&id));
    world.call(DANA, "PUT", uri.clone()).attribute(other).conflicts("constraint-failure").await;
    world.call(DANA, "PUT", uri.clone()).attribute(id.clone()).is(200).await;
    world.call(DANA, "DELETE", uri).is(409).await;
    // One group has one name, however its host is spelled.
    let sip = format!("sip:Crew.{}@mcptt.example.org", world.number());
    put(global(&sip), group(&sip, &[ALEX.0])).is(201).await;
    let shouted = sip.replace("mcptt.example.org", "MCPTT.Example.ORG");
    put(global(&shouted), group(&sip, &[ALEX.0])).is(200).await;
    world.call(ALEX, "GET", view(ALEX.0, &shouted.replace('@', "%40"))).is(200).await;
    world.call(DANA, "GET", global(&sip.replace("Crew", "crew"))).is(404).await;
}

async fn g1_one_list_service_in_a_group(world: Arc<World>) {
    let id = world.free_group();
    let put = |document: String| world.call(DANA, "PUT", global(&id)).body(GROUP_TYPE, document);
    let good = group(&id, &[ALEX.0]);
    for root in [
        good.replace("<group ", "<groups ").replace("</group>", "</groups>"),
        good.replace(NAMESPACE, "urn:example:other"),
        good.replace(&format!(" xmlns=\"{NAMESPACE}\""), ""),
        "<list-service xmlns=\"urn:oma:xml:poc:list-service\" uri=\"x\"/>".to_owned(),
    ] {
        put(root).conflicts("schema-validation-error").await;
    }
    let start = good.find("<list-service").expect("one");
    let end = good.find("</group>").expect("an end");
    let service = &good[start..end];
    put(good.replace(service, &service.repeat(2))).conflicts("constraint-failure").await;
    let second = service.replace(&id, "tel:+8257999");
    put(good.replace(service, &format!("{service}{second}"))).conflicts("constraint-failure").await;
    let answer = put(good.replace(service, "")).is(409).await;
    let condition = crate::call::condition_of(&answer);
    assert!(["constraint-failure", "schema-validation-error"].contains(&condition.as_str()), "{condition}");
    world.call(DANA, "GET", global(&id)).is(404).await;
}

async fn g1_a_name_that_is_taken(world: Arc<World>) {
    let id = world.free_group();
    world.call(PORT, "PUT", global(&id)).body(GROUP_TYPE, group(&id, &[PORT.0])).is(201).await;
    for path in [global(&id), view(DANA.0, &id)] {
        let put = world.call(DANA, "PUT", path).body(GROUP_TYPE, group(&id, &[DANA.0]));
        let answer = put.conflicts("uniqueness-failure").await;
        let report = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a report");
        let exists =
            report.descendants().find(|node| node.tag_name().name() == "exists").expect("what exists");
        assert!(exists.attribute("field").is_some_and(|field| field.contains("uri")), "{}", answer.text());
        let free: Vec<_> = exists.children().filter_map(|node| node.text()).map(str::to_owned).collect();
        assert!(!free.is_empty(), "no alternative: {}", answer.text());
        // What it offers can be taken.
        let body = group(&free[0], &[DANA.0]);
        world.call(DANA, "PUT", global(&free[0])).body(GROUP_TYPE, body).is(201).await;
        world.call(DANA, "DELETE", global(&free[0])).is(200).await;
    }
    let kept = world.call(PORT, "GET", global(&id)).is(200).await;
    assert_eq!(kept.text(), group(&id, &[PORT.0]), "{HARBOUR}");
}

async fn g2_the_sequence(world: Arc<World>) {
    let id = world.free_group();
    let document = |content: &str| {
        format!(
            "<group xmlns=\"{NAMESPACE}\" xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\" \
             xmlns:gi=\"urn:3gpp:ns:mcpttGroupInfo:1.0\" xmlns:cp=\"urn:ietf:params:xml:ns:common-policy\" \
             xmlns:oxe=\"urn:oma:xml:xdm:extensions\" xmlns:u=\"urn:example:unknown\">\
             <list-service uri=\"{id}\">{content}</list-service></group>"
        )
    };
    let put = |content: &str| world.call(DANA, "PUT", global(&id)).body(GROUP_TYPE, document(content));
    let (name, list) = ("<display-name>A</display-name>", "<list><entry uri=\"tel:+821\"/></list>");
    let (invite, count) =
        ("<invite-members>true</invite-members>", "<max-participant-count>5</max-participant-count>");
    let gi = "<gi:protect-media>false</gi:protect-media>";
    let policy = "<cp:ruleset><cp:rule id=\"a\"><cp:actions><allow-initiate-conference>true</allow-initiate-conference>\
                  <join-handling>true</join-handling></cp:actions></cp:rule></cp:ruleset>";
    let services = "<oxe:supported-services><oxe:service enabler=\"urn:urn-7:3gpp-service.ims.icsi.mcptt\"><oxe:group-media>\
                    <gi:mcptt-speech/></oxe:group-media></oxe:service></oxe:supported-services>";
    let unknown = "<u:anything u:k=\"1\"><u:deep/>text</u:anything>";
    for good in [
        String::new(),
        [name, list, invite, count, gi, policy, services].concat(),
        [name, list, services, gi, policy].concat(),
        [list, policy, services, unknown, gi].concat(),
        [count, unknown].concat(),
        [gi, "<gi:on-network-disabled/>"].concat(),
        "<list/>".to_owned(),
    ] {
        put(&good).is_one_of(&[200, 201]).await;
        let stored = world.call(DANA, "GET", global(&id)).is(200).await;
        assert_eq!(stored.text(), document(&good));
    }
    for bad in [
        [list, name].concat(),
        [name, name].concat(),
        [list, list].concat(),
        [invite, list].concat(),
        [count, invite].concat(),
        [gi, list].concat(),
        [policy, name].concat(),
        "<other/>".to_owned(),
        [list, "<other/>"].concat(),
        "<list><other/></list>".to_owned(),
        "<list><entry/></list>".to_owned(),
        "<invite-members>perhaps</invite-members>".to_owned(),
        "<max-participant-count>-1</max-participant-count>".to_owned(),
        "<gi:protect-media>perhaps</gi:protect-media>".to_owned(),
        "<gi:on-network-hang-timer>15</gi:on-network-hang-timer>".to_owned(),
        "<gi:on-network-disabled>text</gi:on-network-disabled>".to_owned(),
        "<oxe:supported-services><oxe:service/></oxe:supported-services>".to_owned(),
        "<cp:ruleset><cp:rule/></cp:ruleset>".to_owned(),
        "text".to_owned(),
    ] {
        put(&bad).conflicts("schema-validation-error").await;
    }
}

async fn g2_priorities(world: Arc<World>) {
    let (id, stored) = world.group(&[ALEX.0]).await;
    let of_group = |value: &str| {
        let element = format!("<gi:on-network-group-priority>{value}</gi:on-network-group-priority>");
        stored.itself("PUT").body(GROUP_TYPE, group_with(&id, &[ALEX.0], &element))
    };
    let of_member = |value: &str| {
        let entry = format!("<entry uri=\"{}\"><gi:user-priority>{value}</gi:user-priority></entry>", ALEX.0);
        let document = group(&id, &[ALEX.0]).replace(&format!("<entry uri=\"{}\"/>", ALEX.0), &entry);
        stored.itself("PUT").body(GROUP_TYPE, document)
    };
    for value in ["0", "1", "255", " 7 ", "007"] {
        of_group(value).is(200).await;
        of_member(value).is(200).await;
    }
    for value in ["-1", "256", "65536", "", "high", "1.5"] {
        of_group(value).conflicts("schema-validation-error").await;
        of_member(value).conflicts("schema-validation-error").await;
    }
}

async fn g3_absent_stays_absent(world: Arc<World>) {
    let (id, stored) = world.group(&[ALEX.0]).await;
    stored.holds(&group(&id, &[ALEX.0])).await;
    let count = "<gi:on-network-max-participant-count>0</gi:on-network-max-participant-count>";
    let document = group_with(&id, &[ALEX.0], count);
    stored.replace(&document).await;
    stored.holds(&document).await;
    for absent in ["protect-media", "protect-floor-control-signalling"] {
        let selector = format!("group/list-service/gi:{absent}?xmlns(gi=urn:3gpp:ns:mcpttGroupInfo:1.0)");
        assert_eq!(stored.get(&selector).await, None);
    }
}

async fn g3_enablers_of_the_field(world: Arc<World>) {
    let (id, stored) = world.group(&[ALEX.0]).await;
    for enabler in ["urn:urn-7:3gpp-service.ims.icsi.mcptt", "example.mcptt"] {
        let services = format!(
            "<oxe:supported-services xmlns:oxe=\"urn:oma:xml:xdm:extensions\"><oxe:service enabler=\"{enabler}\">\
             <oxe:group-media><gi:mcptt-speech/></oxe:group-media></oxe:service></oxe:supported-services>"
        );
        let document = group_with(&id, &[ALEX.0], &services);
        stored.replace(&document).await;
        stored.holds(&document).await;
    }
}

async fn g3_the_defaults_are_documented(_: Arc<World>) {
    // The README of gms says that it stands there.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/xcap/src/usage/groups.rs");
    let text = std::fs::read_to_string(file).expect("the usage of groups");
    for element in ["protect-media", "protect-floor-control-signalling", "on-network-max-participant-count"] {
        let said = text.lines().any(|line| line.starts_with("//!") && line.contains(element));
        assert!(said, "{file} does not say what an absent {element} means");
    }
}

/// A request document of group management operations.
fn operation(request: &str) -> String {
    format!("<document xmlns=\"urn:3gpp:ns:mcpttGMOP:1.0\"><request>{request}</request></document>")
}

const GMOP: &str = "application/vnd.3gpp.GMOP+xml";

async fn g6_a_group_without_its_list(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0, ALEX.0]).await;
    let (content, current) = stored.state().await;
    let body = operation("<get-excluding-memberlist/>");
    for (who, media_type) in [(SAM, GMOP), (DANA, "application/vnd.3gpp.gmop+xml; charset=utf-8")] {
        let answer = world.call(who, "POST", global(&id)).body(media_type, body.clone()).is(200).await;
        let parsed = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a document");
        let names: Vec<_> = parsed.descendants().map(|node| node.tag_name().name()).collect();
        assert!(!names.contains(&"list") && !names.contains(&"entry"), "{}", answer.text());
        // It is the group, alone or inside of a response, with everything else that is in it.
        assert!(answer.text().contains(&format!("<list-service uri=\"{id}\">")), "{}", answer.text());
        assert!(answer.text().contains("<display-name>Pump 3</display-name>"), "{}", answer.text());
        let found = answer.header("content-type").map(essence);
        assert!([Some(GROUP_TYPE), Some(GMOP)].contains(&found), "{found:?}");
    }
    assert_eq!(stored.state().await, (content, current));
    let post = |who| world.call(who, "POST", global(&id)).body(GMOP, body.clone());
    post(KIM).is(403).await;
    post(PORT).is(403).await;
    world.anonymous("POST", global(&id)).body(GMOP, body.clone()).is(401).await;
    world.call(DANA, "POST", global(&world.free_group())).body(GMOP, body.clone()).is(404).await;
    world.call(DANA, "POST", global(&id)).body("text/xml", body).is(415).await;
}

/// Of the group, as with PUT: it is no GET that could be answered 304.
async fn g6_conditions_count(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0]).await;
    let (_, current) = stored.state().await;
    let post = || world.call(SAM, "POST", global(&id)).body(GMOP, operation("<get-excluding-memberlist/>"));
    for (name, value, status) in [
        ("If-Match", current.as_str(), 200),
        ("If-Match", "*", 200),
        ("If-None-Match", "\"another\"", 200),
        ("If-Match", "\"another\"", 412),
        ("If-None-Match", &current, 412),
        ("If-None-Match", "*", 412),
    ] {
        post().with(name, value).is(status).await;
    }
}

async fn g6_other_requests(world: Arc<World>) {
    let (id, _) = world.group(&[SAM.0]).await;
    for request in [
        "<get-something-else/>",
        "<x:other xmlns:x=\"urn:x\"/>",
        "<get-excluding-memberlist xmlns=\"urn:x\"/>",
    ] {
        world.call(SAM, "POST", global(&id)).body(GMOP, operation(request)).is(501).await;
    }
    for body in ["", "<document", "text", "<other/>"] {
        let answer = world.call(SAM, "POST", global(&id)).body(GMOP, body).send().await;
        assert!((400..=501).contains(&answer.status) && answer.status != 500, "{body}: {}", answer.status);
    }
}
