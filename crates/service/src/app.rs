//! The process: binds every socket, serves the services mounted on it, and drains when stopping is asked for.

mod config;

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use csc_types::{Clock, Entropy};
use futures::FutureExt;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::service::Routes;

pub use self::config::{AdminConfig, AppConfig};
use crate::admin::{self, Readiness};
use crate::bus::{BusConfig, BusListener, Health};
use crate::http::{Audience, Clients, HttpConfig, Limits, Listener, Router, Shared};
use crate::shutdown::Ending;
use crate::tls::{self, Refresh, TlsError};
use crate::{Metrics, ServiceParts, Shutdown, Task, trace};

/// How long work that was cut may take to be gone.
const CUT: Duration = Duration::from_secs(3);

/// A process that is being put together.
#[derive(Debug)]
pub struct App {
    config: AppConfig,
    roots: Vec<String>,
    services: Vec<ServiceParts>,
    platform: Platform,
}

#[derive(Clone)]
struct Platform {
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Why a process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A file that TLS needs cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Two services want the same part of the URI space.
    #[error("two services serve /{0}")]
    TwoMounts(String),
    /// A service has something to serve over HTTPS, and there is no listener for it.
    #[error("{0} serves over HTTPS, and section http names no address")]
    NoHttp(&'static str),
    /// Two services want what is nobody's.
    #[error("{0} and {1} both answer what is nobody's")]
    TwoFallbacks(&'static str, &'static str),
}

impl App {
    /// A process without services.
    pub fn new(
        config: AppConfig,
        metrics: Metrics,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            config,
            roots: Vec::new(),
            services: Vec::new(),
            platform: Platform { metrics, clock, entropy },
        }
    }

    /// XCAP root prefixes, such as `/MissionCriticalOrg/MCO-12345/`: routing passes over them. The request target that
    /// a service sees still holds them.
    pub fn roots(mut self, roots: impl IntoIterator<Item = String>) -> Self {
        self.roots.extend(roots);
        self
    }

    /// Adds a service.
    pub fn mount(mut self, parts: ServiceParts) -> Self {
        self.services.push(parts);
        self
    }

    /// Binds every socket. Nothing is served yet, but connections wait in the queues of the system. The HTTPS listener
    /// exists when a service has something to serve on it, the bus listener when it is configured.
    pub async fn bind(self) -> Result<Bound, BindError> {
        let Self { config, roots, services, platform } = self;
        let mut router = Router::new(&roots);
        let (mut routes, mut tasks, mut checks) = (None, Vec::new(), Vec::new());
        for service in services {
            let wanted = !service.mounts.is_empty() || service.fallback.is_some();
            if wanted && config.http.listen.is_empty() {
                return Err(BindError::NoHttp(service.name));
            }
            for mount in service.mounts {
                router.add(service.name, mount).map_err(BindError::TwoMounts)?;
            }
            if let Some(fallback) = service.fallback {
                router
                    .fall_back(service.name, fallback)
                    .map_err(|taken| BindError::TwoFallbacks(taken, service.name))?;
            }
            routes = merge(routes, service.grpc);
            tasks.extend(service.tasks);
            checks.extend(service.ready);
        }
        let mut refreshers = Vec::new();
        let http = match router.is_empty() {
            true => Vec::new(),
            false => bind_http(&config.http, config.bus.as_ref(), router, &platform, &mut refreshers).await?,
        };
        let (health, own) = Health::new().await;
        let routes = merge(routes, Some(own)).unwrap_or_default();
        let bus = match config.bus.as_ref().and_then(|bus| Some((bus.listen?, bus))) {
            Some((listen, bus)) => Some(bind_bus(listen, bus, routes, &platform, &mut refreshers).await?),
            None => None,
        };
        let readiness = Readiness::new(checks, health);
        let admin = bind_admin(&config.admin, readiness.clone(), &platform).await?;
        Ok(Bound { http, bus, admin, tasks, readiness, refreshers, config: config.admin })
    }
}

