//! Headers and bodies on their way through.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;

use crate::pki::Pki;
use crate::upstream::{Handler, Replica, named};
use crate::world::{Layout, Running, start};

fn put(target: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::put(target).header("host", "csc.example.org").body(Full::new(body.into())).unwrap()
}

/// Octets that show when some are missing or in the wrong order.
fn octets(size: usize) -> Bytes {
    (0..size).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn the_service_learns_who_the_client_is_and_nobody_else_can_say_so() {
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    let forged = || {
        let request = put("/a", "x").map(|_| Full::default());
        let (mut head, body) = request.into_parts();
        head.headers.insert("csc-client-address", "192.0.2.1:1".parse().unwrap());
        head.headers.insert("csc-client-certificate", "AAAA".parse().unwrap());
        head.headers.insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        head.headers.insert("connection", "x-own, csc-client-address".parse().unwrap());
        head.headers.insert("x-own", "1".parse().unwrap());
        head.headers.insert("authorization", "Bearer x".parse().unwrap());
        Request::from_parts(head, body)
    };
    edge.ask(forged()).await;
    let terminal = pki.terminals.issue("ue-1");
    let shown = STANDARD.encode(&terminal.certificate);
    let edge = edge.with_certificate(&pki, terminal);
    edge.ask(forged()).await;

    let [plain, with_certificate] = &cms.seen()[..] else { panic!("two requests") };
    for seen in [plain, with_certificate] {
        let addresses: Vec<_> = seen.headers.get_all("csc-client-address").iter().collect();
        let [address] = addresses[..] else { panic!("one address: {addresses:?}") };
        assert!(address.to_str().unwrap().starts_with("127.0.0.1:"), "{address:?}");
        assert!(!seen.headers.contains_key("x-own") && !seen.headers.contains_key("connection"));
        assert_eq!(seen.headers["authorization"], "Bearer x");
        assert_eq!(seen.headers["via"], "1.1 edge");
    }
    assert!(!plain.headers.contains_key("csc-client-certificate"));
    let certificates: Vec<_> = with_certificate.headers.get_all("csc-client-certificate").iter().collect();
    assert_eq!(certificates, [shown.as_str()]);
}

#[tokio::test]
async fn answers_are_passed_on_as_they_are() {
    let answer: Handler = Arc::new(|seen| {
        Box::pin(async move {
            let status = seen.target.trim_start_matches('/').parse::<u16>().unwrap();
            let body = match (seen.method, status) {
                (Method::HEAD, _) | (_, 204 | 304) => Bytes::new(),
                _ => Bytes::from_static(b"<xcap-error/>"),
            };
            let mut response = Response::builder().status(status).header("etag", "\"0a-1b\"");
            if status != 204 {
                response = response.header("content-length", "13");
            }
            response
                .header("content-type", "application/xcap-error+xml")
                .header("www-authenticate", "Bearer realm=\"a\"")
                .header("www-authenticate", "Basic")
                .body(Full::new(body))
                .unwrap()
        })
    });
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", answer).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    for status in [200, 201, 204, 301, 304, 401, 403, 404, 405, 409, 412, 413, 415, 429, 500, 503] {
        for method in [Method::GET, Method::HEAD] {
            let request = Request::builder().method(&method).uri(format!("/{status}")).header("host", "a");
            let answer = edge.ask(request.body(Full::default()).unwrap()).await;
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["etag"], "\"0a-1b\"");
            assert_eq!(answer.headers().get_all("www-authenticate").iter().count(), 2);
            let empty = method == Method::HEAD || [204, 304].contains(&status);
            assert_eq!(answer.body().is_empty(), empty, "{method} {status}");
            // Where there is never a body, HTTP/1.1 of the listener says nothing of its length.
            if ![204, 304].contains(&status) {
                let length = answer.headers().get("content-length");
                assert_eq!(length.map(|length| length.as_bytes()), Some(&b"13"[..]), "{method} {status}");
            }
            assert!(!answer.headers().contains_key("retry-after"));
        }
    }
}

#[tokio::test]
async fn bodies_stream_through() {
    let echo: Handler = Arc::new(|seen| Box::pin(async move { Response::new(Full::new(seen.body)) }));
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", echo).await;
    let edge = start(&pki, Layout::cms(&[&cms])).await;
    for size in [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000] {
        let answer = edge.ask(put("/a", octets(size))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(*answer.body() == octets(size), "{size} octets");
    }
    let chunked = "PUT /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    let answer = edge.raw(chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 100 ") && answer.ends_with("\r\n\r\nabcde"), "{answer}");
    let seen = cms.seen().pop().unwrap();
    assert!(!seen.headers.contains_key("transfer-encoding") && !seen.headers.contains_key("expect"));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_the_clients_mistake() {
    let pki = Pki::new();
    let cms = Replica::start(&pki, "cms", named("cms")).await;
    let edge = start(&pki, Layout { http: "body_size = \"100KiB\"", ..Layout::cms(&[&cms]) }).await;
    let large = edge.ask(put("/large", octets(200 * 1024))).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let mut unannounced =
        b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n".to_vec();
    unannounced.extend(octets(0x20000));
    let answer = edge.raw(&unannounced).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    counted(&edge).await;

    let edge = start(&pki, Layout { http: "body_time = \"300ms\"", ..Layout::cms(&[&cms]) }).await;
    let slow = edge.raw(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    assert_eq!(edge.get("/a").await.status(), StatusCode::OK, "the connection behind goes on");
    counted(&edge).await;
}

/// One request of `edge` failed for its body.
async fn counted(edge: &Running) {
    let metrics = edge.metrics().await;
    assert!(metrics.contains("csc_edge_requests_total{outcome=\"body\",upstream=\"cms\"} 1"), "{metrics}");
}
