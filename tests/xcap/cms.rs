//! C1 to C6: documents of users, terminals and organisations.

use std::sync::Arc;

use csc::ue::Change;
use csc_tests::sip::{Ask, Watchers};

use crate::call::{essence, tag};
use crate::check::checks;
use crate::documents::{
    PROFILE_TYPE, PROFILES, SERVICE_CONFIG, SERVICE_CONFIG_TYPE, UE_CONFIG, UE_CONFIG_TYPE, profile,
};
use crate::people::{self, ADMIN, ALEX, CHIEF, DANA, KIM, KIMS_UE, NEW, PLATFORM, PORT, Person, ROBIN, SAM};
use crate::world::World;

checks! {
    "C1" Everywhere c1_required_attributes;
    "C1" Everywhere c1_several_profiles_one_default;
    "C1" Everywhere c1_names_of_the_default;
    "C1" Everywhere c1_media_types;
    "C1" Everywhere c1_absent_rights_stay_absent;
    "C2" Everywhere c2_an_administrator_for_somebody_else;
    "C2" Everywhere c2_users_may_not;
    "C4" Everywhere c4_what_a_service_configuration_holds;
    "C4" Everywhere c4_subscribers_hear_by_their_selector;
    "C5" Everywhere c5_what_a_ue_configuration_holds;
    "C5" Everywhere c5_whose_terminal_it_is;
    "C6" Everywhere c6_later_and_absent_until_then;
}

fn path(user: &str, name: &str) -> String {
    format!("/{PROFILES}/users/{user}/{name}")
}

async fn c1_required_attributes(world: Arc<World>) {
    let target = path(NEW.0, "mcptt-user-profile-1.xml");
    let put = |document: String| world.call(ADMIN, "PUT", target.clone()).body(PROFILE_TYPE, document);
    let good = profile(NEW.0, 1, "");
    world.absent(ADMIN, &target).await;
    for missing in [
        good.replace(&format!(" XUI-URI=\"{}\"", NEW.0), ""),
        good.replace(" user-profile-index=\"1\"", ""),
        good.replace("user-profile-index=\"1\"", "user-profile-index=\"256\""),
        good.replace("user-profile-index=\"1\"", "user-profile-index=\"one\""),
        good.replace("<Name>", "<Named>").replace("</Name>", "</Named>"),
    ] {
        put(missing).conflicts("schema-validation-error").await;
    }
    put(good.replace("user-profile-index=\"1\"", "user-profile-index=\"2\""))
        .conflicts("constraint-failure")
        .await;
    put(good.replace(NEW.0, "nobody")).conflicts("constraint-failure").await;
    world.call(ADMIN, "GET", target.clone()).is(404).await;
    put(good.clone()).is(201).await;
    for attribute in ["XUI-URI", "user-profile-index"] {
        let node = format!("{target}/~~/mcptt-user-profile/@{attribute}");
        world.call(ADMIN, "DELETE", node).conflicts("schema-validation-error").await;
    }
    put(good.replace("<Name>Duty</Name>", "<ProfileName xml:lang=\"en\">Night</ProfileName>")).is(200).await;
    world.call(ADMIN, "DELETE", target).is(200).await;
}

