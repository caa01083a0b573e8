//! The service as a process of its own.

use std::sync::Arc;

use anyhow::Context;
use csc_auth::Accounts;
use csc_process::{AuthConfig, Common, Platform, Program, Running};
use csc_service::TelemetryConfig;
use csc_service::config::Settings;

use crate::app::{self, Deps};
use crate::config::Config;

/// `csc kms`: its settings.
pub struct Process {
    common: Common,
    auth: AuthConfig,
    kms: Config,
}

/// Reads the section of the service.
pub fn config(settings: &mut Settings) -> Config {
    Config::read(&mut settings.section("kms", "Keys (CSC-8)."))
}

impl Program for Process {
    const NAME: &'static str = "kms";

    fn read(settings: &mut Settings) -> Self {
        Self { common: Common::read(settings), auth: AuthConfig::read(settings), kms: config(settings) }
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.common.log
    }

    async fn build(self, platform: Platform) -> anyhow::Result<Running> {
        let Self { common, auth, kms } = self;
        let host = common.open(platform).await?;
        let idms = host.idms(&auth)?;
        // Each by itself: a replica that is stopping must not be the one that is asked again and again.
        let accounts = Accounts::new(host.each_idms(&auth)?, Arc::clone(&host.platform.clock));
        let (accounts, (verifier, keys)) = (Arc::new(accounts), host.verifier(auth, idms));
        let Platform { clock, entropy, metrics } = host.platform.clone();
        let deps = Deps { records: host.records.clone(), clock, entropy, verifier, accounts, metrics };
        let parts = app::build(&kms, deps).await.context("kms")?;
        host.mount(keys).mount(parts).bind(None).await
    }
}