async fn bind_http(
    config: &HttpConfig,
    bus: Option<&BusConfig>,
    router: Router,
    platform: &Platform,
    refreshers: &mut Vec<Arc<dyn Refresh>>,
) -> Result<Vec<Listener>, BindError> {
    let Platform { metrics, clock, entropy } = platform;
    let tls = config.tls(bus, Arc::clone(entropy), metrics)?;
    refreshers.push(tls.refresher());
    let (audience, limits) = match config.clients {
        Clients::Public(_) => (Audience::Terminals, config.limits.clone()),
        Clients::Edge => (Audience::Edge, config.limits.with_forwarded()),
    };
    let connections = Arc::new(Semaphore::new(limits.connections));
    let shared = Arc::new(Shared::new(router, limits, audience, Arc::clone(clock), metrics));
    let mut listeners = Vec::new();
    for &address in &config.listen {
        let (tls, shared, connections) = (Some(tls.clone()), Arc::clone(&shared), Arc::clone(&connections));
        let bound = Listener::bind("https", address, tls, shared, connections, metrics).await;
        listeners.push(bound.map_err(|source| BindError::Listen { address, source })?);
    }
    #[cfg(feature = "plain-http")]
    for &address in &config.plain {
        let (shared, connections) = (Arc::clone(&shared), Arc::clone(&connections));
        let bound = Listener::bind("http", address, None, shared, connections, metrics).await;
        listeners.push(bound.map_err(|source| BindError::Listen { address, source })?);
    }
    Ok(listeners)
}

async fn bind_bus(
    address: SocketAddr,
    config: &BusConfig,
    routes: Routes,
    platform: &Platform,
    refreshers: &mut Vec<Arc<dyn Refresh>>,
) -> Result<BusListener, BindError> {
    let tls = BusListener::tls(config, &platform.metrics)?;
    refreshers.push(tls.refresher());
    let bound = BusListener::bind(address, config, tls, routes, &platform.metrics).await;
    bound.map_err(|source| BindError::Listen { address, source })
}

async fn bind_admin(
    config: &AdminConfig,
    readiness: Readiness,
    platform: &Platform,
) -> Result<Listener, BindError> {
    let mut router = Router::new(&[]);
    router.add("admin", admin::mount(readiness, platform.metrics.clone())).map_err(BindError::TwoMounts)?;
    let (limits, clock, metrics) = (Limits::small(), Arc::clone(&platform.clock), &platform.metrics);
    let connections = Arc::new(Semaphore::new(limits.connections));
    let shared = Arc::new(Shared::new(router, limits, Audience::Operator, clock, metrics));
    let bound = Listener::bind("admin", config.listen, None, shared, connections, metrics).await;
    bound.map_err(|source| BindError::Listen { address: config.listen, source })
}

/// What two services offer on the bus, as one. No two may offer the same gRPC service.
fn merge(one: Option<Routes>, other: Option<Routes>) -> Option<Routes> {
    match (one, other) {
        // Each brings a fallback that answers UNIMPLEMENTED; one is enough.
        (Some(one), Some(other)) => {
            Some(Routes::from(one.into_axum_router().merge(other.into_axum_router().reset_fallback())))
        }
        (one, other) => one.or(other),
    }
}

/// A process whose sockets are bound.
pub struct Bound {
    http: Vec<Listener>,
    bus: Option<BusListener>,
    admin: Listener,
    tasks: Vec<Task>,
    readiness: Readiness,
    refreshers: Vec<Arc<dyn Refresh>>,
    config: AdminConfig,
}

/// Where a process listens: with the ports that were chosen for port 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// HTTPS; empty when nothing is served there. Behind them those without TLS, in a build for benchmarks.
    pub http: Vec<SocketAddr>,
    /// The bus, if there is a bus listener.
    pub bus: Option<SocketAddr>,
    /// `/livez`, `/readyz`, `/metrics`.
    pub admin: SocketAddr,
}

