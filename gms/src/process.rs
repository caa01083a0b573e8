//! The service as a process of its own.

use csc_process::{AuthConfig, Common, Platform, Program, Running};
use csc_service::TelemetryConfig;
use csc_service::config::Settings;

use crate::app::{self, Deps};
use crate::config::Config;
use crate::glms;

/// `csc gms`: its settings.
pub struct Process {
    common: Common,
    auth: AuthConfig,
    documents: csc_xcap_server::Config,
    gms: Config,
}

/// Reads the sections of the service.
pub fn config(settings: &mut Settings) -> Config {
    let config = Config::read(&mut settings.section("gms", "Groups (CSC-2)."));
    Config { glms: glms::Config::read(settings), ..config }
}

impl Program for Process {
    const NAME: &'static str = "gms";

    fn read(settings: &mut Settings) -> Self {
        Self {
            common: Common::read(settings),
            auth: AuthConfig::read(settings),
            documents: csc_xcap_server::Config::read(settings),
            gms: config(settings),
        }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.common.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { common, auth, documents, gms } = self;
        let host = common.open(platform).await?;
        host.holds(gms.group_size)?;
        let idms = host.idms(&auth)?;
        let (verifier, keys) = host.verifier(auth, idms);
        let Platform { clock, entropy, metrics } = host.platform.clone();
        let deps = Deps {
            records: host.records.clone(),
            clock,
            replica: host.replica.clone(),
            replicas: host.replicas,
            entropy,
            metrics,
            verifier,
        };
        let parts = app::build(&gms, &documents, deps);
        host.roots(&documents.prefixes()).mount(keys).mount(parts).bind(None).await
    }
}
