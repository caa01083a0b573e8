//! The Redis engine: Redis 7 or Valkey, alone, with Sentinels, or as a cluster.
//!
//! # Keys
//!
//! All keys of partition 17 begin with `csc:{p17}:`. The hash tag is the partition, so one commit lies in one slot; `csc:`
//! is [`RedisOptions::prefix`]. In format 1:
//!
//! | key | type | holds |
//! | --- | --- | --- |
//! | `…birth` | string | `<installation>\|64\|1`: who owns this, how many partitions, which format |
//! | `…last` | string | the last revision, 16 digits |
//! | `…commits` | sorted set | ids of the commits of the last 60 s; the score is the revision |
//! | `…log` | stream | entries `<revision>-<n>`: `c` the commit's id, `p` the payload; trimmed to about 10 000 |
//! | `…<collection>:records` | hash | name → 16 digits of version, 16 of end (microseconds; zero: none), value |
//! | `…<collection>:names` | sorted set | the names, all with score 0, for scans in their order |
//! | `…<collection>:ends` | sorted set | the names of records that end; the score is the end |
//!
//! So the Redis user of a service (here idms) needs `~csc:*:idms.*` for its own collections, and for what all share
//! `~csc:*:index:*`, `~csc:*:account:*`, `~csc:*:birth`, `~csc:*:last`, `~csc:*:commits` and `~csc:*:log`. It needs the commands
//! [`COMMANDS`], and `cluster|info`, `cluster|slots` in a cluster.
//!
//! # Promises
//!
//! * **Acknowledged means replicated.** A commit is one script in one slot. Script and `WAIT` leave as one pipeline, shared
//!   by what waits at that moment, on a connection that is used for nothing else (`lane.rs`). Without an answer, or with
//!   too few confirmations, the commit is sent again under its id until the deadline; then the answer is
//!   [`StoreError::Unavailable`], and the commit may have been applied. Conflicts are answered only when confirmed, too.
//! * **Revisions do not repeat**: the later of last + 1 and the server's clock in microseconds.
//! * **A store without its birth records is unavailable, not empty.** Every script looks at its partition's before anything
//!   else. Only [`RedisStore::install`] writes them.
//! * **What a master that was replaced says is not believed** for longer than three seconds (`lease.rs`).
//!   `min-replicas-to-write` and `min-replicas-max-lag` on the servers sharpen this: reads obey them, too (`scripts.rs`).
//! * A read sees one moment of its partition; a scan does so page by page (512 records or 4 MiB). The
//!   plain store may show what a failover takes back; [`Store::settled`] waits until replicas have it.
//! * An expired record reads as absent by this engine's clock, and is removed when both this clock and the server's are a
//!   minute past its end. That rides along with commits to the same collection; a collection that nobody writes to is
//!   looked at once a minute by every engine that has put an expiring record into it.
//!
//! Clocks of servers and clients are assumed to differ by less than a minute: a server whose clock steps forward by
//! more forgets commit ids too early, and a commit that is being repeated at that moment may be applied again.

mod birth;
mod call;
mod commit;
mod connection;
mod failure;
mod keys;
mod lane;
mod lease;
mod options;
mod read;
mod routes;
mod scripts;
mod sentinel;
mod stats;
mod sweep;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use csc_types::{Clock, Entropy, Partition, Revision};
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

pub use birth::InstallError;
#[cfg(feature = "sabotage")]
pub use options::Sabotage;
pub use options::{OptionsError, Password, RedisOptions, Topology};
pub use stats::Stats;

use self::birth::Alarm;
use self::routes::{Routes, Way};
use self::scripts::Scripts;
use self::stats::Counters;
use self::sweep::Expiring;
use self::watch::Watch;
use crate::{Commit, CommitError, Cursor, Key, Record, Store, StoreError, Tail};

