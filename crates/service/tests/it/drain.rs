//! Stopping: what is in flight is finished, what hangs is cut, what fails is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use csc_service::{ServiceParts, Task};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::Client;
use crate::pki::Pki;
use crate::server::{Server, config};

fn with_task(task: Task) -> [ServiceParts; 1] {
    let mut parts = ServiceParts::new("tasks");
    parts.tasks.push(task);
    [parts]
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let pki = Pki::new();
    let mut server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    client.send("GET /sample/wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    server.gate.arrived.notified().await;
    server.stop();
    // New clients are refused as soon as the listener is gone.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(crate::admin::get(server.admin, "/readyz").await, (503, "stopping\n".to_owned()));
    assert_eq!(crate::admin::get(server.admin, "/livez").await.0, 200);
    server.gate.go.notify_one();
    let answer = client.answer().await.unwrap();
    assert_eq!((answer.status, answer.text()), (200, "done"));
    assert!(client.closed().await.is_empty());
    server.ended().await.unwrap();
}

#[tokio::test]
async fn clients_that_never_close_do_not_hold_it_up() {
    let pki = Pki::new();
    let mut server = Server::start(config(&pki)).await;
    let fresh = Client::connect(server.address, &pki).await;
    let mut quiet = Client::connect(server.address, &pki).await;
    assert_eq!(quiet.get("/sample/x").await.status, 200);
    let mut shaking = TcpStream::connect(server.address).await.unwrap();
    shaking.write_all(&[0x16, 3, 1]).await.unwrap();
    server.stop();
    server.ended().await.unwrap();
    drop((fresh, quiet, shaking));
}

#[tokio::test]
async fn a_request_on_its_way_is_answered() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.drain_time = crate::server::PATIENCE;
    let mut server = Server::start(config).await;
    let mut fresh = Client::connect(server.address, &pki).await;
    let mut quiet = Client::connect(server.address, &pki).await;
    assert_eq!(quiet.get("/sample/x").await.header("connection"), None);
    server.stop();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for client in [&mut fresh, &mut quiet] {
        let answer = client.get("/sample/x").await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    assert!(fresh.closed().await.is_empty() && quiet.closed().await.is_empty());
    server.ended().await.unwrap();
}

#[tokio::test]
async fn load_balancers_have_time_to_see_it() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.admin.drain_delay = Duration::from_secs(5); // time for two answers on a busy machine
    let mut server = Server::start(config).await;
    let mut old = Client::connect(server.address, &pki).await;
    assert_eq!(old.get("/sample/x").await.status, 200);
    server.stop();
    while crate::admin::get(server.admin, "/readyz").await.0 != 503 {}
    // Clients that come nevertheless are served and told to go elsewhere next.
    let mut new = Client::connect(server.address, &pki).await;
    for client in [&mut old, &mut new] {
        let answer = client.get("/sample/x").await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    server.ended().await.unwrap();
}

#[tokio::test]
async fn the_grace_period_ends() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.admin.grace = Duration::from_millis(100);
    let never = Task::new("never", |_| std::future::pending());
    let mut server = Server::with(config, with_task(never)).await.unwrap();
    let mut client = Client::connect(server.address, &pki).await;
    client.send("GET /sample/wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    server.gate.arrived.notified().await;
    server.stop();
    server.ended().await.unwrap();
    assert!(client.answer().await.is_err());
}

#[tokio::test]
async fn tasks_hear_it_and_may_finish() {
    let pki = Pki::new();
    let done = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&done);
    let task = Task::new("obedient", |shutdown| async move {
        assert!(!shutdown.is_requested());
        shutdown.requested().await;
        flag.store(true, Ordering::SeqCst);
        Ok(())
    });
    let mut server = Server::with(config(&pki), with_task(task)).await.unwrap();
    server.assert_alive(&pki).await;
    server.stop();
    server.ended().await.unwrap();
    assert!(done.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_task_that_ends_well_stops_nothing() {
    let pki = Pki::new();
    let mut server =
        Server::with(config(&pki), with_task(Task::new("short", |_| async { Ok(()) }))).await.unwrap();
    server.assert_alive(&pki).await;
    server.stop();
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_task_that_fails_stops_the_process() {
    let pki = Pki::new();
    let task = Task::new("failing", |_| async { Err(anyhow::anyhow!("out of luck")) });
    let mut server = Server::with(config(&pki), with_task(task)).await.unwrap();
    assert_eq!(format!("{:#}", server.ended().await.unwrap_err()), "task failing: out of luck");
}

#[tokio::test]
async fn a_task_that_panics_stops_the_process() {
    let pki = Pki::new();
    let task = Task::new("panicking", |_| async { panic!("as asked") });
    let mut server = Server::with(config(&pki), with_task(task)).await.unwrap();
    assert_eq!(format!("{:#}", server.ended().await.unwrap_err()), "task panicking: panicked");
}
