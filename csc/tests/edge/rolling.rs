//! Replacement of replicas, one after another, while requests keep coming.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::pki::Pki;
use crate::upstream::{Handler, Replica, Seen};
use crate::world::{self, Layout, start};

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

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_replaced_under_load_and_no_request_fails() {
    let pki = Arc::new(Pki::new());
    let first = Replica::start(&pki, "cms", slow()).await;
    let second = Replica::start(&pki, "cms", slow()).await;
    let edge = Arc::new(start(&pki, Layout::cms(&[&first, &second])).await);
    edge.connected("cms", 2).await;

    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (edge, over, answered) = (Arc::clone(&edge), Arc::clone(&over), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut client = edge.client().await;
                let mut sent = Vec::new();
                for n in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = format!("/{number}/{n}");
                    let method = if n % 2 == 0 { Method::PUT } else { Method::GET };
                    let body = Bytes::from(id.clone());
                    let request = Request::builder().method(&method).uri(&id).header("host", "a");
                    let request = request.body(if method == Method::PUT {
                        Full::new(body.clone())
                    } else {
                        Full::default()
                    });
                    let answer = world::ask(&mut client, request.unwrap()).await;
                    assert_eq!(answer.status(), StatusCode::OK, "{method} {id}");
                    if method == Method::PUT {
                        assert_eq!(*answer.body(), body);
                        sent.push(id);
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                sent
            })
        })
        .collect();

    let mut seen: Vec<Seen> = Vec::new();
    let mut replicas = [Some(first), Some(second)];
    for turn in 0..6 {
        let wanted = answered.load(Ordering::Relaxed) + 200;
        while answered.load(Ordering::Relaxed) < wanted {
            assert!(!clients.iter().any(tokio::task::JoinHandle::is_finished), "a request failed");
            tokio::task::yield_now().await;
        }
        // The next one goes as soon as this one is back, whether the edge has noticed or not.
        let replica = replicas[turn % 2].take().unwrap();
        let address = replica.address;
        seen.extend(replica.drain().await);
        replicas[turn % 2] = Some(Replica::start_at(address, &pki, "cms", slow()).await);
    }
    over.store(true, Ordering::Relaxed);
    let mut sent = Vec::new();
    for client in clients {
        sent.extend(client.await.unwrap());
    }
    for replica in replicas.into_iter().flatten() {
        seen.extend(replica.drain().await);
    }

    let mut puts: BTreeMap<String, usize> = BTreeMap::new();
    for seen in seen.into_iter().filter(|seen| seen.method == Method::PUT) {
        *puts.entry(seen.target).or_default() += 1;
    }
    assert!(puts.values().all(|times| *times == 1), "nothing is done twice");
    assert_eq!(puts.len(), sent.len(), "and everything once");
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
