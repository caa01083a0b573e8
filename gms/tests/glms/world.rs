//! A running service with the dialect, and a gateway that sends requests of its terminals.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use bytes::Bytes;
use csc_gms::{Config, Deps, build, process};
use csc_service::config::Settings;
use csc_service::http::{Body, HttpService, Peer};
use csc_service::{ServiceParts, Shutdown, ShutdownTrigger};
use csc_store::owner::Replicas;
use csc_test_support::{ManualClock, SeededEntropy};
use csc_xcap_server::testing::{Answer, Bench, NOW};
use http::{Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub(crate) const GROUPS: &str = "/glms-services/ORG.OPENMOBILEALLIANCE.GROUPS";
pub(crate) const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";
/// The gateway that is trusted.
pub(crate) const GATEWAY: &str = "192.0.2.7:40000";
/// The content of the key file.
pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// +821 and +822 plain, +823 authorized, +824 dispatcher, +825 administrator, all of one fire brigade; +826 plain and
/// +827 dispatcher of the police.
pub(crate) struct World {
    pub(crate) bench: Bench,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) parts: ServiceParts,
    _folder: tempfile::TempDir,
    _running: Option<ShutdownTrigger>,
}

impl World {
    /// With its projector running: who stores a group is answered when every member sees it.
    pub(crate) async fn new() -> Self {
        Self::with(&[("CSC_GLMS_ACCEPT_AFTER", "30s")]).await.projecting()
    }

    /// With its projector running from now on.
    pub(crate) fn projecting(mut self) -> Self {
        let (trigger, shutdown) = Shutdown::new();
        for task in self.parts.tasks.drain(..) {
            tokio::spawn((task.run)(shutdown.clone()));
        }
        self._running = Some(trigger);
        self
    }

    /// With these settings, and without a projector.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let bench = Bench::new(Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(1)));
        for (id, organisation, roles) in [
            ("tel:+821", "fire", &[][..]),
            ("tel:+822", "fire", &[]),
            ("tel:+823", "fire", &["authorized-user"]),
            ("tel:+824", "fire", &["dispatcher"]),
            ("tel:+825", "fire", &["administrator"]),
            ("tel:+826", "police", &[]),
            ("tel:+827", "police", &["dispatcher"]),
        ] {
            bench.account(id, organisation, roles, &[]).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("glms.key");
        fs::write(&file, KEY).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let fixed = [
            ("CSC_GLMS_ENABLED", "true"),
            ("CSC_GLMS_KEY_FILE", file.to_str().unwrap()),
            ("CSC_XCAP_TRUSTED_ADDRESSES", "192.0.2.7"),
        ];
        let mut environment: Vec<(String, String)> = Vec::new();
        for (name, value) in fixed.iter().chain(settings) {
            environment.retain(|(known, _)| known != name);
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        let mut settings = Settings::load(None, environment);
        let documents = csc_xcap_server::Config::read(&mut settings);
        let config: Config = process::config(&mut settings);
        settings.finish().unwrap();
        let deps = Deps {
            records: bench.records.clone(),
            clock: Arc::clone(&bench.clock),
            entropy: Arc::clone(&bench.entropy),
            metrics: bench.metrics.clone(),
            verifier: Arc::clone(&bench.verifier),
            replica: "gms-0".to_owned(),
            replicas: Replicas::Alone,
        };
        Self { parts: build(&config, &documents, deps), bench, clock, _folder: folder, _running: None }
    }

    /// What answers below `segment`.
    pub(crate) fn service(&self, segment: &str) -> HttpService {
        let mut mounts = self.parts.mounts.iter();
        mounts.find(|mount| mount.segments.iter().any(|own| own == segment)).unwrap().service.clone()
    }

    /// A terminal whose user is `tel:+82<number>`, behind the gateway.
    pub(crate) fn terminal(&self, number: u32) -> Terminal {
        self.named(&format!("tel:+82{number}"))
    }

    /// A terminal whose user the gateway calls `id`.
    pub(crate) fn named(&self, id: &str) -> Terminal {
        Terminal {
            service: self.parts.mounts.last().unwrap().service.clone(),
            peer: GATEWAY,
            headers: vec![("glmsclientversion", "11.01".to_owned()), ("clientid", id.to_owned())],
        }
    }

    /// Stores the group `tel:g<number>` called `name`, made by the dispatcher.
    pub(crate) async fn group(&self, number: u32, name: &str, members: &[u32]) -> Answer {
        let target = format!("{GROUPS}/users/tel:+824/tel:9{number}");
        self.terminal(4).put(&target, GROUP_TYPE, group(number, name, members)).await
    }
}

/// The document of the group `tel:9<number>`.
pub(crate) fn group(number: u32, name: &str, members: &[u32]) -> String {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"tel:+82{member}\"/>")).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"urn:oma:xml:poc:list-service\">\
         <list-service uri=\"tel:9{number}\"><display-name>{name}</display-name><list>{entries}</list>\
         </list-service></group>"
    )
}

/// Sends requests of the dialect.
#[derive(Clone)]
pub(crate) struct Terminal {
    pub(crate) service: HttpService,
    pub(crate) peer: &'static str,
    /// Of every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Terminal {
    /// The same without the header fields called `name`.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// The same with this header field.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = Peer { address: self.peer.parse().unwrap(), certificate: None };
        let request = request.extension(peer).body(Body::from(body.into())).unwrap();
        let (head, body) = self.service.clone().oneshot(request).await.unwrap().into_parts();
        Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Method::GET, target, &[], "").await
    }

    pub(crate) async fn put(&self, target: &str, media_type: &str, body: impl Into<Bytes>) -> Answer {
        self.send(Method::PUT, target, &[("content-type", media_type)], body).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.send(Method::DELETE, target, &[], "").await
    }
}