async fn c1_several_profiles_one_default(world: Arc<World>) {
    let user: Person = ("tel:+82571009974", "night-shift");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    for number in [0, 1, 7] {
        let target = path(user.0, &format!("mcptt-user-profile-{number}.xml"));
        let name = format!("<ProfileName>{number}</ProfileName>");
        world.absent(ADMIN, &target).await;
        world.call(ADMIN, "PUT", target).body(PROFILE_TYPE, profile(user.0, number, &name)).is(201).await;
    }
    for number in [0, 1, 7] {
        let target = path(user.0, &format!("user-profile-{number}.xml"));
        let answer = world.call(user, "GET", target).is(200).await;
        assert!(answer.text().contains(&format!("<ProfileName>{number}<")), "{}", answer.text());
        assert_eq!(answer.header("content-type").map(essence), Some(PROFILE_TYPE));
    }
    let listed = world.directory(user).await;
    assert_eq!(listed.iter().filter(|(auid, _, _)| auid == PROFILES).count(), 3, "{listed:?}");
    let answer = world.call(user, "GET", path(user.0, "user-profile")).is(200).await;
    assert!(answer.text().contains("<ProfileName>0<"), "{}", answer.text());
    // Another profile is its own document.
    world.call(ADMIN, "DELETE", path(user.0, "mcptt-user-profile-0.xml")).is(200).await;
    world.call(user, "GET", path(user.0, "user-profile")).is(404).await;
    world.call(user, "GET", path(user.0, "mcptt-user-profile-7.xml")).is(200).await;
    for name in [
        "mcptt-user-profile-2.xml",
        "mcptt-user-profile-256.xml",
        "mcptt-user-profile-01.xml",
        "other",
        "index",
    ] {
        world.call(user, "GET", path(user.0, name)).is(404).await;
    }
}

async fn c1_names_of_the_default(world: Arc<World>) {
    let names = ["mcptt-user-profile-0.xml", "mcptt-user-profile.xml", "user-profile-0.xml", "user-profile"];
    let user: Person = ("tel:+82571009975", "four-names");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    world.absent(ADMIN, &path(user.0, names[0])).await;
    let mut tags = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let put = world.call(ADMIN, "PUT", path(user.0, name)).body(PROFILE_TYPE, profile(user.0, 0, ""));
        let answer = put.is(if number == 0 { 201 } else { 200 }).await;
        tags.push(tag(&answer));
        for name in names {
            let found = world.call(user, "GET", path(user.0, name)).is(200).await;
            assert_eq!(tag(&found), *tags.last().expect("one"), "{name}");
        }
    }
    let listed = world.directory(user).await;
    assert_eq!(listed.iter().filter(|(auid, _, _)| auid == PROFILES).count(), 1, "{listed:?}");
}

async fn c1_media_types(world: Arc<World>) {
    let target = path(ROBIN.0, "mcptt-user-profile-3.xml");
    for media_type in [PROFILE_TYPE, "application/org.3gpp.mcptt.user-profile+xml; charset=\"utf-8\""] {
        let put = world.call(ADMIN, "PUT", target.clone());
        put.body(media_type, profile(ROBIN.0, 3, "")).is_one_of(&[200, 201]).await;
        let answer = world.call(ROBIN, "GET", target.clone()).is(200).await;
        assert_eq!(answer.header("content-type").map(essence), Some(PROFILE_TYPE));
    }
    world.call(ADMIN, "DELETE", target).is(200).await;
}

async fn c1_absent_rights_stay_absent(world: Arc<World>) {
    let rules = "<cp:ruleset xmlns:cp=\"urn:ietf:params:xml:ns:common-policy\"><cp:rule id=\"r\"><cp:actions>\
                 <allow-private-call>true</allow-private-call></cp:actions></cp:rule></cp:ruleset>";
    let target = path(ROBIN.0, "mcptt-user-profile-4.xml");
    let stored = world.store(ADMIN, target, PROFILE_TYPE, &profile(ROBIN.0, 4, rules)).await;
    stored.holds(&profile(ROBIN.0, 4, rules)).await;
    let action = |name: &str| {
        format!(
            "mcptt-user-profile/cp:ruleset/cp:rule[@id='r']/cp:actions/{name}?xmlns(cp=urn:ietf:params:xml:ns:common-policy)"
        )
    };
    assert!(stored.get(&action("allow-private-call")).await.is_some());
    assert_eq!(stored.get(&action("allow-emergency-group-call")).await, None);
    let perhaps = stored
        .node("PUT", &action("allow-private-call"))
        .element("<allow-private-call>perhaps</allow-private-call>");
    perhaps.conflicts("schema-validation-error").await;
    stored.itself("DELETE").is(200).await;
}

