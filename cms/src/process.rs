//! The service as a process of its own.

use csc_process::{AuthConfig, Common, Platform, Program, Running};
use csc_service::TelemetryConfig;
use csc_service::config::Settings;

use crate::app::{self, Deps};
use crate::config::Config;

/// `csc cms`: its settings.
pub struct Process {
    common: Common,
    auth: AuthConfig,
    documents: csc_xcap_server::Config,
    cms: Config,
}

/// Reads the section of the service.
pub fn config(settings: &mut Settings) -> Config {
    Config::read(&mut settings.section("cms", "Configuration documents (CSC-4)."))
}

impl Program for Process {
    const NAME: &'static str = "cms";

    fn read(settings: &mut Settings) -> Self {
        Self {
            common: Common::read(settings),
            auth: AuthConfig::read(settings),
            documents: csc_xcap_server::Config::read(settings),
            cms: config(settings),
        }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.common.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { common, auth, documents, cms } = self;
        let host = common.open(platform).await?;
        host.holds(cms.document_size)?;
        let idms = host.idms(&auth)?;
        let (verifier, keys) = host.verifier(auth, idms);
        let Platform { clock, entropy, metrics } = host.platform.clone();
        let deps = Deps {
            records: host.records.clone(),
            clock,
            entropy,
            metrics,
            verifier,
            replica: host.replica.clone(),
            replicas: host.replicas,
        };
        let parts = app::build(&cms, &documents, deps);
        host.roots(&documents.prefixes()).mount(keys).mount(parts).bind(None).await
    }
}