impl Bound {
    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        Addresses {
            http: self.http.iter().map(Listener::address).collect(),
            bus: self.bus.as_ref().map(BusListener::address),
            admin: self.admin.address(),
        }
    }

    /// Serves until `stop` resolves or a task fails; then is not ready any more, goes on for the drain delay, takes no new
    /// connections, and ends when everything at hand is done or the grace period is over. The admin listener goes last.
    ///
    /// # Errors
    /// When a task failed or panicked.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { http, bus, admin, tasks, readiness, refreshers, config } = self;
        let AdminConfig { drain_delay, grace, reload_interval, .. } = config;
        let (announcing, announced) = Shutdown::new();
        let (trigger, shutdown) = Shutdown::new();
        let (admin_trigger, admin_shutdown) = Shutdown::new();
        let mut work = JoinSet::new();
        for listener in http {
            let ending = Ending { announced: announced.clone(), requested: shutdown.clone() };
            let readiness = readiness.clone();
            work.spawn(async move {
                // An edge takes a replica that it reaches for one that can serve.
                if listener.behind_edge() {
                    tokio::select! {
                        () = readiness.settled() => {}
                        () = ending.requested.requested() => return Ok(()),
                    }
                }
                listener.run(ending).await;
                Ok(())
            });
        }
        if let Some(bus) = bus {
            let shutdown = shutdown.clone();
            work.spawn(async move { bus.run(shutdown).await.context("bus listener") });
        }
        for Task { name, run } in tasks {
            let shutdown = shutdown.clone();
            work.spawn(async move {
                // Caught here, where its name is known.
                let ended = AssertUnwindSafe(async { run(shutdown).await }).catch_unwind().await;
                ended.unwrap_or_else(|_| Err(anyhow!("panicked"))).with_context(|| format!("task {name}"))
            });
        }
        let admin =
            tokio::spawn(admin.run(Ending { announced: admin_shutdown.clone(), requested: admin_shutdown }));
        tokio::spawn(tls::watch(refreshers, reload_interval, shutdown));
        let settle = tokio::spawn(readiness.clone().settle());

        let mut failure = first_failure(&mut work, stop).await;
        settle.abort();
        let _ = settle.await; // it must not say "ready" after us
        readiness.stop().await;
        announcing.request();
        if failure.is_none() && !drain_delay.is_zero() {
            tracing::info!(?drain_delay, "not ready any more; stopping soon");
            failure = first_failure(&mut work, sleep(drain_delay)).await;
        }
        trigger.request();
        tracing::info!(grace = ?grace, "stopping");
        let end = Instant::now() + grace;
        while let Ok(Some(ended)) = timeout_at(end, work.join_next()).await {
            failure = failure.or(problem(ended));
        }
        if !work.is_empty() {
            tracing::warn!(unfinished = work.len(), "grace period is over; cutting what is left");
        }
        admin_trigger.request();
        // Work that does not even notice that it is cut is left behind.
        let cut = async { tokio::join!(work.shutdown(), admin) };
        let _ = timeout(CUT, cut).await;
        trace::flush().await;
        tracing::info!("stopped");
        failure.map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Platform")
    }
}

/// The first failure of any of the `work`; `None` if `end` resolves before there is one.
async fn first_failure(
    work: &mut JoinSet<anyhow::Result<()>>,
    end: impl Future<Output = ()>,
) -> Option<anyhow::Error> {
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return None,
            Some(ended) = work.join_next() => {
                if let Some(failure) = problem(ended) {
                    return Some(failure);
                }
            }
        }
    }
}

/// What went wrong, logged here and once.
fn problem(ended: Result<anyhow::Result<()>, JoinError>) -> Option<anyhow::Error> {
    let error = match ended {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(error) => anyhow!(error).context("listener"),
    };
    tracing::error!(error = format!("{error:#}"), "stopping because of a failure");
    Some(error)
}
