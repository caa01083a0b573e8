//! `csc demo`: makes an installation, starts it, boots a terminal through it, and goes on serving.

mod scenario;
mod steps;

use std::error::Error;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use csc_process::{Platform, Program, Running};
use csc_service::bus::{self, Credentials, Member, Peers};
use csc_service::config::{Settings, environment};
use csc_service::{Identity, Metrics};
use csc_types::{Entropy, SystemClock};
use tokio::sync::oneshot;

use crate::AllInOne;
use crate::provision::{Outcome, Plan, Servers};
use crate::site::{Ports, Site};
use crate::ue::Profile;

use steps::Steps;

/// The people of the demo: MCPTT ID, password, name of the profile file.
const ALEX: (&str, &str, &str) = ("tel:+82571009990", "engine-seven", "alex.toml");
const DANA: (&str, &str, &str) = ("tel:+82571009991", "north-bridge", "dana.toml");
/// The group that Alex is added to.
const INCIDENT: &str = "tel:+82570000702";

/// Written into the folder of a demo, so that only such a folder is ever replaced.
const MARK: &str = ".csc-demo";

/// What is provisioned, with the documents it names.
const PLAN: &str = include_str!("../../demo/provision.toml");
const DOCUMENTS: [(&str, &str); 5] = [
    ("ue-config.xml", include_str!("../../demo/documents/ue-config.xml")),
    ("user-profile.xml", include_str!("../../demo/documents/user-profile.xml")),
    ("service-config.xml", include_str!("../../demo/documents/service-config.xml")),
    ("group-engine-7.xml", include_str!("../../demo/documents/group-engine-7.xml")),
    ("group-incident.xml", include_str!("../../demo/documents/group-incident.xml")),
];

/// Options of `csc demo`.
#[derive(Args)]
pub(crate) struct Options {
    /// End when every step has passed.
    #[arg(long)]
    once: bool,
    /// The folder of the installation; that of an earlier demo is replaced.
    #[arg(long, default_value = "demo-data")]
    dir: PathBuf,
    /// Take free ports instead of 4420 (HTTPS), 4421 (admin), 4430 (bus) and 5060 (SIP).
    #[arg(long)]
    free_ports: bool,
}

/// Runs the demo.
///
/// # Errors
/// If a step fails; the message names it.
pub(crate) async fn run(options: Options, entropy: Arc<dyn Entropy>) -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let (ports, held) = if options.free_ports {
        let held = Held::new()?;
        (held.ports()?, Some(held))
    } else {
        (Ports { https: 4420, sip: 5060, bus: 4430, admin: 4421 }, None)
    };

    let folder = options.dir.clone();
    let (site, _lock) = steps
        .run("certificates, keys, configuration", async { prepare(&folder, ports, &*entropy) }, |_| {
            folder.display().to_string()
        })
        .await?;
    let app = steps
        .run("services start", start(&site, held, Arc::clone(&entropy)), |app| {
            let at = |name| app.address(name).map_or_else(String::new, |address| address.to_string());
            format!("HTTPS {}, SIP {}, bus {}", at("https"), at("sip"), at("bus"))
        })
        .await?;
    let address = |name| app.address(name).with_context(|| format!("{name} does not listen"));
    let (https, sip, bus) = (address("https")?, address("sip")?, address("bus")?);
    let profile = |(user, password, file): (&str, &str, &str)| -> anyhow::Result<_> {
        let profile = site.profile(user, password, https, &[sip])?;
        let stored = Profile { ca: "ca.pem".into(), ..profile.clone() };
        std::fs::write(site.at(file), toml::to_string(&stored)?)?;
        Ok(profile)
    };
    let (alex, dana) = (profile(ALEX)?, profile(DANA)?);

    let (stop, stopped) = oneshot::channel::<()>();
    let mut running = tokio::spawn(app.run(async move {
        let _ = stopped.await;
    }));
    let provisioned = provision(&site, bus.port());
    let scenario = async {
        steps.run("organisation, users, documents", provisioned, |count| format!("{count} items")).await?;
        scenario::run(&mut steps, &alex, &dana, INCIDENT, entropy).await
    };
    let outcome = tokio::select! {
        outcome = scenario => outcome,
        ended = &mut running => bail!("the server ended: {:?}", ended?),
    };
    if outcome.is_ok() && !options.once {
        print_hints(&site, ports);
        tokio::select! {
            () = csc_service::shutdown_signal()? => say!("stopping"),
            ended = &mut running => bail!("the server ended: {:?}", ended?),
        }
    }
    let _ = stop.send(());
    running.await??;
    outcome
}

