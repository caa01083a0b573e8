//! What the processes of all services have in common: listeners, store, verifier.

use std::sync::Arc;

use anyhow::Context;
use csc_auth::{GrpcKeys, TokenVerifier};
use csc_service::bus::{self, Address, BusConfig, Credentials, Member, Peers};
use csc_service::config::Settings;
use csc_service::{App, AppConfig, ReadyCheck, ServiceParts, TelemetryConfig};
use csc_store::Records;
use csc_store::owner::Replicas;
use csc_types::Partition;
use tonic::transport::Channel;

use crate::program::{Platform, Running};
use crate::store::{Opened, StoreConfig};
use crate::verifier::{AuthConfig, keep_fresh};

/// The sections `log`, `http`, `bus`, `admin` and `store`.
pub struct Common {
    /// How it logs.
    pub log: TelemetryConfig,
    app: AppConfig,
    store: StoreConfig,
}

/// A process that is being put together, its store open.
pub struct Host {
    /// Time, randomness, metrics.
    pub platform: Platform,
    /// The store.
    pub records: Records,
    /// Whether other processes may share the store.
    pub replicas: Replicas,
    /// The name of this process among the replicas of its service; another one with every start.
    pub replica: String,
    app: App,
    bus: Option<BusConfig>,
    body_size: usize,
}

impl Common {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Self {
        let app = AppConfig::read(settings);
        let log = TelemetryConfig::read(settings);
        Self { log, app, store: StoreConfig::read(settings) }
    }

    /// Reads the settings of a process that serves nothing over HTTPS.
    pub fn without_http(settings: &mut Settings) -> Self {
        let app = AppConfig::without_http(settings);
        Self { log: TelemetryConfig::read(settings), app, store: StoreConfig::read(settings) }
    }

    /// Opens the store.
    ///
    /// # Errors
    /// If it cannot be used; the message says what to do about it.
    pub async fn open(self, platform: Platform) -> anyhow::Result<Host> {
        let Self { app, store, .. } = self;
        let Opened { store, replicas, mut parts } = store.open(&platform).await?;
        let Platform { clock, entropy, metrics } = platform.clone();
        let records = Records::new(store, Arc::clone(&entropy));
        parts.ready.push(reached(records.clone()));
        let replica = format!("{:016x}", entropy.next_u64());
        let (bus, body_size) = (app.bus.clone(), app.http.limits.body_size);
        let app = App::new(app, metrics, clock, entropy).mount(parts);
        Ok(Host { platform, records, replicas, replica, app, bus, body_size })
    }
}

/// The process is ready when the store has answered once.
fn reached(records: Records) -> ReadyCheck {
    ReadyCheck::new("store", move || {
        let records = records.clone();
        async move {
            records.store().position(Partition::INSTALLATION).await?;
            Ok(())
        }
    })
}

impl Host {
    /// Adds a service.
    pub fn mount(mut self, parts: ServiceParts) -> Self {
        self.app = self.app.mount(parts);
        self
    }

    /// XCAP root prefixes that routing passes over.
    pub fn roots(mut self, documents: &[String]) -> Self {
        self.app = self.app.roots(documents.iter().cloned());
        self
    }

    /// Checks that a request can hold the largest document.
    ///
    /// # Errors
    /// If `http.body_size` is less than `largest` octets.
    pub fn holds(&self, largest: usize) -> anyhow::Result<()> {
        let body_size = self.body_size;
        anyhow::ensure!(
            body_size >= largest,
            "http.body_size ({body_size}) must hold the largest document ({largest})"
        );
        Ok(())
    }

    /// A channel to idms on the bus, whichever replica answers.
    ///
    /// # Errors
    /// If no bus is configured, or a file of it cannot be used.
    pub fn idms(&self, auth: &AuthConfig) -> anyhow::Result<Channel> {
        Ok(self.idms_at(auth.idms.clone(), &self.credentials()?))
    }

    /// A channel to each replica of idms.
    ///
    /// # Errors
    /// As [`Host::idms`].
    pub fn each_idms(&self, auth: &AuthConfig) -> anyhow::Result<Vec<Channel>> {
        let credentials = self.credentials()?;
        Ok(auth.idms.iter().map(|address| self.idms_at(vec![address.clone()], &credentials)).collect())
    }

    fn credentials(&self) -> anyhow::Result<Credentials> {
        let bus = self
            .bus
            .as_ref()
            .context("idms is reached over the bus: set bus.certificate, bus.key and bus.ca")?;
        Ok(Credentials::load(&bus.ca, &bus.identity, &self.platform.metrics)?)
    }

    fn idms_at(&self, addresses: Vec<Address>, credentials: &Credentials) -> Channel {
        let domain = self.bus.as_ref().and_then(|bus| bus.domain.clone());
        bus::connect(&Peers { member: Member::Idms, domain, addresses }, credentials)
    }

    /// A verifier with the keys of idms at the other end of `idms`, and the task that keeps them fresh.
    pub fn verifier(&self, auth: AuthConfig, idms: Channel) -> (Arc<TokenVerifier>, ServiceParts) {
        let verifier = auth.verifier(Arc::new(GrpcKeys::new(idms)), Arc::clone(&self.platform.clock));
        (Arc::clone(&verifier), keep_fresh(verifier))
    }

    /// Binds every socket; `sip` is where the process listens for SIP, if it does.
    ///
    /// # Errors
    /// If an address or a file cannot be used.
    pub async fn bind(self, sip: Option<std::net::SocketAddr>) -> anyhow::Result<Running> {
        Ok(Running::new(self.app.bind().await?, sip))
    }
}
