//! Logs: one line of JSON per event on standard error.

use std::panic::PanicHookInfo;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::Section;

/// How to log. Section `log`.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// What is logged.
    pub filter: Filter,
    /// In which form.
    pub format: LogFormat,
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
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            filter: section.value(
                "filter",
                "info",
                "Which events are logged: error, warn, info, debug or trace; also by target, as in\n\
                 \"info,csc_service::http=debug\", which logs every request.",
            ),
            format: section.value("format", "json", "json, one object per line, or text for a terminal."),
        }
    }
}

/// Logging was set up before.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("logging is already set up")]
pub struct TelemetryError;

/// Sets logging up for the whole process, once. Panics are logged like everything else from then on.
///
/// # Errors
/// When it was set up before.
pub fn telemetry(config: &TelemetryConfig) -> Result<(), TelemetryError> {
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(&config.filter.0);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let set = match config.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.try_init(),
    };
    set.map_err(|_| TelemetryError)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
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
