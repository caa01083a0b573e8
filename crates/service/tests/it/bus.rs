//! The bus over real sockets: who gets in, and who does not.

use std::net::SocketAddr;
use std::sync::Arc;

use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_proto::identity::v1::keys_client::KeysClient;
use csc_proto::identity::v1::keys_server::{Keys, KeysServer};
use csc_proto::identity::v1::{GetKeysRequest, GetKeysResponse, PutUserRequest};
use csc_service::bus::{
    Address, BusConfig, BusDomain, BusPeer, Credentials, Member, Peers, connect, in_process,
};
use csc_service::{Identity, Metrics, ServiceParts};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::closed;
use crate::pki::Pki;
use crate::server::{Gate, PATIENCE, Server, config};

/// Answers with `keys` and the caller; waits at the gate when there is one.
struct Sample {
    gate: Option<Arc<Gate>>,
}

#[tonic::async_trait]
impl Keys for Sample {
    async fn get_keys(&self, request: Request<GetKeysRequest>) -> Result<Response<GetKeysResponse>, Status> {
        if let Some(gate) = &self.gate {
            gate.arrived.notify_one();
            gate.go.notified().await;
        }
        // In the same process there is nobody else.
        let caller =
            request.extensions().get::<BusPeer>().map_or("gms".to_owned(), |peer| peer.members.to_string());
        Ok(Response::new(GetKeysResponse { jwks: format!("keys {caller}") }))
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
    start_as(bus, &bus.issue("idms"), None, gate).await
}

async fn start_as(
    bus: &Pki,
    identity: &Identity,
    domain: Option<BusDomain>,
    gate: Option<Arc<Gate>>,
) -> (Pki, Server) {
    let https = Pki::new();
    let mut config = config(&https);
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.bus = Some(BusConfig { listen, identity: identity.clone(), ca: bus.ca(), domain });
    let mut parts = ServiceParts::new("keys");
    parts.grpc = Some(routes(gate));
    let server = Server::with(config, [parts]).await.unwrap();
    (https, server)
}

fn at(server: &Server) -> Address {
    server.bus.unwrap().into()
}

fn idms(addresses: Vec<Address>) -> Peers {
    Peers { member: Member::Idms, domain: None, addresses }
}

fn credentials(ca: &Pki, identity: &Identity) -> Credentials {
    Credentials::load(&ca.ca(), identity, &Metrics::new()).unwrap()
}

fn channel(server: &Server, ca: &Pki, identity: &Identity) -> Channel {
    connect(&idms(vec![at(server)]), &credentials(ca, identity))
}

#[tokio::test]
async fn in_process_needs_no_socket() {
    let channel = in_process(routes(None));
    assert_eq!(call(channel.clone()).await.unwrap(), "keys gms");
    assert_eq!(call(channel).await.unwrap(), "keys gms");
}

#[tokio::test]
async fn the_table_says_who_may_call() {
    let bus = Pki::new();
    let (https, server) = start(&bus, None).await;
    for name in ["cms", "gms", "kms", "subscription-proxy"] {
        assert_eq!(call(channel(&server, &bus, &bus.issue(name))).await.unwrap(), format!("keys {name}"));
    }
    let both = bus.issue_for("both", &["localhost", "edge", "kms"]);
    assert_eq!(call(channel(&server, &bus, &both)).await.unwrap(), "keys kms+edge");
    for name in ["idms", "edge", "operator"] {
        let refused = call(channel(&server, &bus, &bus.issue(name))).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{name}");
    }
    // What is in no row is refused before anybody looks whether it is there.
    let gms = channel(&server, &bus, &bus.issue("gms"));
    let refused = DirectoryClient::new(gms).put_user(PutUserRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let operator = channel(&server, &bus, &bus.issue("operator"));
    let absent = DirectoryClient::new(operator).put_user(PutUserRequest::default()).await.unwrap_err();
    assert_eq!(absent.code(), Code::Unimplemented);
    // Both kinds of listener belong to one process.
    server.assert_alive(&https).await;
}

#[tokio::test]
async fn strangers_stay_out() {
    let (bus, stranger) = (Pki::new(), Pki::new());
    let (_https, server) = start(&bus, None).await;
    // In TLS 1.3 a client learns only later that it was refused; then its call fails in another way.
    let refused = async |ca: &Pki, identity: &Identity| {
        let code = call(channel(&server, ca, identity)).await.unwrap_err().code();
        assert!(matches!(code, Code::Unavailable | Code::Unknown), "{code:?}");
    };
    refused(&bus, &bus.issue("localhost")).await;
    refused(&bus, &bus.issue("gms.example.org")).await;
    refused(&bus, &stranger.issue("gms")).await;
    // A server of another CA, and one of another name, is not talked to.
    let gms = bus.issue("gms");
    refused(&stranger, &gms).await;
    let kms = Peers { member: Member::Kms, ..idms(vec![at(&server)]) };
    assert_eq!(call(connect(&kms, &credentials(&bus, &gms))).await.unwrap_err().code(), Code::Unavailable);

    let mut plain = TcpStream::connect(server.bus.unwrap()).await.unwrap();
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(closed(&mut plain).await.first().is_none_or(|octet| *octet == 0x15));
    assert_eq!(call(channel(&server, &bus, &gms)).await.unwrap(), "keys gms");
}

#[tokio::test]
async fn names_may_have_a_domain() {
    let bus = Pki::new();
    let domain: BusDomain = "bus.example.org".parse().unwrap();
    let identity = bus.issue("idms.bus.example.org");
    let (_https, server) = start_as(&bus, &identity, Some(domain.clone()), None).await;
    let peers = Peers { domain: Some(domain), ..idms(vec![at(&server)]) };
    let caller = |name| connect(&peers, &credentials(&bus, &bus.issue(name)));
    assert_eq!(call(caller("gms.bus.example.org")).await.unwrap(), "keys gms");
    assert!(call(caller("gms")).await.is_err());
    assert!(call(channel(&server, &bus, &bus.issue("gms.bus.example.org"))).await.is_err(), "another name");
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
    assert_eq!(calling.await.unwrap().unwrap(), "keys gms");
    server.ended().await.unwrap();
}

#[tokio::test]
async fn another_replica_is_found() {
    let bus = Pki::new();
    let (_one_https, mut one) = start(&bus, None).await;
    let (_two_https, mut two) = start(&bus, None).await;
    let nowhere = {
        let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        Address { host: "localhost".to_owned(), port: unused.local_addr().unwrap().port() }
    };
    let peers = idms(vec![nowhere, at(&one), at(&two)]);
    let channel = connect(&peers, &credentials(&bus, &bus.issue("gms")));
    assert_eq!(call(channel.clone()).await.unwrap(), "keys gms");
    one.stop();
    one.ended().await.unwrap();
    // The call that meets the end of the connection may fail; those after it do not.
    while call(channel.clone()).await.is_err() {}
    assert_eq!(call(channel.clone()).await.unwrap(), "keys gms");
    two.stop();
    two.ended().await.unwrap();
    assert_eq!(call(channel).await.unwrap_err().code(), Code::Unavailable);
}

/// Replicas that stand still, as a stopped process does, cost a call less than its deadline.
#[tokio::test]
async fn replicas_that_say_nothing_are_not_waited_for_one_after_the_other() {
    let bus = Pki::new();
    let (_https, server) = start(&bus, None).await;
    let mut addresses = Vec::new();
    let mut silent = Vec::new();
    for _ in 0..8 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap().into());
        silent.push(listener);
    }
    addresses.push(at(&server));
    let channel = connect(&idms(addresses), &credentials(&bus, &bus.issue("gms")));
    assert_eq!(call(channel).await.unwrap(), "keys gms");
}

