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
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    let mut rates = Vec::new();
    for committers in [1_usize, 32] {
        let directory = directory();
        let store = open(&directory.path().join("store"));
        let records = Records::new(store.clone(), Arc::new(SeededEntropy::new(2)));
        let (mut done, mut spent) = (0.0, Duration::ZERO);
        group.throughput(Throughput::Elements(committers as u64));
        group.bench_function(format!("{committers} committers"), |bencher| {
            bencher.iter_custom(|rounds| {
                let took = commit(&runtime, &records, committers, rounds);
                done += (rounds * committers as u64) as f64;
                spent += took;
                took
            });
        });
        let stats = store.stats();
        eprintln!("{:.1} commits to a transaction", stats.commits as f64 / stats.transactions.max(1) as f64);
        rates.push(done / spent.as_secs_f64().max(f64::EPSILON));
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
    if let [one, many] = rates[..] {
        eprintln!("1 committer {one:.0}/s, 32 committers {many:.0}/s: {:.1} times as many", many / one);
    }
}

criterion_group!(benches, commits);
criterion_main!(benches);
