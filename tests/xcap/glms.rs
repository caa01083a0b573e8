//! L1 to L4: the GLMS dialect. What of it is ours (documents behind its 4.4.1) is labelled so in gms/src/glms.

use std::sync::Arc;

use csc_tests::raw::Answer;
use csc_xml::{Limits, Writer};

use crate::call::{Call, essence, shown, tag};
use crate::check::checks;
use crate::documents::{GROUP_TYPE, GROUPS, group, view};
use crate::people::{ALEX, DANA, KIM, PORT, Person, SAM};
use crate::world::World;

checks! {
    "L1" Plain l1_it_is_off_by_default;
    "L1" Open l1_names_in_any_case;
    "L1" Open l1_status_codes;
    "L2" Open l2_the_version_is_required;
    "L2" Open l2_identity_from_a_trusted_peer;
    "L2" Plain l2_identity_from_nobody_else;
    "L3" Open l3_a_cnonce_is_mandatory_and_echoed;
    "L3" Open l3_keys_of_members_alone;
    "L4" Open l4_search;
    "L4" Open l4_what_a_search_may_not;
    "L4" Open l4_the_groups_of_a_user;
}

const ROOT: &str = "/glms-services";
const DIALECT: &str = "/glms-services/ORG.OPENMOBILEALLIANCE.GROUPS";
const SEARCH_TYPE: &str = "application/vnd.oma.search+xml";
const CNONCE: &str = "102E3A4D516B7085910A1E2C3D40526A";

impl World {
    /// A request of the dialect by a client that a gateway names.
    fn glms<'w>(&'w self, who: Person, method: &'static str, target: impl Into<String>) -> Call<'w> {
        self.anonymous(method, target).with("ClientID", who.0).with("GLMSClientVersion", "11.01")
    }
}

async fn l1_it_is_off_by_default(world: Arc<World>) {
    for auid in ["ORG.OPENMOBILEALLIANCE.GROUPS", "MULTICAST-INFO", "GROUP-ASSOCIATION"] {
        let target = format!("{ROOT}/{auid}/users/{}/index", SAM.0);
        world.call(SAM, "GET", target).with("GLMSClientVersion", "11.01").is(404).await;
    }
}

async fn l1_names_in_any_case(world: Arc<World>) {
    let (id, stored) = world.group(&[SAM.0]).await;
    let (content, current) = stored.state().await;
    for auid in
        ["ORG.OPENMOBILEALLIANCE.GROUPS", "org.openmobilealliance.groups", "Org.OpenMobileAlliance.Groups"]
    {
        let target = format!("{ROOT}/{auid}/users/{}/{id}", SAM.0);
        let answer = world.glms(SAM, "GET", target.clone()).is(200).await;
        assert_eq!((answer.text(), tag(&answer)), (content.as_str(), current.clone()));
        let node =
            world.glms(SAM, "GET", format!("{target}/~~/group/list-service/display-name")).is(200).await;
        assert_eq!(node.text(), "<display-name>Pump 3</display-name>");
    }
    for auid in ["GROUP-ASSOCIATION", "group-association", "Group-Association"] {
        world.glms(SAM, "GET", format!("{ROOT}/{auid}/users/{}/index", SAM.0)).is(200).await;
    }
    for auid in ["MULTICAST-INFO", "multicast-info"] {
        let get =
            world.glms(SAM, "GET", format!("{ROOT}/{auid}/users/{}/{id}", SAM.0)).with("Q-CNONCE", CNONCE);
        get.is_one_of(&[200, 404]).await;
    }
    world.glms(SAM, "GET", format!("{ROOT}/SOMETHING-ELSE/users/{}/index", SAM.0)).is(404).await;
    // Only below its root; elsewhere AUIDs have one spelling.
    world.call(SAM, "GET", format!("/{}/users/{}/{id}", GROUPS.to_uppercase(), SAM.0)).is(404).await;
}