async fn c2_an_administrator_for_somebody_else(world: Arc<World>) {
    // As the flow of TS 24.484 A.2.1 has it: below the root of an organisation, the tree of one user, XUI-URI of another.
    let name = format!("{PROFILES}/users/{}/user-profile-5.xml", ROBIN.0);
    let target = format!("/MissionCriticalOrg/MCO-12345/{name}");
    let body = profile(KIM.0, 5, "<ProfileName xml:lang=\"en-GB\">Default duty shift</ProfileName>");
    let media_type = "application/org.3gpp.mcptt.user-profile+xml; charset=\"utf-8\"";
    let put = |who| world.call(who, "PUT", target.clone()).body(media_type, body.clone());
    world.absent(ADMIN, &target).await;
    put(KIM).is(403).await;
    put(ROBIN).is(405).await;
    put(PORT).is(404).await;
    let answer = put(ADMIN).is(201).await;
    // What was confirmed is there, for everybody who may see it, under its tag.
    for (who, target) in [(ROBIN, target.clone()), (ADMIN, format!("/{name}")), (ROBIN, format!("/{name}"))] {
        let found = world.call(who, "GET", target).is(200).await;
        assert_eq!((found.text(), tag(&found)), (body.as_str(), tag(&answer)));
    }
    let listed = world.directory(ROBIN).await;
    assert!(listed.iter().any(|(_, path, _)| path.ends_with("user-profile-5.xml")), "{listed:?}");
    world.call(KIM, "GET", target.clone()).is(403).await;
    world.call(ADMIN, "DELETE", target).is(200).await;
}

async fn c2_users_may_not(world: Arc<World>) {
    let target = path(ALEX.0, "user-profile");
    let body = world.call(ALEX, "GET", target.clone()).is(200).await.body;
    let put = |who| world.call(who, "PUT", target.clone()).body(PROFILE_TYPE, body.clone());
    put(ALEX).allows_only(&["GET", "HEAD"]).await;
    world.call(ALEX, "DELETE", target.clone()).allows_only(&["GET", "HEAD"]).await;
    for who in [SAM, DANA, CHIEF, PORT] {
        put(who).is(403).await;
        world.call(who, "GET", target.clone()).is(403).await;
        world.call(who, "GET", path("tel:+82571099999", "user-profile")).is(403).await;
    }
    put(PLATFORM).is(200).await;
    // Somebody whom nobody knows has no tree in which one could put something.
    let nobody = path("tel:+82571099999", "mcptt-user-profile-0.xml");
    let put = world.call(PLATFORM, "PUT", nobody).body(PROFILE_TYPE, profile("tel:+82571099999", 0, ""));
    put.is(404).await;
}

/// The service configuration of the fire brigade, with `old` replaced.
async fn service_config(world: &World) -> (String, String) {
    let target = format!("/{SERVICE_CONFIG}/global/city-fire/service-config.xml");
    let answer = world.call(ADMIN, "GET", target.clone()).is(200).await;
    (target, answer.text().to_owned())
}

