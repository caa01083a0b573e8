//! Replicas that refuse, break, hang or are not there.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tracing_subscriber::fmt::MakeWriter;

use crate::pki::Pki;
use crate::upstream::{Handler, Replica, named};
use crate::world::{Answer, Layout, Running, start};

async fn ask(edge: &Running, method: Method, body: &'static str) -> Answer {
    let request = Request::builder().method(method).uri("/a?secret=1").header("host", "a");
    edge.ask(request.body(Full::from(body)).unwrap()).await
}

/// Takes requests, reads `wanted` octets of each body, and refuses the first `refused` of them.
async fn refusing(pki: &Pki, refused: usize, taken: Arc<AtomicUsize>) -> Replica {
    Replica::raw(pki, "cms", move |stream| {
        let taken = Arc::clone(&taken);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((mut request, mut respond))) = connection.accept().await {
                if taken.fetch_add(1, Ordering::Relaxed) < refused {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                    continue;
                }
                tokio::spawn(async move {
                    let mut body = Vec::new();
                    while let Some(Ok(data)) = request.body_mut().data().await {
                        body.extend_from_slice(&data);
                    }
                    let mut send = respond.send_response(Response::new(()), false).unwrap();
                    send.send_data(Bytes::from(body), true).unwrap();
                });
            }
        }
    })
    .await
}

/// Takes one request per connection, counts it, and breaks the connection.
async fn breaking(pki: &Pki, taken: Arc<AtomicUsize>) -> Replica {
    Replica::raw(pki, "cms", move |stream| {
        let taken = Arc::clone(&taken);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let request = connection.accept().await;
            taken.fetch_add(usize::from(request.is_some()), Ordering::Relaxed);
        }
    })
    .await
}

#[tokio::test]
async fn what_a_replica_did_not_look_at_is_sent_again() {
    let pki = Pki::new();
    let taken = Arc::new(AtomicUsize::new(0));
    let replica = refusing(&pki, 3, Arc::clone(&taken)).await;
    let edge = start(&pki, Layout::cms(&[&replica])).await;
    let answer = ask(&edge, Method::POST, "a body of some length").await;
    assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::OK, &b"a body of some length"[..]));
    assert_eq!(taken.load(Ordering::Relaxed), 4);
    let metrics = edge.metrics().await;
    assert!(metrics.contains("csc_edge_repeats_total{after=\"refused\",upstream=\"cms\"} 3"), "{metrics}");

    let refuses = refusing(&pki, usize::MAX, Arc::default()).await;
    let edge = start(&pki, Layout::cms(&[&refuses])).await;
    let answer = ask(&edge, Method::POST, "x").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let other = Replica::start(&pki, "cms", named("other")).await;
    let edge = start(&pki, Layout::cms(&[&refuses, &other])).await;
    edge.connected("cms", 2).await;
    for _ in 0..10 {
        assert_eq!(ask(&edge, Method::POST, "x").await.body(), "other");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let pki = Pki::new();
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let taken = Arc::new(AtomicUsize::new(0));
        let breaks = breaking(&pki, Arc::clone(&taken)).await;
        let edge = start(&pki, Layout::cms(&[&breaks])).await;
        let answer = ask(&edge, method.clone(), "x").await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{method}");
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(taken.load(Ordering::Relaxed), 1, "{method}");
    }
    for method in [Method::GET, Method::OPTIONS] {
        let breaks = breaking(&pki, Arc::default()).await;
        let works = Replica::start(&pki, "cms", named("works")).await;
        let edge = start(&pki, Layout::cms(&[&breaks, &works])).await;
        edge.connected("cms", 2).await;
        for _ in 0..4 {
            assert_eq!(ask(&edge, method.clone(), "").await.body(), "works", "{method}");
        }
        assert_eq!(works.seen().len(), 4);
    }
}

