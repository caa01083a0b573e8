//! R1 and R2: usages of RCS, and how their proxies speak.

use std::sync::Arc;

use crate::call::{essence, tag};
use crate::check::checks;
use crate::documents::{LISTS, LISTS_TYPE, lists};
use crate::people::{self, KIM, Person, ROBIN, SAM};
use crate::world::World;

checks! {
    "R1" Open r1_a_trusted_proxy_names_the_user;
    "R1" Plain r1_nobody_else_does;
    "R1" Everywhere r1_one_user_however_spelled;
    "R2" Everywhere r2_presence_rules;
    "R2" Everywhere r2_pictures;
    "R2" Everywhere r2_another_uri_than_the_selector;
    "R2" Everywhere r2_lasting_presence_and_services;
}

const INTENDED: &str = "X-3GPP-Intended-Identity";
/// Users as RCS has them, each of one check: checks run side by side.
const SPELLED: Person = ("sip:+339012341234@Test-rcs.example.org", "pocket");
const SELECTED: Person = ("sip:+339012345678@Test-rcs.example.org", "pocket");

async fn rcs(world: &World, user: Person) -> Person {
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    user
}

async fn r1_a_trusted_proxy_names_the_user(world: Arc<World>) {
    let target = format!("/{LISTS}/users/{}/proxied", ROBIN.0);
    let put = world.anonymous("PUT", target.clone()).with(INTENDED, format!("\"{}\"", ROBIN.0));
    put.body(LISTS_TYPE, lists("<list name=\"rcs\"/>")).is_one_of(&[200, 201]).await;
    for (name, value) in [
        (INTENDED, format!("\"{}\"", ROBIN.0)),
        (INTENDED, ROBIN.0.to_owned()),
        (INTENDED, format!("\"{}\"", ROBIN.0.replace("example.org", "EXAMPLE.org"))),
    ] {
        let answer = world.anonymous("GET", target.clone()).with(name, value).is(200).await;
        assert_eq!(answer.text(), lists("<list name=\"rcs\"/>"));
    }
    // The proxy says who it is; what the user may is what every user may.
    world.anonymous("GET", target.clone()).with(INTENDED, format!("\"{}\"", SAM.0)).is(403).await;
    world
        .anonymous("GET", target.clone())
        .with(INTENDED, "\"sip:nobody@nowhere.example.org\"")
        .is_one_of(&[401, 403])
        .await;
    world.anonymous("GET", target.clone()).with(INTENDED, "\"\"").is_one_of(&[400, 401]).await;
    // Two identities are none, and a token is believed more than a proxy.
    let two = world.anonymous("GET", target.clone()).with(INTENDED, format!("\"{}\"", ROBIN.0));
    two.with(INTENDED, format!("\"{}\"", SAM.0)).is_one_of(&[400, 401]).await;
    world.call(SAM, "GET", target.clone()).with(INTENDED, format!("\"{}\"", ROBIN.0)).is(403).await;
    // As printed: Basic beside it, with whatever in it.
    let printed = world.anonymous("GET", target.clone()).with("Authorization", "Basic WDpY");
    printed.with(INTENDED, format!("\"{}\"", ROBIN.0)).is(200).await;
}

async fn r1_nobody_else_does(world: Arc<World>) {
    let target = format!("/{LISTS}/users/{}/index", KIM.0);
    for (name, value) in [
        (INTENDED, format!("\"{}\"", KIM.0)),
        ("X-3GPP-Asserted-Identity", format!("\"{}\"", KIM.0)),
        // "tel:+82571009970:hose-reel"
        ("Authorization", "Basic dGVsOis4MjU3MTAwOTk3MDpob3NlLXJlZWw=".to_owned()),
    ] {
        world.anonymous("GET", target.clone()).with(name, value.clone()).is(401).await;
        let put = world.anonymous("PUT", target.clone()).with(name, value).body(LISTS_TYPE, lists(""));
        put.is(401).await;
    }
}

