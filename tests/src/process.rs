//! The real binary: for what only a process can show, such as being killed.

use std::path::Path;
use std::process::{Child, Command};

use csc::site::{Ports, Site};
use csc_service::OsEntropy;
use tempfile::TempDir;

use crate::{Client, child};

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

/// Starts the process and reads from its log where it listens.
fn run(binary: &str, site: Site, settings: &[(String, String)]) -> (Child, Client) {
    let mut command = Command::new(binary);
    command.args([Path::new("run"), Path::new("--config"), &site.config()]);
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let started = child::start("csc", command).listens(&["https", "sip", "bus", "admin"]);
    let client = Client::of_one(site, |name| started.addresses[name]);
    (started.child, client)
}