async fn c4_what_a_service_configuration_holds(world: Arc<World>) {
    let (target, good) = service_config(&world).await;
    let put = |document: String| world.call(ADMIN, "PUT", target.clone()).body(SERVICE_CONFIG_TYPE, document);
    let without = |element: &str| {
        let start = good.find(&format!("<{element}>")).unwrap_or_else(|| panic!("{element} in {good}"));
        let end = good.find(&format!("</{element}>")).expect("an end") + element.len() + 3;
        [&good[..start], &good[end..]].concat()
    };
    for required in [
        "fc-timers-counters",
        "emergency-resource-priority",
        "imminent-peril-resource-priority",
        "normal-resource-priority",
        "T1-end-of-rtp-media",
        "C56-disconnect",
    ] {
        put(without(required)).conflicts("schema-validation-error").await;
    }
    for optional in ["signalling-protection", "private-call", "emergency-call", "common"] {
        let document = without(optional);
        put(document.clone()).is(200).await;
        // What is absent has its default; nobody writes it into the document.
        assert_eq!(world.call(ALEX, "GET", target.clone()).is(200).await.text(), document);
    }
    put(good.clone()).is(200).await;
    for (old, new) in [
        ("<num-levels-priority-hierarchy>8<", "<num-levels-priority-hierarchy>3<"),
        ("<num-levels-priority-hierarchy>8<", "<num-levels-priority-hierarchy>257<"),
        ("<confidentiality-protection>true<", "<confidentiality-protection>maybe<"),
        ("<hang-time>PT10S<", "<hang-time>10<"),
        (" domain=\"mcptt.example.org\"", ""),
        ("urn:3gpp:ns:mcpttServiceConfig:1.0", "urn:3gpp:ns:mcpttServiceConfig:2.0"),
    ] {
        assert!(good.contains(old), "{old} in {good}");
        put(good.replace(old, new)).conflicts("schema-validation-error").await;
    }
    for who in [ALEX, DANA] {
        let put = world.call(who, "PUT", target.clone()).body(SERVICE_CONFIG_TYPE, good.clone());
        put.allows_only(&["GET", "HEAD"]).await;
    }
    world.call(PORT, "GET", target).is(403).await;
}

async fn c4_subscribers_hear_by_their_selector(world: Arc<World>) {
    // An organisation of their own: nobody else changes what they watch.
    const ORGANISATION: &str = "signal-fire";
    let (first, second): (Person, Person) = (("tel:+82571006660", "smoke"), ("tel:+82571006661", "mirror"));
    people::organisation(world.client(), ORGANISATION).await;
    for who in [first, second] {
        people::put(world.client(), who, ORGANISATION, &[], Vec::new()).await;
    }
    let global = format!("{SERVICE_CONFIG}/global/{ORGANISATION}/service-config.xml");
    let (_, document) = service_config(&world).await;
    let put = world.call(PLATFORM, "PUT", format!("/{global}")).body(SERVICE_CONFIG_TYPE, document);
    let old = tag(&put.is_one_of(&[200, 201]).await);
    let view = |who: Person| format!("{SERVICE_CONFIG}/users/{}/service-config", who.0);
    let mut watchers = Watchers::at(world.client().proxies()).await;
    let wanted = [(first, view(first)), (second, view(second)), (second, global.clone())];
    for (who, selector) in &wanted {
        watchers.add(&Ask::list(who.0, &[selector]));
    }
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let new = tag(&put.is(200).await);
    let bare = |tag: &str| Some(tag.trim_matches('"').to_owned());
    watchers
        .until("the change, by the name that each asked for", |number, watcher| {
            let change = Change { sel: wanted[number].1.clone(), previous: bare(&old), new: bare(&new) };
            watcher.told.iter().flatten().any(|told| *told == change)
        })
        .await;
    for (number, (_, selector)) in wanted.iter().enumerate() {
        assert!(watchers.get(number).told.iter().flatten().all(|change| change.sel == *selector));
    }
}

/// A UE configuration.
pub(crate) fn ue_config(common: &str, on_network: &str) -> String {
    format!(
        "<mcptt-UE-configuration xmlns=\"urn:3gpp:mcptt:mcpttUEConfig:1.0\" domain=\"mcptt.example.org\">\
         <name>Handheld</name><common>{common}</common><on-network>{on_network}</on-network></mcptt-UE-configuration>"
    )
}

