//! The admin listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use csc_service::{ReadyCheck, ServiceParts};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Client, closed};
use crate::pki::Pki;
use crate::server::{Server, config};

/// Status and body of a GET over plain HTTP.
pub(crate) async fn get(address: SocketAddr, target: &str) -> (u16, String) {
    request(address, "GET", target).await
}

async fn request(address: SocketAddr, method: &str, target: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = String::from_utf8(closed(&mut stream).await).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn ready_once_every_check_was_good_once() {
    let pki = Pki::new();
    let good = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&good);
    let mut parts = ServiceParts::new("checked");
    parts.ready.push(ReadyCheck::new("store", move || {
        let good = asked.load(Ordering::SeqCst);
        async move { if good { Ok(()) } else { Err(anyhow::anyhow!("not yet")) } }
    }));
    parts.ready.push(ReadyCheck::new("keys", || async { Ok(()) }));
    let server = Server::with(config(&pki), [parts]).await.unwrap();
    while get(server.admin, "/readyz").await != (503, "waiting for store\n".to_owned()) {}
    assert_eq!(get(server.admin, "/livez").await, (200, "alive\n".to_owned()));

    good.store(true, Ordering::SeqCst);
    while get(server.admin, "/readyz").await.0 != 200 {}
    good.store(false, Ordering::SeqCst);
    assert_eq!(get(server.admin, "/readyz").await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn metrics_count_requests_without_naming_anybody() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    client.get("/sample/tel:+82571009990?user_password=secret").await;
    client.get("/elsewhere").await;
    client.send("BREW /sample/x HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    client.answer().await.unwrap();
    let (status, metrics) = get(server.admin, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        r#"csc_http_requests_total{method="GET",service="sample",status="200"} 1"#,
        r#"csc_http_requests_total{method="GET",service="none",status="404"} 1"#,
        r#"csc_http_requests_total{method="other",service="sample",status="200"} 1"#,
        r#"csc_http_connections{listener="https"} 1"#,
        r#"csc_http_request_seconds_count{service="sample"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("8257") && !metrics.contains("secret") && !metrics.contains("BREW"));
}

#[tokio::test]
async fn nothing_else_is_there() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    for target in ["/", "/sample/x", "/livez/x", "/metrics/../livez"] {
        assert_eq!(get(server.admin, target).await.0, 404, "{target}");
    }
    assert_eq!(request(server.admin, "POST", "/metrics").await.0, 405);
    assert_eq!(request(server.admin, "HEAD", "/livez").await, (200, String::new()));
    // And it is not there for UEs.
    let mut client = Client::connect(server.address, &pki).await;
    assert_eq!(client.get("/metrics").await.status, 404);
}
