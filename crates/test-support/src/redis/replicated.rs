//! A master with replicas.

use super::{Server, Setting, installed, until};

/// A master and its replicas, which follow it from the start.
#[derive(Debug)]
pub struct Replicated {
    /// The master, as it was started.
    pub master: Server,
    /// The replicas, as they were started.
    pub replicas: Vec<Server>,
}

impl Replicated {
    /// Starts a master with `replicas`, all with `settings`; `None` if Redis is not installed.
    ///
    /// # Panics
    /// When they do not start.
    pub fn start(test: &str, replicas: usize, settings: &[Setting<'_>]) -> Option<Self> {
        if !installed(test) {
            return None;
        }
        let master = Server::with(test, settings)?;
        let replicas = (0..replicas).map(|_| follow(&master, settings)).collect();
        let all = Self { master, replicas };
        all.in_sync();
        Some(all)
    }

    /// Waits until every replica follows the master.
    ///
    /// # Panics
    /// When that does not come within 60 s.
    pub fn in_sync(&self) {
        for replica in &self.replicas {
            until("a replica follows", || replica.info("master_link_status").as_deref() == Some("up"));
        }
        let count = self.replicas.len().to_string();
        until("the master sees its replicas", || {
            let good =
                self.master.try_call(&["INFO", "replication"]).map(|reply| reply.text()).unwrap_or_default();
            good.matches("state=online").count().to_string() == count
        });
    }

    /// Every server, the master first.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        std::iter::once(&self.master).chain(&self.replicas)
    }
}

/// A server that follows `master`; it may not have caught up yet.
fn follow(master: &Server, settings: &[Setting<'_>]) -> Server {
    let master = format!("127.0.0.1 {}", master.port());
    let mut own = settings.to_vec();
    own.push(("replicaof", &master));
    if let Some((_, password)) = settings.iter().find(|(name, _)| *name == "requirepass") {
        own.push(("masterauth", password));
    }
    Server::launch(&own, false)
}
