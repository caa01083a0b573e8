//! The distributed layout: an edge, two replicas of each service, Redis with a replica, all as processes of their own.
//!
//! Everything is made and started as an operator would: certificates by `csc pki init`, keys by their commands, the store
//! by `csc store create`, and each process with the configuration file of `deploy/config`. Only addresses differ; they
//! come from the environment.

mod layout;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Deref;
use std::process::{Child, Command};
use std::time::Duration;

use csc::site::Site;
use csc_test_support::redis::{Replicated, Sentinels, Server};
use tempfile::TempDir;

use self::layout::{Layout, Member, Variable, addresses, binary};
use crate::{ALEX, Client, DANA, ENGINE_7, SAM};

/// The services, with the sockets that each has.
const SERVICES: [(&str, &[&str]); 5] = [
    ("idms", &["https", "bus", "admin"]),
    ("gms", &["https", "bus", "admin"]),
    ("cms", &["https", "bus", "admin"]),
    ("kms", &["https", "bus", "admin"]),
    ("subscription-proxy", &["sip", "bus", "admin"]),
];
/// What the store needs of Redis.
const DURABLE: [(&str, &str); 2] = [("appendonly", "yes"), ("appendfsync", "always")];

/// A running installation of several processes. It is reached as its [`Client`]. Dropping it kills everything.
pub struct Cluster {
    client: Client,
    /// By name, such as `gms-1`.
    members: BTreeMap<String, Member>,
    layout: Layout,
    /// Stopped after the processes.
    redis: Redis,
    _folder: TempDir,
}

/// The servers below.
enum Redis {
    /// A master with one replica.
    Plain(Replicated),
    /// A master with two replicas, watched by three Sentinels.
    Watched(Sentinels),
}

impl Cluster {
    /// Starts an installation with the settings of `deploy/config`; `None`, which is reported, where Redis is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Starts an installation; `settings` are environment variables, given to those processes that know them.
    pub async fn start_with(settings: &[(&str, &str)]) -> Option<Self> {
        let redis = Redis::Plain(Replicated::start(&test(), 1, &DURABLE)?);
        Some(Self::over(redis, settings).await)
    }

    /// Starts an installation on a Redis that Sentinels watch: a master that is silent for a second is replaced.
    pub async fn watched(settings: &[(&str, &str)]) -> Option<Self> {
        let redis = Redis::Watched(Sentinels::start(&test(), Duration::from_secs(1), &DURABLE)?);
        Some(Self::over(redis, settings).await)
    }

    async fn over(redis: Redis, settings: &[(&str, &str)]) -> Self {
        // A test binary has no main in which the one provider could be installed; the second test to come here finds it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut layout = Layout {
            binary: binary(),
            config: folder.path().join("config"),
            settings: settings.collect(),
            store: redis.variables(),
            upstreams: Vec::new(),
        };
        layout.prepare(folder.path());

        let edge = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let mut members = BTreeMap::new();
        // idms first: the others are told where it is.
        layout.start_all(&mut members, &SERVICES[..1], &[]);
        let idms = addresses(&members, "idms", "bus");
        layout.start_all(&mut members, &SERVICES[1..], &idms);
        let port = edge.local_addr().expect("it is bound").port();
        drop(edge);
        let upstreams = ["idms", "gms", "cms", "kms"].map(|service| {
            (format!("CSC_EDGE_{}", service.to_uppercase()), addresses(&members, service, "https").join(","))
        });
        layout.upstreams = upstreams.into();
        let edge = layout.start_edge("edge", Some(port));

