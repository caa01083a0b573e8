//! What only a listener shows: the reason phrase, and a gateway that is known by its certificate.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use csc_service::config::Settings;
use csc_service::{App, AppConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::world::World;

const PATIENCE: Duration = Duration::from_secs(60);

/// A CA with what it issued.
struct Pki {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The files of a certificate for `name`, and of its key.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let files = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        fs::write(&files.0, certificate.pem()).unwrap();
        fs::write(&files.1, key.serialize_pem()).unwrap();
        fs::set_permissions(&files.1, Permissions::from_mode(0o600)).unwrap();
        files
    }
}

/// Serves `world` over HTTPS until the sender is dropped.
async fn serve(world: &mut World, pki: &Pki) -> (SocketAddr, oneshot::Sender<()>) {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (certificate, key) = pki.issue("localhost");
    let environment = [
        ("CSC_HTTP_LISTEN", "127.0.0.1:0".to_owned()),
        ("CSC_HTTP_CERTIFICATE", text(&certificate)),
        ("CSC_HTTP_KEY", text(&key)),
        ("CSC_HTTP_CLIENT_CA", text(&pki.path("ca.pem"))),
        ("CSC_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
    ];
    let mut settings = Settings::load(None, environment.map(|(name, value)| (name.to_owned(), value)));
    let config = AppConfig::read(&mut settings);
    settings.finish().unwrap();
    let mut parts = csc_service::ServiceParts::new("gms");
    parts.mounts.append(&mut world.parts.mounts);
    let (clock, entropy) = (Arc::clone(&world.bench.clock), Arc::clone(&world.bench.entropy));
    let bound =
        App::new(config, world.bench.metrics.clone(), clock, entropy).mount(parts).bind().await.unwrap();
    let address = bound.addresses().http[0];
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(bound.run(async {
        let _ = stopped.await;
    }));
    (address, stop)
}

/// What comes back for a GET with these header lines, over HTTP/1.1.
async fn get(address: SocketAddr, pki: &Pki, shown: Option<&str>, target: &str, lines: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pki.path("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots);
    let config = match shown {
        Some(name) => {
            let (certificate, key) = pki.issue(name);
            let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let exchange = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The server may close without saying so in TLS.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    timeout(PATIENCE, exchange).await.expect("an answer")
}

const ASSOCIATION: &str = "/glms-services/GROUP-ASSOCIATION/users/tel:+821/index";

#[tokio::test]
async fn l1_a_403_says_why_in_its_reason_phrase() {
    let pki = Pki::new();
    let mut world = World::with(&[("CSC_XCAP_TRUSTED_ADDRESSES", "127.0.0.0/8")]).await;
    let (address, _stop) = serve(&mut world, &pki).await;
    let ask = async |target: &str, lines: &str| {
        let answer = get(address, &pki, None, target, lines).await;
        answer.lines().next().unwrap().to_owned()
    };
    let version = "GLMSClientVersion: 11.01\r\n";
    assert_eq!(ask(ASSOCIATION, "").await, "HTTP/1.1 400 Bad Request");
    assert_eq!(ask(ASSOCIATION, version).await, "HTTP/1.1 403 Forbidden. The client is not identified.");
    let unknown = format!("{version}ClientID: tel:+999\r\n");
    assert_eq!(ask(ASSOCIATION, &unknown).await, "HTTP/1.1 403 Forbidden. The client is not known.");
    let other = format!("{version}ClientID: tel:+822\r\n");
    assert_eq!(ask(ASSOCIATION, &other).await, "HTTP/1.1 403 Forbidden. The client has no right here.");
    let group = format!("{}/users/tel:+822/tel:91", super::world::GROUPS);
    assert_eq!(ask(&group, &other).await, "HTTP/1.1 403 Forbidden. The client has no right here.");
    let owner = format!("{version}ClientID: tel:+821\r\n");
    assert_eq!(ask(ASSOCIATION, &owner).await, "HTTP/1.1 200 OK");
    let standard = "/org.openmobilealliance.groups/users/tel:+822/tel:91";
    assert_eq!(ask(standard, &other).await, "HTTP/1.1 401 Unauthorized");
    let whole = get(address, &pki, None, ASSOCIATION, &other).await.to_ascii_lowercase();
    assert!(whole.contains("content-type: text/plain; charset=iso-8859-1\r\n"), "{whole}");
    assert!(whole.contains("content-length: 0\r\n"), "{whole}");
}

#[tokio::test]
async fn l2_a_gateway_is_known_by_its_certificate() {
    let pki = Pki::new();
    let settings =
        [("CSC_XCAP_TRUSTED_ADDRESSES", "192.0.2.7"), ("CSC_XCAP_TRUSTED_NAMES", "gateway.example.org")];
    let mut world = World::with(&settings).await;
    let (address, _stop) = serve(&mut world, &pki).await;
    let lines = "GLMSClientVersion: 11.01\r\nClientID: tel:+821\r\n";
    for (shown, status) in [
        (None, "403"),
        (Some("terminal.example.org"), "403"),
        (Some("*.example.org"), "403"),
        (Some("gateway.example.org"), "200"),
    ] {
        let answer = get(address, &pki, shown, ASSOCIATION, lines).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{shown:?}");
    }
}
