//! A Redis or Valkey that processes share.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use csc_service::config::{SecretBytes, Section};
use csc_service::{Identity, Metrics, ServiceParts, Task, client_tls};
use csc_store::owner::Replicas;
use csc_store::redis::{Password, RedisOptions, RedisStore, Stats, Topology};
use zeroize::Zeroizing;

use super::Opened;
use crate::program::Platform;

/// How often the engine's figures are read.
const SAMPLE: Duration = Duration::from_secs(1);

/// Keys of section `store` for the Redis engine.
#[derive(Clone)]
pub(super) struct RedisConfig {
    options: RedisOptions,
    /// The CA to trust, and what to show; `None`: no TLS.
    tls: Option<(PathBuf, Option<Identity>)>,
}

#[derive(Clone, Copy)]
enum Shape {
    Standalone,
    Sentinel,
    Cluster,
}

impl FromStr for Shape {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "standalone" => Ok(Self::Standalone),
            "sentinel" => Ok(Self::Sentinel),
            "cluster" => Ok(Self::Cluster),
            _ => Err("must be standalone, sentinel or cluster"),
        }
    }
}

impl RedisConfig {
    /// Reads the keys; `used` says whether this is the engine.
    pub(super) fn read(section: &mut Section<'_>, queue: usize, used: bool) -> Self {
        let shape = section.value(
            "topology",
            "sentinel",
            "redis: standalone (the one server in addresses), sentinel (the Sentinels), cluster (some of its nodes).",
        );
        let addresses: Vec<String> = section.list(
            "addresses",
            &[],
            "redis: host:port of the one server, of all the Sentinels, or of some nodes of the cluster.",
        );
        if used && addresses.is_empty() {
            section.mistake("addresses", "names no server");
        }
        let name =
            section.value("sentinel_master", "csc", "redis: the name the Sentinels know the master by.");
        let username = section.optional(
            "username",
            "csc-gms",
            "redis: the user to log in as; the default user otherwise.",
        );
        let mut password = |key, doc| {
            let file: Option<SecretBytes> = section.optional_secret_file(key, "redis.password", doc);
            let Ok(text) = std::str::from_utf8(file.as_ref()?.expose()) else {
                section.mistake(key, "holds no UTF-8 text");
                return None;
            };
            Some(Password::new(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
        };
        let own = password("password_file", "redis: file with the password.");
        let sentinel_password =
            password("sentinel_password_file", "redis: file with the password of the Sentinels themselves.");
        let topology = match shape {
            Shape::Standalone => Topology::Standalone,
            Shape::Sentinel => Topology::Sentinel { name, username: None, password: sentinel_password },
            Shape::Cluster => Topology::Cluster,
        };
        let mut options = RedisOptions::new(topology, addresses);
        options.username = username;
        options.password = own;
        options.queue = queue;
        options.prefix = section.value(
            "prefix",
            "csc:",
            "redis: in front of every key, so that installations can share servers.",
        );
        options.min_replicas = section.number(
            "min_replicas",
            1,
            0..=8,
            "redis: how many replicas must have a commit before it is acknowledged. 0 loses what was acknowledged when\n\
             a master is lost. 1 loses nothing with any one server; 2 nothing with any two, and stops writes when one\n\
             replica of two is away.",
        );
        options.deadline = section.duration(
            "deadline",
            "5s",
            // Longer than a search for the master takes, and well within the minute that ids of commits are remembered.
            ("1s", "30s"),
            "redis: how long a read or a commit may take, repetitions included; then the request is answered with 503.",
        );
        Self { options, tls: tls(section) }
    }

    /// With what is in the files of TLS.
    fn options(&self) -> anyhow::Result<RedisOptions> {
        let mut options = self.options.clone();
        if let Some((ca, identity)) = &self.tls {
            options.tls = Some(Arc::new(client_tls(ca, identity.as_ref()).context("section store")?));
        }
        Ok(options)
    }

    /// Opens the store. It does not wait for the servers.
    pub(super) fn open(&self, platform: &Platform) -> anyhow::Result<Opened> {
        let Platform { clock, entropy, metrics } = platform;
        let store = RedisStore::open(self.options()?, Arc::clone(clock), Arc::clone(entropy));
        let store = Arc::new(store.context("section store")?);
        let mut parts = ServiceParts::new("store");
        parts.tasks.push(watch(Arc::clone(&store), metrics));
        Ok(Opened { store, replicas: Replicas::Several, parts })
    }

    /// Stamps a new installation.
    pub(super) async fn install(&self, platform: &Platform) -> anyhow::Result<()> {
        let Platform { clock, entropy, .. } = platform;
        Ok(RedisStore::install(self.options()?, Arc::clone(clock), Arc::clone(entropy)).await?)
    }
}

/// Keys of TLS.
fn tls(section: &mut Section<'_>) -> Option<(PathBuf, Option<Identity>)> {
    let ca = section.optional_path(
        "tls_ca",
        "redis-ca.pem",
        "redis: the CA of the servers, and of the Sentinels; TLS is used when it is given. Certificates must name the\n\
         hosts or addresses under which servers are reached, also as Sentinels and cluster nodes tell them. Read once.",
    );
    let certificate = section.optional_path(
        "tls_certificate",
        "redis-client.pem",
        "redis: the certificate to show, if the servers ask for one.",
    );
    let key = section.path_required_if(
        certificate.is_some(),
        "tls_key",
        "redis-client.key",
        "redis: the private key of tls_certificate.",
    );
    if ca.is_none() && certificate.is_some() {
        section.mistake("tls_certificate", "is of no use without tls_ca");
    }
    if certificate.is_none() && key.is_some() {
        section.mistake("tls_key", "is of no use without tls_certificate");
    }
    let identity = certificate.zip(key).map(|(certificate, key)| Identity { certificate, key });
    ca.map(|ca| (ca, identity))
}

/// Counts what the engine does.
fn watch(store: Arc<RedisStore>, metrics: &Metrics) -> Task {
    let done = metrics.counter("csc_store_commits_total", "Commits by outcome.", &["outcome"]);
    let batches = metrics.counter("csc_store_batches_total", "Pipelines; each may hold many calls.", &[]);
    let repeats = metrics.counter(
        "csc_store_repeats_total",
        "Calls sent again because the answer was missing or not good.",
        &[],
    );
    let unavailable = metrics.counter("csc_store_unavailable_total", "Calls that were given up.", &[]);
    let unborn = metrics.counter(
        "csc_store_unborn_total",
        "Calls on a partition without its birth record. Any is an alarm: the store is empty, damaged or the wrong one.",
        &[],
    );
    let queued = metrics.gauge("csc_store_queued", "Commits that wait for a server.", &[]);
    Task::new("store", move |shutdown| async move {
        let mut before = Stats::default();
        loop {
            let now = store.stats();
            done.with_label_values(&["applied"]).inc_by(now.commits - before.commits);
            done.with_label_values(&["conflict"]).inc_by(now.conflicts - before.conflicts);
            batches.with_label_values::<&str>(&[]).inc_by(now.batches - before.batches);
            repeats.with_label_values::<&str>(&[]).inc_by(now.repeats - before.repeats);
            unavailable.with_label_values::<&str>(&[]).inc_by(now.unavailable - before.unavailable);
            unborn.with_label_values::<&str>(&[]).inc_by(now.unborn - before.unborn);
            queued.with_label_values::<&str>(&[]).set(i64::try_from(now.queued).unwrap_or(i64::MAX));
            before = now;
            tokio::select! {
                () = tokio::time::sleep(SAMPLE) => {}
                () = shutdown.requested() => return Ok(()),
            }
        }
    })
}

#[cfg(test)]
mod tests;
