//! A replica with the listener that every service has, behind an edge.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csc_service::config::Settings;
use csc_service::http::{Body, Mount, Peer, read_body};
use csc_service::{App, AppConfig, Metrics, OsEntropy, ServiceParts, Shutdown, ShutdownTrigger};
use csc_types::SystemClock;
use http::{Method, Request, Response};
use tokio::task::JoinHandle;

use crate::pki::Pki;

/// The first path segment of what it serves.
pub(crate) const SEGMENT: &str = "xcap-caps";

/// A replica of cms that runs.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    /// Targets of the PUTs that it handled.
    puts: Arc<Mutex<Vec<String>>>,
    stop: ShutdownTrigger,
    done: JoinHandle<anyhow::Result<()>>,
}

impl Service {
    /// At `address`.
    pub(crate) async fn start(address: SocketAddr, pki: &Pki) -> Self {
        pki.write("cms", &pki.bus, "cms");
        let file = pki.at("cms.toml");
        let mut text = String::from("[admin]\nlisten = \"127.0.0.1:0\"\n");
        writeln!(text, "[http]\nlisten = [\"{address}\"]\nbehind_edge = true").unwrap();
        writeln!(text, "[bus]\ncertificate = \"cms.pem\"\nkey = \"cms.key\"\nca = \"bus-ca.pem\"").unwrap();
        std::fs::write(&file, text).unwrap();
        let mut settings = Settings::load(Some(&file), []);
        let config = AppConfig::read(&mut settings);
        settings.finish().unwrap();

        let puts: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut parts = ServiceParts::new("cms");
        parts.mounts.push(mount(Arc::clone(&puts)));
        let app = App::new(config, Metrics::new(), Arc::new(SystemClock::new()), Arc::new(OsEntropy));
        let bound = app.mount(parts).bind().await.unwrap();
        let address = bound.addresses().http[0];
        let (stop, stopping) = Shutdown::new();
        let done = tokio::spawn(async move { bound.run(stopping.requested()).await });
        Self { address, puts, stop, done }
    }

    /// Stops as on SIGTERM. Gives the targets of the PUTs that it handled.
    pub(crate) async fn drain(self) -> Vec<String> {
        self.stop.request();
        self.done.await.unwrap().unwrap();
        std::mem::take(&mut self.puts.lock().unwrap())
    }
}

/// Answers with what came and from whom.
fn mount(puts: Arc<Mutex<Vec<String>>>) -> Mount {
    let service = tower::service_fn(move |request: Request<Body>| {
        let puts = Arc::clone(&puts);
        async move {
            let (head, body) = request.into_parts();
            let body = read_body(body, 1 << 20).await.unwrap();
            let target = head.uri.to_string();
            if head.method == Method::PUT {
                puts.lock().unwrap().push(target.clone());
            }
            let Peer { address, certificate } = head.extensions.get().unwrap();
            let certificate = certificate.as_ref().map(|certificate| STANDARD.encode(certificate));
            let response = Response::builder()
                .header("target", target)
                .header("host-seen", head.headers.get("host").cloned().unwrap())
                .header("client", address.ip().to_string())
                .header("client-certificate", certificate.unwrap_or_default())
                .header(
                    "claims",
                    head.headers.keys().filter(|name| name.as_str().starts_with("csc-")).count(),
                );
            Ok::<_, Infallible>(response.body(Body::from(body)).unwrap())
        }
    });
    Mount::new([SEGMENT], service)
}
