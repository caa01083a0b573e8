//! What the projector counts.

use std::sync::atomic::{AtomicU64, Ordering};

use csc_service::Metrics;
use csc_store::owner::Tally;
use prometheus::{IntCounter, IntGauge};

pub(super) struct ProjectorMetrics {
    pub(super) views: IntCounter,
    pub(super) failures: IntCounter,
    pub(super) departures: IntCounter,
    /// See [`Queue::waiting`](super::queue::Queue::waiting).
    pub(super) waiting: IntGauge,
    held: IntGauge,
    takeovers: IntCounter,
    tally: Tally,
    /// Takeovers that are counted already.
    counted: AtomicU64,
}

impl ProjectorMetrics {
    /// Registers them; `tally` counts the partitions.
    pub(super) fn new(metrics: &Metrics, tally: Tally) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]).with_label_values::<&str>(&[]);
        let gauge = |name, help| metrics.gauge(name, help, &[]).with_label_values::<&str>(&[]);
        Self {
            views: counter(
                "csc_gms_views_projected_total",
                "Group views written or removed in members' partitions.",
            ),
            failures: counter(
                "csc_gms_projection_failures_total",
                "Groups and accounts that could not be followed at once.",
            ),
            departures: counter(
                "csc_gms_departures_total",
                "Groups from which a user was removed because the account is gone.",
            ),
            waiting: gauge(
                "csc_gms_projections_waiting",
                "Groups and accounts that changed and have not got their turn yet.",
            ),
            held: gauge("csc_gms_partitions_held", "Partitions that this replica projects."),
            takeovers: counter("csc_gms_takeovers_total", "Partitions taken from replicas that were gone."),
            tally,
            counted: AtomicU64::new(0),
        }
    }

    /// A partition came or went.
    pub(super) fn shifted(&self) {
        self.held.set(i64::try_from(self.tally.held()).unwrap_or(i64::MAX));
        let all = self.tally.takeovers();
        self.takeovers.inc_by(all.saturating_sub(self.counted.swap(all, Ordering::Relaxed)));
    }
}