        let all = |service, socket| {
            addresses(&members, service, socket).iter().map(|a| a.parse().expect("an address")).collect()
        };
        let client = Client {
            site: Site::at_folder(&folder.path().join("pki")),
            https: edge.addresses["https"],
            sip: all("subscription-proxy", "sip"),
            buses: [all("idms", "bus"), all("gms", "bus"), all("cms", "bus")],
            admin: edge.addresses["admin"],
            #[cfg(feature = "plain-http")]
            plain: None,
        };
        members.insert("edge".to_owned(), edge);
        let cluster = Self { client, members, layout, redis, _folder: folder };
        for name in cluster.members.keys() {
            cluster.ready(name).await;
        }
        cluster.provision().await;
        // The replicas of gms have just begun to share the partitions: until then members cannot watch their groups.
        cluster.projected(ENGINE_7, &[ALEX, DANA, SAM]).await;
        cluster
    }

    /// The names of all processes but the edges.
    pub fn services(&self) -> Vec<String> {
        let services = self.members.iter().filter(|(_, member)| member.service != "edge");
        services.map(|(name, _)| name.clone()).collect()
    }

    /// Starts another edge, called `name`, and waits until it is ready. Its `https` socket is where terminals may go.
    pub async fn add_edge(&mut self, name: &str) {
        let edge = self.layout.start_edge(name, None);
        self.members.insert(name.to_owned(), edge);
        self.ready(name).await;
    }

    /// Where a process listens with `socket`: `https`, `bus`, `sip` or `admin`.
    pub fn address(&self, name: &str, socket: &str) -> SocketAddr {
        self.members[name].addresses[socket]
    }

    /// Waits until a process says that it is ready.
    pub async fn ready(&self, name: &str) {
        let admin = self.address(name, "admin");
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        while !crate::raw::is_ready(admin).await {
            assert!(tokio::time::Instant::now() < end, "{name} does not become ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends a process as SIGKILL does: in the middle of whatever it is doing.
    pub fn kill(&mut self, name: &str) {
        let member = self.member(name);
        member.child.kill().expect("it runs");
        member.child.wait().expect("it is ours");
    }

    /// Asks a process to stop, as an operator's supervisor does, and waits until it has ended well.
    pub async fn terminate(&mut self, name: &str) {
        signal(&self.member(name).child, "TERM");
        self.ended(name).await;
    }

    /// Starts a process that has ended, at its old addresses, and waits until it is ready.
    pub async fn restart(&mut self, name: &str) {
        let idms = addresses(&self.members, "idms", "bus");
        let Self { members, layout, .. } = self;
        let member = members.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"));
        let mut variables = layout.variables(member.service, &idms, None);
        for (socket, section) in [("https", "HTTP"), ("bus", "BUS"), ("sip", "SIP"), ("admin", "ADMIN")] {
            if let Some(address) = member.addresses.get(socket) {
                variables.push((format!("CSC_{section}_LISTEN"), address.to_string()));
            }
        }
        let process = layout.start(name, member.service, &variables);
        member.child = process.listens(member.sockets).child;
        self.ready(name).await;
    }

    /// Lets a process stand still, as a machine does that is overloaded or moved.
    pub fn freeze(&mut self, name: &str) {
        signal(&self.member(name).child, "STOP");
    }

    /// Lets it go on.
    pub fn thaw(&mut self, name: &str) {
        signal(&self.member(name).child, "CONT");
    }

    /// Kills the Redis master. Where Sentinels watch it they name another one soon.
    pub fn kill_master(&mut self) {
        let master = match &mut self.redis {
            Redis::Plain(plain) => &mut plain.master,
            Redis::Watched(watched) => {
                let port = watched.master_port().expect("the Sentinels answer");
                let mut servers: Vec<&mut Server> =
                    std::iter::once(&mut watched.data.master).chain(&mut watched.data.replicas).collect();
                let place = servers.iter().position(|server| server.port() == port);
                servers.swap_remove(place.expect("the master is one of them"))
            }
        };
        master.kill();
    }

    /// Starts the first master again.
    pub fn restart_master(&mut self) {
        match &mut self.redis {
            Redis::Plain(plain) => plain.master.restart(),
            Redis::Watched(watched) => watched.data.master.restart(),
        }
    }

    /// Stops everything as SIGTERM does, the edges first, and waits until every process has ended well.
    pub async fn stop(mut self) {
        let services = self.services();
        let edges: Vec<_> = self.members.keys().filter(|name| !services.contains(name)).cloned().collect();
        for names in [edges, services] {
            for name in &names {
                signal(&self.member(name).child, "TERM");
            }
            for name in &names {
                self.ended(name).await;
            }
        }
    }

    async fn ended(&mut self, name: &str) {
        let member = self.member(name);
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = member.child.try_wait().expect("it is ours") {
                return assert!(status.success(), "{name} ended with {status}");
            }
            assert!(tokio::time::Instant::now() < end, "{name} does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn member(&mut self, name: &str) -> &mut Member {
        self.members.get_mut(name).unwrap_or_else(|| panic!("there is no {name}"))
    }
}

/// Sends a signal to a process that runs.
fn signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(sent.expect("kill is part of every system").success());
}

/// The test that runs on this thread, for reports.
fn test() -> String {
    std::thread::current().name().unwrap_or("a test of the distributed layout").to_owned()
}

impl Redis {
    fn variables(&self) -> Vec<Variable> {
        let own = |name: &str, value: String| (name.to_owned(), value);
        match self {
            Self::Plain(plain) => vec![
                own("CSC_STORE_TOPOLOGY", "standalone".to_owned()),
                own("CSC_STORE_ADDRESSES", plain.master.address().to_string()),
            ],
            Self::Watched(watched) => {
                let addresses: Vec<String> = watched.addresses().iter().map(ToString::to_string).collect();
                vec![own("CSC_STORE_ADDRESSES", addresses.join(","))]
            }
        }
    }
}

impl Deref for Cluster {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for member in self.members.values_mut() {
            let _ = member.child.kill();
        }
        for member in self.members.values_mut() {
            let _ = member.child.wait();
        }
    }
}
