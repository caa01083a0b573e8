//! What is made of files, and made anew when they change: certificates, keys, CAs, ticket keys.
//!
//! Files are replaced one after the other, so a new certificate may stand beside the old key for a moment. Whatever
//! cannot be used is told once and leaves the last good configuration in place; connections that are open keep theirs.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::{MissedTickBehavior, interval};

use super::TlsError;
use crate::{Metrics, Shutdown};

/// A value made of files. Cheap to clone; all clones see the newest good one.
pub(crate) struct Reloaded<T>(Arc<Inner<T>>);

struct Inner<T> {
    /// For logs and metrics: `https`.
    what: &'static str,
    files: Vec<PathBuf>,
    make: Box<dyn Fn() -> Result<T, TlsError> + Send + Sync>,
    current: ArcSwap<T>,
    seen: Mutex<Seen>,
    metrics: Metrics,
}

/// What the last look at the files showed.
struct Seen {
    stamps: Vec<Option<Stamp>>,
    /// Why they cannot be used, if so.
    problem: Option<String>,
}

/// What changes whenever a file is written, replaced or given other permissions: device, inode, length, and the times of
/// its content and of its inode.
type Stamp = [i128; 5];

/// Something that can look at its files again.
pub(crate) trait Refresh: Send + Sync {
    /// Looks at the files; blocks for as long as that takes.
    fn refresh(&self);
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Makes the first value of `files`.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        metrics: &Metrics,
        make: impl Fn() -> Result<T, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        // Before they are read: a change in between is then seen with the next look.
        let seen = Mutex::new(Seen { stamps: stamps(&files), problem: None });
        let current = ArcSwap::from_pointee(make()?);
        let reloaded = Self(Arc::new(Inner {
            what,
            files,
            make: Box::new(make),
            current,
            seen,
            metrics: metrics.clone(),
        }));
        reloaded.0.tell(None);
        Ok(reloaded)
    }

    /// The newest good one.
    pub(crate) fn current(&self) -> Arc<T> {
        self.0.current.load_full()
    }

    /// The newest good one after a look at the files.
    pub(crate) async fn fresh(&self) -> Arc<T> {
        let own = self.clone();
        // It fails when the runtime ends; then nobody needs a newer one.
        let _ = tokio::task::spawn_blocking(move || own.refresh()).await;
        self.current()
    }

    /// For [`watch`].
    pub(crate) fn refresher(&self) -> Arc<dyn Refresh> {
        Arc::new(self.clone())
    }
}

impl<T> Clone for Reloaded<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + Sync + 'static> Refresh for Reloaded<T> {
    fn refresh(&self) {
        let inner = &*self.0;
        let mut seen = inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&inner.files);
        let changed = seen.stamps != stamps;
        if !changed && seen.problem.is_none() {
            return;
        }
        let what = inner.what;
        match (inner.make)() {
            Ok(new) => {
                inner.current.store(Arc::new(new));
                inner.tell(Some("ok"));
                tracing::info!(what, "TLS files changed; new connections use them");
                *seen = Seen { stamps, problem: None };
            }
            Err(error) => {
                let problem = error.to_string();
                // Tried again with every look, because the cause may lie outside of the files; told when it is new.
                if changed || seen.problem.as_ref() != Some(&problem) {
                    inner.tell(Some("failed"));
                    tracing::error!(
                        what,
                        problem,
                        "TLS files changed and cannot be used; keeping what was read before"
                    );
                }
                *seen = Seen { stamps, problem: Some(problem) };
            }
        }
    }
}

impl<T> Inner<T> {
    fn tell(&self, outcome: Option<&str>) {
        let failing = "1 while the TLS files on disk cannot be used and older ones are kept.";
        let gauge = self.metrics.gauge("csc_tls_reload_failing", failing, &["what"]);
        gauge.with_label_values(&[self.what]).set(i64::from(outcome == Some("failed")));
        if let Some(outcome) = outcome {
            let help = "Times that changed TLS files were read again, by outcome.";
            let counter = self.metrics.counter("csc_tls_reload_total", help, &["what", "outcome"]);
            counter.with_label_values(&[self.what, outcome]).inc();
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let data = std::fs::metadata(file).ok()?;
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Some([
            data.dev().into(),
            data.ino().into(),
            data.size().into(),
            nanos(data.mtime(), data.mtime_nsec()),
            nanos(data.ctime(), data.ctime_nsec()),
        ])
    };
    files.iter().map(stamp).collect()
}

/// Looks at the files of `all` every `pause` until stopping is asked for.
pub(crate) async fn watch(all: Vec<Arc<dyn Refresh>>, pause: Duration, shutdown: Shutdown) {
    if all.is_empty() {
        return;
    }
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.requested() => return,
        }
        let all = all.clone();
        let look = tokio::task::spawn_blocking(move || all.iter().for_each(|one| one.refresh()));
        if let Err(error) = look.await {
            tracing::error!(%error, "looking at TLS files failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn number(file: &PathBuf) -> Result<u32, TlsError> {
        let text = fs::read_to_string(file).map_err(|error| TlsError::new(file, error.to_string()))?;
        text.parse().map_err(|_| TlsError::new(file, "no number"))
    }

    #[test]
    fn what_cannot_be_used_keeps_what_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        let metrics = Metrics::new();
        let made = file.clone();
        let new = || {
            Reloaded::new("test", vec![file.clone()], &metrics, {
                let made = made.clone();
                move || number(&made)
            })
        };
        assert!(new().is_err());
        fs::write(&file, "1").unwrap();
        let reloaded = new().unwrap();
        let counted = |outcome: &str| {
            let line = format!("csc_tls_reload_total{{outcome=\"{outcome}\",what=\"test\"}} ");
            let text = metrics.render();
            text.lines().find_map(|known| known.strip_prefix(&line)).map_or(0, |count| count.parse().unwrap())
        };

        reloaded.refresh();
        assert_eq!((*reloaded.current(), counted("ok")), (1, 0), "unchanged");
        fs::write(&file, "22").unwrap();
        reloaded.refresh();
        assert_eq!((*reloaded.current(), counted("ok")), (22, 1));
        fs::write(&file, "broken").unwrap();
        reloaded.refresh();
        reloaded.refresh();
        assert_eq!((*reloaded.current(), counted("failed")), (22, 1), "told once");
        assert!(metrics.render().contains("csc_tls_reload_failing{what=\"test\"} 1"));
        fs::remove_file(&file).unwrap();
        reloaded.refresh();
        assert_eq!((*reloaded.current(), counted("failed")), (22, 2), "another problem");
        fs::write(&file, "3").unwrap();
        reloaded.refresh();
        assert_eq!((*reloaded.current(), counted("ok")), (3, 2));
        assert!(metrics.render().contains("csc_tls_reload_failing{what=\"test\"} 0"));
    }

    #[test]
    fn a_link_that_points_elsewhere_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), "1").unwrap();
        fs::write(at("two"), "2").unwrap();
        std::os::unix::fs::symlink(at("one"), at("link")).unwrap();
        let link = at("link");
        let reloaded =
            Reloaded::new("test", vec![link.clone()], &Metrics::new(), move || number(&link)).unwrap();
        std::os::unix::fs::symlink(at("two"), at("next")).unwrap();
        fs::rename(at("next"), at("link")).unwrap();
        reloaded.refresh();
        assert_eq!(*reloaded.current(), 2);
    }
}
