//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use csc_process::{Program, StoreConfig};
use csc_service::bus::{self, Address, BusDomain, Credentials, Member, Peers};
use csc_service::{Identity, Metrics, OsEntropy};
use csc_types::Entropy;

use crate::archive::{Documents, Groups};
use crate::gms_keys::GmsKeys;
use crate::provision::{self, Plan, Servers};
use crate::ue::Profile;
use crate::users::Users;
use crate::{AllInOne, Edge, demo, idms_keys, pki, roots, terminal};

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
    Config {
        /// Of this process alone; without it, of all services in one process.
        program: Option<One>,
    },
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
    /// Documents of a running server: list, print, store, delete, and who changed them.
    Documents {
        #[command(subcommand)]
        action: Documents,
    },
    /// Groups of a running server: who is in which.
    Groups {
        #[command(subcommand)]
        action: Groups,
    },
    /// Users of a running server; `provision` makes and changes them.
    Users {
        #[command(subcommand)]
        action: Users,
    },
    /// The store of an installation.
    Store {
        #[command(subcommand)]
        action: Store,
    },
    /// Certificates and shared secrets of an installation.
    Pki {
        #[command(subcommand)]
        action: Pki,
    },
    /// Run the identity server; or manage its keys.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Idms {
        #[command(flatten)]
        run: Run,
        #[command(subcommand)]
        action: Option<Idms>,
    },
    /// Run the group management server; or manage the keys of its GLMS dialect.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Gms {
        #[command(flatten)]
        run: Run,
        #[command(subcommand)]
        action: Option<Gms>,
    },
    /// Run the configuration management server.
    Cms(Run),
    /// Run the key management server; or manage its master secrets.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Kms {
        #[command(flatten)]
        run: Run,
        #[command(subcommand)]
        action: Option<Kms>,
    },
    /// Run the subscription proxy.
    SubscriptionProxy(Run),
    /// Run the edge: ends the TLS of terminals and forwards to the services.
    Edge(Run),
}

/// How a service is run as a process of its own.
#[derive(Args)]
struct Run {
    /// The configuration file; `csc config <service>` prints its reference.
    #[arg(long, required = true)]
    config: Option<PathBuf>,
}

impl Run {
    async fn go<P: Program>(self) -> anyhow::Result<()> {
        let file = self.config.context("--config names the configuration file")?;
        csc_process::run::<P>(&file).await
    }
}

/// A service that runs as a process of its own.
#[derive(Clone, Copy, ValueEnum)]
enum One {
    Idms,
    Gms,
    Cms,
    Kms,
    SubscriptionProxy,
    Edge,
}

impl One {
    fn reference(self) -> String {
        match self {
            Self::Idms => csc_process::reference::<csc_idms::Process>(),
            Self::Gms => csc_process::reference::<csc_gms::Process>(),
            Self::Cms => csc_process::reference::<csc_cms::Process>(),
            Self::Kms => csc_process::reference::<csc_kms::Process>(),
            Self::SubscriptionProxy => csc_process::reference::<csc_subscription_proxy::Process>(),
            Self::Edge => csc_process::reference::<Edge>(),
        }
    }
}

#[derive(Subcommand)]
enum Store {
    /// Stamp a Redis that holds nothing as the store of a new installation. Without this stamp every process answers
    /// 503: a store that lost its data must never look like an empty one.
    Create {
        /// The configuration file of any service; its section `store` says where Redis is.
        #[arg(long)]
        config: PathBuf,
    },
}

