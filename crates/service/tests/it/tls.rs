//! Resumption, client certificates, and what is not spoken.

use rustls::{HandshakeKind, SupportedProtocolVersion};

use crate::client::{Client, VERSIONS, trusting};
use crate::pki::{Pki, private};
use crate::server::{Server, config, public};

const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const TWO: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// One handshake with a request, so that the tickets have arrived.
async fn visit(server: &Server, config: &std::sync::Arc<rustls::ClientConfig>) -> Option<HandshakeKind> {
    let mut client = Client::with(server.address, std::sync::Arc::clone(config)).await.unwrap();
    assert_eq!(client.get("/sample/x").await.status, 200);
    client.kind
}

fn client(pki: &Pki, version: &'static SupportedProtocolVersion) -> std::sync::Arc<rustls::ClientConfig> {
    std::sync::Arc::new(trusting(pki, &[version], None))
}

#[tokio::test]
async fn sessions_are_resumed() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    for version in VERSIONS {
        let client = client(&pki, version);
        assert_eq!(visit(&server, &client).await, Some(HandshakeKind::Full));
        assert_eq!(visit(&server, &client).await, Some(HandshakeKind::Resumed));
        assert_eq!(visit(&server, &client).await, Some(HandshakeKind::Resumed));
    }
}

#[tokio::test]
async fn sessions_are_resumed_at_any_replica_with_the_same_keys() {
    let pki = Pki::new();
    let replica = async |name: &str, keys: &str| {
        let file = pki.path(name);
        private(&file, keys.as_bytes());
        let mut config = config(&pki);
        public(&mut config).ticket_keys = Some(file);
        Server::start(config).await
    };
    let first = replica("first.keys", ONE).await;
    let same = replica("same.keys", ONE).await;
    let rotated = replica("rotated.keys", &format!("{TWO}\n{ONE}\n")).await;
    let foreign = replica("foreign.keys", TWO).await;
    for version in VERSIONS {
        let client = client(&pki, version);
        assert_eq!(visit(&first, &client).await, Some(HandshakeKind::Full));
        assert_eq!(visit(&same, &client).await, Some(HandshakeKind::Resumed));
        assert_eq!(visit(&rotated, &client).await, Some(HandshakeKind::Resumed));

        let client = self::client(&pki, version);
        assert_eq!(visit(&first, &client).await, Some(HandshakeKind::Full));
        assert_eq!(visit(&foreign, &client).await, Some(HandshakeKind::Full));
    }
}

#[tokio::test]
async fn ue_certificates_are_optional_or_required() {
    let (pki, stranger) = (Pki::new(), Pki::new());
    let (ue, foreign) = (pki.issue("ue"), stranger.issue("ue"));
    let serve = async |required| {
        let mut config = config(&pki);
        public(&mut config).client_ca = Some(pki.ca());
        public(&mut config).client_certificate_required = required;
        Server::start(config).await
    };
    let (optional, required) = (serve(false).await, serve(true).await);
    // What the handler saw; none when the connection came to nothing. In TLS 1.3 the client learns that later.
    let peer = async |server: &Server, version, identity| {
        let mut client = Client::with(server.address, trusting(&pki, &[version], identity)).await.ok()?;
        client.send("GET /sample/peer HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
        Some(client.answer().await.ok()?.text().to_owned())
    };
    for version in VERSIONS {
        let [seen, unseen] = ["127.0.0.1 true", "127.0.0.1 false"].map(|text| Some(text.to_owned()));
        assert_eq!(peer(&optional, version, None).await, unseen);
        assert_eq!(peer(&optional, version, Some(&ue)).await, seen);
        assert_eq!(peer(&optional, version, Some(&foreign)).await, None);
        assert_eq!(peer(&required, version, None).await, None);
        assert_eq!(peer(&required, version, Some(&ue)).await, seen);
        assert_eq!(peer(&required, version, Some(&foreign)).await, None);
    }
}

#[tokio::test]
async fn http_is_negotiated() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let offering = |protocols: &[&str]| {
        let mut config = trusting(&pki, &VERSIONS, None);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Client::with(server.address, config)
    };
    assert!(offering(&["http/3"]).await.is_err());
    for protocols in [&["http/1.1"][..], &[]] {
        let mut client = offering(protocols).await.unwrap();
        assert_eq!(client.get("/sample/x").await.status, 200);
    }
}
