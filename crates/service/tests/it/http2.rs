//! HTTP/2: the same answers, the same limits.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, RETRY_AFTER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Client, VERSIONS, trusting};
use crate::http2_client::{Http2, tls};
use crate::pki::Pki;
use crate::server::{HANDLER_LIMIT, PATIENCE, Server, config};

/// The limit a test is about.
const SHORT: Duration = Duration::from_millis(200);

async fn metric(server: &Server, line: &str) {
    let wait = async {
        while !crate::admin::get(server.admin, "/metrics").await.1.contains(line) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{line}"));
}

#[tokio::test]
async fn the_request_target_arrives_octet_for_octet() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let client = Http2::connect(server.address, &pki).await;
    for target in [
        "/sample/users/tel:+82571009990/x",
        "/sample/users/tel%3A%2B82571009990/%00/a%2Fb//../.",
        r#"/sample/g/~~/group/list-service[@uri="tel:+8293315310133"]/display-name"#,
        "/sample/g/~~/a:b?xmlns(a=urn:x)",
        "/root/sample/x",
    ] {
        let answer = client.get(target).await.unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, target));
        assert_eq!(answer.headers[CONTENT_LENGTH], target.len().to_string());
    }
    assert_eq!(client.get("/sample/host").await.unwrap().text, "localhost");
    assert_eq!(client.get("/other").await.unwrap().status, StatusCode::NOT_FOUND);
    assert_eq!(client.get("/sample/panic").await.unwrap().status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/sample/x").await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_and_no_body() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let client = Http2::connect(server.address, &pki).await;
    for (target, length) in [("/sample/x", "9"), ("/sample/large", "16777216")] {
        let answer = client.send("HEAD", target, &[], Bytes::new()).await.unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(answer.headers[CONTENT_LENGTH], length);
    }
    let mut client = Client::connect(server.address, &pki).await;
    client.send("HEAD /sample/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(client.closed().await).unwrap();
    assert!(answer.contains("\r\ncontent-length: 9\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn requests_run_side_by_side_and_large_answers_are_whole() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let client = Http2::connect(server.address, &pki).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.get("/sample/wait").await }
    });
    server.gate.arrived.notified().await;
    let large = client.get("/sample/large").await.unwrap();
    assert_eq!((large.text.len(), large.headers[CONTENT_LENGTH].to_str().unwrap()), (16 << 20, "16777216"));
    server.gate.go.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().text, "done");
}

#[tokio::test]
async fn bodies_are_limited_and_the_connection_goes_on() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let client = Http2::connect(server.address, &pki).await;
    for (size, status) in [(0, 200), (HANDLER_LIMIT, 200), (HANDLER_LIMIT + 1, 413), (10 << 20, 413)] {
        let answer = client.send("PUT", "/sample/body", &[], Bytes::from(vec![b'x'; size])).await.unwrap();
        assert_eq!(answer.status, status, "{size}");
        assert!(!answer.headers.contains_key(CONNECTION));
    }
    assert_eq!(client.get("/sample/x").await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn headers_are_limited() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let name = |n: usize| HeaderName::try_from(format!("x-{n}")).unwrap();
    let fields =
        |count: usize, size: usize| (0..count).map(|n| (name(n), "y".repeat(size))).collect::<Vec<_>>();
    for (count, size, status) in [(60, 1, 200), (65, 1, 431), (10, 4096, 431)] {
        let client = Http2::connect(server.address, &pki).await;
        let answer = client.send("GET", "/sample/x", &fields(count, size), Bytes::new()).await.unwrap();
        assert_eq!(answer.status, status, "{count} of {size}");
    }
    let client = Http2::connect(server.address, &pki).await;
    for (host, status) in [("LOCALHOST", 200), ("elsewhere", 400)] {
        let answer = client.send("GET", "/sample/x", &[(HOST, host.to_owned())], Bytes::new()).await.unwrap();
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.requests = 1;
    let server = Server::start(config).await;
    let client = Http2::connect(server.address, &pki).await;
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.get("/sample/wait").await }
    });
    server.gate.arrived.notified().await;
    let second = client.get("/sample/x").await.unwrap();
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.headers[RETRY_AFTER], "1");
    server.gate.go.notify_one();
    assert_eq!(first.await.unwrap().unwrap().text, "done");
    while client.get("/sample/x").await.unwrap().status != StatusCode::OK {}
}

#[tokio::test]
async fn a_connection_without_requests_ends() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.idle_time = SHORT;
    let server = Server::start(config).await;
    let client = Http2::connect(server.address, &pki).await;
    assert_eq!(client.get("/sample/x").await.unwrap().status, StatusCode::OK);
    client.ended().await.unwrap();
    metric(&server, "csc_http_connections_cut_total{phase=\"quiet\"} 1").await;
}

#[tokio::test]
async fn a_connection_that_never_asks_ends() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.header_time = SHORT;
    let server = Server::start(config).await;
    let mut silent = tls(server.address, trusting(&pki, &VERSIONS, None)).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, silent.read_to_end(&mut rest)).await.expect("the server closes");
    metric(&server, "csc_http_connections_cut_total{phase=\"fresh\"} 1").await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_reset_alone() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.request_time = SHORT;
    let server = Server::start(config).await;
    let client = Http2::connect(server.address, &pki).await;
    assert!(client.get("/sample/wait").await.is_err());
    // On a busy machine even this one may take too long.
    while client.get("/sample/x").await.is_err() {}
    metric(&server, "csc_http_connections_cut_total{phase=\"request\"} ").await;
}