#[tokio::test]
async fn nobody_there() {
    let pki = Pki::new();
    let edge = start(&pki, Layout { edge: "replica_time = \"100ms\"", ..Layout::default() }).await;
    let answer = ask(&edge, Method::GET, "").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let metrics = edge.metrics().await;
    for line in [
        "csc_edge_requests_total{outcome=\"unreachable\",upstream=\"cms\"} 1",
        "csc_edge_upstream_up{upstream=\"cms\"} 0",
        "csc_edge_upstream_replicas{upstream=\"cms\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_request_waits_for_a_replica_that_is_coming() {
    let pki = Pki::new();
    let gone = Replica::start(&pki, "cms", named("gone")).await;
    let edge = start(&pki, Layout::cms(&[&gone])).await;
    edge.connected("cms", 1).await;
    let address = gone.address;
    gone.drain().await;
    edge.connected("cms", 0).await;
    let asked = ask(&edge, Method::POST, "x");
    let back = Replica::start_at(address, &pki, "cms", named("back"));
    let (answer, _back) = tokio::join!(asked, back);
    assert_eq!(answer.body(), "back");
}

#[tokio::test]
async fn no_answer_in_time() {
    let never: Handler = Arc::new(|_| Box::pin(std::future::pending()));
    let pki = Pki::new();
    let hangs = Replica::start(&pki, "cms", never).await;
    let edge = start(&pki, Layout { edge: "answer_time = \"200ms\"", ..Layout::cms(&[&hangs]) }).await;
    for method in [Method::GET, Method::PUT] {
        assert_eq!(ask(&edge, method, "x").await.status(), StatusCode::GATEWAY_TIMEOUT);
    }
    assert_eq!(hangs.seen().len(), 2);
}

#[tokio::test]
async fn a_replica_that_hangs_is_given_up() {
    let pki = Pki::new();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let hangs = Replica::raw(&pki, "cms", move |stream| {
        let count = Arc::clone(&count);
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let request = connection.accept().await;
            count.fetch_add(usize::from(request.is_some()), Ordering::Relaxed);
            // Still open, and not even a ping is answered.
            std::future::pending::<()>().await;
        }
    })
    .await;
    let works = Replica::start(&pki, "cms", named("works")).await;
    let edge = start(&pki, Layout::cms(&[&hangs, &works])).await;
    edge.connected("cms", 2).await;
    for _ in 0..4 {
        assert_eq!(ask(&edge, Method::GET, "").await.body(), "works");
    }
    assert!(taken.load(Ordering::Relaxed) > 0, "one request began there");
}

#[tokio::test]
async fn an_answer_that_breaks_off_looks_like_one() {
    let pki = Pki::new();
    let breaks = Replica::raw(&pki, "cms", |stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let head = Response::builder().header("content-length", "10").body(()).unwrap();
            let mut send = respond.send_response(head, false).unwrap();
            send.send_data(Bytes::from_static(b"abc"), false).unwrap();
            tokio::spawn(async move {
                // The data leave first.
                send.reserve_capacity(1 << 20);
                std::future::poll_fn(|cx| send.poll_capacity(cx)).await;
                send.send_reset(h2::Reason::INTERNAL_ERROR);
            });
        }
    })
    .await;
    let edge = start(&pki, Layout::cms(&[&breaks])).await;
    let answer = edge.raw(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;
    // It may be closed before even the head has left.
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    assert!(body.len() < 10, "closed before the end: {answer}");
}

#[tokio::test]
async fn clients_that_do_not_take_their_answers_hold_up_nobody() {
    const LARGE: &[u8] = &[0; 8 << 20];
    let pki = Pki::new();
    let large: Handler = Arc::new(|_| Box::pin(async { Response::new(Full::from(LARGE)) }));
    let cms = Replica::start(&pki, "cms", large).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    let mut idle = Vec::new();
    for _ in 0..8 {
        let mut client = edge.client().await;
        let request = Request::get("/a").header("host", "a").body(Full::default()).unwrap();
        idle.push((client.send_request(request).await.unwrap(), client));
    }
    assert_eq!(edge.get("/a").await.body().len(), LARGE.len());
    assert!(idle.iter().all(|(answer, _)| answer.status() == StatusCode::OK));
}

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_query_nor_token_is_logged() {
    let log = Log::default();
    // What other crates log at this level stays out of the log of a process. One of a thread alone would come and go
    // while other tests run, and miss lines.
    let lines =
        tracing_subscriber::fmt().with_env_filter("csc=trace,csc_service=trace").with_writer(log.clone());
    tracing::subscriber::set_global_default(lines.finish()).unwrap();
    let pki = Pki::new();
    let breaks = breaking(&pki, Arc::default()).await;
    let works = Replica::start(&pki, "cms", named("works")).await;
    let edge =
        start(&pki, Layout { edge: "replica_time = \"100ms\"", ..Layout::cms(&[&breaks, &works]) }).await;
    edge.connected("cms", 2).await;
    for target in ["/a-path?user_password=in-a-query", "/idms/authreq?user_password=in-a-query"] {
        for method in [Method::GET, Method::PUT, Method::GET, Method::PUT] {
            let request = Request::builder().method(method).uri(target).header("host", "a");
            let request = request.header("authorization", "Bearer a-token").body(Full::from("a-body"));
            edge.ask(request.unwrap()).await;
        }
    }
    edge.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("replica connected") && log.contains("attempt failed"), "{log}");
    for secret in ["in-a-query", "a-token", "a-body", "a-path", "authreq"] {
        assert!(!log.contains(secret), "{log}");
    }
}