#[derive(Subcommand)]
enum Pki {
    /// Create two authorities (for terminals, for the bus), what they sign, and the secrets that replicas share. Nothing
    /// that exists is overwritten.
    Init {
        /// The folder they are written to.
        #[arg(long)]
        dir: PathBuf,
        /// A name or address that terminals connect to; may be repeated.
        #[arg(long = "host", required = true)]
        hosts: Vec<String>,
    },
    /// Make one certificate anew; running processes take it up by themselves.
    Renew {
        /// The folder that `csc pki init` made.
        #[arg(long)]
        dir: PathBuf,
        /// `server` (what terminals see), or the member of the bus: idms, gms, cms, kms, subscription-proxy, edge, operator.
        name: String,
        /// For `server`: a name or address that terminals connect to; may be repeated.
        #[arg(long = "host")]
        hosts: Vec<String>,
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
    /// Store every document of a folder that mirrors the XCAP root: DIR/<AUID>/users/<user>/<name>, DIR/<AUID>/global/…
    /// Repeating it changes nothing.
    Import {
        /// The folder.
        dir: PathBuf,
        /// The organisation that new groups and global documents belong to.
        #[arg(long, default_value = "")]
        organisation: String,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        bus: Bus,
    },
}

/// How to reach the services on the bus, as whom.
#[derive(Args, Clone)]
pub(crate) struct Bus {
    /// `host:port` of the bus of a process that holds all services.
    #[arg(long, default_value = "localhost:4430")]
    bus: Address,
    /// `host:port` of idms where it runs by itself; several separated by commas.
    #[arg(long, value_delimiter = ',')]
    idms: Vec<Address>,
    /// The same of gms.
    #[arg(long, value_delimiter = ',')]
    gms: Vec<Address>,
    /// The same of cms.
    #[arg(long, value_delimiter = ',')]
    cms: Vec<Address>,
    /// What stands behind the names in the certificates of the bus, as `bus.domain` of the services says.
    #[arg(long)]
    domain: Option<BusDomain>,
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
    pub(crate) fn connect(self) -> anyhow::Result<Servers> {
        let Self { bus, idms, gms, cms, domain, ca, certificate, key } = self;
        let operator = Identity { certificate, key };
        let credentials = Credentials::load(&ca, &operator, &Metrics::new())?;
        let channel = |member, own: Vec<Address>| {
            let addresses = if own.is_empty() { vec![bus.clone()] } else { own };
            bus::connect(&Peers { member, domain: domain.clone(), addresses }, &credentials)
        };
        Ok(Servers {
            idms: channel(Member::Idms, idms),
            gms: channel(Member::Gms, gms),
            cms: channel(Member::Cms, cms),
        })
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
enum Gms {
    /// Keys of multicast groups and of the terminals that hear them.
    Keys {
        #[command(subcommand)]
        action: GmsKeys,
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
    csc_process::conclude("csc", result)
}

async fn execute(command: Command) -> anyhow::Result<()> {
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    match command {
        Command::Demo(options) => Box::pin(demo::run(options, entropy)).await,
        Command::Run { config } => csc_process::run::<AllInOne>(&config).await,
        Command::Config { program } => {
            say!("{}", program.map_or_else(csc_process::reference::<AllInOne>, One::reference));
            Ok(())
        }
        Command::Idms { run, action: None } => run.go::<csc_idms::Process>().await,
        Command::Gms { run, action: None } => run.go::<csc_gms::Process>().await,
        Command::Gms { action: Some(Gms::Keys { action }), .. } => action.run(&*entropy),
        Command::Cms(run) => run.go::<csc_cms::Process>().await,
        Command::Kms { run, action: None } => run.go::<csc_kms::Process>().await,
        Command::SubscriptionProxy(run) => run.go::<csc_subscription_proxy::Process>().await,
        Command::Edge(run) => run.go::<Edge>().await,
        Command::Ue { profile, action } => terminal::run(Profile::read(&profile)?, action, entropy).await,
        Command::Provision { action: Provision::Apply { file, dry_run, bus } } => {
            let plan = Plan::read(&file)?;
            let servers = bus.connect()?;
            let verb = if dry_run { " (dry run)" } else { "" };
            plan.apply(&servers, dry_run, |outcome, what| say!("{:<10} {what}{verb}", outcome.word())).await
        }
        Command::Provision { action: Provision::Import { dir, organisation, dry_run, bus } } => {
            let verb = if dry_run { " (dry run)" } else { "" };
            let report = |outcome: anyhow::Result<provision::Outcome>, path: &str| match outcome {
                Ok(outcome) => say!("{:<10} {path}{verb}", outcome.word()),
                Err(error) => say!("{:<10} {path}: {error:#}", "refused"),
            };
            let totals = provision::import(&bus.connect()?, &dir, &organisation, dry_run, report).await?;
            let provision::Totals { created, changed, unchanged, refused } = totals;
            say!("{created} created, {changed} changed, {unchanged} unchanged, {refused} refused{verb}");
            anyhow::ensure!(refused == 0, "{refused} documents were refused");
            Ok(())
        }
        Command::Documents { action } => action.run().await,
        Command::Groups { action } => action.run().await,
        Command::Users { action } => action.run().await,
        Command::Store { action: Store::Create { config } } => {
            StoreConfig::create(&config).await?;
            say!("the store is made");
            Ok(())
        }
        Command::Pki { action: Pki::Init { dir, hosts } } => {
            pki::init(&dir, &hosts, &*entropy)?;
            say!("created authorities, certificates and shared secrets in {}", dir.display());
            Ok(())
        }
        Command::Pki { action: Pki::Renew { dir, name, hosts } } => {
            pki::renew(&dir, &name, &hosts)?;
            say!("renewed the certificate of {name} in {}", dir.display());
            Ok(())
        }
        Command::Idms { action: Some(Idms::Keys { action: IdmsKeys::Create { dir } }), .. } => {
            idms_keys::create(&dir, &*entropy)?;
            say!("created the keys of the identity server in {}", dir.display());
            Ok(())
        }
        Command::Kms {
            action: Some(Kms::Root { action: KmsRoot::Create { uri, out, kek_file, passphrase_file } }),
            ..
        } => {
            roots::create(&uri, &out, kek_file.as_deref(), passphrase_file.as_deref(), &*entropy)?;
            say!("created the root of {uri} in {}", out.display());
            Ok(())
        }
    }
}
