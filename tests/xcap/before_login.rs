//! C3: what is read before anybody has logged in.

use std::sync::Arc;

use crate::call::{essence, tag};
use crate::check::checks;
use crate::documents::{PROFILE_TYPE, PROFILES, UE_CONFIG, UE_INIT, UE_INIT_TYPE, profile};
use crate::people::{self, ADMIN, ALEX, KIM, KIMS_IMEI, KIMS_UE, Person};
use crate::world::World;

checks! {
    "C3" Everywhere c3_an_initial_configuration_is_made_from_a_template;
    "C3" Plain c3_the_default_profile_is_closed;
    "C3" Open c3_the_default_profile_is_open;
}

/// A template for what `id` says.
pub(crate) fn template(id: &str, name: &str, rest: &str) -> String {
    format!(
        "<mcptt-UE-initial-configuration xmlns=\"urn:3gpp:mcptt:mcpttUEinitConfig:1.0\" domain=\"mcptt.example.org\">\
         {id}<name>{name}</name>{rest}</mcptt-UE-initial-configuration>"
    )
}

async fn store(world: &World, name: &str, document: String) {
    let target = format!("/{UE_INIT}/global/city-fire/{name}");
    world.call(ADMIN, "PUT", target).body(UE_INIT_TYPE, document).is_one_of(&[200, 201]).await;
}

/// The path of a terminal's copy, below the root of its organisation.
fn copy(tree: &str, ue: &str) -> String {
    format!("/MissionCriticalOrg/MCO-12345/{UE_INIT}/users/{tree}{ue}/{ue}")
}

async fn c3_an_initial_configuration_is_made_from_a_template(world: Arc<World>) {
    let instance = format!("<mcptt-UE-id><Instance-ID-URN>{KIMS_UE}</Instance-ID-URN></mcptt-UE-id>");
    let range = "<mcptt-UE-id><IMEI-range><TAC>35643205</TAC><SNR-range><Low-SNR>905000</Low-SNR>\
                 <High-SNR>905100</High-SNR></SNR-range></IMEI-range></mcptt-UE-id>";
    store(&world, "kim", template(&instance, "for one", "")).await;
    store(&world, "batch", template(range, "for a batch", "")).await;
    store(&world, "all", template("", "for all", "")).await;
    let outside = KIMS_IMEI.replace("905062", "905101");
    let other = "urn:uuid:6f1d2c4a-5b7e-4c39-9d10-0a2b4c6d8eff";
    for (ue, name) in
        [(KIMS_UE, "for one"), (KIMS_IMEI, "for a batch"), (&*outside, "for all"), (other, "for all")]
    {
        for tree in ["", "sip:"] {
            let answer = world.anonymous("GET", copy(tree, ue)).is(200).await;
            assert!(answer.text().contains(&format!("<name>{name}</name>")), "{ue}: {}", answer.text());
            assert_eq!(answer.header("content-type").map(essence), Some(UE_INIT_TYPE));
            let again =
                world.anonymous("GET", copy(tree, ue)).with("If-None-Match", tag(&answer)).is(304).await;
            assert_eq!(tag(&again), tag(&answer));
            world.call(KIM, "GET", copy(tree, ue)).is(200).await;
            let node = format!("{}/~~/mcptt-UE-initial-configuration/name", copy(tree, ue));
            let node = world.anonymous("GET", node).is(200).await;
            assert_eq!(node.text(), format!("<name>{name}</name>"));
        }
    }
    // The copy is generated: nobody writes it, and it follows the template.
    for who in [KIM, ADMIN] {
        let put = world.call(who, "PUT", copy("", KIMS_UE)).body(UE_INIT_TYPE, template("", "own", ""));
        put.allows_only(&["GET", "HEAD"]).await;
        world.call(who, "DELETE", copy("", KIMS_UE)).allows_only(&["GET", "HEAD"]).await;
    }
    let before = tag(&world.anonymous("GET", copy("", KIMS_UE)).is(200).await);
    store(&world, "kim", template(&instance, "for Kim", "")).await;
    let after = world.anonymous("GET", copy("", KIMS_UE)).is(200).await;
    assert!(after.text().contains("for Kim") && tag(&after) != before, "{}", after.text());
    // Templates themselves are not for everybody, nor is anything else.
    world.anonymous("GET", format!("/{UE_INIT}/global/city-fire/kim")).is(401).await;
    world.anonymous("GET", format!("/{UE_CONFIG}/users/{KIMS_UE}/{KIMS_UE}")).is(401).await;
    let put = world.call(KIM, "PUT", format!("/{UE_INIT}/global/city-fire/own"));
    put.body(UE_INIT_TYPE, template("", "own", "")).is_one_of(&[403, 405]).await;
    for bad in [template("<mcptt-UE-id><Other/></mcptt-UE-id>", "x", ""), template("", "x", "<other/>")] {
        let put =
            world.call(ADMIN, "PUT", format!("/{UE_INIT}/global/city-fire/bad")).body(UE_INIT_TYPE, bad);
        put.conflicts("schema-validation-error").await;
    }
}

/// A user whose profile a template names.
async fn named(world: &World) -> Person {
    let user: Person = ("tel:+82571009976", "first-boot");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    for number in [0, 1] {
        let target = format!("/{PROFILES}/users/{}/mcptt-user-profile-{number}.xml", user.0);
        let put = world.call(ADMIN, "PUT", target).body(PROFILE_TYPE, profile(user.0, number, ""));
        put.is_one_of(&[200, 201]).await;
    }
    let default = format!("<Default-user-profile User-ID=\"{}\" user-profile-index=\"0\"/>", user.0);
    let instance = "<mcptt-UE-id><Instance-ID-URN>urn:uuid:6f1d2c4a-5b7e-4c39-9d10-0a2b4c6d8e71</Instance-ID-URN></mcptt-UE-id>";
    store(world, "booting", template(instance, "booting", &default)).await;
    user
}

async fn c3_the_default_profile_is_closed(world: Arc<World>) {
    let user = named(&world).await;
    let target = format!("/{PROFILES}/users/{}/mcptt-user-profile-0.xml", user.0);
    world.anonymous("GET", target.clone()).is(401).await;
    world.call(KIM, "GET", target).is(403).await;
}

async fn c3_the_default_profile_is_open(world: Arc<World>) {
    let user = named(&world).await;
    let target = |name: &str| format!("/{PROFILES}/users/{}/{name}", user.0);
    for name in ["mcptt-user-profile-0.xml", "user-profile"] {
        let answer = world.anonymous("GET", target(name)).is(200).await;
        assert_eq!(answer.text(), profile(user.0, 0, ""));
        world.anonymous("HEAD", target(name)).is(200).await;
        world.anonymous("GET", format!("{}/~~/mcptt-user-profile/Name", target(name))).is(200).await;
    }
    // That one alone, and for reading alone.
    world.anonymous("GET", target("mcptt-user-profile-1.xml")).is(401).await;
    world.anonymous("GET", format!("/{PROFILES}/users/{}/user-profile", ALEX.0)).is(401).await;
    let body = profile(user.0, 0, "<Status>false</Status>");
    world.anonymous("PUT", target("user-profile")).body(PROFILE_TYPE, body).is_one_of(&[401, 405]).await;
    world.anonymous("DELETE", target("user-profile")).is_one_of(&[401, 405]).await;
}