async fn l1_status_codes(world: Arc<World>) {
    let id = world.free_group();
    let own = format!("{DIALECT}/users/{}/{id}", DANA.0);
    let put = || world.glms(DANA, "PUT", own.clone()).body(GROUP_TYPE, group(&id, &[SAM.0]));
    // 202: accepted, and members do not all see it yet.
    let answer = put().is_one_of(&[201, 202]).await;
    assert_eq!(answer.header("content-length").unwrap_or("0"), "0");
    put().is_one_of(&[200, 202]).await;
    let got = world.glms(DANA, "GET", own.clone()).is(200).await;
    world.glms(DANA, "GET", own.clone()).with("If-None-Match", tag(&got)).is(304).await;
    world.glms(DANA, "GET", format!("{ROOT}/MULTICAST-INFO/users/%00/x")).is(400).await;
    let refused = world.glms(KIM, "GET", own.clone()).is(403).await;
    let phrase = refused.head.lines().next().expect("a status line").split_once("403").expect("a code").1;
    assert!(phrase.trim().len() > "Forbidden".len(), "a reason in the phrase: {phrase}");
    world.glms(DANA, "GET", format!("{DIALECT}/users/{}/{}", DANA.0, world.free_group())).is(404).await;
    let member = format!("{DIALECT}/users/{}/{id}", SAM.0);
    world.glms(SAM, "PUT", member).body(GROUP_TYPE, group(&id, &[SAM.0])).is(405).await;
    let conflict =
        world.glms(DANA, "PUT", own.clone()).body(GROUP_TYPE, group("tel:+821", &[])).is(409).await;
    assert_eq!(conflict.header("content-type").map(essence), Some("application/xcap-error+xml"));
    put().with("If-Match", "\"x\"").is(412).await;
    world.glms(DANA, "PUT", own.clone()).body("text/plain", "x").is(415).await;
    world.glms(DANA, "DELETE", own).is_one_of(&[200, 202]).await;
}

async fn l2_the_version_is_required(world: Arc<World>) {
    let (id, _) = world.group(&[SAM.0]).await;
    let target = format!("{DIALECT}/users/{}/{id}", SAM.0);
    let get = |version: Option<&str>| {
        let call = world.anonymous("GET", target.clone()).with("ClientID", SAM.0);
        version.map_or_else(|| call.clone(), |version| call.clone().with("GLMSClientVersion", version))
    };
    get(Some("11.01")).is(200).await;
    for wrong in [None, Some(""), Some("11"), Some("12.00"), Some("11.01x")] {
        get(wrong).is(400).await;
    }
}

async fn l2_identity_from_a_trusted_peer(world: Arc<World>) {
    let (id, _) = world.group(&[SAM.0]).await;
    let target = |who: Person| format!("{DIALECT}/users/{}/{id}", who.0);
    for name in [SAM.0, "tel:%2B82571009992"] {
        let get =
            world.anonymous("GET", target(SAM)).with("ClientID", name).with("GLMSClientVersion", "11.01");
        get.is_one_of(&[200, 400]).await;
    }
    world.glms(SAM, "GET", target(SAM)).is(200).await;
    world.glms(ALEX, "GET", target(SAM)).is(403).await;
    world.glms(ALEX, "GET", target(ALEX)).is(403).await;
    // A token says who it is, whatever a gateway says.
    let get = world.call(ALEX, "GET", target(SAM)).with("ClientID", SAM.0).with("GLMSClientVersion", "11.01");
    get.is(403).await;
    world.call(SAM, "GET", target(SAM)).with("GLMSClientVersion", "11.01").is(200).await;
    for nobody in ["", "nobody", "tel:+82571099998"] {
        let get =
            world.anonymous("GET", target(SAM)).with("ClientID", nobody).with("GLMSClientVersion", "11.01");
        get.is_one_of(&[400, 403]).await;
    }
    world.anonymous("GET", target(SAM)).with("GLMSClientVersion", "11.01").is_one_of(&[400, 403]).await;
}

async fn l2_identity_from_nobody_else(world: Arc<World>) {
    let (id, _) = world.group(&[SAM.0]).await;
    for target in [view(SAM.0, &id), format!("{DIALECT}/users/{}/{id}", SAM.0)] {
        let get = world.anonymous("GET", target).with("ClientID", SAM.0).with("GLMSClientVersion", "11.01");
        get.is_one_of(&[401, 404]).await;
    }
}

/// A node of a document by its path of local names.
fn text_of(answer: &Answer, name: &str) -> Option<String> {
    let parsed =
        csc_xml::parse(&answer.body, &Limits::DEFAULT).unwrap_or_else(|_| panic!("{}", shown(answer)));
    let found = parsed.descendants().find(|node| node.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default().trim().to_owned())
}

