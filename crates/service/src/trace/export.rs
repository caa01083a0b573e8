//! Batches of spans to the collector, beside everything else.

use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prometheus::{IntCounterVec, Opts};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::collector::CALL;
use super::queue::Item;

/// Spans in a batch.
const BATCH: usize = 512;
/// How long the first span of a batch waits for company.
const COMPANY: Duration = Duration::from_secs(1);
/// How long the end of the process may wait for the collector.
const FAREWELL: Duration = Duration::from_secs(2);

/// The metric of [`spans`].
pub(crate) const SPANS: &str = "csc_trace_spans_total";
/// Traces belong to the process, not to a service in it; so do these.
static COUNTS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    let options = Opts::new(SPANS, "Spans that ended, by what became of them.");
    IntCounterVec::new(options, &["outcome"]).expect("the name and the label are good")
});
static QUEUE: OnceLock<mpsc::Sender<Item>> = OnceLock::new();

/// What became of spans: `exported`, `failed` at the collector, `dropped` because the queue was full.
pub(crate) fn spans() -> &'static IntCounterVec {
    &COUNTS
}

/// Makes this queue the one that [`flush`] waits for.
pub(super) fn remember(queue: mpsc::Sender<Item>) {
    // There is one subscriber to a process, and so one queue.
    let _ = QUEUE.set(queue);
}

/// Sends what waits to the collector, as the last thing a process does. Takes two seconds at most.
pub async fn flush() {
    if let Some(queue) = QUEUE.get() {
        let (done, flushed) = oneshot::channel();
        let sent = async { queue.send(Item::Flush(done)).await.is_ok() && flushed.await.is_ok() };
        if !matches!(timeout(FAREWELL, sent).await, Ok(true)) {
            tracing::warn!("some traces were not exported");
        }
    }
}

/// Exports what comes until nobody is left who could send more.
pub(super) async fn run<E: SpanExporter>(exporter: E, mut queue: mpsc::Receiver<Item>) {
    let mut batch = Vec::new();
    let mut reached = true;
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        let mut flush = Vec::new();
        let end = Instant::now() + COMPANY;
        while let Some(item) = next {
            match item {
                Item::Span(span) => batch.push(*span),
                Item::Flush(done) => flush.push(done),
            }
            next = match batch.len() {
                BATCH.. => None,
                _ if !flush.is_empty() => queue.try_recv().ok(),
                _ => timeout_at(end, queue.recv()).await.ok().flatten(),
            };
        }
        reached = export(&exporter, std::mem::take(&mut batch), reached).await;
        for done in flush {
            // Whoever waited may have given up.
            let _ = done.send(());
        }
    }
}

/// Exports a batch and tells whether the collector was reached; the log hears when that changes.
async fn export<E: SpanExporter>(exporter: &E, batch: Vec<SpanData>, reached: bool) -> bool {
    if batch.is_empty() {
        return reached;
    }
    let count = batch.len() as u64;
    let result: Result<OTelSdkResult, _> = timeout(CALL, exporter.export(batch)).await;
    let (outcome, now) = match &result {
        Ok(Ok(())) => ("exported", true),
        _ => ("failed", false),
    };
    COUNTS.with_label_values(&[outcome]).inc_by(count);
    match (reached, now) {
        (true, false) => tracing::warn!(error = problem(result), "traces cannot be exported"),
        (false, true) => tracing::info!("traces are exported again"),
        _ => {}
    }
    now
}

fn problem<E: std::fmt::Display>(result: Result<OTelSdkResult, E>) -> String {
    match result {
        Ok(Ok(())) => String::new(),
        Ok(Err(error)) => error.to_string(),
        Err(elapsed) => elapsed.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::super::queue::{PLACES, Queue};
    use super::*;

    /// Keeps the names of spans, and fails once.
    #[derive(Clone, Debug, Default)]
    struct Keeper(Arc<Mutex<Vec<Vec<String>>>>);

    impl SpanExporter for Keeper {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            let mut kept = self.0.lock().unwrap();
            kept.push(batch.into_iter().map(|span| span.name.into_owned()).collect());
            match kept.len() {
                2 => Err(OTelSdkError::InternalFailure("no".to_owned())),
                _ => Ok(()),
            }
        }
    }

    #[tokio::test]
    async fn a_flush_waits_for_nobody_else_and_a_failure_ends_nothing() {
        let (items, waiting) = mpsc::channel(PLACES);
        let keeper = Keeper::default();
        let running = tokio::spawn(run(keeper.clone(), waiting));
        let queue = Queue { items: items.clone(), dropped: spans().with_label_values(&["dropped"]) };
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        for names in [["a", "b"], ["c", "d"], ["e", "f"]] {
            names.iter().for_each(|name| tracer.start(*name).end());
            let (done, flushed) = oneshot::channel();
            items.send(Item::Flush(done)).await.unwrap();
            flushed.await.unwrap();
            assert_eq!(keeper.0.lock().unwrap().last().unwrap(), &names);
        }
        let failed = spans().with_label_values(&["failed"]);
        assert!(failed.get() >= 2);
        drop((provider, tracer, items));
        running.await.unwrap();
    }
}
