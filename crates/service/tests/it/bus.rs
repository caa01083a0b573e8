//! The bus over real sockets: who gets in, and who does not.

use std::net::SocketAddr;
use std::sync::Arc;

use csc_proto::identity::v1::keys_client::KeysClient;
use csc_proto::identity::v1::keys_server::{Keys, KeysServer};
use csc_proto::identity::v1::{GetKeysRequest, GetKeysResponse};
use csc_service::bus::{BusConfig, connect, in_process};
use csc_service::{Identity, ServiceParts};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::client::closed;
use crate::pki::Pki;
use crate::server::{Gate, PATIENCE, Server, config};

/// Answers with `keys`; waits at the gate when there is one.
struct Sample {
    gate: Option<Arc<Gate>>,
}

#[tonic::async_trait]
impl Keys for Sample {
    async fn get_keys(&self, _: Request<GetKeysRequest>) -> Result<Response<GetKeysResponse>, Status> {
        if let Some(gate) = &self.gate {
            gate.arrived.notify_one();
            gate.go.notified().await;
        }
        Ok(Response::new(GetKeysResponse { jwks: "keys".to_owned() }))
    }
}

fn routes(gate: Option<Arc<Gate>>) -> Routes {
    Routes::new(KeysServer::new(Sample { gate }))
}

async fn call(channel: Channel) -> Result<String, Status> {
    let answer =
        timeout(PATIENCE, KeysClient::new(channel).get_keys(GetKeysRequest {})).await.expect("an answer");
    answer.map(|answer| answer.into_inner().jwks)
}

async fn start(bus: &Pki, gate: Option<Arc<Gate>>) -> (Pki, Server) {
    let https = Pki::new();
    let mut config = config(&https);
    config.bus = Some(BusConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        identity: bus.issue("localhost"),
        ca: bus.ca(),
        clients: vec!["gms".parse().unwrap(), "cms".parse().unwrap()],
    });
    let mut parts = ServiceParts::new("keys");
    parts.grpc = Some(routes(gate));
    let server = Server::with(config, [parts]).await.unwrap();
    (https, server)
}

fn channel(server: &Server, ca: &Pki, identity: &Identity) -> Channel {
    connect("localhost", server.bus.unwrap().port(), &ca.ca(), identity).unwrap()
}

#[tokio::test]
async fn in_process_needs_no_socket() {
    let channel = in_process(routes(None));
    assert_eq!(call(channel.clone()).await.unwrap(), "keys");
    assert_eq!(call(channel).await.unwrap(), "keys");
}

#[tokio::test]
async fn named_members_get_in() {
    let bus = Pki::new();
    let (https, server) = start(&bus, None).await;
    for name in ["gms", "cms"] {
        assert_eq!(call(channel(&server, &bus, &bus.issue(name))).await.unwrap(), "keys");
    }
    // Both kinds of listener belong to one process.
    server.assert_alive(&https).await;
}

#[tokio::test]
async fn everybody_else_stays_out() {
    let (bus, stranger) = (Pki::new(), Pki::new());
    let (_https, server) = start(&bus, None).await;
    // In TLS 1.3 a client learns only later that it was refused; then its call fails in another way.
    let refused = async |ca: &Pki, identity: &Identity| {
        let code = call(channel(&server, ca, identity)).await.unwrap_err().code();
        assert!(matches!(code, Code::Unavailable | Code::Unknown), "{code:?}");
    };
    refused(&bus, &bus.issue("kms")).await;
    refused(&bus, &bus.issue("gms.example.org")).await;
    refused(&bus, &stranger.issue("gms")).await;
    // A server of another CA, and one of another name, is not talked to.
    let gms = bus.issue("gms");
    refused(&stranger, &gms).await;
    let by_address = connect("127.0.0.1", server.bus.unwrap().port(), &bus.ca(), &gms).unwrap();
    assert_eq!(call(by_address).await.unwrap_err().code(), Code::Unavailable);

    let mut plain = TcpStream::connect(server.bus.unwrap()).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(closed(&mut plain).await.first().is_none_or(|octet| *octet == 0x15));
    assert_eq!(call(channel(&server, &bus, &gms)).await.unwrap(), "keys");
}

#[tokio::test]
async fn a_call_in_flight_is_finished() {
    let bus = Pki::new();
    let gate = Arc::new(Gate::default());
    let (_https, mut server) = start(&bus, Some(Arc::clone(&gate))).await;
    let calling = tokio::spawn(call(channel(&server, &bus, &bus.issue("gms"))));
    gate.arrived.notified().await;
    server.stop();
    while TcpStream::connect(server.bus.unwrap()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.go.notify_one();
    assert_eq!(calling.await.unwrap().unwrap(), "keys");
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_lost_server_is_found_again() {
    let bus = Pki::new();
    let (_https, mut server) = start(&bus, None).await;
    let port = server.bus.unwrap().port();
    let channel = connect("localhost", port, &bus.ca(), &bus.issue("gms")).unwrap();
    assert_eq!(call(channel.clone()).await.unwrap(), "keys");
    server.stop();
    server.ended().await.unwrap();
    assert_eq!(call(channel).await.unwrap_err().code(), Code::Unavailable);
}

#[test]
fn a_host_is_a_name_or_an_address() {
    let bus = Pki::new();
    let identity = bus.issue("gms");
    for host in ["", "a b", "http://x", "[::1]"] {
        assert!(connect(host, 1, &bus.ca(), &identity).is_err(), "{host:?}");
    }
    let error = connect("x", 1, &bus.path("gone.pem"), &identity).unwrap_err().to_string();
    assert!(error.ends_with("gone.pem: cannot read it: No such file or directory (os error 2)"), "{error}");
}
