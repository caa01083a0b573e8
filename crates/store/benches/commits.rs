//! Durable commits a second: one committer against 32 who share syncs, and redb alone for scale.
//!
//! Every commit is what a document PUT makes: a record checked and written, an index entry, a log entry. The disk
//! measured is that of the target directory, or of `CSC_BENCH_DIR`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_store::{Change, Embedded, Key, Options, Records};
use csc_test_support::SeededEntropy;
use csc_types::{Clock, Partition, SystemClock};
use redb::{Database, TableDefinition};
use tempfile::TempDir;
use tokio::runtime::Runtime;

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

fn records(store: Arc<Embedded>) -> Records {
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

criterion_group!(benches, sharing, commits);
criterion_main!(benches);