/// A multicast group of these members.
async fn multicast(world: &World, members: &[&str]) -> String {
    let (id, _) = world.group(members).await;
    let mut document = Writer::document();
    document.open("multicast-info").attribute("xmlns", "urn:x-csc:glms:1.0").attribute("uri", &id);
    document.open("address").text("239.192.0.1").close().open("port").text("5004").close();
    let target = format!("{ROOT}/MULTICAST-INFO/users/{}/{id}", DANA.0);
    let put = world.glms(DANA, "PUT", target).body("application/multicast-info+xml", document.finish());
    put.is_one_of(&[200, 201, 202]).await;
    id
}

async fn l3_a_cnonce_is_mandatory_and_echoed(world: Arc<World>) {
    let id = multicast(&world, &[SAM.0, DANA.0]).await;
    let get = || world.glms(SAM, "GET", format!("{ROOT}/MULTICAST-INFO/users/{}/{id}", SAM.0));
    let answer = get().with("Q-CNONCE", CNONCE).is(200).await;
    assert_eq!(answer.header("q-cnonce"), Some(CNONCE));
    let hex = |text: &str| text.bytes().all(|octet| octet.is_ascii_hexdigit());
    let key = text_of(&answer, "gsk-new").expect("a key");
    assert!(key.len() == 64 && hex(&key), "256 bits: {key}");
    let time = text_of(&answer, "gsk-time").expect("a time");
    assert!(time.len() == 8 && hex(&time), "32 bits: {time}");
    // Another cnonce, another encryption of the same key; the time is in clear.
    let other = get().with("Q-CNONCE", CNONCE.replace('1', "2")).is(200).await;
    assert_ne!(text_of(&other, "gsk-new"), Some(key.clone()));
    assert_eq!(text_of(&other, "gsk-time"), Some(time));
    assert_eq!(text_of(&get().with("Q-CNONCE", CNONCE).is(200).await, "gsk-new"), Some(key));
    get().with("Q-CNONCE", CNONCE.to_lowercase()).is(200).await;
    for bad in [
        None,
        Some(""),
        Some("102E"),
        Some("102E3A4D516B7085910A1E2C3D40526G"),
        Some("102E3A4D516B7085910A1E2C3D40526A00"),
    ] {
        bad.map_or_else(get, |bad| get().with("Q-CNONCE", bad)).is(400).await;
    }
}

async fn l3_keys_of_members_alone(world: Arc<World>) {
    let id = multicast(&world, &[SAM.0]).await;
    let get = |who: Person| {
        let target = format!("{ROOT}/MULTICAST-INFO/users/{}/{id}", who.0);
        world.glms(who, "GET", target).with("Q-CNONCE", CNONCE)
    };
    get(SAM).is(200).await;
    for who in [ALEX, KIM, PORT] {
        let answer = get(who).is_one_of(&[403, 404]).await;
        assert!(!answer.head.contains("gsk") && answer.body.is_empty());
    }
    let others = format!("{ROOT}/MULTICAST-INFO/users/{}/{id}", SAM.0);
    world.glms(ALEX, "GET", others).with("Q-CNONCE", CNONCE).is(403).await;
}

/// A search.
fn search(filter: &str, most: usize) -> String {
    let query = format!(
        "xquery version \"1.0\"; declare default element namespace \"urn:oma:xml:poc:list-service\"; \
         for $g in collection(\"org.openmobilealliance.groups/users/\")/group/list-service \
         where {filter} return <list-service>{{$g/@uri}}{{$g/display-name}}</list-service>"
    );
    let mut document = Writer::document();
    document.open("search-set").attribute("xmlns", "urn:oma:xml:xdm:search");
    document.open("search").attribute("id", "s1").attribute("max-results", &most.to_string());
    document.open("request").open("query").text(&query);
    document.finish()
}

async fn found(world: &World, who: Person, filter: &str, most: usize) -> Vec<String> {
    let answer = world.glms(who, "POST", DIALECT).body(SEARCH_TYPE, search(filter, most)).is(200).await;
    assert_eq!(answer.header("content-type").map(essence), Some(SEARCH_TYPE));
    let parsed = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a search-set");
    let services = parsed.descendants().filter(|node| node.tag_name().name() == "list-service");
    services.map(|node| node.attribute("uri").expect("a uri").to_owned()).collect()
}

