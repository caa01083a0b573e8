//! Every service in one process, on the embedded store.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use csc_auth::{GrpcKeys, TokenVerifier, VerifierConfig};
use csc_service::config::Settings;
use csc_service::{App, AppConfig, Bound, Metrics, ServiceParts, Task, TelemetryConfig, bus};
use csc_store::{Records, Store};
use csc_subscription_proxy::Naming;
use csc_types::{Clock, Entropy};

use crate::documents;
use crate::store::{self, StoreConfig};

/// The settings of all services.
pub struct Config {
    /// Logging.
    pub log: TelemetryConfig,
    app: AppConfig,
    store: StoreConfig,
    documents: csc_xcap_server::Config,
    audiences: Vec<String>,
    field_compat: bool,
    idms: csc_idms::Config,
    gms: csc_gms::Config,
    cms: csc_cms::Config,
    kms: csc_kms::Config,
    sip: csc_subscription_proxy::Config,
}

impl Config {
    /// Reads every section. Mistakes are kept in `settings`.
    pub fn read(settings: &mut Settings) -> Self {
        let app = AppConfig::read(settings);
        let log = TelemetryConfig::read(&mut settings.section("log", "What is logged, and in which form."));
        let store = StoreConfig::read(settings);
        let documents =
            "Documents as XCAP names them: what cms, gms and the subscription proxy have in common.";
        let documents = csc_xcap_server::Config::read(&mut settings.section("xcap", documents));
        let audiences = settings.section("auth", "How access tokens are verified.").list(
            "audiences",
            &["mcptt_client"],
            "A token is good when one of these is among its `aud`.",
        );
        let field_compat = settings.section("scopes", "What the scopes of tokens permit.").flag(
            "field_compat",
            false,
            "Lets 3gpp:mcptt:ptt_server stand for the scopes of cms, gms and kms: deployed terminals hold no other.",
        );
        Self {
            log,
            app,
            store,
            documents,
            audiences,
            field_compat,
            idms: csc_idms::Config::read(&mut settings.section("idms", "Login and tokens (CSC-1).")),
            gms: csc_gms::Config::read(&mut settings.section("gms", "Groups (CSC-2).")),
            cms: csc_cms::Config::read(&mut settings.section("cms", "Configuration documents (CSC-4).")),
            kms: csc_kms::Config::read(&mut settings.section("kms", "Keys (CSC-8).")),
            sip: csc_subscription_proxy::Config::read(
                &mut settings.section("sip", "Subscriptions to changes, over SIP."),
            ),
        }
    }
}

/// All services, their sockets bound.
pub struct AllInOne {
    bound: Bound,
    sip: SocketAddr,
}

impl AllInOne {
    /// Opens the store, builds the services and binds every socket. Nothing is served yet.
    ///
    /// # Errors
    /// If the store, a key or an address cannot be used; the message says what to do about it.
    pub async fn build(
        config: Config,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> anyhow::Result<Self> {
        let body_size = config.app.http.limits.body_size;
        let largest = config.gms.group_size.max(config.cms.document_size);
        ensure!(
            body_size >= largest,
            "http.body_size ({body_size}) must hold the largest document ({largest})"
        );
        let metrics = Metrics::new();
        let store = config.store.open(Arc::clone(&clock), Arc::clone(&entropy)).await?;
        let records = Records::new(Arc::clone(&store) as Arc<dyn Store>, Arc::clone(&entropy));

        let idms = csc_idms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
        };
        let issuer = config.idms.issuer.clone();
        let idms = csc_idms::build(&config.idms, idms).context("idms")?;

        let routes = idms.grpc.clone().context("idms serves its keys on the bus")?;
        let keys = Arc::new(GrpcKeys::new(bus::in_process(routes)));
        let rules = VerifierConfig { issuer, audiences: config.audiences, field_compat: config.field_compat };
        let verifier = Arc::new(TokenVerifier::new(keys, rules, Arc::clone(&clock)));

        let gms = csc_gms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
            verifier: Arc::clone(&verifier),
            replica: format!("{:016x}", entropy.next_u64()),
        };
        let mut gms = csc_gms::build(&config.gms, &config.documents, gms);
        let cms = csc_cms::Deps {
            records: records.clone(),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
            verifier: Arc::clone(&verifier),
        };
        let mut cms = csc_cms::build(&config.cms, &config.documents, cms);
        let kms = csc_kms::Deps {
            records: records.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            verifier: Arc::clone(&verifier),
            metrics: metrics.clone(),
        };
        let kms = csc_kms::build(&config.kms, kms).await.context("kms")?;
        let proxy = csc_subscription_proxy::Deps {
            records,
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            metrics: metrics.clone(),
            verifier: Arc::clone(&verifier),
            naming: Naming {
                names: config.documents.names.clone(),
                roots: config.documents.roots.clone(),
                root_uri: config.documents.url.as_str().to_owned(),
                open_terminals: config.documents.open_terminals,
            },
        };
        let (proxy, sip) =
            csc_subscription_proxy::build(&config.sip, proxy).await.context("subscription-proxy")?;

        let mut own = ServiceParts::new("csc");
        own.grpc = Some(documents::front(&mut gms, &mut cms)?);
        own.tasks.push(store::watch(store, &metrics));
        own.tasks.push(Task::new("token keys", move |shutdown| async move {
            tokio::select! {
                () = verifier.keep_fresh() => {}
                () = shutdown.requested() => {}
            }
            Ok(())
        }));

        let prefixes = config.documents.roots.prefixes().map(str::to_owned).collect::<Vec<_>>();
        let app = App::new(config.app, metrics, clock, entropy).roots(prefixes);
        let app = app.mount(own).mount(idms).mount(gms).mount(cms).mount(kms).mount(proxy);
        let bound = app.bind().await?;
        Ok(Self { bound, sip })
    }

    /// Where it listens: `https`, `sip`, `bus` or `admin`.
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        let addresses = self.bound.addresses();
        match name {
            "https" => addresses.http.first().copied(),
            "sip" => Some(self.sip),
            "bus" => addresses.bus,
            "admin" => Some(addresses.admin),
            _ => None,
        }
    }

    /// Serves until `stop` resolves, then drains.
    ///
    /// # Errors
    /// If a task of a service failed.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        for name in ["https", "sip", "bus", "admin"] {
            if let Some(address) = self.address(name) {
                tracing::info!(name, %address, "listening");
            }
        }
        self.bound.run(stop).await
    }
}