/// The commands that the engine and its scripts call, as a Redis user needs them (`ACL SETUSER`).
pub const COMMANDS: &str = "+role +info +wait +get +set +exists +time +script|load +evalsha +xread +xrevrange +xrange +xadd \
    +xinfo|stream +hget +hset +hdel +zadd +zrem +zrange +zrangebyscore +zremrangebyrank +zscore +zcount +zcard";

/// How many records a page of a scan has at most.
const PAGE: usize = 512;

/// A page of a scan or of a log ends behind the record or entry that reaches this.
const PAGE_OCTETS: usize = 4 << 20;

/// What every part of the engine needs.
struct Access {
    options: RedisOptions,
    scripts: Scripts,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    counters: Counters,
}

/// What a store and its settled twin share.
struct Inner {
    access: Arc<Access>,
    routes: Arc<Routes>,
    /// What the birth record of every partition must be: that of partition 0, once it was read.
    birth: OnceCell<String>,
    watch: Arc<Watch>,
    expiring: Expiring,
    alarm: Alarm,
}

/// The engine. Cheap to open: servers are looked for with the first call.
pub struct RedisStore {
    inner: Arc<Inner>,
    /// How it reads.
    way: Way,
    /// Ends with the last twin.
    sweeper: Arc<Sweeper>,
}

struct Sweeper(AbortHandle);

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RedisStore {
    /// Opens the store; call it inside a tokio runtime. Writes nothing, and does not wait for the servers. `clock` decides
    /// what has expired and measures leases; `entropy` spreads repetitions.
    ///
    /// # Errors
    /// If the options contradict themselves.
    pub fn open(
        options: RedisOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OptionsError> {
        options.check()?;
        let scripts = Scripts::new();
        #[cfg(feature = "sabotage")]
        let scripts = if options.breaks(Sabotage::Birth) { Scripts::unchecked() } else { scripts };
        let access = Access { options, scripts, clock, entropy, counters: Counters::default() };
        let access = Arc::new(access);
        let routes = Arc::new(Routes::new(Arc::clone(&access)));
        let inner = Arc::new(Inner {
            watch: Arc::new(Watch::new(Arc::clone(&access), Arc::clone(&routes))),
            access,
            routes,
            birth: OnceCell::new(),
            expiring: Expiring::default(),
            alarm: Alarm::default(),
        });
        let sweeper = Sweeper(tokio::spawn(sweep::run(Arc::downgrade(&inner))).abort_handle());
        Ok(Self { inner, way: Way::Read, sweeper: Arc::new(sweeper) })
    }

    /// Stamps the birth records of a new installation. Nothing else writes them.
    ///
    /// # Errors
    /// If the store has some already, or holds anything; if the servers do not answer or too few replicas confirm.
    pub async fn install(
        options: RedisOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(), InstallError> {
        let store = Self::open(options, clock, entropy)?;
        birth::install(&store.inner).await
    }

    /// What it has done since it was opened, together with its settled twins.
    pub fn stats(&self) -> Stats {
        let queued = self.inner.routes.current().nodes().into_iter().map(|node| node.queued()).sum();
        self.inner.access.counters.stats(queued)
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        self.inner.get(self.way, partition, keys).await
    }

    async fn scan(
        &self,
        partition: Partition,
        collection: &'static str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, StoreError> {
        self.inner.scan(self.way, partition, collection, (prefix, after), limit).await
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        self.inner.commit(partition, commit).await
    }

    fn settled(self: Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Self {
            inner: Arc::clone(&self.inner),
            way: Way::Settled,
            sweeper: Arc::clone(&self.sweeper),
        })
    }

    async fn position(&self, partition: Partition) -> Result<Cursor, StoreError> {
        self.inner.position(self.way, partition).await
    }

    async fn tail(
        &self,
        cursors: &[(Partition, Cursor)],
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Partition, Tail)>, StoreError> {
        self.inner.tail(self.way, cursors, limit, wait).await
    }
}
