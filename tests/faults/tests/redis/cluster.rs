//! A cluster that loses a master.

use std::sync::Arc;
use std::time::Duration;

use csc_faults::crowd::{Crowd, Size};
use csc_faults::history::History;
use csc_store::Store;
use csc_store::redis::{RedisOptions, RedisStore, Topology};
use csc_test_support::redis::{Cluster, until};
use tokio::task::block_in_place;

use crate::alone::{open, sources};

/// Longer than the engine believes a master that it cannot see.
const NODE_TIMEOUT: Duration = Duration::from_secs(5);

/// Its replica is promoted, and has nobody to confirm until the old master is back: until then its partitions take no
/// commits, the others do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_a_master_loses_nothing_else() {
    let test = "a_cluster_that_loses_a_master_loses_nothing_else";
    let cluster = block_in_place(|| Cluster::start(test, 3, NODE_TIMEOUT, &[]));
    let Some(mut cluster) = cluster else { return };
    let addresses = cluster.addresses().iter().map(ToString::to_string).collect();
    let options = RedisOptions::new(Topology::Cluster, addresses);
    let (clock, names) = sources();
    let patient = RedisOptions { deadline: Duration::from_secs(30), ..options.clone() };
    RedisStore::install(patient, clock, names).await.expect("the store is empty");

    let stores: [Arc<dyn Store>; 2] = [open(options.clone()), open(options)];
    let history = History::new();
    let crowd = Crowd::start(&history, &stores, Size { writers: 32, readers: 4, tailers: 4 }, 3);
    crowd.until_done(300).await;
    block_in_place(|| {
        cluster.nodes[0].kill();
        let replica = &cluster.nodes[3];
        until("its replica is promoted", || replica.info("role").as_deref() == Some("master"));
        cluster.nodes[0].run();
        until("the old master follows", || {
            cluster.nodes[0].info("master_link_status").as_deref() == Some("up")
        });
    });
    crowd.until_done(300).await;
    crowd.finish().await;
    assert_eq!(history.check(), [], "{:?}", history.counts());
}
