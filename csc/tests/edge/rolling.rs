//! Replacement of replicas, one after another, while requests keep coming.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::pki::Pki;
use crate::service::{SEGMENT, Service};
use crate::upstream::{Handler, Replica};
use crate::world::{self, Layout, Running, start};

const CLIENTS: usize = 8;

/// Answers after a moment, so that there is always something under way.
fn slow() -> Handler {
    Arc::new(|seen| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Response::new(Full::new(seen.body))
        })
    })
}

/// A replica that can be replaced.
trait Replaced: Sized {
    async fn start(address: SocketAddr, pki: &Pki) -> Self;
    fn address(&self) -> SocketAddr;
    /// Stops it; gives the targets of the PUTs that it handled.
    async fn drain(self) -> Vec<String>;
}

impl Replaced for Replica {
    async fn start(address: SocketAddr, pki: &Pki) -> Self {
        Self::start_at(address, pki, "cms", slow()).await
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn drain(self) -> Vec<String> {
        let seen = Self::drain(self).await.into_iter();
        seen.filter(|seen| seen.method == Method::PUT).map(|seen| seen.target).collect()
    }
}

impl Replaced for Service {
    async fn start(address: SocketAddr, pki: &Pki) -> Self {
        Self::start(address, pki).await
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn drain(self) -> Vec<String> {
        Self::drain(self).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_replaced_under_load_and_no_request_fails() {
    replaced_under_load::<Replica>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_are_services() {
    replaced_under_load::<Service>().await;
}

async fn replaced_under_load<R: Replaced>() {
    let pki = Pki::new();
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let mut replicas = [Some(R::start(anywhere, &pki).await), Some(R::start(anywhere, &pki).await)];
    let cms = replicas.iter().flatten().map(R::address).collect();
    let edge = Arc::new(start(&pki, Layout { cms, ..Layout::default() }).await);
    edge.connected("cms", 2).await;

    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(load(number, Arc::clone(&edge), Arc::clone(&over), Arc::clone(&answered))))
        .collect();
    let mut handled = Vec::new();
    for turn in 0..6 {
        let wanted = answered.load(Ordering::Relaxed) + 200;
        while answered.load(Ordering::Relaxed) < wanted {
            assert!(!clients.iter().any(tokio::task::JoinHandle::is_finished), "a request failed");
            tokio::task::yield_now().await;
        }
        // The next one goes as soon as this one is back, whether the edge has noticed or not.
        let replica = replicas[turn % 2].take().unwrap();
        let address = replica.address();
        handled.extend(replica.drain().await);
        replicas[turn % 2] = Some(R::start(address, &pki).await);
    }
    over.store(true, Ordering::Relaxed);
    let mut sent = Vec::new();
    for client in clients {
        sent.extend(client.await.unwrap());
    }
    for replica in replicas.into_iter().flatten() {
        handled.extend(replica.drain().await);
    }
    sent.sort();
    handled.sort();
    let undone: Vec<_> = sent.iter().filter(|target| !handled.contains(target)).collect();
    let twice: Vec<_> = handled.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(sent == handled, "everything was done, and nothing twice: undone {undone:?}, twice {twice:?}");
}

/// Asks until it is over. Gives the targets of the PUTs that were answered.
async fn load(
    number: usize,
    edge: Arc<Running>,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut client = edge.client().await;
    let mut sent = Vec::new();
    for n in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let target = format!("/{SEGMENT}/{number}/{n}");
        let (method, body) = match n % 2 {
            0 => (Method::PUT, Bytes::from(target.clone())),
            _ => (Method::GET, Bytes::new()),
        };
        let request = Request::builder().method(&method).uri(&target).header("host", "a");
        let answer = world::ask(&mut client, request.body(Full::new(body.clone())).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method} {target}");
        assert_eq!(*answer.body(), body);
        if method == Method::PUT {
            sent.push(target);
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    sent
}

#[tokio::test]
async fn an_edge_that_stops_answers_what_is_under_way() {
    let pki = Pki::new();
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let (go, gate) = tokio::sync::watch::channel(false);
    let handler: Handler = Arc::new(move |_| {
        let (begun, mut gate) = (begun.clone(), gate.clone());
        Box::pin(async move {
            begun.send(()).unwrap();
            gate.wait_for(|open| *open).await.unwrap();
            Response::new(Full::from("late"))
        })
    });
    let cms = Replica::start(&pki, "cms", handler).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    let mut client = edge.client().await;
    let asked = tokio::spawn(async move {
        let request = Request::get("/a").header("host", "a").body(Full::default()).unwrap();
        world::ask(&mut client, request).await
    });
    begins.recv().await.unwrap();
    let stopped = tokio::spawn(edge.stop());
    go.send(true).unwrap();
    let answer = asked.await.unwrap();
    assert_eq!(answer.body(), "late");
    stopped.await.unwrap();
}
