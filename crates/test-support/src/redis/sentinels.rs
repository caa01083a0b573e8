//! A replicated master with Sentinels that watch it.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Replicated, Reply, Server, Setting, until};

/// A master with two replicas and three Sentinels, of which two must agree that it is down.
#[derive(Debug)]
pub struct Sentinels {
    /// The servers with the data.
    pub data: Replicated,
    /// Those who watch them.
    pub sentinels: Vec<Server>,
}

impl Sentinels {
    /// The name under which the Sentinels know the master.
    pub const NAME: &str = "csc";

    /// Starts them; a master that is silent for `down_after` is replaced. `settings` are those of the servers with the
    /// data. `None` if Redis is not installed.
    ///
    /// # Panics
    /// When they do not start.
    pub fn start(test: &str, down_after: Duration, settings: &[Setting<'_>]) -> Option<Self> {
        let mut own = settings.to_vec();
        let password = settings.iter().find(|(name, _)| *name == "requirepass").map(|(_, value)| *value);
        // Any of them may become a replica.
        own.extend(password.map(|password| ("masterauth", password)));
        let data = Replicated::start(test, 2, &own)?;
        let name = Self::NAME;
        let monitor = format!("monitor {name} 127.0.0.1 {} 2", data.master.port());
        let down = format!("down-after-milliseconds {name} {}", down_after.as_millis());
        let timeout = format!("failover-timeout {name} 6000");
        let auth = password.map(|password| format!("auth-pass {name} {password}"));
        let mut rules = vec![("bind", "127.0.0.1"), ("sentinel", monitor.as_str())];
        rules.extend([("sentinel", down.as_str()), ("sentinel", timeout.as_str())]);
        rules.extend(auth.as_deref().map(|auth| ("sentinel", auth)));
        let sentinels: Vec<Server> = (0..3).map(|_| Server::launch(&rules, true)).collect();
        for sentinel in &sentinels {
            until("the Sentinels know each other and the replicas", || {
                let seen =
                    sentinel.try_call(&["INFO", "sentinel"]).map(|reply| reply.text()).unwrap_or_default();
                seen.contains("status=ok") && seen.contains("slaves=2,sentinels=3")
            });
        }
        Some(Self { data, sentinels })
    }

    /// Where the Sentinels listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sentinels.iter().map(Server::address).collect()
    }

    /// The port of the master, as the first Sentinel that answers sees it.
    pub fn master_port(&self) -> Option<u16> {
        let ask = ["SENTINEL", "get-master-addr-by-name", Self::NAME];
        self.sentinels.iter().find_map(|sentinel| match sentinel.try_call(&ask).ok()? {
            Reply::Array(parts) => parts.get(1)?.text().parse().ok(),
            _ => None,
        })
    }

    /// Waits until the Sentinels name another master than that at `port`, and that one takes writes.
    ///
    /// # Panics
    /// When that does not come within 60 s.
    pub fn failed_over(&self, port: u16) -> u16 {
        until("the Sentinels fail over", || {
            self.master_port().is_some_and(|now| {
                let new = self.data.servers().find(|server| server.port() == now);
                now != port && new.is_some_and(|server| server.info("role").as_deref() == Some("master"))
            })
        });
        self.master_port().expect("the Sentinels answer")
    }
}
