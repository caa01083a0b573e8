//! `csc edge`: one address for terminals, in front of services that run as processes of their own.
//!
//! It keeps no state. It ends TLS with the listener every service has, finds the service by one path segment behind a
//! configured XCAP root, and passes the request on over the TLS of the bus and HTTP/2. The request target stays as it
//! came, octet for octet; bodies stream through. The service learns who the client is from two header fields, which it
//! believes from the edge's certificate alone.
//!
//! ```text
//! client ─TLS, HTTP/1.1 or 2─► listener ─► Forward ──► Upstream: the least busy replica ─TLS of the bus, HTTP/2─► service
//!                                                         ▲
//!                                          Keeper: looks up names, connects, connects anew
//! ```
//!
//! | first segment | service |
//! | --- | --- |
//! | `idms`, `.well-known` | idms |
//! | `keymanagement` | kms |
//! | `org.openmobilealliance.groups` | gms |
//! | any other | cms |
//!
//! A replica that stops says so (GOAWAY), and requests go to the others; what it did not look at is sent again. A request
//! that may have been acted on is never repeated, unless it is GET, HEAD or OPTIONS.

mod config;
mod dial;
mod forward;
mod head;
mod keeper;
mod replay;
mod tls;
mod upstream;

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context;
use csc_process::{Platform, Program, Running};
use csc_service::config::Settings;
use csc_service::http::{HttpService, Mount};
use csc_service::{App, AppConfig, ServiceParts, Task, TelemetryConfig};
use csc_xcap::usage::GROUPS;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use config::{EdgeConfig, HostPort, Times};
use dial::Dialer;
use forward::Forward;
use keeper::{Keeper, LOOKUP, system_lookup};
use upstream::Upstream;

/// `csc edge`: its settings.
pub struct Edge {
    log: TelemetryConfig,
    app: AppConfig,
    documents: csc_xcap_server::Config,
    edge: EdgeConfig,
}

impl Program for Edge {
    const NAME: &'static str = "edge";

    fn read(settings: &mut Settings) -> Self {
        let app = AppConfig::read(settings);
        let log = TelemetryConfig::read(settings);
        let documents = csc_xcap_server::Config::read(settings);
        let edge = "The way from the edge to the services.";
        let edge = EdgeConfig::read(&mut settings.section("edge", edge));
        Self { log, app, documents, edge }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { app, documents, edge, .. } = self;
        let bus = app.bus.as_ref().context(
            "the edge reaches the services over the TLS of the bus: set bus.listen, bus.certificate, bus.key and bus.ca",
        )?;
        let (tls, requests) = (tls::connector(bus)?, app.http.limits.requests);
        let way = Way { tls, times: edge.times, requests, platform };
        let idms = way.mount("idms", edge.idms, ["idms", ".well-known"])?;
        let kms = way.mount("kms", edge.kms, ["keymanagement"])?;
        let gms = way.mount("gms", edge.gms, [GROUPS.auid])?;
        let cms = way.fallback("cms", edge.cms)?;
        let Platform { clock, entropy, metrics } = way.platform;
        let app = App::new(app, metrics, clock, entropy).roots(documents.prefixes());
        Ok(Running::new(app.mount(idms).mount(kms).mount(gms).mount(cms).bind().await?, None))
    }
}

/// What the ways to all services have in common.
struct Way {
    tls: TlsConnector,
    times: Times,
    /// How many requests may be under way at a time.
    requests: usize,
    platform: Platform,
}

impl Way {
    /// The way to the service `name`, whose replicas are at `places`; and what keeps it open.
    fn to(&self, name: &'static str, places: Vec<HostPort>) -> anyhow::Result<(ServiceParts, HttpService)> {
        let Platform { clock, entropy, metrics } = self.platform.clone();
        let upstream = Upstream::new(name, &metrics);
        let (users, gone) = oneshot::channel();
        let forward = Forward::new(Arc::clone(&upstream), self.times, Arc::clone(&entropy), &metrics, users);
        let forward = Arc::new(forward);
        let dialer = Dialer::new(self.tls.clone(), ServerName::try_from(name)?, self.requests);
        let keeper =
            Keeper { upstream, places, lookup: system_lookup(), every: LOOKUP, dialer, clock, entropy };
        let mut parts = ServiceParts::new(name);
        parts.tasks.push(Task::new(name, move |_| keeper.run(gone)));
        let service = tower::service_fn(move |request| {
            let forward = Arc::clone(&forward);
            async move { Ok::<_, Infallible>(forward.answer(request).await) }
        });
        Ok((parts, HttpService::new(service)))
    }

    /// The same, for what stands below `segments`.
    fn mount(
        &self,
        name: &'static str,
        places: Vec<HostPort>,
        segments: impl IntoIterator<Item = &'static str>,
    ) -> anyhow::Result<ServiceParts> {
        let (mut parts, service) = self.to(name, places)?;
        parts.mounts.push(Mount { segments: segments.into_iter().map(str::to_owned).collect(), service });
        Ok(parts)
    }

    /// The same, for what is nobody's.
    fn fallback(&self, name: &'static str, places: Vec<HostPort>) -> anyhow::Result<ServiceParts> {
        let (mut parts, service) = self.to(name, places)?;
        parts.fallback = Some(service);
        Ok(parts)
    }
}