const PRIVATE: &str = "<private-call><Max-Simul-Call-N10>1</Max-Simul-Call-N10></private-call>";
const GROUP_CALL: &str = "<MCPTT-Group-Call><Max-Simul-Call-N4>2</Max-Simul-Call-N4><Max-Simul-Trans-N5>1</Max-Simul-Trans-N5>\
    <Prioritized-MCPTT-Group><MCPTT-Group-Priority><MCPTT-Group-ID>tel:+82570000701</MCPTT-Group-ID>\
    <group-priority-hierarchy>1</group-priority-hierarchy></MCPTT-Group-Priority></Prioritized-MCPTT-Group></MCPTT-Group-Call>";
const ON_NETWORK: &str = "<IPv6Preferred>false</IPv6Preferred><Relay-Service>false</Relay-Service>";

async fn c5_what_a_ue_configuration_holds(world: Arc<World>) {
    let target = format!("/{UE_CONFIG}/users/{}/ue-config", ROBIN.0);
    let put = |document: String| world.call(ADMIN, "PUT", target.clone()).body(UE_CONFIG_TYPE, document);
    let common = [PRIVATE, GROUP_CALL].concat();
    world.absent(ADMIN, &target).await;
    for bad in [
        ue_config(PRIVATE, ON_NETWORK),
        ue_config(GROUP_CALL, ON_NETWORK),
        ue_config(&[GROUP_CALL, PRIVATE].concat(), ON_NETWORK),
        ue_config(&common, ""),
        ue_config(&common, "<IPv6Preferred>false</IPv6Preferred>"),
        ue_config(&common, "<IPv6Preferred>perhaps</IPv6Preferred><Relay-Service>false</Relay-Service>"),
        ue_config(&common.replace(">1</Max-Simul-Call-N10>", ">0</Max-Simul-Call-N10>"), ON_NETWORK),
        ue_config(&common, ON_NETWORK).replace(" domain=\"mcptt.example.org\"", ""),
    ] {
        put(bad).conflicts("schema-validation-error").await;
    }
    world.call(ADMIN, "GET", target.clone()).is(404).await;
    let good = ue_config(&common, ON_NETWORK);
    put(good.clone()).is(201).await;
    let answer = world.call(ROBIN, "GET", target.clone()).is(200).await;
    assert_eq!(
        (answer.text(), answer.header("content-type").map(essence)),
        (good.as_str(), Some(UE_CONFIG_TYPE))
    );
    world.call(ROBIN, "PUT", target).body(UE_CONFIG_TYPE, good).allows_only(&["GET", "HEAD"]).await;
}

async fn c5_whose_terminal_it_is(world: Arc<World>) {
    let target = format!("/{UE_CONFIG}/users/{KIMS_UE}/{KIMS_UE}");
    let good = ue_config(&[PRIVATE, GROUP_CALL].concat(), ON_NETWORK);
    world.call(ADMIN, "PUT", target.clone()).body(UE_CONFIG_TYPE, good.clone()).is_one_of(&[200, 201]).await;
    let answer = world.call(KIM, "GET", target.clone()).is(200).await;
    assert_eq!(answer.text(), good);
    world
        .call(KIM, "PUT", target.clone())
        .body(UE_CONFIG_TYPE, good.clone())
        .allows_only(&["GET", "HEAD"])
        .await;
    for who in [SAM, PORT] {
        world
            .call(who, "PUT", target.clone())
            .body(UE_CONFIG_TYPE, good.clone())
            .is_one_of(&[403, 405])
            .await;
    }
    world.anonymous("GET", target).is(401).await;
}

async fn c6_later_and_absent_until_then(world: Arc<World>) {
    for auid in
        ["org.3gpp.mcdata.user-profile", "org.3gpp.mcvideo.user-profile", "org.3gpp.mcdata.service-config"]
    {
        for method in ["GET", "PUT", "DELETE"] {
            world.call(ADMIN, method, format!("/{auid}/users/{}/index", ALEX.0)).is(404).await;
        }
        let caps = world.call(KIM, "GET", "/xcap-caps/global/index").is(200).await;
        assert!(!caps.text().contains(auid));
    }
}
