//! What operators see of the engine.

use csc_service::Metrics;
use prometheus::{IntCounterVec, IntGauge};

/// Its metrics.
pub(crate) struct EngineMetrics {
    answers: IntCounterVec,
    notifies: IntCounterVec,
    subscriptions: IntGauge,
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

    pub(super) fn subscriptions(&self, count: usize) {
        self.subscriptions.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
