//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use csc_service::config::{Settings, environment};
use csc_service::{Identity, OsEntropy, bus, shutdown_signal};
use csc_types::{Entropy, SystemClock};
use tonic::transport::Channel;

use crate::provision::Plan;
use crate::ue::Profile;
use crate::{AllInOne, Config, demo, idms_keys, roots, terminal};

/// MCPTT Common Services Core: login, configuration, groups, keys and change notification for push-to-talk terminals.
#[derive(Parser)]
#[command(name = "csc", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything on loopback, boot a terminal through it, and go on serving.
    Demo(demo::Options),
    /// Run all services in one process.
    Run {
        /// The configuration file; `csc config` prints its reference.
        #[arg(long)]
        config: PathBuf,
    },
    /// Print every setting with its documentation, default and environment variable.
    Config,
    /// Be a terminal.
    Ue {
        /// The terminal's profile; the demo makes one.
        #[arg(long)]
        profile: PathBuf,
        #[command(subcommand)]
        action: terminal::Action,
    },
    /// Bring a running server to what a file says: organisations, clients, users, documents.
    Provision {
        #[command(subcommand)]
        action: Provision,
    },
    /// Keys of the identity server.
    Idms {
        #[command(subcommand)]
        action: Idms,
    },
    /// Master secrets of the key server.
    Kms {
        #[command(subcommand)]
        action: Kms,
    },
}

#[derive(Subcommand)]
enum Provision {
    /// Apply a file. Repeating it changes nothing.
    Apply {
        /// The provisioning file (TOML).
        file: PathBuf,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        bus: Bus,
    },
}

/// How to reach the bus of a running server, as whom.
#[derive(Args)]
struct Bus {
    /// `host:port` of the bus; the host must be a name in its certificate.
    #[arg(long, default_value = "localhost:4430")]
    bus: String,
    /// Certificate of the CA of the bus.
    #[arg(long)]
    ca: PathBuf,
    /// The operator's certificate.
    #[arg(long)]
    certificate: PathBuf,
    /// Its private key.
    #[arg(long)]
    key: PathBuf,
}

impl Bus {
    fn connect(self) -> anyhow::Result<Channel> {
        let Self { bus, ca, certificate, key } = self;
        let (host, port) = bus.rsplit_once(':').with_context(|| format!("{bus} is not host:port"))?;
        let port = port.parse().with_context(|| format!("the port of {bus}"))?;
        Ok(bus::connect(host.trim_matches(['[', ']']), port, &ca, &Identity { certificate, key })?)
    }
}

#[derive(Subcommand)]
enum Idms {
    /// Keys that sign and seal tokens.
    Keys {
        #[command(subcommand)]
        action: IdmsKeys,
    },
}

#[derive(Subcommand)]
enum IdmsKeys {
    /// Create them. Existing files are never overwritten.
    Create {
        /// The folder they are written to.
        #[arg(long)]
        dir: PathBuf,
    },
}

#[derive(Subcommand)]
enum Kms {
    /// Roots: the master secrets of one KMS URI.
    Root {
        #[command(subcommand)]
        action: KmsRoot,
    },
}

#[derive(Subcommand)]
enum KmsRoot {
    /// Create the root of a KMS URI, sealed in a file. A root is never changed: renewal is a new URI.
    Create {
        /// The KMS URI, such as `kms.example.org`.
        #[arg(long)]
        uri: String,
        /// The file it is written to; an existing one is never overwritten.
        #[arg(long)]
        out: PathBuf,
        /// File with the key that seals it (64 hex digits); it is created when it does not exist.
        #[arg(long, conflicts_with = "passphrase_file", required_unless_present = "passphrase_file")]
        kek_file: Option<PathBuf>,
        /// File with a passphrase to seal it with, for development.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    rustls::crypto::ring::default_provider().install_default().expect("nothing else has installed one");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result =
        runtime.context("starting the runtime").and_then(|runtime| runtime.block_on(execute(command)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[allow(
    clippy::print_stderr,
    reason = "the last word to the person or the supervisor that started the program"
)]
fn complain(error: &anyhow::Error) {
    eprintln!("csc: {}", told(error));
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

async fn execute(command: Command) -> anyhow::Result<()> {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    match command {
        Command::Demo(options) => demo::run(options, entropy).await,
        Command::Run { config } => {
            let mut settings = Settings::load(Some(&config), environment());
            let config = Config::read(&mut settings);
            let explained = "`csc config` prints every setting with its documentation";
            settings.finish().map_err(|mistakes| anyhow::anyhow!("{mistakes}\n{explained}"))?;
            csc_service::telemetry(&config.log)?;
            let app = AllInOne::build(config, Arc::new(SystemClock::new()), entropy).await?;
            app.run(shutdown_signal()?).await
        }
        Command::Config => {
            let mut settings = Settings::defaults();
            Config::read(&mut settings);
            say!("{}", settings.reference().trim_end());
            Ok(())
        }
        Command::Ue { profile, action } => terminal::run(Profile::read(&profile)?, action, entropy).await,
        Command::Provision { action: Provision::Apply { file, dry_run, bus } } => {
            let plan = Plan::read(&file)?;
            let channel = bus.connect()?;
            let verb = if dry_run { " (dry run)" } else { "" };
            plan.apply(channel, dry_run, |outcome, what| say!("{:<10} {what}{verb}", outcome.word())).await
        }
        Command::Idms { action: Idms::Keys { action: IdmsKeys::Create { dir } } } => {
            idms_keys::create(&dir, &*entropy)?;
            say!("created the keys of the identity server in {}", dir.display());
            Ok(())
        }
        Command::Kms {
            action: Kms::Root { action: KmsRoot::Create { uri, out, kek_file, passphrase_file } },
        } => {
            roots::create(&uri, &out, kek_file.as_deref(), passphrase_file.as_deref(), &*entropy)?;
            say!("created the root of {uri} in {}", out.display());
            Ok(())
        }
    }
}
