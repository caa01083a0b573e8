//! A terminal boots through an edge and services that are processes of their own; it cannot tell the difference.

use csc_tests::{ALEX, DANA, INCIDENT, SAM};

use crate::{GROUP_TYPE, PATIENCE, Server, group, path};

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_boots() {
    let Some(server) = Server::start().await else { return };
    let mut ue = server.ue(ALEX).await;
    for document in [
        format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0),
        format!("org.3gpp.mcptt.service-config/users/{}/service-config", ALEX.0),
        format!("org.openmobilealliance.xcap-directory/users/{}/directory.xml", ALEX.0),
    ] {
        ue.get(&document).await.expect("a document of the terminal");
    }
    let certificate = ue.certificate().await.expect("the KMS certificate");
    ue.keys(&certificate).await.expect("keys that verify");
    ue.refresh().await.expect("new tokens");

    let groups = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    let mut sip = server.sip_ue(ALEX).await;
    let mut subscription = sip.subscribe(&server.profile(ALEX).psi, &[&groups], 3600).await.expect("a 200");
    let first = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");

    let mut console = server.ue(DANA).await;
    let content = group(INCIDENT, "Incident", &[ALEX.0, SAM.0]);
    console.put(&path(INCIDENT), GROUP_TYPE, content.clone(), None).await.expect("the dispatcher may");
    let told = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a NOTIFY of the change");
    assert!(told.cseq > first.cseq);
    assert_eq!(told.changes.len(), 1, "{told:?}");
    let fetched = ue.get(&told.changes[0].sel).await.expect("the group");
    assert_eq!((Some(fetched.etag), fetched.body), (told.changes[0].new.clone(), content));

    sip.refresh(&mut subscription, 0).await.expect("an end");
    let last = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a last NOTIFY");
    assert!(last.state.starts_with("terminated"), "{last:?}");
    server.stop().await;
}
