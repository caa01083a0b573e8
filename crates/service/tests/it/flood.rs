//! Clients that send too much.

use csc_service::AppConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Client, closed};
use crate::pki::Pki;
use crate::server::{HANDLER_LIMIT, Server, config};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn plain_http_gets_no_answer() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET /sample/x HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let answer = closed(&mut plain).await;
    // A TLS alert at most: nothing that a UE could take for HTTP.
    assert!(answer.is_empty() || answer[0] == 0x15, "{answer:?}");
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn garbage_in_place_of_tls_or_http() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    let _ = garbage.write_all(&vec![0x16; MIB]).await;
    closed(&mut garbage).await;
    for octets in [
        &b"\x00\x01\x02\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\r\n",
    ] {
        let mut client = Client::connect(server.address, &pki).await;
        client.send(octets).await.unwrap();
        let answer = client.closed().await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 "), "{octets:?}: {answer:?}");
    }
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn large_headers_are_refused() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let long = "x".repeat(40 * 1024);
    let many = "X: y\r\n".repeat(65);
    for (header, status) in
        [(format!("X: {long}\r\n"), 431), (many, 431), (format!("X: {}\r\n", "x".repeat(MIB)), 431)]
    {
        let mut client = Client::connect(server.address, &pki).await;
        // The server stops reading on the way.
        let _ = client.send(format!("GET /sample/x HTTP/1.1\r\n{header}\r\n")).await;
        assert_eq!(client.answer().await.unwrap().status, status);
        assert!(client.closed().await.is_empty());
    }
    let mut client = Client::connect(server.address, &pki).await;
    let _ = client.send(format!("GET /sample/{long}{long} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    let status = client.answer().await.unwrap().status;
    assert!(matches!(status, 414 | 431), "{status}");

    let mut client = Client::connect(server.address, &pki).await;
    let most = "X: y\r\n".repeat(64);
    client.send(format!("GET /sample/x HTTP/1.1\r\n{most}\r\n")).await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 200);
}

/// Sends all of the body before it looks for the answer, as simple clients do.
async fn put(server: &Server, pki: &Pki, framing: &str, body: &[u8]) -> u16 {
    let mut client = Client::connect(server.address, pki).await;
    client.send(format!("PUT /sample/body HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n")).await.unwrap();
    client.send(body).await.expect("the server takes the octets while it closes");
    let answer = client.answer().await.expect("the answer is not lost");
    assert_eq!(answer.header("connection").is_some(), answer.status == 413);
    if answer.status == 413 {
        assert!(client.closed().await.is_empty());
    }
    answer.status
}

#[tokio::test]
async fn large_bodies_are_refused_and_the_client_hears_it() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let sized = |size: usize| (format!("Content-Length: {size}"), vec![b'x'; size]);
    for (size, status) in [(HANDLER_LIMIT, 200), (HANDLER_LIMIT + 1, 413), (10 * MIB, 413)] {
        let (framing, body) = sized(size);
        assert_eq!(put(&server, &pki, &framing, &body).await, status, "{size} octets");
    }
    let chunk = [format!("{MIB:x}\r\n").as_bytes(), &vec![b'x'; MIB], b"\r\n"].concat();
    let body = [chunk.repeat(10), b"0\r\n\r\n".to_vec()].concat();
    assert_eq!(put(&server, &pki, "Transfer-Encoding: chunked", &body).await, 413);
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn a_large_body_need_not_be_sent_to_be_refused() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    for size in [10 * MIB, usize::MAX / 2] {
        let mut client = Client::connect(server.address, &pki).await;
        let head = "PUT /sample/body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
        client.send(format!("{head}Content-Length: {size}\r\n\r\n")).await.unwrap();
        assert_eq!(client.answer().await.unwrap().status, 413);
    }
}

#[tokio::test]
async fn one_connection_too_many_is_closed() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.connections = 2;
    let server = Server::start(config).await;
    let mut first = Client::connect(server.address, &pki).await;
    let second = Client::connect(server.address, &pki).await;
    let mut third = TcpStream::connect(server.address).await.unwrap();
    assert!(closed(&mut third).await.is_empty());
    assert_eq!(first.get("/sample/x").await.status, 200);

    // Once one has gone there is room again: the server notices on its own time.
    drop(second);
    let trusting = || crate::client::trusting(&pki, &crate::client::VERSIONS, None);
    while Client::with(server.address, trusting()).await.is_err() {}
    let metrics = crate::admin::get(server.admin, "/metrics").await.1;
    assert!(metrics.contains("csc_http_connections_refused_total{reason=\"too_many\"}"), "{metrics}");
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.requests = 1;
    too_many(&pki, config).await;
}

#[tokio::test]
async fn one_address_does_not_take_all_places() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.requests_per_address = 1;
    too_many(&pki, config).await;
}

/// With one request under way the next is refused; afterwards there is room again.
async fn too_many(pki: &Pki, config: AppConfig) {
    let server = Server::start(config).await;
    let mut first = Client::connect(server.address, pki).await;
    first.send("GET /sample/wait HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    server.gate.arrived.notified().await;

    let mut second = Client::connect(server.address, pki).await;
    let answer = second.get("/sample/x").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));

    server.gate.go.notify_one();
    assert_eq!(first.answer().await.unwrap().text(), "done");
    // The first answer is complete, so its place is free, or just about to be.
    while second.get("/sample/x").await.status != 200 {}
}
