//! X20 and X22: documents that nobody stores, and views.

use std::sync::Arc;

use csc_tests::raw::Answer;
use csc_xml::Limits;

use crate::call::{essence, tag};
use crate::check::checks;
use crate::documents::{
    DIRECTORY_TYPE, GROUPS, PROFILES, SERVICE_CONFIG, SERVICE_CONFIG_TYPE, TEST_APP, group, view,
};
use crate::people::{self, ADMIN, ALEX, DANA, DIVER, KIM, Person, SAM};
use crate::world::World;

checks! {
    "X20" Everywhere x20_own_documents_at_once;
    "X20" Everywhere x20_views_with_their_tags;
    "X20" Everywhere x20_nothing_is_an_empty_directory;
    "X20" Everywhere x20_the_directory_is_only_read;
    "X20" Everywhere x20_capabilities;
    "X20" Alone x20_the_directory_while_gms_is_down;
    "X22" Everywhere x22_a_view_is_the_document;
    "X22" Everywhere x22_the_service_configuration_under_another_name;
}

const DIRECTORY: &str = "urn:oma:xml:xdm:xcap-directory";

/// Entries of a directory: AUID, path below the XCAP root, ETag without quotes.
fn entries(answer: &Answer) -> Vec<(String, String, String)> {
    let parsed = csc_xml::parse(&answer.body, &Limits::with_octets(answer.body.len())).expect("a directory");
    let root = parsed.root_element();
    assert!(root.has_tag_name((DIRECTORY, "xcap-directory")), "{}", answer.text());
    let mut found = Vec::new();
    for folder in root.children().filter(|node| node.is_element()) {
        assert!(folder.has_tag_name((DIRECTORY, "folder")), "{}", answer.text());
        let auid = folder.attribute("auid").expect("an auid");
        for entry in csc_xml::children(folder, DIRECTORY, "entry") {
            let uri = entry.attribute("uri").expect("a uri");
            let place = uri.find(&format!("/{auid}/")).unwrap_or_else(|| panic!("{uri} is not below {auid}"));
            assert!(uri.starts_with("https://"), "{uri}");
            let path = uri[place + 1..].to_owned();
            found.push((auid.to_owned(), path, entry.attribute("etag").expect("an etag").to_owned()));
        }
    }
    found
}

fn target(who: Person) -> String {
    format!("/org.openmobilealliance.xcap-directory/users/{}/directory.xml", who.0)
}

impl World {
    /// The directory of `who`.
    pub(crate) async fn directory(&self, who: Person) -> Vec<(String, String, String)> {
        let answer = self.call(who, "GET", target(who)).is(200).await;
        assert_eq!(answer.header("content-type").map(essence), Some(DIRECTORY_TYPE));
        entries(&answer)
    }

    /// Waits until the directory of `who` lists `path`, or no longer does, and returns the ETag in it.
    pub(crate) async fn listed(&self, who: Person, path: &str, wanted: bool) -> Option<String> {
        let path = path.trim_start_matches('/');
        self.until(&format!("{path} in the directory of {}: {wanted}", who.0), async || {
            let found = self.directory(who).await.into_iter().find(|(_, listed, _)| listed == path);
            (found.is_some() == wanted).then(|| found.map(|(_, _, tag)| tag))
        })
        .await
    }
}

async fn x20_own_documents_at_once(world: Arc<World>) {
    let document = world.document("<e/>").await;
    let path = document.path.trim_start_matches('/').to_owned();
    let entry = async || world.directory(KIM).await.into_iter().find(|(_, listed, _)| *listed == path);
    for value in ["1", "2"] {
        let (auid, _, listed) = entry().await.expect("it is listed");
        assert_eq!(auid, TEST_APP);
        assert_eq!(format!("\"{listed}\""), document.state().await.1);
        document.node("PUT", "root/e/@k").attribute(value).is_one_of(&[200, 201]).await;
    }
    document.itself("DELETE").is(200).await;
    assert_eq!(entry().await, None);
    // What a directory names can be fetched, each with the tag that it gives. Other checks change documents of the same
    // user meanwhile: then both are looked at again.
    world
        .until("a directory that is right", async || {
            differs_from_its_entry(&world, ALEX).await.is_none().then_some(())
        })
        .await;
    let folders: Vec<_> = world.directory(ALEX).await.into_iter().map(|(auid, _, _)| auid).collect();
    for auid in ["org.3gpp.mcptt.ue-config", PROFILES, GROUPS] {
        assert!(folders.iter().any(|folder| folder == auid), "{auid}: {folders:?}");
    }
}

