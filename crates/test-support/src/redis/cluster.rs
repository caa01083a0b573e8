//! A Redis Cluster.

use std::net::SocketAddr;
use std::time::Duration;

use super::server::free_port;
use super::{Server, Setting, installed, until};

/// How many slots a cluster shares out.
const SLOTS: usize = 16_384;

/// Masters that share the slots, with a replica each.
#[derive(Debug)]
pub struct Cluster {
    /// The masters first, then the replica of each in the same order, as they were started.
    pub nodes: Vec<Server>,
    masters: usize,
}

impl Cluster {
    /// Starts `masters` with a replica each; a node that is silent for `node_timeout` is replaced. `None` if Redis is not
    /// installed.
    ///
    /// # Panics
    /// When they do not start.
    pub fn start(
        test: &str,
        masters: usize,
        node_timeout: Duration,
        settings: &[Setting<'_>],
    ) -> Option<Self> {
        if !installed(test) {
            return None;
        }
        let nodes = (0..masters * 2).map(|_| node(node_timeout, settings)).collect();
        let cluster = Self { nodes, masters };
        cluster.form();
        Some(cluster)
    }

    /// Where the nodes listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Server::address).collect()
    }

    /// The nodes that were started as masters.
    pub fn masters(&self) -> &[Server] {
        &self.nodes[..self.masters]
    }

    fn form(&self) {
        for node in &self.nodes {
            node.ready();
        }
        for (n, node) in self.masters().iter().enumerate() {
            let (first, behind) = (n * SLOTS / self.masters, (n + 1) * SLOTS / self.masters);
            node.call(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(behind - 1).to_string()]);
            node.call(&["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()]);
        }
        for other in &self.nodes[1..] {
            let bus = other.call(&["CONFIG", "GET", "cluster-port"]);
            let super::Reply::Array(bus) = bus else { panic!("a cluster port, not {bus:?}") };
            let port = other.port().to_string();
            self.nodes[0].call(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus[1].text()]);
        }
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        self.all("the nodes know each other", |node| state(node).contains(&known));
        self.all("each node knows who has the slots", |node| {
            node.try_call(&["CLUSTER", "NODES"]).is_ok_and(|nodes| !nodes.text().contains("handshake"))
        });
        for (master, replica) in self.nodes.iter().zip(&self.nodes[self.masters..]) {
            let id = master.call(&["CLUSTER", "MYID"]).text();
            until("a node becomes a replica", || {
                replica.try_call(&["CLUSTER", "REPLICATE", &id]).is_ok_and(|reply| reply.text() == "OK")
            });
        }
        self.all("the cluster is whole", |node| state(node).contains("cluster_state:ok"));
        for (n, node) in self.nodes.iter().enumerate() {
            let (field, value) =
                if n < self.masters { ("connected_slaves", "1") } else { ("master_link_status", "up") };
            until("the replicas follow", || node.info(field).as_deref() == Some(value));
        }
        let replicas = self.nodes.len() - self.masters;
        self.all("every node knows the replicas", |node| {
            let nodes = node.try_call(&["CLUSTER", "NODES"]).map(|nodes| nodes.text()).unwrap_or_default();
            nodes.matches("slave ").count() == replicas
        });
    }

    fn all(&self, what: &str, mut holds: impl FnMut(&Server) -> bool) {
        for node in &self.nodes {
            until(what, || holds(node));
        }
    }
}

fn node(timeout: Duration, settings: &[Setting<'_>]) -> Server {
    let (bus, timeout) = (free_port().to_string(), timeout.as_millis().to_string());
    let mut own = settings.to_vec();
    own.extend([("cluster-enabled", "yes"), ("cluster-port", bus.as_str())]);
    own.push(("cluster-node-timeout", &timeout));
    if let Some((_, password)) = settings.iter().find(|(name, _)| *name == "requirepass") {
        own.push(("masterauth", password));
    }
    Server::launch(&own, false)
}

fn state(node: &Server) -> String {
    node.try_call(&["CLUSTER", "INFO"]).map(|reply| reply.text()).unwrap_or_default()
}
