//! What comes from the operating system: randomness and the wish to stop.

use csc_types::Entropy;
use tokio::signal::unix::{SignalKind, signal};

/// The system's random number generator: the one place that calls it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[allow(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
    fn fill(&self, out: &mut [u8]) {
        if let Err(error) = getrandom::fill(out) {
            // Keys and codes that can be guessed are worse than no service.
            tracing::error!(%error, "no randomness from the system; stopping at once");
            std::process::abort();
        }
    }
}

/// Resolves when the process is asked to stop: SIGTERM or SIGINT (Ctrl-C).
///
/// # Errors
/// When the signals cannot be watched.
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "asked to stop"),
            _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "asked to stop"),
        }
    })
}
