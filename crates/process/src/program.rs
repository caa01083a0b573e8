//! From the command line to the end of a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use csc_service::config::{Settings, environment};
use csc_service::{Bound, Metrics, OsEntropy, TelemetryConfig, shutdown_signal};
use csc_types::{Clock, Entropy, SystemClock};

/// What every program gets from outside: time, randomness, and a place to count.
#[derive(Clone)]
pub struct Platform {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Where metrics are registered.
    pub metrics: Metrics,
}

impl Platform {
    /// The system's clock and randomness.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock::new()), Arc::new(OsEntropy))
    }

    /// A platform with this clock and randomness.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, metrics: Metrics::new() }
    }
}

/// Something that runs as a process: reads its settings, builds itself, serves.
pub trait Program: Sized + Send {
    /// Its name, as in `csc idms` and in its logs.
    const NAME: &'static str;

    /// Reads its sections of the configuration. Mistakes are kept in `settings`.
    fn read(settings: &mut Settings) -> Self;

    /// How it logs.
    fn telemetry(&self) -> &TelemetryConfig;

    /// Opens the store, builds the service and binds every socket. Nothing is served yet.
    ///
    /// # Errors
    /// If the store, a key or an address cannot be used; the message says what to do about it.
    fn build(self, platform: Platform) -> impl Future<Output = anyhow::Result<Running>> + Send;
}

/// A process whose sockets are bound.
#[derive(Debug)]
pub struct Running {
    bound: Bound,
    sip: Option<SocketAddr>,
}

impl Running {
    /// A process with these sockets; `sip` is where it listens for SIP, if it does.
    pub const fn new(bound: Bound, sip: Option<SocketAddr>) -> Self {
        Self { bound, sip }
    }

    /// Where it listens: `https`, `sip`, `bus` or `admin`.
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        let addresses = self.bound.addresses();
        match name {
            "https" => addresses.http.first().copied(),
            #[cfg(feature = "plain-http")]
            "http" => addresses.http.get(1..).and_then(|plain| plain.first().copied()),
            "sip" => self.sip,
            "bus" => addresses.bus,
            "admin" => Some(addresses.admin),
            _ => None,
        }
    }

    /// Serves until `stop` resolves, then drains.
    ///
    /// # Errors
    /// If a task of a service failed.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        for name in ["https", "sip", "bus", "admin"] {
            if let Some(address) = self.address(name) {
                tracing::info!(name, %address, "listening");
            }
        }
        self.bound.run(stop).await
    }
}

/// `main` of a program: `<name> --config FILE` runs it until SIGTERM or Ctrl-C, `<name> --reference` prints every setting
/// with its documentation.
pub fn main<P: Program>() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_str()).collect();
    match words[..] {
        [Some("--reference")] => {
            print(&reference::<P>());
            ExitCode::SUCCESS
        }
        [Some("--config"), _] => conclude(P::NAME, start::<P>(&PathBuf::from(&arguments[1]))),
        _ => {
            complain(&format!("{0}: usage: {0} --config FILE, or {0} --reference", P::NAME));
            ExitCode::from(2)
        }
    }
}

/// Every setting of a program with its documentation, default and environment variable.
pub fn reference<P: Program>() -> String {
    let mut settings = Settings::defaults();
    P::read(&mut settings);
    settings.reference().trim_end().to_owned()
}

/// Runs a program with the configuration in `file` until the process is asked to stop.
///
/// # Errors
/// If the configuration has mistakes, the program cannot be built, or a task of it failed.
pub async fn run<P: Program>(file: &Path) -> anyhow::Result<()> {
    let mut settings = Settings::load(Some(file), environment());
    let program = P::read(&mut settings);
    let reference =
        if P::NAME == "csc" { "csc config".to_owned() } else { format!("csc config {}", P::NAME) };
    settings.finish().map_err(|mistakes| {
        anyhow::anyhow!("{mistakes}\n`{reference}` prints every setting with its documentation")
    })?;
    csc_service::telemetry(P::NAME, program.telemetry())?;
    let running = program.build(Platform::system()).await?;
    running.run(shutdown_signal()?).await
}

fn start<P: Program>(file: &Path) -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().expect("nothing else has installed one");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("starting the runtime")?.block_on(run::<P>(file))
}

/// The end of a process called `name`: an error is told to whoever started it.
pub fn conclude(name: &str, result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{name}: {}", told(&error)));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes. Some errors tell their cause themselves; it is not told twice.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[allow(
    clippy::print_stderr,
    reason = "the last word to the person or the supervisor that started the program"
)]
fn complain(text: &str) {
    eprintln!("{text}");
}

#[allow(clippy::print_stdout, reason = "what was asked for")]
fn print(text: &str) {
    println!("{text}");
}
