//! A master with two replicas and three Sentinels on loopback, with a proxy in front of each server.
//!
//! Every server announces its proxy's address as its own, so clients, replicas and Sentinels all come through it.
//! They are told apart by where they connect from: server `n` from 127.0.0.1`n`, the Sentinels from 127.0.0.20 to
//! 127.0.0.22, clients from 127.0.0.1. The Sentinels see each other directly.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use csc_store::redis::{RedisOptions, RedisStore, Topology};
use csc_test_support::redis::{Reply, Server};
use csc_types::{Clock, Entropy};
use tokio::net::TcpListener;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

use crate::proxy::{Cut, Proxy, Weather, Who};

/// The name under which the Sentinels know the master.
const NAME: &str = "faults";

/// A master that is silent for so long is replaced: longer than an engine believes a master that it cannot see.
const DOWN_AFTER: Duration = Duration::from_secs(5);

/// How long the servers may take to be whole again.
const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// Where clients connect from.
pub const CLIENTS: Who = Who::loopback(1);

/// One server and what stands in front of it.
pub struct Node {
    /// The server.
    pub server: Server,
    /// Its proxy.
    pub proxy: Proxy,
}

/// The whole set-up.
pub struct Site {
    /// The servers; the first one begins as master.
    pub nodes: Vec<Node>,
    sentinels: Vec<Server>,
}

impl Site {
    /// Starts it; `None` if Redis is not installed, `test` being skipped then. Needs a runtime with several threads.
    ///
    /// # Errors
    /// When the servers do not find each other.
    pub async fn start(test: &str) -> Result<Option<Self>> {
        let mut nodes: Vec<Node> = Vec::new();
        for number in 0..3 {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let announced = listener.local_addr()?.port().to_string();
            let source = format!("127.0.0.1{number}");
            let mut settings = vec![
                ("replica-announce-ip", "127.0.0.1"),
                ("replica-announce-port", announced.as_str()),
                ("bind-source-addr", source.as_str()),
            ];
            let master = nodes.first().map(|master| format!("127.0.0.1 {}", master.proxy.address().port()));
            settings.extend(master.as_deref().map(|master| ("replicaof", master)));
            let Some(server) = block_in_place(|| Server::with(test, &settings)) else { return Ok(None) };
            let proxy = Proxy::on(listener, server.address())?;
            nodes.push(Node { server, proxy });
        }
        let monitor = format!("monitor {NAME} 127.0.0.1 {} 2", nodes[0].proxy.address().port());
        let down_after = format!("down-after-milliseconds {NAME} {}", DOWN_AFTER.as_millis());
        let failover = format!("failover-timeout {NAME} 6000");
        let mut sentinels = Vec::new();
        for number in 0..3 {
            let source = format!("127.0.0.2{number}");
            let settings = [
                ("bind", "127.0.0.1"),
                ("bind-source-addr", source.as_str()),
                // They tell each other where to be reached: not where they connect from.
                ("sentinel", "announce-ip 127.0.0.1"),
                ("sentinel", monitor.as_str()),
                ("sentinel", down_after.as_str()),
                ("sentinel", failover.as_str()),
            ];
            sentinels.extend(block_in_place(|| Server::sentinel(test, &settings)));
        }
        let site = Self { nodes, sentinels };
        site.whole().await?;
        Ok(Some(site))
    }

    /// The engine's settings for a process of this site.
    pub fn options(&self) -> RedisOptions {
        let topology = Topology::Sentinel { name: NAME.to_owned(), username: None, password: None };
        let addresses = self.sentinels.iter().map(|sentinel| sentinel.address().to_string()).collect();
        RedisOptions::new(topology, addresses)
    }

    /// Stamps the birth records.
    ///
    /// # Errors
    /// When the store is not empty or not there.
    pub async fn install(&self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<()> {
        let options = RedisOptions { deadline: PATIENCE, ..self.options() };
        RedisStore::install(options, clock, entropy).await.context("the store is installed")
    }

    /// Which node the Sentinels call the master.
    pub fn master(&self) -> Option<usize> {
        let ask = ["SENTINEL", "get-master-addr-by-name", NAME];
        let port = self.sentinels.iter().find_map(|sentinel| match sentinel.try_call(&ask).ok()? {
            Reply::Array(parts) => parts.get(1)?.text().parse::<u16>().ok(),
            _ => None,
        })?;
        self.nodes.iter().position(|node| node.proxy.address().port() == port)
    }

    /// Nobody of `who` reaches node `number`, whether they have a connection or not, nor does it answer; see
    /// [`Weather::Held`].
    pub fn hide(&self, number: usize, who: Who) {
        self.nodes[number].proxy.set(who, Weather::Held);
    }

    /// Servers and Sentinels do not reach node `number`, nor does it reach the other servers; clients see it as before.
    pub fn isolate(&self, number: usize) {
        for source in (10..13).chain(20..23) {
            self.hide(number, Who::loopback(source));
        }
        let own = Who::loopback(10 + number as u8);
        for other in (0..self.nodes.len()).filter(|other| *other != number) {
            self.hide(other, own);
        }
    }

    /// Every proxy lets everything pass again, new connections only: what was held back in old ones never arrives late.
    pub fn heal(&self) {
        for node in &self.nodes {
            node.proxy.cut(Who::All, Cut::Reset);
            node.proxy.set(Who::All, Weather::Clear);
        }
    }

    /// Orders the Sentinels to replace the master.
    pub fn replace(&self) {
        if let Some(sentinel) = self.sentinels.first() {
            block_in_place(|| sentinel.call(&["SENTINEL", "FAILOVER", NAME]));
        }
    }

    /// Takes everything away that is stored.
    pub fn empty(&self) {
        if let Some(master) = self.master() {
            block_in_place(|| self.nodes[master].server.call(&["FLUSHALL"]));
        }
    }

    /// Waits until the Sentinels name another master than node `old`, and it takes writes.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn promoted(&self, old: usize) -> Result<usize> {
        self.until("a replica is promoted", || {
            self.master().filter(|new| *new != old && self.role(*new).as_deref() == Some("master"))
        })
        .await
    }

    /// Waits until there is one master with two replicas that follow it, in the eyes of all.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn whole(&self) -> Result<()> {
        self.until("the servers are whole", || {
            let master = self.master()?;
            let online = |text: &str| text.matches("state=online").count() == 2;
            let info = self.nodes[master].server.try_call(&["INFO", "replication"]).ok()?.text();
            let known = self.sentinels.iter().all(|sentinel| {
                let seen =
                    sentinel.try_call(&["INFO", "sentinel"]).map(|seen| seen.text()).unwrap_or_default();
                seen.contains("status=ok") && seen.contains("slaves=2,sentinels=3")
            });
            (online(&info) && known).then_some(())
        })
        .await
    }

    fn role(&self, number: usize) -> Option<String> {
        self.nodes[number].server.info("role")
    }

    async fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
        let found = async {
            loop {
                if let Some(found) = block_in_place(&mut look) {
                    return found;
                }
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, found).await.with_context(|| format!("{what}: not within {PATIENCE:?}"))
    }
}
