//! Durable commits a second: one committer against 32 who share syncs; and 32 on each engine against the raw database with
//! as many tasks, in the same run.
//!
//! Every commit is what a document PUT makes: a record checked and written, an index entry, a log entry. The disk
//! measured is that of the target directory, or of `CSC_BENCH_DIR`; Redis writes to the temporary directory (`TMPDIR`).
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_store::redis::{RedisOptions, RedisStore, Topology};
use csc_store::{Change, Check, Commit, CommitId, Embedded, Key, Options, Put, Records, Store};
use csc_test_support::SeededEntropy;
use csc_test_support::redis::Replicated;
use csc_types::{Clock, Partition, SystemClock};
use redb::{Database, TableDefinition};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// The size of a small user profile.
const VALUE: &[u8] = &[b'x'; 2048];

const PROBE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("probe");

fn directory() -> TempDir {
    let parent = std::env::var_os("CSC_BENCH_DIR").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    tempfile::tempdir_in(parent).unwrap()
}

fn open(path: &Path) -> Arc<Embedded> {
    let clock = Arc::new(SystemClock::new());
    Arc::new(Embedded::open(path, Options::default(), clock, &SeededEntropy::new(1)).unwrap())
}

fn records(store: Arc<dyn Store>) -> Records {
    Records::new(store, Arc::new(SeededEntropy::new(2)))
}

async fn committer(records: Records, name: usize, commits: u64) {
    let partition = Partition::of(&name.to_string());
    for n in 0..commits {
        let document = Key::new("bench.document", format!("users/{name}/{}", n % 100));
        let index = Key::new("index", document.name.clone());
        records
            .update(partition, std::slice::from_ref(&document), |_| {
                let change = Change::nothing(()).put(document.clone(), VALUE).put(index.clone(), "entry");
                Ok::<_, ()>(change.log("changed"))
            })
            .await
            .unwrap();
    }
}

/// The commits alone, as the probes write: what is checked was read before, all at once.
async fn blind_committer(records: Records, name: usize, commits: u64) {
    let partition = Partition::of(&name.to_string());
    let documents: Vec<Key> =
        (0..commits).map(|n| Key::new("bench.document", format!("users/{name}/{n}"))).collect();
    let found = records.store().get(partition, &documents).await.unwrap();
    let entropy = SeededEntropy::new(found[0].version.number() ^ name as u64);
    for (document, record) in documents.into_iter().zip(found) {
        let put = |key, value: &'static [u8]| Put { key, value: value.into(), expires: None };
        let index = Key::new("index", document.name.clone());
        let commit = Commit {
            id: CommitId::random(&entropy),
            checks: vec![Check { key: document.clone(), version: record.version }],
            puts: vec![put(document, VALUE), put(index, b"entry")],
            deletes: Vec::new(),
            log: vec!["changed".into()],
        };
        records.store().commit(partition, &commit).await.unwrap();
    }
}

fn commit_blindly(runtime: &Runtime, records: &Records, committers: usize, commits: u64) -> Duration {
    let clock = SystemClock::new();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..committers)
            .map(|name| tokio::spawn(blind_committer(records.clone(), name, commits)))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    clock.monotonic()
}

/// How long `committers` take for `commits` each.
fn commit(runtime: &Runtime, records: &Records, committers: usize, commits: u64) -> Duration {
    let clock = SystemClock::new();
    runtime.block_on(async {
        let tasks: Vec<_> =
            (0..committers).map(|name| tokio::spawn(committer(records.clone(), name, commits))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    clock.monotonic()
}

fn commits(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("durable commits");
    group.sample_size(20);
    for committers in [1_usize, 32] {
        let directory = directory();
        let records = records(open(&directory.path().join("store")));
        group.throughput(Throughput::Elements(committers as u64));
        group.bench_function(format!("{committers} committers"), |bencher| {
            bencher.iter_custom(|rounds| commit(&runtime, &records, committers, rounds));
        });
    }

    let directory = directory();
    let database = Database::create(directory.path().join("probe")).unwrap();
    group.throughput(Throughput::Elements(1));
    for (name, quick_repair) in [("redb alone, one phase", false), ("redb alone, quick repair", true)] {
        let mut n = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                n += 1;
                let mut transaction = database.begin_write().unwrap();
                transaction.set_quick_repair(quick_repair);
                transaction.open_table(PROBE).unwrap().insert(n % 1000, black_box(VALUE)).unwrap();
                transaction.commit().unwrap();
            });
        });
    }
    group.finish();
}

/// What sharing syncs is worth on this disk. The two take turns and medians are compared: a disk that others use, too,
/// has good and bad seconds, and both should get their share of them.
fn sharing(_: &mut Criterion) {
    const ROUNDS: usize = 41;
    let runtime = Runtime::new().unwrap();
    let directory = directory();
    let store = open(&directory.path().join("store"));
    let records = records(store.clone());
    let (mut one, mut many) = (Vec::new(), Vec::new());
    let (mut commits, mut transactions) = (0, 0);
    for _ in 0..ROUNDS {
        one.push(64.0 / commit(&runtime, &records, 1, 64).as_secs_f64());
        let before = store.stats();
        many.push(32.0 * 16.0 / commit(&runtime, &records, 32, 16).as_secs_f64());
        let after = store.stats();
        commits += after.commits - before.commits;
        transactions += after.transactions - before.transactions;
    }
    let [one, many] = [&mut one, &mut many].map(|rates| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    });
    let shared = commits as f64 / transactions as f64;
    eprintln!("1 committer: {one:.0} durable commits/s");
    eprintln!("32 committers: {many:.0} durable commits/s, {shared:.1} to a transaction");
    eprintln!("{:.1} times as many", many / one);
}

