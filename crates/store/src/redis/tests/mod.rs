//! The conformance suite on real servers in each shape, and what only this engine has.
//!
//! All tests of a shape share its servers; each has keys of its own by another prefix.

mod failover;
mod golden;
mod servers;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use csc_test_support::redis::{Cluster, Reply, Sentinels, Server};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_types::{Clock, Partition};

use super::keys::Keys;
use super::{RedisOptions, RedisStore, Topology};
use crate::Store;
use crate::conformance::Engine;

mod standalone {
    crate::conformance_tests!(super::OnRedis::new(&super::STANDALONE));
}

mod sentinel {
    crate::conformance_tests!(super::OnRedis::new(&super::SENTINEL));
}

mod cluster {
    crate::conformance_tests!(super::OnRedis::new(&super::CLUSTER));
}

/// Servers that the tests of a binary share. They end with the process.
enum Servers {
    Standalone(Server),
    Sentinel(Sentinels),
    Cluster(Cluster),
}

/// Longer than a busy machine stands still, so that no master is replaced.
const PATIENT: Duration = Duration::from_secs(20);

static STANDALONE: LazyLock<Option<Servers>> =
    LazyLock::new(|| Server::start("redis alone").map(Servers::Standalone));
static SENTINEL: LazyLock<Option<Servers>> =
    LazyLock::new(|| Sentinels::start("redis with sentinels", PATIENT, &[]).map(Servers::Sentinel));
static CLUSTER: LazyLock<Option<Servers>> =
    LazyLock::new(|| Cluster::start("redis cluster", 3, PATIENT, &[]).map(Servers::Cluster));

impl Servers {
    fn masters(&self) -> Vec<&Server> {
        match self {
            Self::Standalone(server) => vec![server],
            Self::Sentinel(sentinels) => vec![&sentinels.data.master],
            Self::Cluster(cluster) => cluster.masters().iter().collect(),
        }
    }

    /// Does it on the master of `partition`.
    fn call<A: AsRef<[u8]>>(&self, partition: Partition, arguments: &[A]) -> Reply {
        let masters = self.masters();
        // They share the slots evenly, in this order.
        masters[usize::from(Keys::slot(partition)) * masters.len() / 16_384].call(arguments)
    }

    fn options(&self) -> RedisOptions {
        let addresses =
            |servers: &[&Server]| servers.iter().map(|server| server.address().to_string()).collect();
        match self {
            Self::Standalone(server) => {
                let mut options = RedisOptions::new(Topology::Standalone, addresses(&[server]));
                options.min_replicas = 0;
                options
            }
            Self::Sentinel(sentinels) => {
                let name = Sentinels::NAME.to_owned();
                let topology = Topology::Sentinel { name, username: None, password: None };
                RedisOptions::new(topology, addresses(&sentinels.sentinels.iter().collect::<Vec<_>>()))
            }
            Self::Cluster(cluster) => RedisOptions::new(Topology::Cluster, addresses(&[&cluster.nodes[4]])),
        }
    }
}

/// Keys and what `DUMP` gives of each.
type Dump = Vec<(String, Vec<u8>)>;

/// A store under a prefix of its own.
struct OnRedis {
    servers: &'static Servers,
    options: RedisOptions,
    clock: Arc<ManualClock>,
    /// By master.
    copy: Mutex<Vec<Dump>>,
}

impl OnRedis {
    async fn new(servers: &'static LazyLock<Option<Servers>>) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let servers = LazyLock::force(servers).as_ref()?;
        let mut options = servers.options();
        options.prefix = format!("t{}:", NEXT.fetch_add(1, Ordering::SeqCst));
        options.deadline = Duration::from_secs(30);
        options.callers_time = true;
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        RedisStore::install(options.clone(), clock.clone(), Arc::new(SeededEntropy::new(7))).await.unwrap();
        Some(Self { servers, options, clock, copy: Mutex::default() })
    }

    fn store(&self) -> RedisStore {
        let clock: Arc<dyn Clock> = self.clock.clone();
        RedisStore::open(self.options.clone(), clock, Arc::new(SeededEntropy::new(8))).unwrap()
    }

    fn keys(&self, partition: Partition) -> Keys<'_> {
        Keys::new(&self.options.prefix, partition)
    }

    fn all_keys(&self, master: &Server) -> Vec<String> {
        let Reply::Array(keys) = master.call(&["KEYS", &format!("{}*", self.options.prefix)]) else {
            panic!("keys")
        };
        keys.iter().map(Reply::text).collect()
    }
}

#[async_trait]
impl Engine for OnRedis {
    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store())
    }

    async fn back_up(&self) {
        let dump = |master: &Server, key: String| match master.call(&["DUMP", &key]) {
            Reply::Bulk(Some(dump)) => (key, dump),
            other => panic!("a dump, not {other:?}"),
        };
        let copies = self.servers.masters().into_iter().map(|master| {
            let keys = self.all_keys(master).into_iter();
            keys.map(|key| dump(master, key)).collect()
        });
        *self.copy.lock().unwrap() = copies.collect();
    }

    async fn restore(&self) {
        for (master, copy) in self.servers.masters().into_iter().zip(self.copy.lock().unwrap().iter()) {
            for key in self.all_keys(master) {
                master.call(&["DEL", &key]);
            }
            for (key, dump) in copy {
                master.call(&[b"RESTORE".as_slice(), key.as_bytes(), b"0", dump]);
            }
        }
    }

    async fn lose_birth(&self, partition: Partition) {
        assert_eq!(self.servers.call(partition, &["DEL", &self.keys(partition).birth()]), Reply::Integer(1));
    }

    async fn swap_birth(&self, partition: Partition) {
        self.servers.call(partition, &["SET", &self.keys(partition).birth(), "ee|64|1"]);
    }
}
