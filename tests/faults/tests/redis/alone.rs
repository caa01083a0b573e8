//! One server without replicas behind a proxy, and what every test of it does.

use std::sync::Arc;
use std::time::Duration;

use csc_faults::proxy::Proxy;
use csc_store::redis::{RedisOptions, RedisStore, Topology};
use csc_store::{Change, Commit, CommitError, CommitId, Key, Put, Record, Records, Store, StoreError};
use csc_test_support::SeededEntropy;
use csc_test_support::redis::{Server, Setting};
use csc_types::{Partition, Revision, SystemClock};

/// The server, its proxy, and the store on it.
pub(crate) struct Alone {
    pub(crate) server: Server,
    pub(crate) proxy: Proxy,
    pub(crate) store: Arc<RedisStore>,
}

/// Long enough for what must come, on a busy machine, too.
const PATIENT: Duration = Duration::from_secs(30);

/// For what is not to be answered.
const BRIEF: Duration = Duration::from_secs(2);

impl Alone {
    /// `None` if Redis is not installed.
    pub(crate) async fn start(test: &str, settings: &[Setting<'_>]) -> Option<Self> {
        let server = tokio::task::block_in_place(|| Server::with(test, settings))?;
        let proxy = Proxy::start(server.address()).await.expect("a free port");
        let options = options(proxy.address().to_string());
        let (clock, entropy) = sources();
        RedisStore::install(options.clone(), clock, entropy).await.expect("the store is empty");
        Some(Self { store: open(options), server, proxy })
    }
}

/// Without replicas nobody is asked to confirm.
pub(crate) fn options(address: String) -> RedisOptions {
    let mut options = RedisOptions::new(Topology::Standalone, vec![address]);
    options.min_replicas = 0;
    options.deadline = PATIENT;
    options
}

/// A store that gives up soon.
pub(crate) fn open_brief(address: String) -> Arc<RedisStore> {
    open(RedisOptions { deadline: BRIEF, ..options(address) })
}

pub(crate) fn open(options: RedisOptions) -> Arc<RedisStore> {
    let (clock, entropy) = sources();
    Arc::new(RedisStore::open(options, clock, entropy).expect("the settings are good"))
}

pub(crate) fn sources() -> (Arc<SystemClock>, Arc<SeededEntropy>) {
    (Arc::new(SystemClock::new()), entropy())
}

/// A source of its own for everybody: commit ids must differ.
pub(crate) fn entropy() -> Arc<SeededEntropy> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Arc::new(SeededEntropy::new(NEXT.fetch_add(1, Ordering::SeqCst)))
}

pub(crate) fn records(store: Arc<dyn Store>) -> Records {
    Records::new(store, entropy())
}

pub(crate) fn somewhere() -> Partition {
    Partition::of("faults")
}

pub(crate) fn key(name: &str) -> Key {
    Key::new("faults.record", name)
}

pub(crate) async fn put(store: &dyn Store, name: &str, value: &str) -> Result<Revision, CommitError> {
    let put = Put { key: key(name), value: value.to_owned().into(), expires: None };
    let commit = Commit {
        id: CommitId::random(entropy().as_ref()),
        checks: Vec::new(),
        puts: vec![put],
        deletes: Vec::new(),
        log: vec![format!("log {value}").into()],
    };
    store.commit(somewhere(), &commit).await
}

pub(crate) async fn get(store: &dyn Store, name: &str) -> Result<Record, StoreError> {
    Ok(store.get(somewhere(), &[key(name)]).await?.remove(0))
}

pub(crate) fn text(record: &Record) -> Option<&str> {
    record.value.as_deref().map(|value| std::str::from_utf8(value).expect("a text was written"))
}

/// Spends the code `name` if nobody has; whether it was this call.
pub(crate) async fn spend(
    records: &Records,
    name: &str,
    by: &str,
) -> Result<bool, csc_store::UpdateError<StoreError>> {
    let key = key(name);
    let spent = records.update(somewhere(), std::slice::from_ref(&key), |found| {
        let fresh = text(&found[0]) == Some("fresh");
        let change = Change::nothing(fresh);
        Ok(if fresh { change.put(key.clone(), by.to_owned()).log(by.to_owned()) } else { change })
    });
    Ok(spent.await?.outcome)
}
