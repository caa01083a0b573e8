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
//! | `org.openmobilealliance.groups`, `glms.root` if it is served | gms |
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
mod upstream;

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context;
use csc_process::{Platform, Program, Running};
use csc_service::bus::{Address, BusDomain, Credentials, Member};
use csc_service::config::Settings;
use csc_service::http::{HttpService, Mount};
use csc_service::{App, AppConfig, ReadyCheck, ServiceParts, Task, TelemetryConfig};
use csc_xcap::usage::GROUPS;
use tokio::sync::oneshot;

use config::{EdgeConfig, Times};
use dial::Dialer;
use forward::Forward;
use keeper::{Keeper, LOOKUP, system_lookup};
use upstream::Upstream;

/// `csc edge`: its settings.
pub struct Edge {
    log: TelemetryConfig,
    app: AppConfig,
    documents: csc_xcap_server::Config,
    glms: Option<csc_gms::glms::Place>,
    edge: EdgeConfig,
}

impl Program for Edge {
    const NAME: &'static str = "edge";

    fn read(settings: &mut Settings) -> Self {
        let app = AppConfig::read(settings);
        let log = TelemetryConfig::read(settings);
        let documents = csc_xcap_server::Config::read(settings);
        let glms = csc_gms::glms::Place::read(settings);
        let edge = "The way from the edge to the services.";
        let edge = EdgeConfig::read(&mut settings.section("edge", edge));
        Self { log, app, documents, glms, edge }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { app, documents, glms, edge, .. } = self;
        let bus = app.bus.as_ref().context(
            "the edge reaches the services over the TLS of the bus: set bus.certificate, bus.key and bus.ca",
        )?;
        let credentials = Credentials::load(&bus.ca, &bus.identity, &platform.metrics)?;
        let domain = bus.domain.clone();
        let way =
            Way { credentials, domain, times: edge.times, requests: app.http.limits.requests, platform };
        let idms = way.to(Member::Idms, edge.idms).mount(["idms", ".well-known"]);
        let kms = way.to(Member::Kms, edge.kms).mount(["keymanagement"]);
        let groups = [GROUPS.auid.to_owned()].into_iter().chain(glms.map(|place| place.root));
        let gms = way.to(Member::Gms, edge.gms).mount(groups);
        let cms = way.to(Member::Cms, edge.cms).fall_back();
        let Platform { clock, entropy, metrics } = way.platform;
        let mut app = App::new(app, metrics, clock, entropy).roots(documents.prefixes());
        let mut upstreams = Vec::new();
        for Lane { parts, upstream, .. } in [idms, kms, gms, cms] {
            app = app.mount(parts);
            upstreams.push(upstream);
        }
        let mut own = ServiceParts::new(Self::NAME);
        own.ready.push(ReadyCheck::new("a service", move || {
            let reached = upstreams.iter().any(|upstream| upstream.is_up());
            async move { reached.then_some(()).context("no service can be reached") }
        }));
        Ok(Running::new(app.mount(own).bind().await?, None))
    }
}

/// What the ways to all services have in common.
struct Way {
    credentials: Credentials,
    domain: Option<BusDomain>,
    times: Times,
    /// How many requests may be under way at a time.
    requests: usize,
    platform: Platform,
}

/// The way to one service.
struct Lane {
    /// What keeps it open, and soon what it serves.
    parts: ServiceParts,
    upstream: Arc<Upstream>,
    service: HttpService,
}

impl Way {
    /// The way to the service `member`, whose replicas are at `places`.
    fn to(&self, member: Member, places: Vec<Address>) -> Lane {
        let name = member.name();
        let Platform { clock, entropy, metrics } = self.platform.clone();
        let upstream = Upstream::new(name, &metrics);
        let (users, gone) = oneshot::channel();
        let forward = Forward::new(Arc::clone(&upstream), self.times, Arc::clone(&entropy), &metrics, users);
        let forward = Arc::new(forward);
        let service = HttpService::new(tower::service_fn(move |request| {
            let forward = Arc::clone(&forward);
            async move { Ok::<_, Infallible>(forward.answer(request).await) }
        }));
        let dialer =
            Dialer::new(self.credentials.clone(), member.server_name(self.domain.as_ref()), self.requests);
        let (lookup, every) = (system_lookup(), LOOKUP);
        let keeper =
            Keeper { upstream: Arc::clone(&upstream), places, lookup, every, dialer, clock, entropy };
        let mut parts = ServiceParts::new(name);
        parts.tasks.push(Task::new(name, move |_| keeper.run(gone)));
        Lane { parts, upstream, service }
    }
}

impl Lane {
    /// For what stands below `segments`.
    fn mount(mut self, segments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let segments = segments.into_iter().map(Into::into).collect();
        self.parts.mounts.push(Mount { segments, service: self.service.clone() });
        self
    }

    /// For what is nobody's.
    fn fall_back(mut self) -> Self {
        self.parts.fallback = Some(self.service.clone());
        self
    }
}
