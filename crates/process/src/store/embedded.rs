//! One file of this process alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use csc_service::config::Section;
use csc_service::{Metrics, ServiceParts, Task};
use csc_store::owner::Replicas;
use csc_store::{Embedded, Options, Stats};

use super::Opened;
use crate::program::Platform;

/// How often the engine's figures are read.
const SAMPLE: Duration = Duration::from_secs(1);

/// Keys of section `store` for the embedded engine.
#[derive(Clone, Debug)]
pub(super) struct EmbeddedConfig {
    path: PathBuf,
    options: Options,
}

impl EmbeddedConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            path: section.path(
                "path",
                "csc.redb",
                "embedded: the file. It is made when there is none; back it up as a whole.",
            ),
            options: Options {
                cache: section.size(
                    "cache",
                    "64MiB",
                    ("1MiB", "64GiB"),
                    "embedded: octets of the file that are kept in memory.",
                ),
                queue: section.number(
                    "queue",
                    1024,
                    1..=65_536,
                    "Commits that may wait for the disk, or for one server.",
                ),
            },
        }
    }

    pub(super) const fn queue(&self) -> usize {
        self.options.queue
    }

    /// Opens the file, or makes it.
    pub(super) async fn open(&self, platform: &Platform) -> anyhow::Result<Opened> {
        let (path, options) = (self.path.clone(), self.options);
        let (clock, entropy) = (Arc::clone(&platform.clock), Arc::clone(&platform.entropy));
        let opened =
            tokio::task::spawn_blocking(move || Embedded::open(&path, options, clock, &*entropy)).await?;
        let store = Arc::new(opened.context("opening the store")?);
        let mut parts = ServiceParts::new("store");
        parts.tasks.push(watch(Arc::clone(&store), &platform.metrics));
        Ok(Opened { store, replicas: Replicas::Alone, parts })
    }
}

/// Counts what the engine does, and ends the process when it has failed: it cannot be used again without opening the
/// file anew.
fn watch(store: Arc<Embedded>, metrics: &Metrics) -> Task {
    let done = metrics.counter("csc_store_commits_total", "Commits by outcome.", &["outcome"]);
    let syncs =
        metrics.counter("csc_store_syncs_total", "Durable transactions; each may hold many commits.", &[]);
    let queued = metrics.gauge("csc_store_queued", "Commits that wait for the disk.", &[]);
    Task::new("store", move |shutdown| async move {
        let mut before = Stats::default();
        loop {
            let now = store.stats();
            done.with_label_values(&["applied"]).inc_by(now.commits - before.commits);
            done.with_label_values(&["conflict"]).inc_by(now.conflicts - before.conflicts);
            syncs.with_label_values::<&str>(&[]).inc_by(now.transactions - before.transactions);
            queued.with_label_values::<&str>(&[]).set(i64::try_from(now.queued).unwrap_or(i64::MAX));
            before = now;
            tokio::select! {
                () = tokio::time::sleep(SAMPLE) => {}
                why = store.failed() => anyhow::bail!("the store has failed: {why}"),
                () = shutdown.requested() => return Ok(()),
            }
        }
    })
}
