//! What arrives at a collector, and what does not.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use csc_proto::identity::v1::GetKeysRequest;
use csc_proto::identity::v1::keys_client::KeysClient;
use csc_test_support::collector::Collector;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tracing::Instrument as _;

use super::*;
use crate::config::Settings;
use crate::telemetry::{self, TelemetryConfig};

/// A bound for a hung exporter, not a measurement.
const PATIENCE: Duration = Duration::from_secs(60);
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn config(collector: &Collector, one_in: u64) -> TelemetryConfig {
    let variables = [
        ("CSC_TRACE_ENDPOINT", collector.endpoint()),
        ("CSC_TRACE_ONE_IN", one_in.to_string()),
        ("CSC_LOG_FILTER", "trace".to_owned()),
    ];
    let mut settings = Settings::load(None, variables.map(|(name, value)| (name.to_owned(), value)));
    let config = TelemetryConfig::read(&mut settings);
    settings.finish().unwrap();
    config
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines about `what`.
fn about(lines: &Lines, what: &str) -> Vec<String> {
    let all = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    all.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_span_is_exported_with_its_parent_and_outcome_and_nothing_of_the_log() {
    let mut collector = Collector::start().await;
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = telemetry::subscriber("gms", &config(&collector, 1), move || writer.clone()).unwrap();
    let _guard = tracing::dispatcher::set_default(&subscriber);
    let served = async {
        tracing::info!(group = "tel:+82570000701", "of the log");
        Cause::current()
    };
    let span = Work::Server.span(format_args!("{} {}", "gms", "PUT"), &Cause::of_entry(PARENT));
    let inner = served.instrument(span.clone()).await;
    outcome(&span, Protocol::Http, 503);
    failed(&span);
    drop(span);
    tracing::info!("outside");

    collector.until("a span", |spans| !spans.is_empty()).await;
    let spans = collector.spans();
    let [span] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((span.name.as_str(), span.kind, span.status.as_ref().unwrap().code), ("gms PUT", 2, 2));
    assert_eq!(inner.traceparent(), format!("00-{}-{}-01", &PARENT[3..35], hex::encode(&span.span_id)));
    assert_eq!(hex::encode(&span.trace_id), &PARENT[3..35]);
    assert_eq!(hex::encode(&span.parent_span_id), &PARENT[36..52]);
    let keys: Vec<&str> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!((keys, span.events.len(), span.links.len()), (vec!["http.response.status_code"], 0, 0));
    let resources = collector.resources();
    assert!(resources.contains(&("service.name", "gms")), "{resources:?}");
    let instance = resources.iter().find(|(key, _)| *key == "service.instance.id");
    assert!(instance.is_some_and(|(_, value)| value.len() == 32), "{resources:?}");

    let [line] = &about(&lines, "of the log")[..] else { panic!("one line") };
    assert!(line.starts_with(&format!("{{\"trace_id\":\"{}\",\"timestamp\":", &PARENT[3..35])), "{line}");
    assert!(!about(&lines, "outside")[0].contains("trace_id"));
    assert!(about(&lines, "PUT").is_empty(), "spans are not of the log");
}

#[tokio::test]
async fn a_stranger_joins_a_trace_but_decides_nothing() {
    let mut collector = Collector::start().await;
    let never = telemetry::subscriber("gms", &config(&collector, 1_000_000_000), std::io::sink).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("traceparent", PARENT.parse().unwrap());
    let traced = |cause: Cause| {
        let span = Work::Server.span("work", &cause);
        span.in_scope(|| {
            // Decided once for all that follows here.
            let child = Work::Client.span("child", &Cause::NONE);
            child.in_scope(Cause::current)
        })
    };
    tracing::dispatcher::with_default(&never, || {
        let of_stranger = traced(Cause::of_stranger(&headers)).traceparent();
        assert!(of_stranger.starts_with(&PARENT[..36]) && of_stranger.ends_with("-00"), "{of_stranger}");
        let of_member = traced(Cause::of_member(&headers)).traceparent();
        assert!(of_member.starts_with(&PARENT[..36]) && of_member.ends_with("-01"), "{of_member}");
        let own = traced(Cause::NONE).traceparent();
        assert!(own.ends_with("-00") && !own.starts_with(&PARENT[..36]), "{own}");
    });
    collector.until("two spans", |spans| spans.len() > 1).await;
    let mut names: Vec<_> = collector.spans().iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["child", "work"], "those of the member alone");
}

#[tokio::test]
async fn a_call_on_the_bus_says_how_it_ended() {
    let mut collector = Collector::start().await;
    let subscriber = telemetry::subscriber("gms", &config(&collector, 1), std::io::sink).unwrap();
    let _guard = tracing::dispatcher::set_default(&subscriber);
    let (_reporter, health) = tonic_health::server::health_reporter();
    let channel = crate::bus::in_process(tonic::service::Routes::new(health));
    let mut client = HealthClient::new(channel.clone());
    let about = |service: &str| HealthCheckRequest { service: service.to_owned() };
    client.check(about("")).await.unwrap();
    client.check(about("other")).await.unwrap_err();
    // What nobody serves.
    KeysClient::new(channel).get_keys(GetKeysRequest {}).await.unwrap_err();
    // Left in the middle of the answer.
    let mut watched = client.watch(about("")).await.unwrap().into_inner();
    watched.message().await.unwrap();
    drop(watched);

    collector.until("four spans", |spans| spans.len() == 4).await;
    let ended = |span: &csc_test_support::collector::Span| {
        let code = span.attributes.iter().find(|pair| pair.key == "rpc.grpc.status_code");
        let failed = span.status.as_ref().is_some_and(|status| status.code == 2);
        (span.name.clone(), format!("{:?}", code.unwrap().value.as_ref().unwrap().value), failed)
    };
    let mut spans: Vec<_> = collector.spans().into_iter().map(ended).collect();
    spans.sort_unstable();
    let expected = [
        ("csc.identity.v1.Keys/GetKeys", 12, true),
        ("grpc.health.v1.Health/Check", 0, false),
        ("grpc.health.v1.Health/Check", 5, false),
        ("grpc.health.v1.Health/Watch", 1, false),
    ];
    let expected =
        expected.map(|(name, code, failed)| (name.to_owned(), format!("Some(IntValue({code}))"), failed));
    assert_eq!(spans, expected);
}

#[tokio::test]
async fn without_a_collector_nothing_is_passed_on() {
    let mut settings = Settings::load(None, [("CSC_LOG_FILTER".to_owned(), "trace".to_owned())]);
    let config = TelemetryConfig::read(&mut settings);
    let subscriber = telemetry::subscriber("gms", &config, std::io::sink).unwrap();
    let _guard = tracing::dispatcher::set_default(&subscriber);
    let span = Work::Server.span("work", &Cause::of_entry(PARENT));
    let _entered = span.entered();
    assert_eq!((Cause::current(), Cause::current().traceparent().capacity()), (Cause::NONE, 0));
}

/// Writes a CA and what it issues for `localhost` into `folder`.
fn issue(folder: &Path) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    fs::write(folder.join("own.pem"), own.pem()).unwrap();
    fs::write(folder.join("own.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("own.key"), Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn over_tls_each_side_shows_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let file = |name: &str| folder.path().join(name);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_file(file("own.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("own.key")).unwrap();
    let server = server.with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();

    let port = socket.local_addr().unwrap().port();
    let path = |name: &str| file(name).to_str().unwrap().to_owned();
    let variables = [
        ("CSC_TRACE_ENDPOINT", format!("https://localhost:{port}")),
        ("CSC_TRACE_ONE_IN", "1".to_owned()),
        ("CSC_TRACE_CA", path("ca.pem")),
        ("CSC_TRACE_CERTIFICATE", path("own.pem")),
        ("CSC_TRACE_KEY", path("own.key")),
    ];
    let mut settings = Settings::load(None, variables.map(|(name, value)| (name.to_owned(), value)));
    let config = TelemetryConfig::read(&mut settings);
    settings.finish().unwrap();
    let subscriber = telemetry::subscriber("gms", &config, std::io::sink).unwrap();
    tracing::dispatcher::with_default(&subscriber, || drop(Work::Server.span("work", &Cause::NONE)));
    let (stream, _) = timeout(PATIENCE, socket.accept()).await.expect("a connection").unwrap();
    let mut stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap();
    assert!(stream.get_ref().1.peer_certificates().is_some());
    let mut preface = [0; 14];
    timeout(PATIENCE, stream.read_exact(&mut preface)).await.expect("a request").unwrap();
    assert_eq!(&preface, b"PRI * HTTP/2.0");
}
