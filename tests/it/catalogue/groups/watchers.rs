//! Who watches something else than the own tree: a canonical group, the service configuration, and the MCPTT server.

use csc::ue::Change;
use csc_proto::documents::v1::PutRequest;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::identity::v1::PutOrganisationRequest;
use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, INCIDENT, SAM};
use sip_codec::Name;

use super::{Console, GROUP_TYPE, document, path, view};

use crate::Server;

const SERVICE_CONFIG_TYPE: &str = "application/vnd.3gpp.mcptt-service-config+xml";
const GLOBAL: &str = "org.3gpp.mcptt.service-config/global/service-config.xml";
const ADMIN: (&str, &str) = ("tel:+82571009980", "control-room");

fn changed(sel: &str, previous: Option<&str>, new: Option<&str>) -> Change {
    Change { sel: sel.to_owned(), previous: previous.map(str::to_owned), new: new.map(str::to_owned) }
}

/// What the first NOTIFY said of `sel`: its tag then.
fn known(watchers: &Watchers, number: usize, sel: &str) -> String {
    let told = &watchers.get(number).told[0];
    let found = told.iter().find(|change| change.sel == sel);
    let found = found.unwrap_or_else(|| panic!("{sel} in {told:?}"));
    assert_eq!(found.previous, None);
    found.new.clone().expect("a tag")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canonical_group() {
    let Some(server) = Server::start().await else { return };
    let console = Console::at(&server).await;
    server.projected(ENGINE_7, &[SAM, DANA]).await;
    let mut watchers = Watchers::at(server.proxies()).await;
    let target = path(ENGINE_7);
    let encoded = target.replace('+', "%2B");
    let member = watchers.add(&Ask::list(SAM.0, &[&target]));
    let dispatcher = watchers.add(&Ask::list(DANA.0, &[&encoded, &view(DANA.0, ENGINE_7)]));
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let before = known(&watchers, member, &target);
    assert_eq!(known(&watchers, dispatcher, &encoded), before, "each has it by the name it asked for");
    assert_eq!(known(&watchers, dispatcher, &view(DANA.0, ENGINE_7)), before);
    // Somebody who is not in it may not even wait for it.
    assert_eq!(watchers.ask(&Ask::list(ALEX.0, &[&path(INCIDENT)])).await, 403);

    let all = [ALEX.0, DANA.0, SAM.0].map(str::to_owned);
    let after = console.put(&target, GROUP_TYPE, &document(ENGINE_7, "Engine 7", &all)).await;
    let says = |watcher: &csc_tests::sip::Watcher, want: Change| {
        watcher.told[1..].iter().flatten().any(|c| *c == want)
    };
    watchers
        .until("the change", |n, watcher| {
            let now = |sel: &str| changed(sel, Some(&before), Some(&after));
            match n {
                0 => says(watcher, now(&target)),
                1 => says(watcher, now(&encoded)) && says(watcher, now(&view(DANA.0, ENGINE_7))),
                _ => true,
            }
        })
        .await;

    // Sam is removed: for Sam the group is gone, for the dispatcher it goes on.
    let last = console.put(&target, GROUP_TYPE, &document(ENGINE_7, "Engine 7", &all[..2])).await;
    watchers
        .until("the removal", |n, watcher| match n {
            // Membership arrives behind the document, so that Sam may hear of the change before the removal.
            0 => watcher.told.last().is_some_and(|last| last.iter().all(|change| change.new.is_none())),
            1 => says(watcher, changed(&encoded, Some(&after), Some(&last))),
            _ => true,
        })
        .await;
    console.delete(&target).await;
    watchers
        .until("the end", |n, watcher| n != 1 || says(watcher, changed(&encoded, Some(&last), None)))
        .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_configuration() {
    let Some(server) = Server::start().await else { return };
    server.add_user(ADMIN, &["administrator"]).await;
    let mut watchers = Watchers::at(server.proxies()).await;
    let named = "org.3gpp.mcptt.service-config/global/city-fire/service-config.xml";
    let own = format!("org.3gpp.mcptt.service-config/users/{}/service-config", ALEX.0);
    for entry in [GLOBAL, named, &own] {
        watchers.add(&Ask::list(ALEX.0, &[entry]));
    }
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let before = known(&watchers, 0, GLOBAL);

    let mut admin = server.ue(ADMIN).await;
    let current = admin.get(GLOBAL).await.expect("an administrator reads it");
    assert_eq!(current.etag, before);
    let text = String::from_utf8(current.body.to_vec()).expect("UTF-8");
    let text = text.replace("<min-length-alias>2<", "<min-length-alias>3<");
    admin.put(GLOBAL, SERVICE_CONFIG_TYPE, text.into(), Some(&before)).await.expect("and changes it");
    let after = server.ue(ALEX).await.get(&own).await.expect("its users read it").etag;
    assert_ne!(after, before);
    // One document under three names: each hears of it by the name it subscribed.
    let sels = [GLOBAL, named, &own];
    watchers
        .until("the change", |n, watcher| {
            watcher.told.last() == Some(&vec![changed(sels[n], Some(&before), Some(&after))])
        })
        .await;
    server.stop().await;
}

/// The form of a server: no list, the usage in the Request-URI (TS 24.484 6.2.4.1).
fn server_ask(psi: &str, auid: &str) -> Ask {
    Ask {
        target: format!("sip:gms_psi@mcptt.example.org;auid={auid}"),
        identity: psi.to_owned(),
        fields: vec![(Name::PAssertedService, "urn:urn-7:3gpp-service.ims.icsi.mcptt".to_owned())],
        body: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mcptt_server() {
    const PSI: &str = "sip:mcptt_psi@mcptt.example.org";
    const AUID: &str = "org.openmobilealliance.groups";
    let Some(server) =
        Server::start_with(&[("CSC_SIP_SERVERS", "sip:mcptt_psi@mcptt.example.org city-fire")]).await
    else {
        return;
    };
    server.add_user(ADMIN, &["administrator"]).await;
    let console = Console::at(&server).await;
    let mut watchers = Watchers::at(server.proxies()).await;
    let groups = watchers.add(&server_ask(PSI, AUID));
    let profiles = watchers.add(&server_ask(PSI, "org.3gpp.mcptt.user-profile"));
    let services = watchers.add(&server_ask(PSI, "org.3gpp.mcptt.service-config"));
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let sels = |number: usize| {
        let mut sels: Vec<_> = watchers.get(number).told[0].iter().map(|change| change.sel.clone()).collect();
        sels.sort();
        sels
    };
    // Each group once, and not the views that repeat it.
    assert_eq!(sels(groups), [path(ENGINE_7), path(INCIDENT)]);
    assert_eq!(sels(profiles).len(), 1);
    assert_eq!(sels(services), ["org.3gpp.mcptt.service-config/global/city-fire/service-config.xml"]);
    let before = known(&watchers, groups, &path(ENGINE_7));

    // Who is on no list, or does not say that it is a server, or wants what there is not.
    for refused in [
        server_ask("sip:other_psi@mcptt.example.org", AUID),
        Ask { fields: Vec::new(), ..server_ask(PSI, AUID) },
        server_ask(PSI, "org.example.nothing"),
        server_ask(PSI, "org.openmobilealliance.xcap-directory"),
        Ask { target: "sip:gms_psi@mcptt.example.org".to_owned(), ..server_ask(PSI, AUID) },
    ] {
        assert_eq!(watchers.ask(&refused).await, 403, "{refused:?}");
    }

    let members = [SAM.0.to_owned()];
    let after = console.put(&path(ENGINE_7), GROUP_TYPE, &document(ENGINE_7, "Engine 7", &members)).await;
    let mut told = vec![vec![changed(&path(ENGINE_7), Some(&before), Some(&after))]];
    watchers.until("a change", |n, watcher| n != groups || watcher.told[1..] == told).await;

    // A group of another organisation is not this server's business.
    let foreign = "tel:+82570000798";
    let mut directory = DirectoryClient::new(server.servers().idms);
    let organisation =
        PutOrganisationRequest { id: "harbour-fire".to_owned(), ..PutOrganisationRequest::default() };
    directory.put_organisation(organisation).await.expect("the operator may");
    let request = PutRequest {
        path: path(foreign),
        content: document(foreign, "Harbour", &members).into_bytes(),
        organisation: "harbour-fire".to_owned(),
        ..PutRequest::default()
    };
    DocumentsClient::new(server.servers().gms).put(request).await.expect("the operator may");

    let new = "tel:+82570000799";
    let created = console.put(&path(new), GROUP_TYPE, &document(new, "Reserve", &members)).await;
    told.push(vec![changed(&path(new), None, Some(&created))]);
    watchers.until("a new group", |n, watcher| n != groups || watcher.told[1..] == told).await;

    console.delete(&path(new)).await;
    told.push(vec![changed(&path(new), Some(&created), None)]);
    watchers.until("its end", |n, watcher| n != groups || watcher.told[1..] == told).await;
    assert_eq!((watchers.get(profiles).told.len(), watchers.get(services).told.len()), (1, 1));
    server.stop().await;
}
