//! The store of a process: its settings, its opening, its metrics and its end.

mod embedded;
mod redis;

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use csc_service::ServiceParts;
use csc_service::config::{Settings, environment};
use csc_store::Store;
use csc_store::owner::Replicas;

use self::embedded::EmbeddedConfig;
use self::redis::RedisConfig;
use crate::program::Platform;

/// Section `store`.
#[derive(Clone)]
pub struct StoreConfig {
    engine: Engine,
    embedded: EmbeddedConfig,
    redis: RedisConfig,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Embedded,
    Redis,
}

impl FromStr for Engine {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "embedded" => Ok(Self::Embedded),
            "redis" => Ok(Self::Redis),
            _ => Err("must be embedded or redis"),
        }
    }
}

/// An open store.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Whether others may have it open, too.
    pub replicas: Replicas,
    /// Its metrics, and what ends the process when it has failed for good.
    pub parts: ServiceParts,
}

impl StoreConfig {
    /// Reads the settings.
    pub fn read(settings: &mut Settings) -> Self {
        let mut section = settings.section("store", "Where everything durable is kept.");
        let engine = section.value(
            "engine",
            "embedded",
            "embedded: one file of this process alone. redis: a Redis 7 or Valkey that any number of processes share;\n\
             it needs appendonly, appendfsync always, maxmemory-policy noeviction and min-replicas-to-write, and\n\
             `csc store create` once.",
        );
        let embedded = EmbeddedConfig::read(&mut section);
        let redis = RedisConfig::read(&mut section, embedded.queue(), engine == Engine::Redis);
        Self { engine, embedded, redis }
    }

    /// Opens the store.
    ///
    /// # Errors
    /// If it is open elsewhere or damaged. A Redis that does not answer is no error: it may come.
    pub async fn open(&self, platform: &Platform) -> anyhow::Result<Opened> {
        match self.engine {
            Engine::Embedded => self.embedded.open(platform).await,
            Engine::Redis => self.redis.open(platform),
        }
    }

    /// Makes the store that a configuration file names: stamps a Redis that holds nothing as a new installation.
    ///
    /// # Errors
    /// If the file has mistakes in its section `store` or names an embedded store, which is made when it is opened; if
    /// the servers do not answer or hold an installation.
    pub async fn create(file: &Path) -> anyhow::Result<()> {
        let mut settings = Settings::load(Some(file), environment());
        let config = Self::read(&mut settings);
        settings.finish_read().map_err(|mistakes| anyhow::anyhow!("{mistakes}"))?;
        anyhow::ensure!(
            config.engine == Engine::Redis,
            "store.engine is embedded: that store is made when it is first opened"
        );
        config.redis.install(&Platform::system()).await
    }
}
