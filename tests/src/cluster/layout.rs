//! Certificates, configuration files and processes, as an operator makes and starts them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use csc::site::KMS_URI;

use crate::child;

/// How many of each service there are.
const REPLICAS: usize = 2;

/// A setting, as an environment variable.
pub(super) type Variable = (String, String);

/// What processes are started with.
pub(super) struct Layout {
    pub(super) binary: PathBuf,
    pub(super) config: PathBuf,
    /// Settings of the test.
    pub(super) settings: Vec<Variable>,
    /// Where the store is.
    pub(super) store: Vec<Variable>,
    /// Where the services are, for the edge.
    pub(super) upstreams: Vec<Variable>,
}

/// One process.
pub(super) struct Member {
    pub(super) child: Child,
    pub(super) service: &'static str,
    pub(super) sockets: &'static [&'static str],
    /// Where it listens; it keeps its addresses when it is started again.
    pub(super) addresses: HashMap<String, SocketAddr>,
}

impl Layout {
    /// Certificates, keys and configuration files in `folder`, and the store.
    pub(super) fn prepare(&self, folder: &Path) {
        let pki = folder.join("pki");
        let at = |name: &str| pki.join(name).display().to_string();
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/config");
        std::fs::create_dir(&self.config).expect("a writable folder");
        for file in templates.read_dir().expect("deploy/config") {
            let file = file.expect("a readable folder").path();
            std::fs::copy(&file, self.config.join(file.file_name().expect("a name"))).expect("a copy");
        }
        self.run(&["pki", "init", "--dir", &at(""), "--host", "localhost", "--host", "127.0.0.1"], &[]);
        self.run(&["idms", "keys", "create", "--dir", &at("")], &[]);
        let (root, kek) = (at("kms.root"), at("kms.kek"));
        self.run(&["kms", "root", "create", "--uri", KMS_URI, "--out", &root, "--kek-file", &kek], &[]);
        let config = self.file("idms").display().to_string();
        self.run(&["store", "create", "--config", &config], &self.store);
    }

    fn file(&self, service: &str) -> PathBuf {
        self.config.join(format!("{service}.toml"))
    }

    /// A command of the operator.
    fn run(&self, arguments: &[&str], variables: &[Variable]) {
        let mut command = Command::new(&self.binary);
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "csc {}: {said}", arguments.join(" "));
    }

    /// What a process of `service` is told beside its file. `idms` is where that is on the bus, `port` the one it takes.
    pub(super) fn variables(&self, service: &str, idms: &[String], port: Option<u16>) -> Vec<Variable> {
        let own = |name: &str, value: String| (name.to_owned(), value);
        let any = |port: u16| format!("127.0.0.1:{port}");
        let mut variables = vec![own("CSC_ADMIN_LISTEN", any(0)), own("CSC_BUS_LISTEN", any(0))];
        match service {
            "subscription-proxy" => variables.push(own("CSC_SIP_LISTEN", any(0))),
            _ => variables.push(own("CSC_HTTP_LISTEN", any(port.unwrap_or(0)))),
        }
        let own_needs = if service == "edge" { &self.upstreams } else { &self.store };
        variables.extend(own_needs.iter().cloned());
        if !matches!(service, "idms" | "edge") {
            variables.push(own("CSC_AUTH_IDMS", idms.join(",")));
        }
        let known = |name: &str| {
            let section =
                name.strip_prefix("CSC_").and_then(|rest| rest.split('_').next()).unwrap_or_default();
            match section {
                "SIP" => service == "subscription-proxy",
                "XCAP" => matches!(service, "gms" | "cms" | "subscription-proxy" | "edge"),
                "STORE" => service != "edge",
                // The edge knows where the dialect is, and no more of it.
                "GLMS" => service == "gms" || service == "edge" && !name.ends_with("_KEY_FILE"),
                "SCOPES" => matches!(service, "gms" | "cms" | "kms" | "subscription-proxy"),
                "HTTP" => service == "edge",
                section => section == service.to_uppercase(),
            }
        };
        variables.extend(self.settings.iter().filter(|(name, _)| known(name)).cloned());
        variables
    }

    /// Starts the replicas of `services`, all at once, and waits until they listen.
    pub(super) fn start_all(
        &self,
        members: &mut BTreeMap<String, Member>,
        services: &[(&'static str, &'static [&'static str])],
        idms: &[String],
    ) {
        let mut starting = Vec::new();
        for (service, sockets) in services {
            for number in 1..=REPLICAS {
                let name = format!("{service}-{number}");
                let process = self.start(&name, service, &self.variables(service, idms, None));
                starting.push((name, *service, *sockets, process));
            }
        }
        for (name, service, sockets, process) in starting {
            members.insert(name, Member::of(service, sockets, process.listens(sockets)));
        }
    }

    pub(super) fn start_edge(&self, name: &str, port: Option<u16>) -> Member {
        let sockets = &["https", "admin"];
        let process = self.start(name, "edge", &self.variables("edge", &[], port));
        Member::of("edge", sockets, process.listens(sockets))
    }

    pub(super) fn start(&self, name: &str, service: &str, variables: &[Variable]) -> child::Starting {
        let mut command = Command::new(&self.binary);
        command.args([service, "--config"]).arg(self.file(service));
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        child::start(name, command)
    }
}

impl Member {
    fn of(service: &'static str, sockets: &'static [&'static str], started: child::Started) -> Self {
        let child::Started { child, addresses } = started;
        Self { child, service, sockets, addresses }
    }
}

/// Where the `socket` of each replica of `service` is.
pub(super) fn addresses(members: &BTreeMap<String, Member>, service: &str, socket: &str) -> Vec<String> {
    let replicas = members.values().filter(|member| member.service == service);
    replicas.map(|member| member.addresses[socket].to_string()).collect()
}

/// The product's binary: cargo puts it beside the folder of the test binaries.
pub(super) fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    folder.join("csc-under-test")
}