/// A document that `who` cannot fetch with the tag that its directory gives, if there is one.
async fn differs_from_its_entry(world: &World, who: Person) -> Option<String> {
    for (_, path, listed) in world.directory(who).await {
        let answer = world.call(who, "GET", format!("/{path}")).is_one_of(&[200, 403, 404]).await;
        if answer.status != 200 || tag(&answer) != format!("\"{listed}\"") {
            return Some(path);
        }
    }
    None
}

async fn x20_views_with_their_tags(world: Arc<World>) {
    let (id, group_document) = world.group(&[SAM.0]).await;
    let path = view(SAM.0, &id);
    let first = world.listed(SAM, &path, true).await.expect("a tag");
    assert_eq!(format!("\"{first}\""), group_document.state().await.1);
    group_document.replace(&group(&id, &[SAM.0, ALEX.0])).await;
    let (_, second) = group_document.state().await;
    world
        .until("the new tag in the directory", async || {
            let found =
                world.directory(SAM).await.into_iter().find(|(_, listed, _)| path.ends_with(listed.as_str()));
            (format!("\"{}\"", found.expect("it stays listed").2) == second).then_some(())
        })
        .await;
    world.listed(ALEX, &view(ALEX.0, &id), true).await;
    group_document.replace(&group(&id, &[ALEX.0])).await;
    world.listed(SAM, &path, false).await;
    group_document.itself("DELETE").is(200).await;
    world.listed(ALEX, &view(ALEX.0, &id), false).await;
}

async fn x20_nothing_is_an_empty_directory(world: Arc<World>) {
    // Of an organisation that has no service configuration either.
    let user: Person = ("tel:+82571007770", "nothing-yet");
    people::organisation(world.client(), "quiet-fire").await;
    people::put(world.client(), user, "quiet-fire", &[], Vec::new()).await;
    assert_eq!(world.directory(user).await, []);
}

async fn x20_the_directory_is_only_read(world: Arc<World>) {
    let body = format!("<xcap-directory xmlns=\"{DIRECTORY}\"/>");
    for who in [ALEX, ADMIN] {
        let path = target(ALEX);
        world.call(who, "GET", path.clone()).is(200).await;
        world
            .call(who, "PUT", path.clone())
            .body(DIRECTORY_TYPE, body.clone())
            .allows_only(&["GET", "HEAD"])
            .await;
        world.call(who, "DELETE", path).allows_only(&["GET", "HEAD"]).await;
    }
    let folder = format!("{}/~~/xcap-directory/folder[@auid=%22{GROUPS}%22]", target(ALEX));
    let answer = world.call(ALEX, "GET", folder).is(200).await;
    assert!(answer.text().starts_with("<folder "), "{}", answer.text());
    world.call(SAM, "GET", target(ALEX)).is(403).await;
    world.call(DIVER, "GET", target(ALEX)).is(403).await;
    world.anonymous("GET", target(ALEX)).is(401).await;
}

async fn x20_capabilities(world: Arc<World>) {
    let answer = world.call(KIM, "GET", "/xcap-caps/global/index").is(200).await;
    assert_eq!(answer.header("content-type").map(essence), Some("application/xcap-caps+xml"));
    let parsed = csc_xml::parse(&answer.body, &Limits::DEFAULT).expect("a document");
    let root = parsed.root_element();
    let namespace = "urn:ietf:params:xml:ns:xcap-caps";
    assert!(root.has_tag_name((namespace, "xcap-caps")), "{}", answer.text());
    let names: Vec<_> =
        root.children().filter(|node| node.is_element()).map(|node| node.tag_name().name()).collect();
    assert!(names == ["auids", "extensions", "namespaces"] || names == ["auids", "namespaces"], "{names:?}");
    let all = |list: &'static str, item: &'static str| -> Vec<&str> {
        let list = csc_xml::child(root, namespace, list).expect("a list");
        csc_xml::children(list, namespace, item).filter_map(|node| node.text()).map(str::trim).collect()
    };
    let (auids, namespaces) = (all("auids", "auid"), all("namespaces", "namespace"));
    for auid in [
        "xcap-caps",
        GROUPS,
        "org.3gpp.mcptt.ue-init-config",
        "org.3gpp.mcptt.ue-config",
        PROFILES,
        SERVICE_CONFIG,
        "org.openmobilealliance.xcap-directory",
        "resource-lists",
        "rls-services",
        "pres-rules",
        "org.openmobilealliance.pres-rules",
        "pidf-manipulation",
        TEST_APP,
    ] {
        assert!(auids.contains(&auid), "{auid}: {auids:?}");
    }
    for wanted in [namespace, "urn:oma:xml:poc:list-service", "urn:3gpp:mcptt:user-profile:1.0", DIRECTORY] {
        assert!(namespaces.contains(&wanted), "{wanted}: {namespaces:?}");
    }
    let first = world.call(KIM, "GET", "/xcap-caps/global/index/~~/xcap-caps/auids/auid[1]").is(200).await;
    assert!(first.text().starts_with("<auid>"), "{}", first.text());
    world
        .call(ADMIN, "PUT", "/xcap-caps/global/index")
        .body("application/xcap-caps+xml", "<x/>")
        .allows_only(&["GET", "HEAD"])
        .await;
    // One instance, and none in the trees of users (RFC 4825 12.7).
    let own = format!("/xcap-caps/users/{}/index", KIM.0);
    for path in ["/xcap-caps/global/other", &own] {
        world.call(KIM, "GET", path).is(404).await;
        world.call(KIM, "PUT", path).body("application/xcap-caps+xml", answer.body.clone()).is(404).await;
    }
}

