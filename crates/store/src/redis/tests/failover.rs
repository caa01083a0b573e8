//! A master is lost while 16 writers count up: what was acknowledged is there on the next one, and nobody else's answer is
//! ever "absent".

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use csc_test_support::SeededEntropy;
use csc_test_support::redis::{Cluster, Sentinels};
use csc_types::{Partition, Revision, SystemClock};

use super::super::keys::Keys;
use super::super::{RedisOptions, RedisStore, Topology};
use crate::{Commit, CommitId, Cursor, Key, Put, Store, Tail};

const WRITERS: usize = 16;

/// As short as the engine permits: longer than its lease.
const SILENT: Duration = Duration::from_millis(4000);

async fn open(mut options: RedisOptions) -> Arc<RedisStore> {
    options.deadline = Duration::from_secs(45);
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SeededEntropy::new(1)));
    RedisStore::install(options.clone(), clock.clone(), entropy.clone()).await.unwrap();
    Arc::new(RedisStore::open(options, clock, entropy).unwrap())
}

/// What one writer was promised.
struct Promised {
    key: Key,
    version: Revision,
    value: u64,
}

/// Counts a record of its own up until told to stop; every count is one log entry.
async fn write(
    store: Arc<RedisStore>,
    here: Partition,
    name: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
) -> Promised {
    let mut promised =
        Promised { key: Key::new("test.count", name.to_string()), version: Revision::ABSENT, value: 0 };
    while !stop.load(Ordering::SeqCst) {
        let found = store.get(here, std::slice::from_ref(&promised.key)).await.unwrap();
        assert_eq!(found[0].version, promised.version, "writer {name} reads what it was promised");
        let value = promised.value + 1;
        let put = Put { key: promised.key.clone(), value: value.to_string().into(), expires: None };
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(name as u64).to_be_bytes());
        id[8..].copy_from_slice(&value.to_be_bytes());
        let check = crate::Check { key: promised.key.clone(), version: promised.version };
        let commit = Commit {
            id: CommitId(id),
            checks: vec![check],
            puts: vec![put],
            deletes: Vec::new(),
            log: vec![format!("{name} {value}").into()],
        };
        let version = store.commit(here, &commit).await.unwrap();
        assert!(version > promised.version);
        promised = Promised { version, value, ..promised };
        done.fetch_add(1, Ordering::SeqCst);
    }
    promised
}

/// Reads the log until it has the last entry of every writer; each entry once, in order.
async fn follow(settled: Arc<dyn Store>, here: Partition, seen: Arc<AtomicU64>) {
    let mut cursor = Cursor::START;
    let mut counts = [0; WRITERS];
    loop {
        match settled.tail(&[(here, cursor)], 1000, Duration::from_millis(200)).await.unwrap().pop() {
            Some((_, Tail::Entries { entries, cursor: next })) => {
                for entry in &entries {
                    let text = std::str::from_utf8(&entry.payload).unwrap();
                    let (name, value) = text.split_once(' ').unwrap();
                    let name: usize = name.parse().unwrap();
                    counts[name] += 1;
                    assert_eq!(value, counts[name].to_string(), "writer {name}");
                }
                seen.fetch_add(entries.len() as u64, Ordering::SeqCst);
                cursor = next;
            }
            Some((_, Tail::Lost)) => panic!("what a settled reader was told is taken back"),
            None => {}
        }
    }
}

/// `fail_over` hands the servers back, so that they run until the end.
async fn survives<S: Send + 'static>(
    store: Arc<RedisStore>,
    here: Partition,
    fail_over: impl FnOnce() -> S + Send + 'static,
) {
    let (stop, done, seen) = (Arc::new(AtomicBool::new(false)), Arc::default(), Arc::default());
    let writers: Vec<_> = (0..WRITERS)
        .map(|name| tokio::spawn(write(Arc::clone(&store), here, name, Arc::clone(&stop), Arc::clone(&done))))
        .collect();
    let follower = tokio::spawn(follow(Arc::clone(&store).settled(), here, Arc::clone(&seen)));
    let reach = async |goal: u64| {
        while done.load(Ordering::SeqCst) < goal {
            assert!(writers.iter().all(|writer| !writer.is_finished()), "a writer failed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    reach(200).await;
    let _servers = tokio::task::spawn_blocking(fail_over).await.unwrap();
    reach(done.load(Ordering::SeqCst) + 200).await;
    stop.store(true, Ordering::SeqCst);
    let mut total = 0;
    for writer in writers {
        let promised = writer.await.unwrap();
        let found = store.get(here, std::slice::from_ref(&promised.key)).await.unwrap();
        assert_eq!(found[0].version, promised.version);
        assert_eq!(found[0].value.as_deref(), Some(promised.value.to_string().as_bytes()));
        total += promised.value;
    }
    while seen.load(Ordering::SeqCst) < total {
        assert!(!follower.is_finished(), "the follower failed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    follower.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_replace_a_killed_master() {
    let Some(mut servers) = Sentinels::start("sentinels_replace", SILENT, &[]) else { return };
    let topology = Topology::Sentinel { name: Sentinels::NAME.to_owned(), username: None, password: None };
    let addresses = servers.addresses().iter().map(ToString::to_string).collect();
    let store = open(RedisOptions::new(topology, addresses)).await;
    survives(store, Partition::of("failover"), move || {
        let port = servers.data.master.port();
        servers.data.master.kill();
        servers.failed_over(port);
        servers
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_replace_a_frozen_master_that_wakes_up() {
    let Some(servers) = Sentinels::start("sentinels_replace_frozen", SILENT, &[]) else { return };
    let topology = Topology::Sentinel { name: Sentinels::NAME.to_owned(), username: None, password: None };
    let addresses = servers.addresses().iter().map(ToString::to_string).collect();
    let store = open(RedisOptions::new(topology, addresses)).await;
    survives(store, Partition::of("failover"), move || {
        let port = servers.data.master.port();
        servers.data.master.freeze();
        servers.failed_over(port);
        servers.data.master.thaw();
        servers
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_replaces_a_killed_master() {
    let Some(mut cluster) = Cluster::start("a_cluster_replaces", 3, SILENT, &[]) else { return };
    let addresses = cluster.addresses().iter().map(ToString::to_string).collect();
    let store = open(RedisOptions::new(Topology::Cluster, addresses)).await;
    let here = Partition::of("failover");
    survives(store, here, move || {
        let at = usize::from(Keys::slot(here)) * 3 / 16_384;
        cluster.nodes[at].kill();
        let replica = &cluster.nodes[at + 3];
        csc_test_support::redis::until("its replica takes over", || {
            replica.info("role").as_deref() == Some("master")
        });
        // Without it the new master would have no replica, and nothing could be acknowledged.
        cluster.nodes[at].run();
        cluster
    })
    .await;
}
