//! A Redis that speaks TLS only to those who show a certificate of its CA.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use csc_test_support::redis::{Reply, Server, free_port};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::super::StoreConfig;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(folder: &Path, name: &str) -> Issuer {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join(format!("{name}.pem")), issuer.pem()).unwrap();
    issuer
}

fn issue(folder: &Path, issuer: &Issuer, name: &str) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    // Another name than the issuer's: Redis would take it for its own issuer.
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, issuer).unwrap();
    fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    let file = folder.join(format!("{name}.key"));
    fs::write(&file, key.serialize_pem()).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
}

/// `csc store create` with these settings beside those that find the server.
async fn create(folder: &Path, port: u16, settings: &str) -> Result<(), String> {
    let file = folder.join("csc.toml");
    let text = format!(
        "[store]\nengine = \"redis\"\ntopology = \"standalone\"\naddresses = [\"127.0.0.1:{port}\"]\nmin_replicas = 0\n{settings}\n"
    );
    fs::write(&file, text).unwrap();
    StoreConfig::create(&file).await.map_err(|why| format!("{why:#}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_spoken_with_those_who_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ca = authority(folder, "ca");
    authority(folder, "stranger");
    for name in ["server", "client"] {
        issue(folder, &ca, name);
    }
    let port = free_port();
    let path = |name: &str| folder.join(name).display().to_string();
    let (ca, certificate, key) = (path("ca.pem"), path("server.pem"), path("server.key"));
    let settings = [
        ("tls-port", port.to_string()),
        ("tls-ca-cert-file", ca),
        ("tls-cert-file", certificate),
        ("tls-key-file", key),
        ("tls-auth-clients", "yes".to_owned()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let Some(server) = Server::with("tls_is_spoken_with_those_who_are_known", &settings) else { return };

    let identity = "tls_certificate = \"client.pem\"\ntls_key = \"client.key\"";
    for (settings, said) in [
        ("deadline = \"1s\"".to_owned(), "store unavailable"),
        ("deadline = \"1s\"\ntls_ca = \"ca.pem\"".to_owned(), "store unavailable"),
        (format!("deadline = \"1s\"\ntls_ca = \"stranger.pem\"\n{identity}"), "store unavailable"),
        (format!("tls_ca = \"server.key\"\n{identity}"), "server.key"),
        (identity.to_owned(), "without tls_ca"),
        ("tls_ca = \"ca.pem\"\ntls_key = \"client.key\"".to_owned(), "without tls_certificate"),
        ("tls_ca = \"ca.pem\"\ntls_certificate = \"client.pem\"".to_owned(), "tls_key"),
    ] {
        let refused = create(folder, port, &settings).await.unwrap_err();
        assert!(refused.contains(said), "{settings}: {refused}");
    }
    assert_eq!(server.call(&["DBSIZE"]), Reply::Integer(0));

    create(folder, port, &format!("deadline = \"30s\"\ntls_ca = \"ca.pem\"\n{identity}")).await.unwrap();
    assert_eq!(server.call(&["EXISTS", "csc:{p0}:birth"]), Reply::Integer(1));
}
