//! From spans in the program to spans at the collector.

use csc_types::Entropy;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanExporter as _};
use tokio::sync::mpsc;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::queue::{PLACES, Queue};
use super::sampling::OneIn;
use super::{TARGET, TraceConfig, collector, export};
use crate::OsEntropy;
use crate::tls::TlsError;

/// Exports the spans of [`super::Work`] as those of `program`, and nothing of the log. To be called inside of a tokio
/// runtime, which does the exporting.
///
/// # Errors
/// When a file that TLS to the collector needs cannot be used.
pub(crate) fn layer<S>(
    program: &'static str,
    config: &TraceConfig,
) -> Result<impl Layer<S> + Send + Sync + 'static, TlsError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let resource = resource(program, config);
    let built = SpanExporter::builder().with_tonic().with_channel(collector::channel(config)?).build();
    let mut exporter = built.expect("a channel is all that an exporter needs");
    exporter.set_resource(&resource);
    let (items, waiting) = mpsc::channel(PLACES);
    let dropped = export::spans().with_label_values(&["dropped"]);
    export::remember(items.clone());
    tokio::spawn(export::run(exporter, waiting));
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(OneIn(config.one_in))
        .with_span_processor(Queue { items, dropped })
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("csc"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false);
    Ok(layer.with_filter(ours(true)))
}

/// Lets spans that are exported pass, or everything else.
pub(crate) fn ours(exported: bool) -> FilterFn {
    let most = if exported { LevelFilter::INFO } else { LevelFilter::TRACE };
    let passes = if exported {
        |metadata: &tracing::Metadata<'_>| metadata.target() == TARGET
    } else {
        |metadata: &tracing::Metadata<'_>| metadata.target() != TARGET
    };
    filter_fn(passes as fn(&tracing::Metadata<'_>) -> bool).with_max_level_hint(most)
}

/// Who exports. Nothing of the environment is looked at: what is told stands in the configuration.
fn resource(program: &'static str, config: &TraceConfig) -> Resource {
    let service = config.service.clone().unwrap_or_else(|| program.to_owned());
    let instance = config.instance.clone().unwrap_or_else(|| {
        let mut random = [0; 16];
        OsEntropy.fill(&mut random);
        hex::encode(random)
    });
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", service),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
        ])
        .build()
}
