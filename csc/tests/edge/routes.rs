//! Which service a request goes to.

use crate::pki::Pki;
use crate::upstream::{Replica, named};
use crate::world::{Layout, start};

#[tokio::test]
async fn one_path_segment_behind_a_root_decides() {
    let pki = Pki::new();
    let (idms, cms, gms, kms) = tokio::join!(
        Replica::start(&pki, "idms", named("idms")),
        Replica::start(&pki, "cms", named("cms")),
        Replica::start(&pki, "gms", named("gms")),
        Replica::start(&pki, "kms", named("kms")),
    );
    let layout = Layout {
        idms: vec![idms.address],
        cms: vec![cms.address],
        gms: vec![gms.address],
        kms: vec![kms.address],
        sections: "[xcap]\nroots = [\"/MissionCriticalOrg/MCO-12345/ = MCO-12345\"]\n",
        ..Layout::default()
    };
    let edge = start(&pki, layout).await;
    for (target, service) in [
        ("/idms/authreq?user_name=a", "idms"),
        ("/.well-known/openid-configuration", "idms"),
        ("/keymanagement/identity/v1/init", "kms"),
        ("/org.openmobilealliance.groups/users/a/b/~~/group", "gms"),
        ("/org%2eopenmobilealliance.groups/users/a/b", "gms"),
        ("/org.3gpp.mcptt.user-profile/users/a/b", "cms"),
        ("/xcap-caps/global/index", "cms"),
        ("/unknown", "cms"),
        ("/", "cms"),
        ("//idms/authreq", "cms"),
        ("/MissionCriticalOrg/MCO-12345/org.openmobilealliance.groups/users/a/b", "gms"),
        ("/MissionCriticalOrg/MCO%2D12345/idms/authreq", "idms"),
        ("/MissionCriticalOrg/MCO-9/org.openmobilealliance.groups/users/a/b", "cms"),
    ] {
        let answer = edge.get(target).await;
        assert_eq!(answer.body(), service, "{target}");
    }
    let metrics = edge.metrics().await;
    for line in [
        "csc_edge_requests_total{outcome=\"answered\",upstream=\"gms\"} 3",
        "csc_edge_upstream_up{upstream=\"gms\"} 1",
        "csc_edge_upstream_replicas{upstream=\"gms\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn only_the_service_itself_is_believed() {
    let pki = Pki::new();
    let wrong = Replica::start(&pki, "gms", named("gms")).await;
    let edge = start(&pki, Layout { edge: "replica_time = \"200ms\"", ..Layout::cms(&[&wrong]) }).await;
    let answer = edge.get("/secret").await;
    assert_eq!(answer.status(), 503);
    assert!(wrong.seen().is_empty());
    let right = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout::cms(&[&wrong, &right])).await;
    assert_eq!(edge.get("/secret").await.body(), "cms");
    assert!(wrong.seen().is_empty());
}

#[tokio::test]
async fn replicas_take_turns() {
    let pki = Pki::new();
    let (one, two) =
        tokio::join!(Replica::start(&pki, "cms", named("one")), Replica::start(&pki, "cms", named("two")));
    let edge = start(&pki, Layout::cms(&[&one, &two])).await;
    edge.connected("cms", 2).await;
    for _ in 0..10 {
        edge.get("/a").await;
    }
    assert_eq!((one.seen().len(), two.seen().len()), (5, 5));
}

#[tokio::test]
async fn certificates_are_replaced_without_a_restart() {
    let pki = Pki::new();
    pki.write("edge", &pki.terminals, "edge");
    let cms = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    let asked = edge.get("/a");
    let replaced = async { pki.write("edge", &pki.bus, "edge") };
    let (answer, ()) = tokio::join!(asked, replaced);
    assert_eq!(answer.body(), "cms");

    std::fs::write(pki.at("edge.pem"), "no certificate").unwrap();
    let address = cms.address;
    cms.drain().await;
    let _cms = Replica::start_at(address, &pki, "cms", named("back")).await;
    assert_eq!(edge.get("/a").await.body(), "back", "the last good one goes on");
}

#[tokio::test]
async fn ready_with_the_first_service_and_from_then_on() {
    let pki = Pki::new();
    let address = "127.0.0.1:0".parse().unwrap();
    let gms = Replica::start_at(address, &pki, "gms", named("gms")).await;
    let address = gms.address;
    gms.drain().await;
    let edge = start(&pki, Layout { gms: vec![address], ..Layout::default() }).await;
    assert!(!edge.ready().await);
    let gms = Replica::start_at(address, &pki, "gms", named("gms")).await;
    while !edge.ready().await {
        tokio::task::yield_now().await;
    }
    gms.drain().await;
    edge.connected("gms", 0).await;
    assert!(edge.ready().await);
}
