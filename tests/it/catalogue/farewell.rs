//! A user that is deleted: nothing works for it from then on, and soon nothing of it is left. Who gets its MCPTT ID next
//! inherits nothing.

use std::time::Duration;

use bytes::Bytes;
use csc_proto::documents::v1::ListRequest;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::groups::v1::groups_client::GroupsClient;
use csc_proto::groups::v1::{ListGroupsRequest, ListMembersRequest};
use csc_proto::identity::v1::DeleteUserRequest;
use csc_proto::identity::v1::delete_response::Outcome;
use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_tests::raw;
use csc_tests::{ALEX, DANA, ENGINE_7};

use crate::Server;

const PATIENCE: Duration = Duration::from_secs(60);

async fn delete(server: &Server) -> Outcome {
    let request = DeleteUserRequest { mcptt_id: ALEX.0.to_owned(), dry_run: false };
    let answer = DirectoryClient::new(server.servers().idms).delete_user(request).await;
    answer.expect("the operator may").into_inner().outcome()
}

/// What the operator still finds of Alex: documents, groups, places in the group.
async fn left(server: &Server) -> Vec<String> {
    let servers = server.servers();
    let request = ListRequest {
        usage: "org.3gpp.mcptt.user-profile".to_owned(),
        user: ALEX.0.to_owned(),
        ..ListRequest::default()
    };
    let documents = DocumentsClient::new(servers.cms).list(request).await.expect("documents").into_inner();
    let mut gms = GroupsClient::new(servers.gms);
    let request = ListGroupsRequest { mcptt_id: ALEX.0.to_owned(), ..ListGroupsRequest::default() };
    let groups = gms.list_groups(request).await.expect("groups").into_inner();
    let request = ListMembersRequest { group_id: ENGINE_7.to_owned(), ..ListMembersRequest::default() };
    let members = gms.list_members(request).await.expect("members").into_inner();
    let documents = documents.documents.into_iter().map(|document| document.path);
    let groups = groups.groups.into_iter().map(|group| group.group_id);
    let members = members.mcptt_ids.into_iter().filter(|member| member == ALEX.0);
    documents.chain(groups).chain(members).collect()
}

/// The operator gives the name away without waiting. Whenever the server takes it, the new user begins with nothing, and
/// keeps what is stored for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_given_away_at_once_brings_nothing_along() {
    let Some(server) = Server::start().await else { return };
    let mut dana = server.ue(DANA).await;
    let group = format!("org.openmobilealliance.groups/global/byGroupID/{ENGINE_7}");
    let content = dana.get(&group).await.expect("the group").body;
    let list = format!("resource-lists/users/{}/index", ALEX.0);
    let empty = Bytes::from_static(b"<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>");
    for round in 0..3 {
        assert_eq!(delete(&server).await, Outcome::Deleted);
        server.add_user(ALEX, &[]).await;
        assert_eq!(left(&server).await, Vec::<String>::new(), "round {round}");
        let mut ue = server.ue(ALEX).await;
        assert!(ue.groups().await.expect("a directory").is_empty(), "round {round}");
        assert!(ue.get(&list).await.is_err(), "round {round}");
        ue.put(&list, "application/resource-lists+xml", empty.clone(), None).await.expect("its own list");
        dana.put(&group, "application/vnd.oma.poc.groups+xml", content.clone(), None)
            .await
            .expect("the group");
        server.projected(ENGINE_7, &[ALEX]).await;
        assert_eq!(ue.get(&list).await.expect("its own list").body, empty);
        assert_eq!(left(&server).await.len(), 2, "it is in the group, and has no profile");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_user_nothing_is_left() {
    let Some(server) = Server::start().await else { return };
    let mut ue = server.ue(ALEX).await;
    let token = server.token(ALEX).await;
    let tree = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    let mut sip = server.sip_ue(ALEX).await;
    sip.subscribe(&ue.profile().psi, &[&tree], 3600).await.expect("a subscription");
    sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");
    let mut dana = server.ue(DANA).await;
    let group = format!("org.openmobilealliance.groups/global/byGroupID/{ENGINE_7}");
    let before = dana.get(&group).await.expect("the group");
    assert_eq!(left(&server).await.len(), 3);

    let profile = format!("/org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0);
    let targets = [
        ("GET", profile.clone(), 200),
        ("GET", format!("/org.openmobilealliance.xcap-directory/users/{}/directory.xml", ALEX.0), 200),
        ("GET", format!("/{tree}/{ENGINE_7}"), 200),
        ("PUT", format!("/{tree}/{ENGINE_7}"), 405),
        ("POST", "/keymanagement/identity/v1/init".to_owned(), 200),
        ("POST", "/keymanagement/identity/v1/keyprov".to_owned(), 200),
    ];
    let ask = async |method: &str, target: &str, token: &str| {
        let request = raw::request(method, target, &[("access_token", token), ("Content-Length", "0")], b"");
        raw::exchange(server.https(), &server.site().ca(), &request).await
    };
    for (method, target, want) in &targets {
        assert_eq!(ask(method, target, &token).await.status, *want, "{target} before");
    }

    assert_eq!(delete(&server).await, Outcome::Deleted);
    for (method, target, _) in &targets {
        let answer = ask(method, target, &token).await;
        // The key server says that it knows no such user until it hears that the token is worth nothing.
        let unknown = answer.status == 404 && target.starts_with("/keymanagement/");
        assert!(answer.status == 401 || unknown, "{method} {target}: {answer:?}");
    }
    let error = ue.refresh().await.err().expect("no new tokens").to_string();
    assert!(error.contains("invalid_refresh_token"), "{error}");
    let error = ue.login(&csc_service::OsEntropy).await.err().expect("no login").to_string();
    assert!(error.contains("pssword_is_not_matched"), "{error}");
    let mut told = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a NOTIFY");
    while !told.state.starts_with("terminated") {
        told = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("the end of the subscription");
    }

    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let left = left(&server).await;
        if left.is_empty() {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "{left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let after = dana.get(&group).await.expect("the group");
    assert_ne!(after.etag, before.etag);
    assert!(!String::from_utf8_lossy(&after.body).contains(ALEX.0));
    assert_eq!(delete(&server).await, Outcome::Absent);

    // Somebody else gets the name, and even the password.
    server.add_user(ALEX, &[]).await;
    assert_eq!(ask("GET", &profile, &token).await.status, 401, "the token was another's");
    let error = ue.refresh().await.err().expect("no new tokens").to_string();
    assert!(error.contains("invalid_refresh_token"), "{error}");
    let mut other = server.ue(ALEX).await;
    assert!(other.groups().await.expect("a directory").is_empty());
    let own = server.token(ALEX).await;
    assert_eq!(ask("GET", &profile, &own).await.status, 404, "it has no profile yet");
    server.stop().await;
}