async fn r1_one_user_however_spelled(world: Arc<World>) {
    let user = rcs(&world, SPELLED).await;
    let path = |user: &str| format!("/{LISTS}/users/{user}/index");
    let put = world.call(user, "PUT", path("sip%3A%2B339012341234%40Test-rcs.example.org"));
    put.body(LISTS_TYPE, lists("<list name=\"rcs\"/>")).is_one_of(&[200, 201]).await;
    let mut tags = Vec::new();
    for spelled in [
        "sip:+339012341234@Test-rcs.example.org",
        "sip%3a%2b339012341234%40test-rcs.example.org",
        "sip:+339012341234@TEST-RCS.EXAMPLE.ORG",
        "SIP:+339012341234@test-rcs.example.org",
        "s%69p:+339012341234@test-rcs%2eexample.org",
    ] {
        tags.push(tag(&world.call(user, "GET", path(spelled)).is(200).await));
    }
    tags.dedup();
    assert_eq!(tags.len(), 1);
    // The part in front of the host has its case.
    world.call(ROBIN, "GET", path(ROBIN.0)).is_one_of(&[200, 404]).await;
    world.call(ROBIN, "GET", path(&ROBIN.0.replace("Robin", "robin"))).is(403).await;
}

const RULES: &str = "<cr:ruleset xmlns:ocp=\"urn:oma:xml:xdm:common-policy\" xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\" \
    xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\"><cr:rule id=\"wp_prs_allow_own\"><cr:conditions><cr:identity>\
    <cr:one id=\"tel:+82571009970\"/></cr:identity></cr:conditions><cr:actions><pr:sub-handling>allow</pr:sub-handling>\
    </cr:actions></cr:rule><cr:rule id=\"wp_prs_unlisted\"><cr:conditions><ocp:other-identity/></cr:conditions>\
    <cr:actions><pr:sub-handling>confirm</pr:sub-handling></cr:actions></cr:rule></cr:ruleset>";

async fn r2_presence_rules(world: Arc<World>) {
    for (auid, name) in [("org.openmobilealliance.pres-rules", "pres-rules"), ("pres-rules", "index")] {
        let target = format!("/{auid}/users/{}/{name}", KIM.0);
        let put =
            |body: String| world.call(KIM, "PUT", target.clone()).body("application/auth-policy+xml", body);
        put(RULES.to_owned()).is_one_of(&[200, 201]).await;
        let answer = world.call(KIM, "GET", target.clone()).is(200).await;
        assert_eq!(answer.header("content-type").map(essence), Some("application/auth-policy+xml"));
        assert_eq!(answer.text(), RULES);
        let node = format!(
            "{target}/~~/cr:ruleset/cr:rule[@id=%22wp_prs_unlisted%22]/cr:actions/sub-handling\
             ?xmlns(cr=urn:ietf:params:xml:ns:common-policy)"
        );
        let answer = world.call(KIM, "GET", node.clone()).is(200).await;
        assert_eq!(answer.text(), "<pr:sub-handling>confirm</pr:sub-handling>");
        world
            .call(KIM, "PUT", node)
            .element("<pr:sub-handling>perhaps</pr:sub-handling>")
            .conflicts("schema-validation-error")
            .await;
        put(RULES.replace("<cr:rule id=\"wp_prs_unlisted\"", "<cr:rule"))
            .conflicts("schema-validation-error")
            .await;
        world.call(KIM, "PUT", target.clone()).body("application/xml", RULES).is(415).await;
        world.call(SAM, "GET", target).is(403).await;
    }
}

