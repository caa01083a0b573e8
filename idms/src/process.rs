//! The service as a process of its own.

use anyhow::Context;
use csc_process::{Common, Platform, Program, Running};
use csc_service::TelemetryConfig;
use csc_service::config::Settings;

use crate::app::{self, Deps};
use crate::config::Config;

/// `csc idms`: its settings.
pub struct Process {
    common: Common,
    idms: Config,
}

/// Reads the section of the service.
pub fn config(settings: &mut Settings) -> Config {
    Config::read(&mut settings.section("idms", "Login and tokens (CSC-1)."))
}

impl Program for Process {
    const NAME: &'static str = "idms";

    fn read(settings: &mut Settings) -> Self {
        Self { common: Common::read(settings), idms: config(settings) }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.common.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let host = self.common.open(platform).await?;
        let Platform { clock, entropy, metrics } = host.platform.clone();
        let deps = Deps { records: host.records.clone(), clock, entropy, metrics };
        let parts = app::build(&self.idms, deps).context("idms")?;
        host.mount(parts).bind(None).await
    }
}
