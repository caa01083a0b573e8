//! The service behind a real listener: targets as they come over the wire, and what hostile requests do to it.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use csc_service::config::Settings;
use csc_service::{App, AppConfig};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::world::{PROFILE, PROFILE_TYPE, World, profile};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Listening {
    address: SocketAddr,
    tls: TlsConnector,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Listening {
    async fn start(world: &mut World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        fs::write(&certificate, pair.cert.pem()).unwrap();
        fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let environment = [
            ("CSC_HTTP_LISTEN", "127.0.0.1:0".to_owned()),
            ("CSC_HTTP_CERTIFICATE", certificate.display().to_string()),
            ("CSC_HTTP_KEY", key.display().to_string()),
            ("CSC_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ];
        let mut settings = Settings::load(None, environment.map(|(name, value)| (name.to_owned(), value)));
        let config = AppConfig::read(&mut settings);
        settings.finish().unwrap();
        let bench = &world.bench;
        let parts = std::mem::replace(&mut world.parts, csc_service::ServiceParts::new("cms"));
        let app =
            App::new(config, bench.metrics.clone(), Arc::clone(&bench.clock), Arc::clone(&bench.entropy));
        let bound = app.roots(["/Org/F/".to_owned()]).mount(parts).bind().await.unwrap();
        let address = bound.addresses().http[0];
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(bound.run(async {
            let _ = stopped.await;
        }));
        let mut roots = RootCertStore::empty();
        roots.add(pair.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        Self { address, tls: TlsConnector::from(Arc::new(client)), _stop: stop }
    }

    /// Sends a request as it stands, on a connection of its own, and reads until the server closes it.
    async fn send(&self, request: Vec<u8>) -> String {
        let exchange = async {
            let stream = TcpStream::connect(self.address).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let mut stream = self.tls.connect(name, stream).await.unwrap();
            // A server that refuses the request may stop reading it.
            let _ = stream.write_all(&request).await;
            let _ = stream.flush().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8(answer).unwrap()
        };
        timeout(PATIENCE, exchange).await.expect("an answer")
    }

    async fn get(&self, token: &str, target: &str) -> String {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\naccess_token: {token}\r\nConnection: close\r\n\r\n"
        );
        self.send(head.into_bytes()).await
    }
}

fn put(token: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "PUT {PROFILE} HTTP/1.1\r\nHost: localhost\r\naccess_token: {token}\r\nContent-Type: {PROFILE_TYPE}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    [head.as_bytes(), content].concat()
}

#[tokio::test]
async fn targets_arrive_as_they_were_sent() {
    let mut world = World::new().await;
    world.store_profile(&profile("<OnNetwork n='a/b~~'/>")).await;
    let token = world.bench.token("tel:+8210");
    let server = Listening::start(&mut world).await;
    let status = |answer: &str| answer.split(' ').nth(1).unwrap_or_default().to_owned();
    for target in [
        PROFILE.to_owned(),
        format!("/Org/F{PROFILE}"),
        PROFILE.replace("tel:+", "tel%3A%2B"),
        format!("{PROFILE}/~~/mcptt-user-profile/OnNetwork[@n=\"a%2Fb~~\"]"),
        format!("{PROFILE}/~~/mcptt-user-profile/OnNetwork%5b@n='a/b~~'%5D"),
        format!("{PROFILE}/~~/u:mcptt-user-profile/u:OnNetwork?xmlns(u=urn:3gpp:mcptt:user-profile:1.0)"),
    ] {
        let answer = server.get(&token, &target).await;
        assert_eq!(status(&answer), "200", "{target} {answer}");
        assert!(answer.contains("<OnNetwork n='a/b~~'/>"), "{target} {answer}");
    }
    for (target, expected) in [
        (format!("{PROFILE}/%00"), "400"),
        (format!("{PROFILE}/~~/mcptt-user-profile/x:URI"), "400"),
        (format!("{PROFILE}/~~/mcptt-user-profile/OnNetwork[2]"), "404"),
        ("/Org/P/xcap-caps/global/index".to_owned(), "404"),
    ] {
        assert_eq!(status(&server.get(&token, &target).await), expected, "{target}");
    }
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_the_service_goes_on() {
    let mut world = World::new().await;
    let token = world.bench.token("tel:+8201");
    let server = Listening::start(&mut world).await;
    let nested: String = (0..4000).map(|number| format!("<a xmlns:n{number}='u'>")).collect();
    for (content, expected) in [
        (vec![b' '; 10 << 20], "HTTP/1.1 413"),
        (nested.into_bytes(), "HTTP/1.1 409"),
        (b"<!DOCTYPE a [<!ENTITY a '&b;&b;'>]><a>&a;</a>".to_vec(), "HTTP/1.1 409"),
        (profile("").into_bytes(), "HTTP/1.1 201"),
    ] {
        let answer = server.send(put(&token, &content)).await;
        assert!(answer.starts_with(expected), "{expected} {answer}");
    }
}