/// Sockets that keep ports free for the services, whose configuration names them: documents tell where they are.
struct Held {
    tcp: [TcpListener; 3],
    udp: UdpSocket,
}

impl Held {
    fn new() -> anyhow::Result<Self> {
        let tcp = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { tcp: [tcp()?, tcp()?, tcp()?], udp: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))? })
    }

    fn ports(&self) -> anyhow::Result<Ports> {
        let port = |n: usize| anyhow::Ok(self.tcp[n].local_addr()?.port());
        Ok(Ports { https: port(0)?, bus: port(1)?, admin: port(2)?, sip: self.udp.local_addr()?.port() })
    }
}

/// Makes the installation. The file is locked for as long as it is open: the folder of a running demo is not replaced.
fn prepare(folder: &Path, ports: Ports, entropy: &dyn Entropy) -> anyhow::Result<(Site, File)> {
    let mark = folder.join(MARK);
    if folder.exists() {
        if !mark.exists() && folder.read_dir()?.next().is_some() {
            bail!("{} is not empty and not of a demo; give another folder with --dir", folder.display());
        }
        if mark.exists() && matches!(File::open(&mark)?.try_lock(), Err(TryLockError::WouldBlock)) {
            bail!("a demo is running in {}; stop it, or give another folder with --dir", folder.display());
        }
        std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder.join("documents"))
        .with_context(|| format!("creating {}", folder.display()))?;
    let mut lock = File::create(&mark)?;
    // Where files cannot be locked the demo runs without.
    let _ = lock.try_lock();
    lock.write_all(b"made by `csc demo`, replaced by the next one\n")?;
    std::fs::write(folder.join("provision.toml"), PLAN)?;
    for (name, text) in DOCUMENTS {
        std::fs::write(folder.join("documents").join(name), text)?;
    }
    Ok((Site::create(folder, ports, entropy)?, lock))
}

async fn start(site: &Site, held: Option<Held>, entropy: Arc<dyn Entropy>) -> anyhow::Result<Running> {
    let mut settings = Settings::load(Some(&site.config()), environment());
    let program = AllInOne::read(&mut settings);
    settings.finish()?;
    csc_service::telemetry("csc", program.telemetry())?;
    drop(held);
    let platform = Platform::new(Arc::new(SystemClock::new()), entropy);
    Box::pin(program.build(platform)).await.map_err(|error| {
        let in_use = |cause: &(dyn Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
        };
        if error.chain().any(in_use) {
            error.context("another program has a port of the demo; --free-ports takes other ones")
        } else {
            error
        }
    })
}

/// Applies the plan, twice: the second time nothing may change.
async fn provision(site: &Site, bus_port: u16) -> anyhow::Result<usize> {
    let operator = Identity { certificate: site.at("operator.pem"), key: site.at("operator.key") };
    let credentials = Credentials::load(&site.at("bus-ca.pem"), &operator, &Metrics::new())?;
    let addresses = vec![SocketAddr::from(([127, 0, 0, 1], bus_port)).into()];
    let channel = bus::connect(&Peers { member: Member::Idms, domain: None, addresses }, &credentials);
    let servers = Servers::one(channel);
    let plan = Plan::read(&site.at("provision.toml"))?;
    let mut count = 0;
    plan.apply(&servers, false, |_, _| count += 1).await?;
    let mut changed = Vec::new();
    let mut note = |outcome, what: &str| {
        if outcome != Outcome::Unchanged {
            changed.push(what.to_owned());
        }
    };
    plan.apply(&servers, false, &mut note).await?;
    if !changed.is_empty() {
        bail!("applying the plan again changed {}", changed.join(", "));
    }
    Ok(count)
}

fn print_hints(site: &Site, ports: Ports) {
    let at = |name| site.at(name).display().to_string();
    let csc = std::env::current_exe().map_or_else(|_| "csc".to_owned(), |path| path.display().to_string());
    say!("\nServing until Ctrl-C. In another terminal:");
    let port = ports.https;
    say!("  curl --cacert {} https://127.0.0.1:{port}/idms/jwks", at("ca.pem"));
    say!(
        "  curl -i --cacert {} https://127.0.0.1:{port}/xcap-caps/global/index   # 401: no token",
        at("ca.pem")
    );
    for action in [
        "boot",
        "keys",
        "subscribe",
        "get org.openmobilealliance.xcap-directory/users/tel:+82571009990/directory.xml",
    ] {
        say!("  {csc} ue --profile {} {action}", at(ALEX.2));
    }
    say!(
        "  {csc} provision apply {} --bus localhost:{} --ca {} --certificate {} --key {}",
        at("provision.toml"),
        ports.bus,
        at("bus-ca.pem"),
        at("operator.pem"),
        at("operator.key")
    );
}
