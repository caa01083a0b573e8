//! A process with one service, `sample`, that shows what a handler sees.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use csc_service::http::{
    Body, CLIENT_ADDRESS, CLIENT_CERTIFICATE, Clients, HttpConfig, Limits, Mount, Peer, Public, read_body,
};
use csc_service::{AdminConfig, App, AppConfig, BindError, Metrics, OsEntropy, ServiceParts};
use csc_types::SystemClock;
use http::{Request, Response};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::Client;
use crate::pki::Pki;

/// Longer than anything here takes; a test that runs into it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Largest body the sample service takes.
pub(crate) const HANDLER_LIMIT: usize = 1 << 20;

/// A running process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) bus: Option<SocketAddr>,
    pub(crate) gate: Arc<Gate>,
    stop: Option<oneshot::Sender<()>>,
    run: Option<JoinHandle<anyhow::Result<()>>>,
}

/// Holds requests to `/sample/wait` until a test lets them go.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) arrived: Notify,
    pub(crate) go: Notify,
}

pub(crate) fn config(pki: &Pki) -> AppConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    AppConfig {
        http: HttpConfig {
            listen: vec![any],
            clients: Clients::Public(Public {
                identity: pki.issue("localhost"),
                ticket_keys: None,
                client_ca: None,
                client_certificate_required: false,
            }),
            limits: limits(),
        },
        bus: None,
        admin: AdminConfig {
            listen: any,
            drain_delay: Duration::ZERO,
            grace: PATIENCE,
            reload_interval: Duration::from_millis(20),
        },
    }
}

/// What the listener shows and trusts, to be changed.
pub(crate) fn public(config: &mut AppConfig) -> &mut Public {
    match &mut config.http.clients {
        Clients::Public(public) => public,
        Clients::Edge => panic!("a listener behind an edge shows nothing of its own"),
    }
}

/// Generous limits; a test tightens the one it is about.
fn limits() -> Limits {
    Limits {
        connections: 1_000,
        requests: 1_000,
        requests_per_address: 0,
        streams: 100,
        header_size: 32 * 1024,
        header_count: 64,
        body_size: 4 << 20,
        handshake_time: PATIENCE,
        header_time: PATIENCE,
        body_time: PATIENCE,
        request_time: PATIENCE,
        idle_time: PATIENCE,
        drain_time: Duration::from_millis(100),
    }
}

impl Server {
    pub(crate) async fn start(config: AppConfig) -> Self {
        Self::with(config, []).await.unwrap()
    }

    /// Starts with the sample service and `others`.
    pub(crate) async fn with(
        config: AppConfig,
        others: impl IntoIterator<Item = ServiceParts>,
    ) -> Result<Self, BindError> {
        let gate = Arc::new(Gate::default());
        let mut app = App::new(config, Metrics::new(), Arc::new(SystemClock::new()), Arc::new(OsEntropy))
            .roots(["/root/".to_owned()])
            .mount(sample(Arc::clone(&gate)));
        for parts in others {
            app = app.mount(parts);
        }
        let bound = app.bind().await?;
        let addresses = bound.addresses();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = tokio::spawn(bound.run(async {
            let _ = stopped.await;
        }));
        Ok(Self {
            address: addresses.http[0],
            admin: addresses.admin,
            bus: addresses.bus,
            gate,
            stop: Some(stop),
            run: Some(run),
        })
    }

    /// Asks it to stop.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        timeout(PATIENCE, self.run.take().unwrap()).await.expect("the process ends").unwrap()
    }

    /// That it still serves, after whatever a test did to it.
    pub(crate) async fn assert_alive(&self, pki: &Pki) {
        let mut client = Client::connect(self.address, pki).await;
        assert_eq!(client.get("/sample/target").await.status, 200);
    }
}

fn sample(gate: Arc<Gate>) -> ServiceParts {
    let service = tower::service_fn(move |request| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(answer(request, &gate).await) }
    });
    let mut parts = ServiceParts::new("sample");
    parts.mounts.push(Mount::new(["sample"], service));
    parts
}

async fn answer(request: Request<Body>, gate: &Gate) -> Response<Body> {
    let path = request.uri().path().trim_start_matches("/root");
    let content = match path {
        "/sample/body" => match read_body(request.into_body(), HANDLER_LIMIT).await {
            Ok(body) => body.len().to_string(),
            Err(error) => {
                let mut response = Response::new(Body::from(error.to_string()));
                *response.status_mut() = error.status();
                return response;
            }
        },
        "/sample/wait" => {
            gate.arrived.notify_one();
            gate.go.notified().await;
            "done".to_owned()
        }
        "/sample/panic" => panic!("the sample handler panics, as asked"),
        "/sample/large" => "x".repeat(16 << 20),
        "/sample/peer" => {
            let peer = request.extensions().get::<Peer>().unwrap();
            format!("{} {}", peer.address.ip(), peer.certificate.is_some())
        }
        "/sample/forwarded" => {
            let peer = request.extensions().get::<Peer>().unwrap();
            let certificate = peer.certificate.as_ref().map_or(0, |certificate| certificate.len());
            let left =
                [CLIENT_ADDRESS, CLIENT_CERTIFICATE].iter().any(|name| request.headers().contains_key(name));
            format!("{} {certificate} {left}", peer.address)
        }
        "/sample/host" => {
            let hosts = request.headers().get_all(http::header::HOST);
            hosts.iter().map(|host| host.to_str().unwrap()).collect::<Vec<_>>().join(",")
        }
        _ => request.uri().to_string(),
    };
    Response::new(Body::from(content))
}
