//! What the remover counts.

use csc_service::Metrics;
use csc_store::owner::Tally;
use prometheus::{IntCounter, IntGauge};

pub(super) struct RemoverMetrics {
    pub(super) removed: IntCounter,
    pub(super) failures: IntCounter,
    held: IntGauge,
    tally: Tally,
}

impl RemoverMetrics {
    /// Registers them; `tally` counts the partitions.
    pub(super) fn new(metrics: &Metrics, tally: Tally) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]).with_label_values::<&str>(&[]);
        let held = "Partitions in which this replica removes documents of users who are gone.";
        Self {
            removed: counter(
                "csc_cms_documents_removed_total",
                "Documents removed because the account of their user is gone.",
            ),
            failures: counter(
                "csc_cms_removal_failures_total",
                "Users and partitions whose documents could not be removed at once.",
            ),
            held: metrics.gauge("csc_cms_partitions_held", held, &[]).with_label_values::<&str>(&[]),
            tally,
        }
    }

    /// A partition came or went.
    pub(super) fn shifted(&self) {
        self.held.set(i64::try_from(self.tally.held()).unwrap_or(i64::MAX));
    }
}
