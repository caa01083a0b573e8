//! `documents.v1`.

use std::sync::atomic::Ordering;

use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::put_response::Outcome;
use csc_proto::documents::v1::{PutRequest, PutResponse};
use csc_service::bus;
use http::StatusCode;

use crate::world::{PROFILE, World, profile, service_config};

#[tokio::test]
async fn provisioning() {
    let world = World::new().await;
    let mut client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let mut put = async |path: &str, content: &str, organisation: &str, dry_run: bool| {
        let request = PutRequest {
            path: path.into(),
            content: content.into(),
            organisation: organisation.into(),
            dry_run,
            ..PutRequest::default()
        };
        client.put(request).await.map(tonic::Response::into_inner).map_err(|status| status.code())
    };
    let outcome = |answer: Result<PutResponse, tonic::Code>| answer.unwrap().outcome();
    let path = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";
    assert_eq!(outcome(put(path, &profile(""), "", true).await), Outcome::Created);
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::NOT_FOUND);
    let created = put(path, &profile(""), "fire", false).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_eq!(world.owner().get(PROFILE).await.etag(), format!("\"{}\"", created.etag));
    let same = put(path, &profile(""), "", false).await.unwrap();
    assert_eq!((same.outcome(), same.etag), (Outcome::Unchanged, created.etag.clone()));
    assert_eq!(outcome(put(path, &profile("<Name/>"), "", true).await), Outcome::Changed);
    assert_eq!(outcome(put(path, &profile("<Name/>"), "", false).await), Outcome::Changed);
    assert_eq!(world.owner().get(PROFILE).await.text(), profile("<Name/>"));

    let config = "org.3gpp.mcptt.service-config/global/service-config.xml";
    assert_eq!(outcome(put(config, &service_config(""), "police", false).await), Outcome::Created);
    let view =
        world.as_user("tel:+8299").get("/org.3gpp.mcptt.service-config/users/tel:+8299/service-config").await;
    assert_eq!(view.status, StatusCode::OK);

    use tonic::Code;
    for (path, content, organisation, code) in [
        (path, profile("").as_str(), "police", Code::FailedPrecondition),
        (
            "org.3gpp.mcptt.user-profile/users/tel:+8277/user-profile",
            &profile(""),
            "",
            Code::FailedPrecondition,
        ),
        (path, "<a/>", "", Code::InvalidArgument),
        (path, &profile(""), "a/b", Code::InvalidArgument),
        ("org.openmobilealliance.groups/global/byGroupID/tel:+8220", "<a/>", "", Code::NotFound),
        ("org.3gpp.mcptt.service-config/users/tel:+8210/service-config", "<a/>", "", Code::InvalidArgument),
    ] {
        assert_eq!(put(path, content, organisation, false).await.err(), Some(code), "{path}");
    }
}

/// What only a commit can tell is told, too: what is unique over several documents.
#[tokio::test]
async fn a_dry_run_says_what_would_be() {
    let world = World::new().await;
    let mut client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let mut put = async |path: &str, content: String, dry_run: bool| {
        let request =
            PutRequest { path: path.into(), content: content.into(), dry_run, ..PutRequest::default() };
        let answer = client.put(request).await;
        answer.map(|answer| answer.into_inner().outcome()).map_err(|status| status.message().to_owned())
    };
    let one = "org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml";
    let other = "org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-1.xml";
    let first = |number: &str| {
        let index = format!("user-profile-index=\"{number}\"");
        profile("<Pre-selected-indication/>").replace("user-profile-index=\"0\"", &index)
    };
    assert_eq!(put(other, first("1"), true).await, Ok(Outcome::Created));
    assert_eq!(put(one, first("0"), false).await, Ok(Outcome::Created));
    assert_eq!(put(other, profile("").replace("=\"0\"", "=\"1\""), true).await, Ok(Outcome::Created));
    for dry_run in [true, false] {
        let refused = put(other, first("1"), dry_run).await.unwrap_err();
        assert!(refused.starts_with("uniqueness-failure"), "{refused}");
    }

    let served = "<rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\"><service uri=\"sip:friends@example.org\">\
         <list/><packages><package>presence</package></packages></service></rls-services>";
    let [mine, theirs] = ["tel:+8210", "tel:+8211"].map(|user| format!("rls-services/users/{user}/index"));
    for user in [&mine, &theirs] {
        assert_eq!(
            put(user, served.to_owned(), true).await,
            Ok(Outcome::Created),
            "none of them has claimed it"
        );
    }
    assert_eq!(put(&theirs, served.to_owned(), false).await, Ok(Outcome::Created));
    let refused = put(&mine, served.to_owned(), true).await.unwrap_err();
    assert!(refused.starts_with("uniqueness-failure"), "{refused}");
}

#[tokio::test]
async fn the_same_document_at_the_same_time_is_stored_once() {
    let (world, store) = World::tricky().await;
    let client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let put = || {
        let mut client = client.clone();
        async move {
            let request = PutRequest {
                path: PROFILE[1..].to_owned(),
                content: profile("").into(),
                ..PutRequest::default()
            };
            client.put(request).await.unwrap().into_inner()
        }
    };
    // Both see that there is no such document before either stores it.
    store.paired.store(2, Ordering::SeqCst);
    let (one, other) = tokio::join!(put(), put());
    let mut outcomes = [one.outcome(), other.outcome()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [Outcome::Created, Outcome::Unchanged]);
    assert_eq!(one.etag, other.etag);
    assert_eq!(world.owner().get(PROFILE).await.etag(), format!("\"{}\"", one.etag));
}
