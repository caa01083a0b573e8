//! What a process tells of itself: logs, one line of JSON per event on standard error, and traces.

use std::panic::PanicHookInfo;
use std::str::FromStr;

use tracing::Dispatch;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::config::Settings;
use crate::tls::TlsError;
use crate::trace::{self, TraceConfig, WithTrace};

/// How to log, and where traces go. Sections `log` and `trace`.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// What is logged.
    pub filter: Filter,
    /// In which form.
    pub format: LogFormat,
    /// What is exported; `None` without a collector.
    pub trace: Option<TraceConfig>,
}

/// Which events are logged: `info`, or by target `info,csc_idms=debug`.
#[derive(Clone, Debug)]
pub struct Filter(String);

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        EnvFilter::builder().parse(text).map(|_| Self(text.to_owned())).map_err(|error| error.to_string())
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// JSON, for machines.
    Json,
    /// Text, for a terminal.
    Text,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("must be json or text"),
        }
    }
}

impl TelemetryConfig {
    /// Reads the sections `log` and `trace`.
    pub fn read(settings: &mut Settings) -> Self {
        let mut log = settings.section("log", "What is logged, and in which form.");
        let filter = log.value(
            "filter",
            "info",
            "Which events are logged: error, warn, info, debug or trace; also by target, as in\n\
             \"info,csc_service::http=debug\", which logs every request.",
        );
        let format = log.value("format", "json", "json, one object per line, or text for a terminal.");
        let trace = "Traces of requests through all services, for an OpenTelemetry collector.";
        let trace = TraceConfig::read(&mut settings.section("trace", trace));
        Self { filter, format, trace }
    }
}

/// Why a process cannot tell of itself.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TelemetryError {
    /// It was set up before.
    #[error("logging is already set up")]
    AlreadySet,
    /// A file that the connection to the collector needs cannot be used.
    #[error(transparent)]
    Collector(#[from] TlsError),
}

/// Sets logs and traces up for the whole process, once. Panics are logged like everything else from then on. `program` is
/// what the process is called in traces unless the configuration says otherwise. To be called inside of the tokio runtime
/// that the process runs in: it exports the traces.
///
/// # Errors
/// When it was set up before, or a file is wrong.
pub fn telemetry(program: &'static str, config: &TelemetryConfig) -> Result<(), TelemetryError> {
    let subscriber = subscriber(program, config, std::io::stderr)?;
    subscriber.try_init().map_err(|_| TelemetryError::AlreadySet)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Writes log lines to `writer` and sends spans to the collector, if there is one.
pub(crate) fn subscriber<W>(
    program: &'static str,
    config: &TelemetryConfig,
    writer: W,
) -> Result<Dispatch, TlsError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(&config.filter.0);
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(writer);
    let lines = match config.format {
        LogFormat::Json => lines.json().flatten_event(true).map_event_format(WithTrace).boxed(),
        LogFormat::Text => lines.map_event_format(WithTrace).boxed(),
    };
    let logged = Registry::default().with(lines.with_filter(filter.and(trace::ours(false))));
    Ok(match &config.trace {
        Some(trace) => logged.with(trace::layer(program, trace)?).into(),
        None => logged.into(),
    })
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    // Not named message: that is the text of the event, and a second one makes a broken JSON object.
    tracing::error!(place, what = panic.payload_as_str(), "panic");
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_one_event() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).json().flatten_event(true).finish();
        std::panic::set_hook(Box::new(log_panic));
        let panicked = tracing::subscriber::with_default(subscriber, || {
            std::panic::catch_unwind(|| panic!("the reason"))
        });
        assert!(panicked.is_err());
        let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(logged.contains(r#""what":"the reason""#) && logged.contains("telemetry.rs"), "{logged}");
        assert_eq!(logged.matches(r#""message":"#).count(), 1, "{logged}");
    }
}