async fn r2_pictures(world: Arc<World>) {
    let target =
        format!("/org.openmobilealliance.pres-content/users/{}/oma_status-icon/rcs_status_icon", KIM.0);
    let mut picture = b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec();
    picture.extend((0..4096_u32).map(|n| (n % 251) as u8));
    let put = |octets: Vec<u8>| world.call(KIM, "PUT", target.clone()).body("image/jpeg", octets);
    let answer = put(picture.clone()).is_one_of(&[200, 201]).await;
    let got = world.call(KIM, "GET", target.clone()).is(200).await;
    assert_eq!(
        (&got.body, tag(&got), got.header("content-type").map(essence)),
        (&picture, tag(&answer), Some("image/jpeg"))
    );
    world.call(KIM, "GET", target.clone()).with("If-None-Match", tag(&got)).is(304).await;
    picture.resize((1 << 20) + 1, 0);
    put(picture).is(413).await;
    world.call(KIM, "PUT", target.clone()).body("text/html", "<html/>").is(415).await;
    assert_eq!(tag(&world.call(KIM, "GET", target.clone()).is(200).await), tag(&got));
    world.call(SAM, "PUT", target.clone()).body("image/jpeg", "x").is(403).await;
    world.call(KIM, "DELETE", target).is(200).await;
}

async fn r2_another_uri_than_the_selector(world: Arc<World>) {
    // As printed: the host in the body is not that in the selector.
    let user = rcs(&world, SELECTED).await;
    let target = format!("/{LISTS}/users/sip%3A%2B339012345678%40Test-rcs.example.org/index");
    let body = lists("<list name=\"rcs\"><display-name>My presence buddies</display-name></list>");
    world.call(user, "PUT", target.clone()).body(LISTS_TYPE, body.clone()).is_one_of(&[200, 201]).await;
    let node = format!(
        "{target}/~~/resource-lists/list%5B@name=%22rcs%22%5D/entry%5B@uri=%22sip%3A%2B330123456789%40Test-rcs.example.org\
         %3Buser%3Dphone%22%5D"
    );
    let put = |host: &str| {
        let entry = format!("<entry uri='sip:+330123456789@{host};user=phone'></entry>");
        world.call(user, "PUT", node.clone()).element(entry)
    };
    put("another-rcs.example.org").conflicts("cannot-insert").await;
    assert_eq!(world.call(user, "GET", target).is(200).await.text(), body);
    put("Test-rcs.example.org").is(201).await;
    world.call(user, "GET", node.clone()).is(200).await;
    put("another-rcs.example.org").conflicts("cannot-insert").await;
    world.call(user, "DELETE", node).is(200).await;
}

async fn r2_lasting_presence_and_services(world: Arc<World>) {
    let presence = format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:op=\"urn:oma:xml:prs:pidf:oma-pres\" \
         xmlns:pdm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"{}\"><pdm:person id=\"p1\">\
         <op:overriding-willingness><op:basic>open</op:basic></op:overriding-willingness></pdm:person></presence>",
        KIM.0
    );
    let services = format!(
        "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\"><service uri=\"{};pres-list=rcs\">\
         <resource-list>http://192.0.2.1/resource-lists/users/{}/index/~~/resource-lists/list%5B@name=%22rcs%22%5D\
         </resource-list><packages><package>presence</package></packages></service></rls-services>",
        "sip:kim@mcptt.example.org", KIM.0
    );
    for (target, media_type, body) in [
        (format!("/pidf-manipulation/users/{}/perm-presence", KIM.0), "application/pidf+xml", presence),
        (format!("/rls-services/users/{}/index", KIM.0), "application/rls-services+xml", services),
    ] {
        world.call(KIM, "PUT", target.clone()).body(media_type, body.clone()).is_one_of(&[200, 201]).await;
        let answer = world.call(KIM, "GET", target.clone()).is(200).await;
        assert_eq!(
            (answer.text(), answer.header("content-type").map(essence)),
            (body.as_str(), Some(media_type))
        );
        let listed = world.directory(KIM).await;
        assert!(listed.iter().any(|(_, path, _)| target.ends_with(path.as_str())), "{listed:?}");
        world.call(SAM, "GET", target).is(403).await;
    }
}
