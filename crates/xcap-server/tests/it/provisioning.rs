//! `documents.v1`.

use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::revision::Action;
use csc_proto::documents::v1::{
    DeleteRequest, Document, GetRequest, HistoryRequest, ListRequest, PutRequest, delete_response,
    put_response,
};
use csc_service::bus;
use csc_xcap_server::Provisioning;
use std::sync::Arc;
use tonic::Code;
use tonic::service::Routes;
use tonic::transport::Channel;

use crate::world::{DOCUMENT, TYPE, World};

fn client(world: &World) -> DocumentsClient<Channel> {
    let routes = Routes::new(Provisioning::service(Arc::clone(&world.server)));
    DocumentsClient::new(bus::in_process(routes))
}

fn path() -> String {
    DOCUMENT[1..].to_owned()
}

#[tokio::test]
async fn a_document_is_read_and_deleted() {
    let world = World::new().await;
    let etag = world.stored("<r/>").await;
    let mut client = client(&world);
    let get = GetRequest { path: path(), ..GetRequest::default() };
    let found = client.get(get.clone()).await.unwrap().into_inner();
    assert_eq!(
        (found.path, &found.content[..], found.organisation),
        (path(), &b"<r/>"[..], "fire".to_owned())
    );
    assert_eq!(format!("\"{}\"", found.etag), etag);

    let delete =
        |etag: &str| DeleteRequest { path: path(), etag: etag.to_owned(), ..DeleteRequest::default() };
    let stale = client.delete(delete("1-1")).await.unwrap_err();
    assert_eq!(stale.code(), Code::FailedPrecondition);
    assert_eq!(client.delete(delete("x\ny")).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(world.content().await, "<r/>");
    for outcome in [delete_response::Outcome::Deleted, delete_response::Outcome::Absent] {
        assert_eq!(client.delete(delete(&found.etag)).await.unwrap().into_inner().outcome(), outcome);
    }
    assert_eq!(client.get(get).await.unwrap_err().code(), Code::NotFound);

    let seen = client.history(HistoryRequest { path: path(), ..HistoryRequest::default() }).await.unwrap();
    let seen: Vec<_> = seen.into_inner().revisions;
    let actions: Vec<_> = seen.iter().map(|revision| (revision.action(), revision.author.as_str())).collect();
    assert_eq!(actions, [(Action::Deleted, "documents.v1"), (Action::Stored, "tel:+1")]);
    assert_eq!((seen[1].etag.as_str(), seen[1].octets), (found.etag.as_str(), 4));
}

/// The history names who called over the bus, also behind a front in this process.
#[tokio::test]
async fn the_history_names_the_caller() {
    let world = World::new().await;
    let mut client = client(&world);
    let put = |content: &str| {
        let put = PutRequest { path: path(), content: content.into(), ..PutRequest::default() };
        let mut request = tonic::Request::new(put);
        let members = bus::Members::of(&[bus::Member::Operator]);
        request.extensions_mut().insert(bus::BusPeer { address: "127.0.0.1:1".parse().unwrap(), members });
        request
    };
    client.put(bus::pass_on(put("<a/>"))).await.unwrap();
    client.put(put("<b/>").into_inner()).await.unwrap();
    let delete = DeleteRequest { path: path(), ..DeleteRequest::default() };
    client.delete(bus::pass_on(put("").map(|_| delete))).await.unwrap();
    let seen = client.history(HistoryRequest { path: path(), ..HistoryRequest::default() }).await.unwrap();
    let seen: Vec<_> = seen.into_inner().revisions.into_iter().map(|revision| revision.author).collect();
    assert_eq!(seen, ["operator via documents.v1", "documents.v1", "operator via documents.v1"]);
}

/// Whose answer got lost asks again and hears the same.
#[tokio::test]
async fn a_repeated_put_changes_nothing() {
    let world = World::new().await;
    let mut client = client(&world);
    let put = PutRequest { path: path(), content: b"<r/>".to_vec(), ..PutRequest::default() };
    let first = client.put(put.clone()).await.unwrap().into_inner();
    let again = client.put(put).await.unwrap().into_inner();
    assert_eq!(first.outcome(), put_response::Outcome::Created);
    assert_eq!((again.outcome(), again.etag), (put_response::Outcome::Unchanged, first.etag));
}

/// Whoever changes what it has read does not undo what others did since.
#[tokio::test]
async fn a_put_over_another_version() {
    let world = World::new().await;
    let mut client = client(&world);
    let mut put = async |content: &str, etag: &str, dry_run: bool| {
        let (content, etag) = (content.into(), etag.to_owned());
        let put = PutRequest { path: path(), content, etag, dry_run, ..PutRequest::default() };
        let answer = client.put(put).await.map_err(|status| status.code())?.into_inner();
        Ok((answer.outcome(), answer.etag))
    };
    use put_response::Outcome;
    assert_eq!(put("<a/>", "1-1", false).await, Err(Code::FailedPrecondition), "there is none");
    assert_eq!(put("<a/>", "x\ny", false).await, Err(Code::InvalidArgument));
    let first = put("<a/>", "", false).await.unwrap().1;
    let second = put("<b/>", &first, false).await.unwrap().1;
    for dry_run in [true, false] {
        assert_eq!(put("<c/>", &first, dry_run).await, Err(Code::FailedPrecondition));
    }
    assert_eq!(put("<c/>", &second, true).await, Ok((Outcome::Changed, String::new())));
    // The answer got lost: the same again is no mistake.
    assert_eq!(put("<b/>", &first, false).await, Ok((Outcome::Unchanged, second)));
    assert_eq!(world.content().await, "<b/>");
}

/// It is judged like the real run, but nothing is stored.
#[tokio::test]
async fn a_dry_run_says_what_would_be() {
    let world = World::new().await;
    let mut client = client(&world);
    let mut dry = async |path: &str, content: &str| {
        let put = PutRequest {
            path: path.to_owned(),
            content: content.into(),
            dry_run: true,
            ..PutRequest::default()
        };
        let answer = client.put(put).await.map_err(|status| status.code())?.into_inner();
        Ok((answer.outcome(), answer.etag))
    };
    use put_response::Outcome;
    assert_eq!(dry(&path(), "<r/>").await, Ok((Outcome::Created, String::new())));
    assert_eq!(world.owner().get(DOCUMENT).await.status, 404);
    let etag = world.stored("<r/>").await;
    assert_eq!(dry(&path(), "<r/>").await, Ok((Outcome::Unchanged, etag.trim_matches('"').to_owned())));
    assert_eq!(dry(&path(), "<r><a/></r>").await, Ok((Outcome::Changed, String::new())));
    assert_eq!(dry(&path(), "<forbidden/>").await, Err(Code::InvalidArgument));
    assert_eq!(dry(&path(), &"x".repeat(crate::world::LIMIT + 1)).await, Err(Code::InvalidArgument));
    let kept = world.owner().get(DOCUMENT).await;
    assert_eq!((kept.etag(), kept.text()), (etag, "<r/>"));
    // Who is not there yet may be by the time of the real run.
    let path = "test-app/users/tel:+77/index";
    assert_eq!(dry(path, "<r/>").await, Ok((Outcome::Created, String::new())));
}

#[tokio::test]
async fn mistakes() {
    let world = World::new().await;
    let mut client = client(&world);
    for (path, organisation, code) in [
        ("unknown/users/tel:+1/index", "", Code::NotFound),
        ("test-app/users/tel:+1/index", "", Code::NotFound),
        ("test-app/users/tel:+77/index", "", Code::NotFound),
        ("test-app/users/tel:+1/index", "a/b", Code::InvalidArgument),
    ] {
        let get = GetRequest { path: path.to_owned(), organisation: organisation.to_owned() };
        assert_eq!(client.get(get).await.unwrap_err().code(), code, "{path}");
    }
    let initial = "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1";
    let history = HistoryRequest { path: initial.to_owned(), ..HistoryRequest::default() };
    assert_eq!(client.history(history).await.unwrap_err().code(), Code::InvalidArgument);
    let delete = DeleteRequest { path: initial.to_owned(), ..DeleteRequest::default() };
    assert_eq!(client.delete(delete).await.unwrap_err().code(), Code::InvalidArgument);
    let get = GetRequest { path: initial.to_owned(), ..GetRequest::default() };
    assert_eq!(client.get(get).await.unwrap().into_inner().content, b"<initial/>");
    for (usage, user, token, code) in [
        ("unknown", "", "", Code::NotFound),
        ("", "", "", Code::NotFound),
        ("test-app", "x", "", Code::InvalidArgument),
        ("test-app", "", "x", Code::InvalidArgument),
        ("test-app", "", "64:", Code::InvalidArgument),
        ("test-app", "", "0:other/", Code::InvalidArgument),
        ("test-app", "tel:+1", "5:test-app/users/tel:+2/a", Code::InvalidArgument),
    ] {
        let list = ListRequest {
            usage: usage.to_owned(),
            user: user.to_owned(),
            page_token: token.to_owned(),
            ..ListRequest::default()
        };
        assert_eq!(client.list(list).await.unwrap_err().code(), code, "{usage} {user} {token}");
    }
}

#[tokio::test]
async fn lists_page_by_page() {
    let world = World::new().await;
    let mut client = client(&world);
    for (user, names) in [(1, 7), (2, 3), (4, 2)] {
        for name in 0..names {
            let target = format!("/test-app/users/tel:+{user}/d{name}");
            assert_eq!(world.as_user(user).put(&target, TYPE, "<r/>").await.status, 201);
        }
    }
    let target = "/test-app/global/fire/template";
    assert_eq!(world.as_user(3).put(target, TYPE, "<r/>").await.status, 201);
    let mut all = async |user: &str, organisation: &str, page_size: u32| {
        let (mut found, mut page_token): (Vec<Document>, _) = (Vec::new(), String::new());
        loop {
            let request = ListRequest {
                usage: "test-app".to_owned(),
                user: user.to_owned(),
                organisation: organisation.to_owned(),
                page_size,
                page_token,
            };
            let page = client.list(request).await.unwrap().into_inner();
            assert!(page.documents.len() <= 500.min(page_size.max(1) as usize * 500));
            assert!(page_size == 0 || page.documents.len() <= page_size as usize);
            found.extend(page.documents);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return found;
            }
        }
    };
    // What is not wanted is passed over many at a time, however small the page.
    let before = world.reads.count();
    assert_eq!(all("", "nobody", 1).await.len(), 0);
    assert!(world.reads.count() - before <= csc_types::Partition::all().count());
    for page_size in [0, 1, 2, 7, 1000] {
        assert_eq!(all("", "", page_size).await.len(), 13, "{page_size}");
        assert_eq!(all("", "fire", page_size).await.len(), 11);
        assert_eq!(all("", "nobody", page_size).await.len(), 0);
        let own = all("TEL:+1", "", page_size).await;
        assert_eq!(own.len(), 7);
        for (number, document) in own.iter().enumerate() {
            assert_eq!(document.path, format!("test-app/users/tel:+1/d{number}"));
            assert_eq!(document.organisation, "fire");
            let etag = world.owner().get(&format!("/{}", document.path)).await.etag();
            assert_eq!(format!("\"{}\"", document.etag), etag);
        }
        assert_eq!(all("tel:+1", "police", page_size).await.len(), 0);
    }
}
