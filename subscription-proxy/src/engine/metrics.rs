//! What operators see of the engine.

use csc_service::Metrics;
use prometheus::{IntCounter, IntCounterVec, IntGauge};

/// Its metrics.
pub(crate) struct EngineMetrics {
    answers: IntCounterVec,
    notifies: IntCounterVec,
    subscriptions: IntGauge,
    partitions: IntGauge,
    gains: IntCounter,
    dropped: IntCounter,
}

impl EngineMetrics {
    /// Registers them.
    pub(crate) fn new(metrics: &Metrics) -> EngineMetrics {
        EngineMetrics {
            answers: metrics.counter("csc_sip_answers_total", "Answers to SIP requests.", &["status"]),
            notifies: metrics.counter(
                "csc_sip_notifies_total",
                "NOTIFYs by what became of them: sent, repeated, acknowledged, refused, ended, silent.",
                &["outcome"],
            ),
            subscriptions: metrics
                .gauge("csc_sip_subscriptions", "Subscriptions of this replica.", &[])
                .with_label_values::<&str>(&[]),
            partitions: metrics
                .gauge("csc_sip_partitions", "Partitions whose subscribers this replica notifies.", &[])
                .with_label_values::<&str>(&[]),
            gains: metrics
                .counter("csc_sip_partitions_gained_total", "Partitions that came to this replica.", &[])
                .with_label_values::<&str>(&[]),
            dropped: metrics
                .counter(
                    "csc_sip_datagrams_dropped_total",
                    "Datagrams not sent because too many waited for the system's send buffer.",
                    &[],
                )
                .with_label_values::<&str>(&[]),
        }
    }

    pub(super) fn answered(&self, status: sip_codec::Status) {
        self.answers.with_label_values(&[status.code().to_string().as_str()]).inc();
    }

    pub(super) fn sent(&self) {
        self.notifies.with_label_values(&["sent"]).inc();
    }

    pub(super) fn repeated(&self) {
        self.notifies.with_label_values(&["repeated"]).inc();
    }

    pub(super) fn acknowledged(&self) {
        self.notifies.with_label_values(&["acknowledged"]).inc();
    }

    pub(super) fn refused(&self) {
        self.notifies.with_label_values(&["refused"]).inc();
    }

    pub(super) fn ended(&self) {
        self.notifies.with_label_values(&["ended"]).inc();
    }

    pub(super) fn silent(&self) {
        self.notifies.with_label_values(&["silent"]).inc();
    }

    pub(super) fn gained(&self) {
        self.gains.inc();
        self.partitions.inc();
    }

    pub(super) fn lost(&self) {
        self.partitions.dec();
    }

    pub(super) fn dropped(&self, count: u64) {
        self.dropped.inc_by(count);
    }

    pub(super) fn subscriptions(&self, count: usize) {
        self.subscriptions.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
