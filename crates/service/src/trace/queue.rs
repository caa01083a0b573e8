//! The queue in front of the collector: bounded, and nobody waits for a place in it.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use prometheus::IntCounter;
use tokio::sync::{mpsc, oneshot};

/// Spans that may wait: some megabytes.
pub(super) const PLACES: usize = 8_192;

/// What waits.
pub(super) enum Item {
    /// A span that ended.
    Span(Box<SpanData>),
    /// Somebody who wants to know when everything in front is gone.
    Flush(oneshot::Sender<()>),
}

/// Takes spans that end. One that finds no place is counted and gone.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) items: mpsc::Sender<Item>,
    pub(super) dropped: IntCounter,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.items.try_send(Item::Span(Box::new(span))).is_err() {
            self.dropped.inc();
        }
    }

    /// Flushing is asynchronous here, see [`super::flush`].
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_holds_nobody_up() {
        let (items, mut waiting) = mpsc::channel(2);
        let dropped = IntCounter::new("dropped", "Dropped.").unwrap();
        let queue = Queue { items, dropped: dropped.clone() };
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        for _ in 0..5 {
            provider.tracer("test").start("work").end();
        }
        assert_eq!(dropped.get(), 3);
        assert!(matches!(waiting.recv().await, Some(Item::Span(span)) if span.name == "work"));
        provider.tracer("test").start("work").end();
        assert_eq!((dropped.get(), waiting.len()), (3, 2));
    }
}