async fn x20_the_directory_while_gms_is_down(world: Arc<World>) {
    let (id, _) = world.group(&[SAM.0]).await;
    let path = view(SAM.0, &id);
    world.listed(SAM, &path, true).await;
    let mut cluster = world.cluster().await;
    for name in ["gms-1", "gms-2"] {
        cluster.kill(name);
    }
    let down = world.call(SAM, "GET", path.clone());
    world.until("gms is missed", async || (down.send().await.status == 503).then_some(())).await;
    let listed = world.directory(SAM).await;
    assert!(listed.iter().any(|(_, listed, _)| path.ends_with(listed.as_str())), "{listed:?}");
    let document = world.document("<e/>").await;
    let listed = world.directory(KIM).await;
    assert!(listed.iter().any(|(_, listed, _)| document.path.ends_with(listed.as_str())), "{listed:?}");
    for name in ["gms-1", "gms-2"] {
        cluster.restart(name).await;
    }
    world.until("gms is back", async || (down.send().await.status == 200).then_some(())).await;
}

async fn x22_a_view_is_the_document(world: Arc<World>) {
    let (id, group_document) = world.group(&[SAM.0, DANA.0]).await;
    for name in ["Pump 4", "Pump 5"] {
        let (content, current) = group_document.state().await;
        for who in [SAM, DANA] {
            let answer = world.call(who, "GET", view(who.0, &id)).is(200).await;
            // Nothing has given it keys yet, so nothing stands behind the tag.
            assert_eq!((answer.text(), tag(&answer)), (content.as_str(), current.clone()));
        }
        let answer =
            world.call(SAM, "GET", view(SAM.0, &id)).with("If-None-Match", current.clone()).is(304).await;
        assert_eq!(tag(&answer), current);
        group_document.replace(&content.replace("Pump 3", name).replace("Pump 4", name)).await;
    }
    // The alias that a fielded client uses.
    let alias = format!("/{GROUPS}/global/byGroup/{id}");
    assert_eq!(tag(&world.call(SAM, "GET", alias).is(200).await), group_document.state().await.1);
    // Through a view its tag is a precondition for the document.
    let (content, current) = group_document.state().await;
    let put = world.call(DANA, "PUT", view(DANA.0, &id)).body(crate::documents::GROUP_TYPE, content);
    put.clone().with("If-Match", "\"x\"").is(412).await;
    put.with("If-Match", current).is(200).await;
}

async fn x22_the_service_configuration_under_another_name(world: Arc<World>) {
    let global = format!("/{SERVICE_CONFIG}/global/city-fire/service-config.xml");
    let document = world.call(ALEX, "GET", global.clone()).is(200).await;
    let view = format!("/{SERVICE_CONFIG}/users/{}/service-config", ALEX.0);
    let seen = world.call(ALEX, "GET", view.clone()).is(200).await;
    assert_eq!((seen.text(), tag(&seen)), (document.text(), tag(&document)));
    assert_eq!(seen.header("content-type").map(essence), Some(SERVICE_CONFIG_TYPE));
    let element = format!("{view}/~~/service-configuration-info/service-configuration-params/common");
    let node = world.call(ALEX, "GET", element.clone()).is(200).await;
    assert_eq!(tag(&node), tag(&document));
    for who in [ALEX, ADMIN] {
        let body = document.body.clone();
        world
            .call(who, "PUT", view.clone())
            .body(SERVICE_CONFIG_TYPE, body)
            .allows_only(&["GET", "HEAD"])
            .await;
        world.call(who, "DELETE", view.clone()).allows_only(&["GET", "HEAD"]).await;
        world.call(who, "PUT", element.clone()).element("<common/>").allows_only(&["GET", "HEAD"]).await;
    }
    world.call(SAM, "GET", view).is(403).await;
    assert_eq!(tag(&world.call(ALEX, "GET", global).is(200).await), tag(&document));
}