/// A frame: length, type, flags, stream, content (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
/// END_STREAM and END_HEADERS.
const WHOLE: u8 = 5;

/// A header block without compression state: GET of `path` at `x` over https.
fn get(path: &str) -> Vec<u8> {
    let path_length = u8::try_from(path.len()).unwrap();
    [&[0x82, 0x87, 0x04, path_length], path.as_bytes(), &[0x01, 1, b'x']].concat()
}

#[tokio::test]
async fn a_client_that_takes_no_answer_loses_the_request_and_its_place() {
    let pki = Pki::new();
    let mut config = config(&pki);
    config.http.limits.request_time = SHORT;
    let server = Server::start(config).await;
    let mut client = tls(server.address, trusting(&pki, &VERSIONS, None)).await.unwrap();
    // SETTINGS_INITIAL_WINDOW_SIZE 0: no octet of an answer may be sent.
    let settings = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let request = frame(HEADERS, WHOLE, 1, &get("/sample/large"));
    client.write_all(&[PREFACE, &settings, &request].concat()).await.unwrap();
    client.flush().await.unwrap();
    metric(&server, "csc_http_connections_cut_total{phase=\"request\"} 1").await;
}

/// Sends frames until the server has had enough.
async fn flood(server: &Server, pki: &Pki, frames: impl Fn(u32) -> Vec<u8>) {
    let (mut reader, mut writer) =
        tokio::io::split(tls(server.address, trusting(pki, &VERSIONS, None)).await.unwrap());
    let reading = tokio::spawn(async move {
        let mut rest = vec![0; 64 * 1024];
        while matches!(reader.read(&mut rest).await, Ok(1..)) {}
    });
    let sending = async {
        writer.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await?;
        let mut stream = 1;
        while !reading.is_finished() && stream < 1_000_000 {
            writer.write_all(&frames(stream)).await?;
            writer.flush().await?;
            stream += 2;
        }
        std::io::Result::Ok(stream)
    };
    let sent = timeout(PATIENCE, sending).await.expect("the server closes");
    assert!(sent.is_err() || sent.is_ok_and(|streams| streams < 1_000_000));
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    flood(&server, &pki, |stream| {
        let request = frame(HEADERS, WHOLE, stream, &get("/sample/wait"));
        [request, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
    })
    .await;
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn endless_header_blocks_end_the_connection() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    flood(&server, &pki, |stream| {
        let continued = |content: &[u8]| frame(9, 0, 1, content);
        if stream == 1 { frame(HEADERS, 1, 1, &get("/sample/x")) } else { continued(&[0x01, 1, b'x']) }
    })
    .await;
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn garbage_in_place_of_frames() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    for octets in [&b"GET /sample/x HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 4096]] {
        let mut client = tls(server.address, trusting(&pki, &VERSIONS, None)).await.unwrap();
        client.write_all(octets).await.unwrap();
        client.flush().await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, client.read_to_end(&mut rest)).await.expect("the server closes");
    }
    server.assert_alive(&pki).await;
}

#[tokio::test]
async fn stopping_answers_what_was_sent_and_says_goodbye() {
    let pki = Pki::new();
    let mut server = Server::start(config(&pki)).await;
    let client = Http2::connect(server.address, &pki).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.get("/sample/wait").await }
    });
    let quiet = Http2::connect(server.address, &pki).await;
    assert_eq!(quiet.get("/sample/x").await.unwrap().status, StatusCode::OK);
    server.gate.arrived.notified().await;
    server.stop();
    quiet.ended().await.unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    server.gate.go.notify_one();
    assert_eq!(waiting.await.unwrap().unwrap().text, "done");
    client.ended().await.unwrap();
    server.ended().await.unwrap();
}

/// That the server has not seen the request, so that it may be sent to another one.
fn unsent(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<h2::Error>());
    let refused = cause.is_some_and(|cause| {
        // For a stream beyond the last one that GOAWAY names.
        cause.is_go_away() && cause.is_remote() && cause.reason() == Some(h2::Reason::NO_ERROR)
    });
    refused || error.is_canceled() || error.is_closed()
}

/// Replicas that take turns in serving: whoever is told to go asks the other one, and no request fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_when_a_replica_is_replaced() {
    let pki = Pki::new();
    let mut server = Server::start(config(&pki)).await;
    for _ in 0..5 {
        let next = Server::start(config(&pki)).await;
        let client = Http2::connect(server.address, &pki).await;
        let load = (0..4).map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                loop {
                    match client.get("/sample/x").await {
                        Ok(answer) => assert_eq!(answer.status, StatusCode::OK),
                        Err(error) if unsent(&error) => return,
                        Err(error) => panic!("request failed: {error:?}"),
                    }
                }
            })
        });
        let load: Vec<_> = load.collect();
        assert_eq!(client.get("/sample/x").await.unwrap().status, StatusCode::OK);
        server.stop();
        for worker in load {
            worker.await.unwrap();
        }
        next.assert_alive(&pki).await;
        server.ended().await.unwrap();
        server = next;
    }
}