/// Each engine with 32 tasks beside what its database does when nobody asks more of it, taking turns.
fn against_raw(_: &mut Criterion) {
    const ROUNDS: usize = 21;
    const TASKS: usize = 32;
    const EACH: u64 = 16;
    let runtime = Runtime::new().unwrap();
    let directory = directory();
    let embedded = records(open(&directory.path().join("store")));
    let database = Arc::new(Database::create(directory.path().join("probe")).unwrap());
    let servers = Replicated::start("durable commits on Redis", 1, &[]);
    let redis = servers
        .as_ref()
        .map(|servers| runtime.block_on(on_redis(&servers.master.address().to_string(), TASKS)));

    let rate = |elapsed: Duration| (TASKS as u64 * EACH) as f64 / elapsed.as_secs_f64();
    let [mut ours, mut raw, mut ours_redis, mut raw_redis] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        ours.push(rate(commit_blindly(&runtime, &embedded, TASKS, EACH)));
        raw.push(rate(raw_redb(&runtime, &database, TASKS, EACH)));
        if let Some((store, connections)) = &redis {
            ours_redis.push(rate(commit_blindly(&runtime, store, TASKS, EACH)));
            raw_redis.push(rate(raw_script(&runtime, connections, EACH)));
        }
    }
    report("embedded", "redb", &mut ours, &mut raw);
    if redis.is_some() {
        report("Redis, WAIT 1", "a script and WAIT 1", &mut ours_redis, &mut raw_redis);
    }
}

fn report(ours: &str, raw: &str, our_rates: &mut [f64], raw_rates: &mut [f64]) {
    let [our, alone] = [our_rates, raw_rates].map(|rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    eprintln!("{ours}: {our:.0} durable commits/s, {raw} alone: {alone:.0}/s, {:.0} %", 100.0 * our / alone);
}

/// A number of a record, and who waits until it is durable.
type Write = (u64, oneshot::Sender<()>);

/// What redb does for many tasks when a thread gathers their writes: the same three records for each, one transaction for
/// all that wait.
fn raw_redb(runtime: &Runtime, database: &Arc<Database>, tasks: usize, each: u64) -> Duration {
    let clock = SystemClock::new();
    let (writes, waiting) = std::sync::mpsc::channel::<Write>();
    let writer = {
        let database = Arc::clone(database);
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let batch: Vec<Write> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let mut transaction = database.begin_write().unwrap();
                transaction.set_quick_repair(true);
                {
                    let mut table = transaction.open_table(PROBE).unwrap();
                    for (key, _) in &batch {
                        table.insert(key * 3, black_box(VALUE)).unwrap();
                        table.insert(key * 3 + 1, b"entry".as_slice()).unwrap();
                        table.insert(key * 3 + 2, b"changed".as_slice()).unwrap();
                    }
                }
                transaction.commit().unwrap();
                batch.into_iter().for_each(|(_, done)| done.send(()).unwrap());
            }
        })
    };
    runtime.block_on(async {
        let write = async |writes: std::sync::mpsc::Sender<Write>, task: u64| {
            for n in 0..each {
                let (done, durable) = oneshot::channel();
                writes.send((task * 1000 + n % 100, done)).unwrap();
                durable.await.unwrap();
            }
        };
        futures::future::join_all((0..tasks as u64).map(|task| write(writes.clone(), task))).await;
    });
    drop(writes);
    writer.join().unwrap();
    clock.monotonic()
}

/// Our engine, and a connection for each task of the probe: `WAIT` holds up whoever shares one.
async fn on_redis(address: &str, tasks: usize) -> (Records, Vec<redis::aio::MultiplexedConnection>) {
    let options = RedisOptions::new(Topology::Standalone, vec![address.to_owned()]);
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SeededEntropy::new(3)));
    RedisStore::install(options.clone(), clock.clone(), entropy.clone()).await.unwrap();
    let store = RedisStore::open(options, clock, entropy).unwrap();
    let client = redis::Client::open(format!("redis://{address}")).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    let mut connections = Vec::new();
    for _ in 0..tasks {
        connections.push(client.get_multiplexed_async_connection_with_config(&config).await.unwrap());
    }
    (records(Arc::new(store)), connections)
}

/// As little as a script can do and still write a record, an index entry and a log entry; each task waits for its own.
const SCRIPT: &str = "
    redis.call('HGET', KEYS[1], ARGV[1])
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    redis.call('HSET', KEYS[2], ARGV[1], 'entry')
    return redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'p', 'changed')";

fn raw_script(runtime: &Runtime, connections: &[redis::aio::MultiplexedConnection], each: u64) -> Duration {
    let clock = SystemClock::new();
    runtime.block_on(async {
        let script = Arc::new(redis::Script::new(SCRIPT));
        script.load_async(&mut connections[0].clone()).await.unwrap();
        let tasks: Vec<_> = connections
            .iter()
            .enumerate()
            .map(|(name, connection)| {
                let (mut connection, script) = (connection.clone(), Arc::clone(&script));
                tokio::spawn(async move {
                    let [documents, index, log] =
                        ["documents", "index", "log"].map(|key| format!("{{raw{name}}}:{key}"));
                    for n in 0..each {
                        let mut pipeline = redis::pipe();
                        let call = pipeline
                            .cmd("EVALSHA")
                            .arg(script.get_hash())
                            .arg(3)
                            .arg(&documents)
                            .arg(&index)
                            .arg(&log);
                        call.arg(n % 100).arg(VALUE).cmd("WAIT").arg(1).arg(1000);
                        let (_, have): (String, u32) = pipeline.query_async(&mut connection).await.unwrap();
                        assert_eq!(have, 1);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    clock.monotonic()
}

criterion_group!(benches, sharing, against_raw, commits);
criterion_main!(benches);
