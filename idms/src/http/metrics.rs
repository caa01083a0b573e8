//! What is counted. Labels are outcomes, never anybody's identity.

use csc_service::Metrics;
use prometheus::IntCounterVec;

/// The counters of the endpoints.
pub(super) struct Counters {
    /// Authentication requests.
    pub(super) logins: IntCounterVec,
    /// Token requests.
    pub(super) exchanges: IntCounterVec,
    /// Refresh requests.
    pub(super) refreshes: IntCounterVec,
}

impl Counters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, &["outcome"]);
        Self {
            logins: counter("csc_idms_logins_total", "Authentication requests by outcome."),
            exchanges: counter("csc_idms_exchanges_total", "Codes presented for tokens, by outcome."),
            refreshes: counter("csc_idms_refreshes_total", "Refresh requests by outcome."),
        }
    }
}
