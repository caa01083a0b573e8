//! A listener behind the edge: who may connect, and whose word counts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use csc_service::bus::BusConfig;
use csc_service::http::{CLIENT_ADDRESS, CLIENT_CERTIFICATE, Clients};
use csc_service::{AppConfig, Identity};
use http::StatusCode;
use http::header::{HOST, HeaderName};

use crate::client::{Client, VERSIONS, trusting};
use crate::http2_client::Http2;
use crate::pki::Pki;
use crate::server::{Server, config};

/// A configuration behind the edge of the bus `bus`.
fn behind(bus: &Pki) -> AppConfig {
    let mut config = config(bus);
    config.http.clients = Clients::Edge;
    let identity = bus.issue_for("bus", &["localhost", "gms"]);
    config.bus = Some(BusConfig { listen: None, identity, ca: bus.ca(), domain: None });
    config
}

async fn edge(server: &Server, bus: &Pki, identity: &Identity) -> std::io::Result<Http2> {
    Http2::with(server.address, trusting(bus, &VERSIONS, Some(identity))).await
}

#[tokio::test]
async fn the_edge_says_for_whom_it_asks() {
    let bus = Pki::new();
    let server = Server::start(behind(&bus)).await;
    let identity = bus.issue("edge");
    let client = edge(&server, &bus, &identity).await.unwrap();
    let ask = async |fields: &[(http::HeaderName, &str)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        client.send("GET", "/sample/forwarded", &fields, Bytes::new()).await.unwrap()
    };
    let address = (CLIENT_ADDRESS, "192.0.2.7:40000");
    assert_eq!(ask(std::slice::from_ref(&address)).await.text, "192.0.2.7:40000 0 false");
    let certificate = STANDARD.encode([7; 300]);
    let answer = ask(&[address.clone(), (CLIENT_CERTIFICATE, &certificate)]).await;
    assert_eq!(answer.text, "192.0.2.7:40000 300 false");
    for unclear in [
        &[][..],
        &[address.clone(), address.clone()],
        &[(CLIENT_ADDRESS, "somewhere")],
        &[address, (CLIENT_CERTIFICATE, "%%")],
    ] {
        assert_eq!(ask(unclear).await.status, StatusCode::BAD_REQUEST, "{unclear:?}");
    }

    let mut old = Client::with(server.address, trusting(&bus, &VERSIONS, Some(&identity))).await.unwrap();
    old.send("GET /sample/forwarded HTTP/1.1\r\nHost: x\r\ncsc-client-address: 192.0.2.8\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(old.answer().await.unwrap().text(), "192.0.2.8:0 0 false");
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let (bus, stranger) = (Pki::new(), Pki::new());
    let server = Server::start(behind(&bus)).await;
    let asked = async |config| {
        let client = Http2::with(server.address, config).await.ok()?;
        let address = [(CLIENT_ADDRESS, "192.0.2.7:1".to_owned())];
        client.send("GET", "/sample/x", &address, Bytes::new()).await.ok()
    };
    for identity in
        [bus.issue("gms"), bus.issue("operator"), bus.issue("edge.example.org"), stranger.issue("edge")]
    {
        assert!(asked(trusting(&bus, &VERSIONS, Some(&identity))).await.is_none(), "{identity:?}");
    }
    assert!(asked(trusting(&bus, &VERSIONS, None)).await.is_none());
    assert!(asked(trusting(&bus, &VERSIONS, Some(&bus.issue("edge")))).await.is_some());
}

#[tokio::test]
async fn one_client_of_the_edge_does_not_take_all_places() {
    let bus = Pki::new();
    let mut config = behind(&bus);
    config.http.limits.requests_per_address = 1;
    let server = Server::start(config).await;
    let client = edge(&server, &bus, &bus.issue("edge")).await.unwrap();
    let ask = |target: &'static str, address: &str| {
        let (client, fields) = (client.clone(), [(CLIENT_ADDRESS, address.to_owned())]);
        async move { client.send("GET", target, &fields, Bytes::new()).await.unwrap().status }
    };
    let first = tokio::spawn(ask("/sample/wait", "192.0.2.1:1"));
    server.gate.arrived.notified().await;
    assert_eq!(ask("/sample/x", "192.0.2.1:2").await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask("/sample/x", "192.0.2.2:1").await, StatusCode::OK);
    server.gate.go.notify_one();
    assert_eq!(first.await.unwrap(), StatusCode::OK);
}

/// What an edge adds to a request that is as large as a client may send it does not make it too large.
#[tokio::test]
async fn there_is_room_for_what_the_edge_adds() {
    let bus = Pki::new();
    let server = Server::start(behind(&bus)).await;
    let client = edge(&server, &bus, &bus.issue("edge")).await.unwrap();
    // 64 fields and 32 KiB in HTTP/1.1, where a field costs four octets beside its own.
    let name = |n: usize| HeaderName::try_from(format!("x-{n:02}")).unwrap();
    let mut fields: Vec<_> = (0..63).map(|n| (name(n), "y".repeat(500))).collect();
    fields.push((HOST, "localhost".to_owned()));
    for (name, value) in [
        ("via", "1.1 edge"),
        ("csc-client-address", "192.0.2.7:40000"),
        ("csc-client-certificate", &STANDARD.encode([7; 4096])),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "vendor=value"),
    ] {
        fields.push((HeaderName::from_static(name), value.to_owned()));
    }
    let answer = client.send("GET", "/sample/forwarded", &fields, Bytes::new()).await.unwrap();
    assert_eq!(answer.text, "192.0.2.7:40000 4096 false");
}

/// Bodies that nobody takes do not hold up others on the connection of the edge.
#[tokio::test]
async fn a_body_that_is_not_taken_leaves_room_for_others() {
    let bus = Pki::new();
    let server = Server::start(behind(&bus)).await;
    let client = edge(&server, &bus, &bus.issue("edge")).await.unwrap();
    let put = |target: &'static str, size: usize| {
        let (client, fields) = (client.clone(), [(CLIENT_ADDRESS, "192.0.2.1:1".to_owned())]);
        async move { client.send("PUT", target, &fields, Bytes::from(vec![b'x'; size])).await.unwrap() }
    };
    // Together more than the connection of a terminal has room for.
    let mut waiting = Vec::new();
    for _ in 0..40 {
        waiting.push(tokio::spawn(put("/sample/wait", 100_000)));
        server.gate.arrived.notified().await;
    }
    assert_eq!(put("/sample/body", 100_000).await.text, "100000");
    waiting.iter().for_each(|request| request.abort());
}

#[tokio::test]
async fn elsewhere_these_fields_say_nothing() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let fields = [(CLIENT_ADDRESS, "192.0.2.7:1".to_owned()), (CLIENT_CERTIFICATE, "AQID".to_owned())];
    let client = Http2::connect(server.address, &pki).await;
    let answer = client.send("GET", "/sample/forwarded", &fields, Bytes::new()).await.unwrap();
    assert!(answer.text.starts_with("127.0.0.1:") && answer.text.ends_with(" 0 false"), "{}", answer.text);
}