async fn l4_search(world: Arc<World>) {
    let mut ids = Vec::new();
    for (number, members) in [&[SAM.0, ALEX.0][..], &[ALEX.0], &[KIM.0]].iter().enumerate() {
        let (id, stored) = world.group(members).await;
        let name = format!("Search {number}");
        stored.replace(&group(&id, members).replace("Pump 3", &name)).await;
        for member in *members {
            let who = [SAM, ALEX, KIM].into_iter().find(|who| who.0 == *member).expect("one of them");
            world.listed(who, &view(member, &id), true).await;
        }
        ids.push(id);
    }
    let name = |number: usize| format!("$g/display-name = \"Search {number}\"");
    for (number, id) in ids.iter().enumerate() {
        assert!(found(&world, DANA, &name(number), 50).await.contains(id), "by name, {number}");
    }
    let member = |who: Person| format!("$g/list/entry/@uri = \"{}\"", who.0);
    let of_alex = found(&world, DANA, &member(ALEX), 100).await;
    assert!(
        of_alex.contains(&ids[0]) && of_alex.contains(&ids[1]) && !of_alex.contains(&ids[2]),
        "{of_alex:?}"
    );
    let both = format!("{} and {}", member(ALEX), name(1));
    assert_eq!(found(&world, DANA, &both, 50).await, [ids[1].clone()]);
    // Each hit is one that the searcher may read.
    let of_sam = found(&world, SAM, "contains($g/display-name, \"Search \")", 100).await;
    assert!(of_sam.contains(&ids[0]) && !of_sam.contains(&ids[1]) && !of_sam.contains(&ids[2]), "{of_sam:?}");
    let of_port = found(&world, PORT, &member(ALEX), 100).await;
    assert!(ids.iter().all(|id| !of_port.contains(id)), "{of_port:?}");
    // And no more of them than are wanted.
    assert_eq!(found(&world, DANA, "contains($g/display-name, \"Search \")", 1).await.len(), 1);
}

async fn l4_what_a_search_may_not(world: Arc<World>) {
    let post = |body: String| world.glms(DANA, "POST", DIALECT).body(SEARCH_TYPE, body);
    for filter in [
        "doc(\"file:///etc/passwd\")",
        "$g/list/entry/@uri = doc(\"http://127.0.0.1/\")",
        "matches($g/display-name, \"(a+)+$\")",
        "true()",
        "$g/display-name = \"a\" or $g/display-name = \"b\"",
        "$g/display-name = \"a",
        "count(//*) > 1",
    ] {
        let answer = post(search(filter, 10)).send().await;
        assert!(matches!(answer.status, 400 | 409), "{filter}: {}", shown(&answer));
    }
    for body in ["", "<search-set", "<other/>", "<!DOCTYPE a><search-set xmlns=\"urn:oma:xml:xdm:search\"/>"]
    {
        let answer = post(body.to_owned()).send().await;
        assert!(matches!(answer.status, 400 | 409), "{body}: {}", shown(&answer));
    }
    let good = search("$g/display-name = \"a\"", 10);
    world.glms(DANA, "POST", DIALECT).body("text/xml", good.clone()).is(415).await;
    world
        .anonymous("POST", DIALECT)
        .with("GLMSClientVersion", "11.01")
        .body(SEARCH_TYPE, good)
        .is_one_of(&[400, 403])
        .await;
}

async fn l4_the_groups_of_a_user(world: Arc<World>) {
    let (id, _) = world.group(&[ALEX.0]).await;
    world.listed(ALEX, &view(ALEX.0, &id), true).await;
    let target = |who: Person| format!("{ROOT}/GROUP-ASSOCIATION/users/{}/index", who.0);
    let answer = world.glms(ALEX, "GET", target(ALEX)).is(200).await;
    assert_eq!(answer.header("content-type").map(essence), Some("application/group-association+xml"));
    assert!(answer.text().contains(&format!("uri=\"{id}\"")), "{}", answer.text());
    world.glms(ALEX, "GET", target(ALEX)).with("If-None-Match", tag(&answer)).is_one_of(&[200, 304]).await;
    let none = world.glms(KIM, "GET", target(KIM)).is(200).await;
    assert!(!none.text().contains(&id), "{}", none.text());
    world.glms(KIM, "GET", target(ALEX)).is(403).await;
    world.glms(ALEX, "PUT", target(ALEX)).body("application/group-association+xml", "<x/>").is(405).await;
}
