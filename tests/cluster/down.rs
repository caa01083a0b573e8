//! What still works while a part is down: the table of the architecture, row by row.

use std::time::Duration;

use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_proto::identity::v1::{DeleteUserRequest, PutUserRequest};
use csc_service::OsEntropy;
use csc_tests::raw::{self, Answer};
use csc_tests::{ALEX, DANA, ENGINE_7, INCIDENT, ORGANISATION, SAM};
use tonic::Code;

use crate::{GROUP_TYPE, PATIENCE, Server, group, path};

/// The answer to a GET with Alex's `token`.
async fn get(server: &Server, token: &str, target: &str) -> Answer {
    let request = raw::request("GET", target, &[("access_token", token)], b"");
    raw::exchange(server.https(), &server.site().ca(), &request).await
}

async fn certificate(server: &Server, token: &str) -> Answer {
    let fields = [("access_token", token), ("Content-Type", "application/x-www-form-urlencoded")];
    let body = format!("MCPTTID={}", ALEX.0.replace('+', "%2B"));
    let request = raw::request("POST", "/keymanagement/identity/v1/init", &fields, body.as_bytes());
    raw::exchange(server.https(), &server.site().ca(), &request).await
}

/// Waits until `answer` has one of these statuses.
async fn until<F: Future<Output = Answer>>(what: &str, wanted: &[u16], mut answer: impl FnMut() -> F) {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let got = answer().await;
        if wanted.contains(&got.status) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "{what}: {got:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const PROFILE: &str = "/org.3gpp.mcptt.user-profile/users/tel:+82571009990/user-profile";
const DIRECTORY: &str = "/org.openmobilealliance.xcap-directory/users/tel:+82571009990/directory.xml";
const GROUP: &str = "/org.openmobilealliance.groups/users/tel:+82571009990/tel:+82570000701";

#[tokio::test(flavor = "multi_thread")]
async fn without_idms() {
    let Some(mut server) = Server::start().await else { return };
    let token = server.token(ALEX).await;
    let mut sip = server.sip_ue(ALEX).await;
    assert_eq!(certificate(&server, &token).await.status, 200);
    server.kill("idms-1");
    server.kill("idms-2");

    let login = raw::request("GET", "/idms/jwks", &[], b"");
    let answer = raw::exchange(server.https(), &server.site().ca(), &login).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    for target in [PROFILE, GROUP] {
        assert_eq!(get(&server, &token, target).await.status, 200, "{target}");
    }
    let documents = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    sip.subscribe(&server.profile(ALEX).psi, &[&documents], 3600).await.expect("the proxy goes on");
    sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");
    until("kms hears nothing of accounts", &[503], || certificate(&server, &token)).await;

    server.restart("idms-2").await;
    until("kms hears of accounts again", &[200], || certificate(&server, &token)).await;
    let mut ue = server.ue(ALEX).await;
    ue.login(&OsEntropy).await.expect("a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cms_or_gms() {
    let Some(mut server) = Server::start().await else { return };
    let token = server.token(ALEX).await;
    let mut watcher = server.sip_ue(ALEX).await;
    let psi = server.profile(ALEX).psi;
    let groups = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    watcher.subscribe(&psi, &[&groups], 3600).await.expect("a subscription");
    watcher.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");

    server.kill("cms-1");
    server.kill("cms-2");
    until("the profile is unavailable", &[503], || get(&server, &token, PROFILE)).await;
    assert_eq!(get(&server, &token, GROUP).await.status, 200);
    let mut console = server.ue(DANA).await;
    let content = group(INCIDENT, "Incident", &[ALEX.0, SAM.0]);
    console.put(&path(INCIDENT), GROUP_TYPE, content, None).await.expect("gms goes on");
    watcher.notify(PATIENCE).await.expect("a good NOTIFY").expect("NOTIFYs go on");

    server.kill("gms-1");
    server.kill("gms-2");
    until("the group is unavailable", &[503], || get(&server, &token, GROUP)).await;
    let mut other = server.sip_ue(SAM).await;
    other.subscribe(&psi, &[&path(ENGINE_7)], 3600).await.expect("subscriptions go on");
    other.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");
    server.restart("cms-1").await;
    until("the profile is back", &[200], || get(&server, &token, PROFILE)).await;
    // The directory is read from the index: it shows the views while nobody serves them.
    let directory = get(&server, &token, DIRECTORY).await;
    let listed = String::from_utf8_lossy(&directory.body).contains(INCIDENT);
    assert!(directory.status == 200 && listed, "{directory:?}");
    assert_eq!(get(&server, &token, GROUP).await.status, 503);
    server.restart("gms-2").await;
    until("the group is back", &[200], || get(&server, &token, GROUP)).await;
}

/// A user is deleted while nobody can remove what it leaves, and the operator wants to give the name away.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_waits_for_cms_and_gms() {
    let Some(mut server) = Server::start().await else { return };
    let give = async |server: &Server| {
        let request = PutUserRequest {
            mcptt_id: ALEX.0.to_owned(),
            organisation: ORGANISATION.to_owned(),
            password: Some(ALEX.1.to_owned()),
            ..PutUserRequest::default()
        };
        let given = DirectoryClient::new(server.servers().idms).put_user(request).await;
        given.map(drop).map_err(|status| status.code())
    };
    for name in ["cms-1", "cms-2", "gms-1", "gms-2"] {
        server.kill(name);
    }
    let request = DeleteUserRequest { mcptt_id: ALEX.0.to_owned(), dry_run: false };
    DirectoryClient::new(server.servers().idms).delete_user(request).await.expect("the operator may");
    assert_eq!(give(&server).await, Err(Code::Unavailable));
    server.restart("gms-2").await;
    // Whatever gms does: cms has not been there.
    let mut dana = server.ue(DANA).await;
    let end = tokio::time::Instant::now() + PATIENCE;
    while String::from_utf8_lossy(&dana.get(&path(ENGINE_7)).await.expect("the group").body).contains(ALEX.0)
    {
        assert!(tokio::time::Instant::now() < end, "the group names a user who is gone");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(give(&server).await, Err(Code::Unavailable));
    server.restart("cms-1").await;
    while let Err(code) = give(&server).await {
        assert_eq!(code, Code::Unavailable);
        assert!(tokio::time::Instant::now() < end + PATIENCE, "the name is never free");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let token = server.token(ALEX).await;
    until("cms answers", &[200, 404], || get(&server, &token, PROFILE)).await;
    assert_eq!(get(&server, &token, PROFILE).await.status, 404, "nothing of the other user's");
    assert_eq!(get(&server, &token, GROUP).await.status, 403, "not in the group");
    assert!(server.ue(ALEX).await.groups().await.expect("a directory").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_kms_or_the_proxy() {
    let Some(mut server) = Server::start().await else { return };
    let token = server.token(ALEX).await;
    let mut watcher = server.sip_ue(ALEX).await;
    let groups = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    watcher.subscribe(&server.profile(ALEX).psi, &[&groups], 3600).await.expect("a subscription");
    watcher.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");
    for name in ["kms-1", "kms-2", "subscription-proxy-1", "subscription-proxy-2"] {
        server.kill(name);
    }
    until("no keys", &[503], || certificate(&server, &token)).await;
    let mut console = server.ue(DANA).await;
    let content = group(INCIDENT, "Incident", &[ALEX.0, SAM.0]);
    console.put(&path(INCIDENT), GROUP_TYPE, content, None).await.expect("gms goes on");
    assert_eq!(get(&server, &token, PROFILE).await.status, 200);

    // States are compared when it is back: the change is told, whoever takes the subscription over.
    server.restart("subscription-proxy-2").await;
    let told = watcher.notify(PATIENCE).await.expect("a good NOTIFY").expect("the change while it was away");
    assert!(told.changes.iter().any(|change| change.sel.ends_with(INCIDENT)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis() {
    let Some(mut server) = Server::start_with(&[("CSC_STORE_DEADLINE", "1s")]).await else { return };
    let token = server.token(ALEX).await;
    assert_eq!(get(&server, &token, PROFILE).await.status, 200);
    server.kill_master();
    for target in [PROFILE, GROUP] {
        let answer = get(&server, &token, target).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    // What needs no store is served: keys; and a bad token is still told from a good one.
    assert_eq!(get(&server, &token, "/idms/jwks").await.status, 200);
    assert_eq!(get(&server, "e30.e30.e30", PROFILE).await.status, 401);
    server.restart_master();
    for target in [PROFILE, GROUP] {
        until("the store is back", &[200], || get(&server, &token, target)).await;
    }
    server.ue(ALEX).await;
}
