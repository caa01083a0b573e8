//! Files that change while the process runs.

use std::fs;
use std::path::Path;

use csc_service::Identity;
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use crate::client::{Client, VERSIONS, trusting};
use crate::http2_client::tls;
use crate::pki::{Pki, load, private};
use crate::server::{PATIENCE, Server, config, public};

/// Puts the files of `new` in the place of those of `old`.
fn replace(old: &Identity, new: &Identity) {
    let copy = |from: &Path, to: &Path| fs::rename(from, to).unwrap();
    copy(&new.certificate, &old.certificate);
    copy(&new.key, &old.key);
}

/// The certificate that a new connection is shown.
async fn shown(server: &Server, pki: &Pki) -> CertificateDer<'static> {
    let stream = tls(server.address, trusting(pki, &VERSIONS, None)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

async fn until(what: &str, mut good: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !good().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

async fn metric(server: &Server, line: &str) {
    until(line, async || crate::admin::get(server.admin, "/metrics").await.1.contains(line)).await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_nobody_is_cut() {
    let pki = Pki::new();
    let mut config = config(&pki);
    let identity = public(&mut config).identity.clone();
    let server = Server::start(config).await;
    let mut open = Client::connect(server.address, &pki).await;
    assert_eq!(open.get("/sample/x").await.status, 200);

    let next = pki.issue_for("next", &["localhost"]);
    let expected = load(&next).0.remove(0);
    assert_ne!(shown(&server, &pki).await, expected);
    replace(&identity, &next);
    until("the new certificate", async || shown(&server, &pki).await == expected).await;
    metric(&server, "csc_tls_reload_total{outcome=\"ok\",what=\"https\"} ").await;
    assert_eq!(open.get("/sample/x").await.status, 200);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_and_change_nothing() {
    let pki = Pki::new();
    let mut config = config(&pki);
    let identity = public(&mut config).identity.clone();
    let server = Server::start(config).await;
    let before = shown(&server, &pki).await;
    metric(&server, "csc_tls_reload_failing{what=\"https\"} 0").await;

    // The certificate alone, as when the key follows a moment later.
    let next = pki.issue_for("next", &["localhost"]);
    let expected = load(&next).0.remove(0);
    fs::rename(&next.certificate, &identity.certificate).unwrap();
    metric(&server, "csc_tls_reload_failing{what=\"https\"} 1").await;
    assert_eq!(shown(&server, &pki).await, before);
    assert_eq!(crate::admin::get(server.admin, "/readyz").await.0, 200);

    fs::rename(&next.key, &identity.key).unwrap();
    until("the new certificate", async || shown(&server, &pki).await == expected).await;
    metric(&server, "csc_tls_reload_failing{what=\"https\"} 0").await;
}

#[tokio::test]
async fn a_new_client_ca_and_new_ticket_keys() {
    let (pki, other) = (Pki::new(), Pki::new());
    let (old, new) = (pki.issue("ue"), other.issue("ue"));
    let mut config = config(&pki);
    let (trusted, tickets) = (pki.path("ue-ca.pem"), pki.path("ticket.keys"));
    fs::copy(pki.ca(), &trusted).unwrap();
    private(&tickets, "00".repeat(32).as_bytes());
    public(&mut config).client_ca = Some(trusted.clone());
    public(&mut config).ticket_keys = Some(tickets.clone());
    let server = Server::start(config).await;
    let peer = async |identity: &Identity| {
        let mut client =
            Client::with(server.address, trusting(&pki, &VERSIONS, Some(identity))).await.ok()?;
        client.send("GET /sample/peer HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
        Some(client.answer().await.ok()?.text().to_owned())
    };
    assert_eq!(peer(&old).await.as_deref(), Some("127.0.0.1 true"));
    assert_eq!(peer(&new).await, None);

    fs::copy(other.ca(), &trusted).unwrap();
    until("the new CA", async || peer(&new).await.is_some()).await;
    assert_eq!(peer(&old).await, None);

    // A session under the old key is resumed for as long as the key is in the file.
    let client = std::sync::Arc::new(trusting(&pki, &VERSIONS, Some(&new)));
    let visit = async || {
        let mut visitor = Client::with(server.address, std::sync::Arc::clone(&client)).await.unwrap();
        assert_eq!(visitor.get("/sample/x").await.status, 200);
        visitor.kind
    };
    visit().await;
    assert_eq!(visit().await, Some(rustls::HandshakeKind::Resumed));
    private(&tickets, "11".repeat(32).as_bytes());
    until("the new ticket key", async || visit().await == Some(rustls::HandshakeKind::Full)).await;
}