#[tokio::test]
async fn a_server_that_no_longer_answers_is_noticed() {
    let bus = Pki::new();
    let gate = Arc::new(Gate::default());
    let (_https, server) = start(&bus, Some(Arc::clone(&gate))).await;
    // In front of it something that stops forwarding, as a network does that fails.
    let front = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = front.local_addr().unwrap().into();
    let behind = server.bus.unwrap();
    let (cut, mut cutting) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let (mut client, _) = front.accept().await.unwrap();
        let mut server = TcpStream::connect(behind).await.unwrap();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
            _ = cutting.changed() => std::future::pending().await,
        }
    });
    let channel = connect(&idms(vec![address]), &credentials(&bus, &bus.issue("gms")));
    let mut keys = KeysClient::new(channel);
    let mut request = Request::new(GetKeysRequest {});
    request.set_timeout(PATIENCE); // longer than this test waits
    let calling = tokio::spawn(async move { keys.get_keys(request).await });
    gate.arrived.notified().await;
    cut.send(true).unwrap();
    let ended = timeout(PATIENCE / 2, calling).await.expect("the dead connection is noticed").unwrap();
    assert!(ended.is_err());
}

#[tokio::test]
async fn health_follows_readiness_and_endless_answers_end() {
    let bus = Pki::new();
    let (_https, mut server) = start(&bus, None).await;
    let mut health = HealthClient::new(channel(&server, &bus, &bus.issue("operator")));
    let request = || HealthCheckRequest { service: String::new() };
    while health.check(request()).await.unwrap().into_inner().status() != ServingStatus::Serving {}
    let mut watch = health.watch(request()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let stopped = tokio::spawn(async move {
        loop {
            match watch.message().await {
                Ok(Some(status)) => assert_eq!(status.status(), ServingStatus::NotServing),
                Ok(None) => panic!("an end without a reason"),
                Err(status) => return status,
            }
        }
    });
    server.stop();
    server.ended().await.unwrap();
    assert_eq!(timeout(PATIENCE, stopped).await.unwrap().unwrap().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_changed_certificate_of_the_bus_is_used_by_both_ends() {
    let (bus, next) = (Pki::new(), Pki::new());
    let (server_identity, client_identity) = (bus.issue("idms"), bus.issue("gms"));
    // Both trust one file, which changes under them.
    let ca = bus.path("trusted.pem");
    std::fs::copy(bus.ca(), &ca).unwrap();
    let https = Pki::new();
    let mut config = config(&https);
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.bus = Some(BusConfig { listen, identity: server_identity.clone(), ca: ca.clone(), domain: None });
    let mut parts = ServiceParts::new("keys");
    parts.grpc = Some(routes(None));
    let server = Server::with(config, [parts]).await.unwrap();
    let credentials = Credentials::load(&ca, &client_identity, &Metrics::new()).unwrap();
    let peers = idms(vec![at(&server)]);
    let open = connect(&peers, &credentials);
    assert_eq!(call(open.clone()).await.unwrap(), "keys gms");

    for (old, new) in [(&server_identity, next.issue("idms")), (&client_identity, next.issue("gms"))] {
        std::fs::rename(&new.certificate, &old.certificate).unwrap();
        std::fs::rename(&new.key, &old.key).unwrap();
    }
    std::fs::copy(next.ca(), &ca).unwrap();
    while call(connect(&peers, &credentials)).await.is_err() {}
    // Whoever was connected still is.
    assert_eq!(call(open).await.unwrap(), "keys gms");
}
