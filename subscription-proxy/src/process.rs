//! The service as a process of its own.

use anyhow::Context;
use csc_process::{AuthConfig, Common, Platform, Program, Running};
use csc_service::TelemetryConfig;
use csc_service::config::Settings;

use crate::app::{self, Deps};
use crate::config::Config;
use crate::domain::target::Naming;

/// `csc subscription-proxy`: its settings.
pub struct Process {
    common: Common,
    auth: AuthConfig,
    documents: csc_xcap_server::Config,
    sip: Config,
}

/// Reads the section of the service.
pub fn config(settings: &mut Settings) -> Config {
    Config::read(&mut settings.section("sip", "Subscriptions to changes, over SIP."))
}

/// How documents are named, as the services that store them do.
pub fn naming(documents: &csc_xcap_server::Config) -> Naming {
    Naming {
        names: documents.names.clone(),
        roots: documents.roots.clone(),
        root_uri: documents.url.as_str().to_owned(),
        open_terminals: documents.open_terminals,
    }
}

impl Program for Process {
    const NAME: &'static str = "subscription-proxy";

    fn read(settings: &mut Settings) -> Self {
        Self {
            common: Common::without_http(settings),
            auth: AuthConfig::read(settings),
            documents: csc_xcap_server::Config::read(settings),
            sip: config(settings),
        }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.common.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { common, auth, documents, sip } = self;
        let host = common.open(platform).await?;
        let idms = host.idms(&auth)?;
        let (verifier, keys) = host.verifier(auth, idms);
        let Platform { clock, entropy, metrics } = host.platform.clone();
        let deps = Deps {
            records: host.records.clone(),
            clock,
            entropy,
            metrics,
            verifier,
            naming: naming(&documents),
            replicas: host.replicas,
        };
        let (parts, address) = app::build(&sip, deps).await.context("subscription-proxy")?;
        host.mount(keys).mount(parts).bind(Some(address)).await
    }
}
