//! Metrics, in the Prometheus text format.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::trace;

/// Where metrics are registered. Cheap to clone; asked twice for one name it hands out the same metric, so services
/// in one process share theirs.
///
/// Names begin with `csc_`; labels never hold an identity, a token or anything else a peer can choose freely.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    registry: Registry,
    counters: Mutex<BTreeMap<&'static str, IntCounterVec>>,
    gauges: Mutex<BTreeMap<&'static str, IntGaugeVec>>,
    histograms: Mutex<BTreeMap<&'static str, HistogramVec>>,
}

/// Upper bounds of the buckets of a duration, in seconds: from half a millisecond to ten seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Metrics {
    /// A registry of nothing but what the whole process has in common: its traces.
    pub fn new() -> Self {
        let metrics = Self::default();
        metrics.metric(&metrics.0.counters, trace::SPANS, || Ok(trace::spans().clone()));
        metrics
    }

    /// The counter `name`, which ends in `_total`.
    ///
    /// # Panics
    /// When the name or a label is not allowed, or the name stands for another kind of metric: both stand in the
    /// program.
    pub fn counter(&self, name: &'static str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.metric(&self.0.counters, name, || IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// The gauge `name`.
    ///
    /// # Panics
    /// As [`Metrics::counter`].
    pub fn gauge(&self, name: &'static str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.metric(&self.0.gauges, name, || IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// The histogram of durations `name`, which ends in `_seconds`.
    ///
    /// # Panics
    /// As [`Metrics::counter`].
    pub fn seconds(&self, name: &'static str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = || HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.metric(&self.0.histograms, name, || HistogramVec::new(options(), labels))
    }

    /// Everything in the Prometheus text format.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.0.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be encoded");
            String::new()
        })
    }

    fn metric<M: Collector + Clone + 'static>(
        &self,
        known: &Mutex<BTreeMap<&'static str, M>>,
        name: &'static str,
        make: impl FnOnce() -> prometheus::Result<M>,
    ) -> M {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let registered = known.entry(name).or_insert_with(|| {
            let register = |metric: M| self.0.registry.register(Box::new(metric.clone())).map(|()| metric);
            make().and_then(register).unwrap_or_else(|error| panic!("metric {name}: {error}"))
        });
        registered.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_metric() {
        let metrics = Metrics::new();
        metrics.counter("csc_test_total", "Tests.", &["outcome"]).with_label_values(&["good"]).inc();
        metrics.clone().counter("csc_test_total", "Tests.", &["outcome"]).with_label_values(&["good"]).inc();
        assert!(metrics.render().contains("csc_test_total{outcome=\"good\"} 2"), "{}", metrics.render());
    }

    #[test]
    #[should_panic(expected = "metric csc_test")]
    fn a_name_has_one_kind() {
        let metrics = Metrics::new();
        metrics.gauge("csc_test", "Tests.", &[]);
        metrics.counter("csc_test", "Tests.", &[]);
    }
}
