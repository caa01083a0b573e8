//! Clients that take their time.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::interval;

use crate::client::{Client, closed};
use crate::pki::Pki;
use crate::server::{Server, config};

/// The limit a test is about; all others are a minute.
const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_slow_handshake_ends() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.handshake_time = SHORT;
    let server = Server::start(config).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert!(closed(&mut silent).await.is_empty());
    // The beginning of a ClientHello, and no more.
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    closed(&mut half).await;
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn a_slow_header_ends() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.header_time = SHORT;
    let server = Server::start(config).await;
    // Nothing at all; half a header; half a header as the second request.
    let silent = Client::connect(server.address, &pki).await;
    assert!(silent.closed().await.is_empty());
    let mut half = Client::connect(server.address, &pki).await;
    half.send("GET /sample/x HTTP/1.1\r\nHost").await.unwrap();
    assert!(half.closed().await.is_empty());
    let mut second = loop {
        let mut client = Client::connect(server.address, &pki).await;
        // On a busy machine even the first header may be too slow.
        let sent = client.send("GET /sample/x HTTP/1.1\r\nHost: x\r\n\r\n").await;
        if sent.is_ok() && client.answer().await.is_ok() {
            break client;
        }
    };
    second.send("G").await.unwrap();
    assert!(second.closed().await.is_empty());
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn dripping_octets_does_not_help() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.header_time = SHORT;
    let server = Server::start(config).await;
    let mut client = Client::connect(server.address, &pki).await;
    let _ = client.send("GET /sample/x HTTP/1.1\r\nX: ").await;
    let mut pace = interval(SHORT / 10);
    while client.send("x").await.is_ok() {
        pace.tick().await;
    }
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.idle_time = SHORT;
    let server = Server::start(config).await;
    let mut client = Client::connect(server.address, &pki).await;
    assert_eq!(client.get("/sample/x").await.status, 200);
    assert!(client.closed().await.is_empty());
    let metrics = crate::admin::get(server.admin, "/metrics").await.1;
    assert!(metrics.contains("csc_http_connections_cut_total{phase=\"quiet\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_slow_body_is_answered_with_408() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.body_time = SHORT;
    let server = Server::start(config).await;
    for body in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"] {
        let mut client = Client::connect(server.address, &pki).await;
        client.send(format!("PUT /sample/body HTTP/1.1\r\nHost: x\r\n{body}")).await.unwrap();
        let answer = client.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert!(client.closed().await.is_empty());
    }
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.request_time = SHORT;
    let server = Server::start(config).await;
    let mut client = Client::connect(server.address, &pki).await;
    client.send("GET /sample/large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Nothing is read until the server has given up: it is its counter that says so.
    let mut open = 1;
    while open > 0 {
        let metrics = crate::admin::get(server.admin, "/metrics").await.1;
        let line = metrics.lines().find(|line| line.starts_with("csc_http_connections{listener=\"https\"}"));
        open = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        tokio::task::yield_now().await;
    }
    assert!(client.answer().await.is_err());
}

#[tokio::test]
async fn half_closed_connections_end() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    // Closed for writing: before a request, within a header, within a body.
    for octets in ["", "GET /sam", "PUT /sample/body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"] {
        let mut client = Client::connect(server.address, &pki).await;
        client.send(octets).await.unwrap();
        client.writer.shutdown().await.unwrap();
        let rest = client.closed().await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400 "), "{octets}: {rest:?}");
    }
    // Vanished, TLS and all.
    for octets in ["", "PUT /sample/body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"] {
        let mut client = Client::connect(server.address, &pki).await;
        client.send(octets).await.unwrap();
    }
    server.assert_alive(&pki).await;
}
