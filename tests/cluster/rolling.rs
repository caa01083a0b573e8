//! Every process is replaced, one after the other, under load: no request fails, no change goes untold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use csc::ue::Ue;

use csc_service::OsEntropy;
use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, SAM};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::{GROUP_TYPE, Server, group, led, path};

#[tokio::test(flavor = "multi_thread")]
async fn every_process_is_replaced_under_load() {
    // On a busy machine a terminal may need that long to hear that its connection ends.
    let Some(mut server) = Server::start_with(&[("CSC_HTTP_DRAIN_TIME", "10s")]).await else { return };
    server.add_edge("edge-2").await;
    let edges = ["edge", "edge-2"];
    let front = Front::start(server.address(edges[1], "https")).await;
    let mut watchers = Watchers::at(server.proxies()).await;
    for user in [ALEX, DANA, SAM] {
        watchers.add(&Ask::list(user.0, &[&path(ENGINE_7)]));
    }
    watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
    let before = watchers.get(0).told[0][0].new.clone().expect("it is there");

    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // A terminal that reads, refreshes its tokens and fetches keys, and a console that writes.
    let reader = {
        let (mut ue, stop, done) = (front.ue(&server, ALEX).await, Arc::clone(&stop), Arc::clone(&done));
        tokio::spawn(async move {
            let profile = format!("org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0);
            while !stop.load(Ordering::SeqCst) {
                ue.get(&profile).await.expect("cms answers");
                ue.certificate().await.expect("kms answers");
                ue.refresh().await.expect("idms answers");
                ue.login(&OsEntropy).await.expect("idms logs in");
                done.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let writer = {
        let (mut console, stop, done) = (front.ue(&server, DANA).await, Arc::clone(&stop), Arc::clone(&done));
        tokio::spawn(async move {
            let mut last = String::new();
            for number in 0.. {
                let content = group(ENGINE_7, &format!("version {number}"), &[ALEX.0, DANA.0, SAM.0]);
                console.put(&path(ENGINE_7), GROUP_TYPE, content.clone(), None).await.expect("gms takes it");
                let found = console.get(&path(ENGINE_7)).await.expect("gms answers");
                assert_eq!(found.body, content);
                last = found.etag;
                done.fetch_add(1, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            last
        })
    };

    let watcher = {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            watchers.serve(&stop).await;
            watchers
        })
    };

    let services = server.services();
    for name in edges.map(str::to_owned).into_iter().chain(services) {
        // New connections go to the edge that stays.
        if let Some(place) = edges.iter().position(|edge| *edge == name) {
            front.leads_to(server.address(edges[1 - place], "https"));
        }
        let before = done.load(Ordering::SeqCst);
        server.terminate(&name).await;
        server.restart(&name).await;
        let end = tokio::time::Instant::now() + crate::PATIENCE;
        while done.load(Ordering::SeqCst) < before + 2 && !reader.is_finished() && !writer.is_finished() {
            assert!(tokio::time::Instant::now() < end, "the load stands still after {name}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    reader.await.expect("no request of the terminal failed");
    let last = writer.await.expect("no request of the console failed");
    let mut watchers = watcher.await.expect("good NOTIFYs");
    watchers.until("the last change", |_, watcher| led(watcher, &before, &last)).await;
    server.stop().await;
}

/// What stands in front of several edges: leads each new connection to the one it is told.
struct Front {
    address: SocketAddr,
    edge: watch::Sender<SocketAddr>,
}

impl Front {
    async fn start(edge: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (edge, current) = watch::channel(edge);
        tokio::spawn(async move {
            while let Ok((mut terminal, _)) = listener.accept().await {
                let edge = *current.borrow();
                tokio::spawn(async move {
                    // An error is an end of the connection, which the terminal sees.
                    if let Ok(mut edge) = TcpStream::connect(edge).await {
                        let _ = tokio::io::copy_bidirectional(&mut terminal, &mut edge).await;
                    }
                });
            }
        });
        Self { address, edge }
    }

    fn leads_to(&self, edge: SocketAddr) {
        self.edge.send_replace(edge);
    }

    /// A terminal that connects here, logged in.
    async fn ue(&self, server: &Server, user: (&str, &str)) -> Ue {
        let mut profile = server.profile(user);
        profile.server = format!("https://{}", self.address);
        let mut ue = Ue::new(profile).expect("a good profile");
        ue.login(&OsEntropy).await.expect("a login");
        ue
    }
}
