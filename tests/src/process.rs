//! The real binary: for what only a process can show, such as being killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use csc::site::{Ports, Site};
use csc_service::OsEntropy;
use serde_json::Value;
use tempfile::TempDir;

use crate::Client;

/// How long a process may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `csc run`. Dropping it kills it.
pub struct Process {
    child: Child,
    client: Client,
    binary: String,
    settings: Vec<(String, String)>,
    _folder: TempDir,
}

impl Process {
    /// Starts `binary run` on a new site on free ports with the demo's fire brigade in it; `settings` are environment
    /// variables.
    pub async fn start(binary: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = Site::create(&folder.path().join("site"), Ports::default(), &OsEntropy).expect("a site");
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (child, client) = run(binary, site, &settings);
        client.provision().await;
        // From now on it keeps its addresses: terminals remember them.
        client.site().configure(client.ports()).expect("a writable folder");
        Self { child, client, binary: binary.to_owned(), settings, _folder: folder }
    }

    /// How to reach it.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Ends it as SIGKILL does: in the middle of whatever it is doing.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is ours");
    }

    /// Starts it again on the same site and addresses.
    pub fn restart(&mut self) {
        let (child, client) = run(&self.binary, self.client.site().clone(), &self.settings);
        self.child = child;
        self.client = client;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the process and reads from its log where it listens. Warnings and errors go on to the test's own output.
#[allow(clippy::print_stdout, reason = "what a failed test has to show")]
fn run(binary: &str, site: Site, settings: &[(String, String)]) -> (Child, Client) {
    let mut child = Command::new(binary)
        .args([Path::new("run"), Path::new("--config"), &site.config()])
        .envs([("CSC_LOG_FORMAT", "json"), ("CSC_LOG_FILTER", "info")])
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let log = BufReader::new(child.stderr.take().expect("it is piped"));
    let (found, wait) = mpsc::channel();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            let address = event["address"].as_str().and_then(|address| address.parse::<SocketAddr>().ok());
            match (event["name"].as_str(), address) {
                (Some(name), Some(address)) if event["message"] == "listening" => {
                    let _ = found.send((name.to_owned(), address));
                }
                _ if matches!(event["level"].as_str(), Some("INFO")) => {}
                _ => println!("{event}"),
            }
        }
    });
    let mut addresses = std::collections::HashMap::new();
    while addresses.len() < 4 {
        let (name, address) = wait.recv_timeout(PATIENCE).expect("the process says where it listens");
        addresses.insert(name, address);
    }
    let client = Client::new(site, |name| addresses[name]);
    (child, client)
}
