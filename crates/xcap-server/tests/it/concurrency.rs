//! Many writers of one document (X19), in one server and in two on the same store.

use csc_service::http::{Body, BodyError};
use csc_xcap_server::testing::{Answer, Client};
use http::{Method, Request};
use tower::ServiceExt;

use crate::world::{DOCUMENT, ELEMENT, LIMIT, TYPE, World};

/// So large that edits are made on another thread.
fn large() -> String {
    format!("<list xmlns='test-app'><note>{}</note></list>", "x".repeat(200_000))
}

async fn all(requests: impl Iterator<Item = impl Future<Output = Answer> + Send + 'static>) -> Vec<Answer> {
    let tasks: Vec<_> = requests.map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Of large bodies that do not come only so many are waited for, and those that are small meanwhile pass.
#[tokio::test]
async fn x21_large_bodies_at_a_time() {
    use futures::stream;

    let world = World::new().await;
    let silent = || {
        let body = Body::from_stream(stream::pending::<Result<Vec<u8>, BodyError>>());
        let token = world.owner().token.unwrap();
        let request = Request::put(DOCUMENT).header("access_token", token).body(body).unwrap();
        tokio::spawn(world.mount.service.clone().oneshot(request))
    };
    // One more than there is room for: each may be as large as a document.
    let waiting: Vec<_> = (0..(256 << 20) / LIMIT + 1).map(|_| silent()).collect();
    let patience = std::time::Duration::from_secs(60);
    let (first, _, waiting) = tokio::time::timeout(patience, futures::future::select_all(waiting))
        .await
        .expect("the last one is refused");
    assert_eq!(first.unwrap().unwrap().status(), 503);
    let large = || format!("<a>{}</a>", "x".repeat(300_000));
    let refused = world.owner().put(DOCUMENT, TYPE, large()).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
    assert!(world.owner().put(DOCUMENT, TYPE, "<a/>").await.status.is_success());
    for task in waiting {
        task.abort();
        let _ = task.await;
    }
    assert!(world.owner().put(DOCUMENT, TYPE, large()).await.status.is_success());
}

async fn sixty_four_inserts(world: &World, clients: &[Client]) {
    let insert = |number: usize| {
        let client = clients[number % clients.len()].clone();
        async move {
            let target = format!("{DOCUMENT}/~~/list/entry[@n=\"{number}\"]");
            client.put(&target, ELEMENT, format!("<entry n='{number}'/>")).await
        }
    };
    let answers = all((0..64).map(insert)).await;
    let mut etags: Vec<String> = answers.iter().map(Answer::etag).collect();
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let content = world.content().await;
    for number in 0..64 {
        assert!(content.contains(&format!("<entry n='{number}'/>")), "{number}");
    }
    assert_eq!(content.matches("<entry").count(), 64);
    assert!(etags.contains(&world.owner().get(DOCUMENT).await.etag()));
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 64);
}

async fn sixteen_equal_conditions(world: &World, clients: &[Client], etag: &str) {
    let put = |number: usize| {
        let (client, etag) = (clients[number % clients.len()].clone(), etag.to_owned());
        async move {
            let headers = [("content-type", ELEMENT), ("if-match", etag.as_str())];
            let target = format!("{DOCUMENT}/~~/list/winner");
            client.send(Method::PUT, &target, &headers, format!("<winner n='{number}'/>")).await
        }
    };
    let answers = all((0..16).map(put)).await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).collect::<Vec<_>>();
    assert_eq!((with(201).len(), with(412).len()), (1, 15), "{answers:?}");
    assert_eq!(world.content().await.matches("<winner").count(), 1);
    assert_eq!(world.owner().get(DOCUMENT).await.etag(), with(201)[0].etag());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x19_in_one_server() {
    let world = World::new().await;
    world.stored("<list xmlns='test-app'/>").await;
    sixty_four_inserts(&world, &[world.owner()]).await;
    let etag = world.owner().get(DOCUMENT).await.etag();
    sixteen_equal_conditions(&world, &[world.owner()], &etag).await;
}

/// The two have no queue in common: only the commit keeps them apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x19_in_two_servers_on_one_store() {
    let world = World::new().await;
    world.stored("<list xmlns='test-app'/>").await;
    let clients = [world.owner(), world.bench.client(&world.twin(), "tel:+1")];
    sixty_four_inserts(&world, &clients).await;
    let etag = world.owner().get(DOCUMENT).await.etag();
    sixteen_equal_conditions(&world, &clients, &etag).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x19_with_a_document_that_is_edited_aside() {
    let world = World::new().await;
    let etag = world.stored(&large()).await;
    let clients = [world.owner(), world.bench.client(&world.twin(), "tel:+1")];
    sixteen_equal_conditions(&world, &clients, &etag).await;
    sixty_four_inserts(&world, &clients).await;
    // Others are answered meanwhile, whatever waits for its turn.
    let edits = all((0..8).map(|number| {
        let client = world.owner();
        async move {
            client
                .put(&format!("{DOCUMENT}/~~/list/@n"), "application/xcap-att+xml", number.to_string())
                .await
        }
    }));
    let other = async {
        let target = "/test-app/users/tel:+2/index";
        let client = world.as_user(2);
        assert_eq!(client.put(target, crate::world::TYPE, "<a/>").await.status, 201);
        assert_eq!(client.get(target).await.status, 200);
    };
    let (answers, ()) = tokio::join!(edits, other);
    assert!(answers.iter().all(|answer| answer.status.is_success()));
}
