//! Files that cannot be used: the error names the file and says what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use csc_service::{AppConfig, BindError};

use crate::pki::{Pki, private};
use crate::server::{Server, config, public};

/// The error of binding, without the folder.
async fn error(pki: &Pki, config: AppConfig) -> String {
    let error = Server::with(config, []).await.err().expect("binding fails");
    error.to_string().replace(&format!("{}/", pki.path("").display()).replace("//", "/"), "")
}

#[tokio::test]
async fn certificates() {
    let pki = Pki::new();
    let mut wrong = config(&pki);
    public(&mut wrong).identity.certificate = pki.path("gone.pem");
    let text = error(&pki, wrong).await;
    assert!(text.starts_with("gone.pem: cannot read it: No such file"), "{text}");

    fs::write(pki.path("none.pem"), "no certificate").unwrap();
    let mut wrong = config(&pki);
    public(&mut wrong).identity.certificate = pki.path("none.pem");
    assert_eq!(error(&pki, wrong).await, "none.pem: holds no certificate; a PEM file is wanted");

    fs::write(pki.path("cut.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    let mut wrong = config(&pki);
    public(&mut wrong).identity.certificate = pki.path("cut.pem");
    assert_eq!(error(&pki, wrong).await, "cut.pem: is damaged; a PEM file with certificates is wanted");
}

#[tokio::test]
async fn keys() {
    let pki = Pki::new();
    let mut wrong = config(&pki);
    public(&mut wrong).identity.key = pki.path("gone.key");
    let text = error(&pki, wrong).await;
    assert!(text.starts_with("gone.key: cannot open it: No such file"), "{text}");

    let mut open = config(&pki);
    fs::set_permissions(&public(&mut open).identity.key, Permissions::from_mode(0o644)).unwrap();
    let text = error(&pki, open).await;
    assert_eq!(text, "localhost.key: everybody may read or change this secret; run chmod o= on it");

    private(&pki.path("none.key"), b"-----BEGIN PRIVATE KEY-----\nhush");
    let mut wrong = config(&pki);
    public(&mut wrong).identity.key = pki.path("none.key");
    let text = error(&pki, wrong).await;
    assert!(text.starts_with("none.key: holds no private key; a PEM file"), "{text}");
    assert!(!text.contains("hush"), "{text}");

    let mut wrong = config(&pki);
    public(&mut wrong).identity.key = pki.issue("other").key;
    let text = error(&pki, wrong).await;
    assert_eq!(text, "other.key: is not the key of the certificate in localhost.pem");
}

#[tokio::test]
async fn ticket_keys_and_client_ca() {
    let pki = Pki::new();
    private(&pki.path("ticket.keys"), b"0123");
    let mut wrong = config(&pki);
    public(&mut wrong).ticket_keys = Some(pki.path("ticket.keys"));
    let text = error(&pki, wrong).await;
    assert!(text.starts_with("ticket.keys: one or two lines of 64 hexadecimal digits are wanted"), "{text}");
    assert!(text.contains("openssl rand -hex 32") && !text.contains("0123"), "{text}");

    let mut wrong = config(&pki);
    public(&mut wrong).client_ca = Some(pki.path("gone.pem"));
    assert!(error(&pki, wrong).await.starts_with("gone.pem: cannot read it"));
}

#[tokio::test]
async fn addresses_and_mounts_that_are_taken() {
    let pki = Pki::new();
    let first = Server::start(config(&pki)).await;
    let mut second = config(&pki);
    second.http.listen = vec![first.address];
    let text = error(&pki, second).await;
    assert!(text.starts_with(&format!("cannot listen on {}: ", first.address)), "{text}");

    let mut twin = csc_service::ServiceParts::new("twin");
    let never = tower::service_fn(|_| std::future::pending::<Result<_, std::convert::Infallible>>());
    twin.mounts.push(csc_service::http::Mount::new(["twin", "sample"], never));
    let taken = Server::with(config(&pki), [twin]).await.err();
    assert!(matches!(taken, Some(BindError::TwoMounts(segment)) if segment == "sample"));
}
