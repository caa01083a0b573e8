//! How a reader of logs waits.
//!
//! One connection per master sits in `XREAD BLOCK` over all of that master's logs, for all readers of this engine; what it
//! reads only tells that a log has grown. (A cluster refuses one command over several slots: there it is a connection per
//! partition.) Reading itself is a script that compares the entry at the cursor in the same moment, on a connection that
//! can `WAIT`. A cursor that was good stays so for [`PROVED_FOR`]; then it is compared again even without news, so that a log
//! that was taken back, and a birth record that was lost, are noticed, and news that came while this connection was down.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use csc_types::Partition;
use redis::{Value, cmd};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use super::Access;
use super::connection::{Connection, octets};
use super::failure::{Failure, answered};
use super::keys::{self, Keys};
use super::options::Topology;
use super::routes::{Routes, Table};
use crate::{Cursor, LogId};

/// How long a cursor that was compared is not compared again.
pub(super) const PROVED_FOR: Duration = Duration::from_secs(1);

/// How long one `XREAD` waits, and how much longer its answer may take.
const BLOCK: Duration = Duration::from_secs(5);
const MARGIN: Duration = Duration::from_secs(2);

/// How long to wait before the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Watch {
    access: Arc<Access>,
    routes: Arc<Routes>,
    shared: Arc<Shared>,
    proved: Mutex<Proved>,
    followers: OnceLock<Vec<AbortHandle>>,
}

struct Shared {
    /// The last entry of each log, as far as it was heard of.
    last: RwLock<Vec<LogId>>,
    news: watch::Sender<()>,
}

struct Proved {
    since: Instant,
    cursors: HashSet<(Partition, Cursor)>,
}

impl Watch {
    pub(super) fn new(access: Arc<Access>, routes: Arc<Routes>) -> Self {
        let last = RwLock::new(Partition::all().map(|_| LogId::default()).collect());
        Self {
            access,
            routes,
            shared: Arc::new(Shared { last, news: watch::Sender::new(()) }),
            proved: Mutex::new(Proved { since: Instant::now(), cursors: HashSet::new() }),
            followers: OnceLock::new(),
        }
    }

    /// Tells of every log that grows. The first reader starts the connections.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.followers.get_or_init(|| {
            let all: Vec<Partition> = Partition::all().collect();
            let groups: Vec<Vec<Partition>> = match self.access.options.topology {
                Topology::Cluster => all.into_iter().map(|partition| vec![partition]).collect(),
                Topology::Standalone | Topology::Sentinel { .. } => vec![all],
            };
            let follow = |group| {
                let parts = (Arc::clone(&self.access), Arc::clone(&self.routes), Arc::clone(&self.shared));
                tokio::spawn(follow(parts, group)).abort_handle()
            };
            groups.into_iter().map(follow).collect()
        });
        self.shared.news.subscribe()
    }

    /// Those of `cursors` behind which there is something, or that were not compared for a while.
    pub(super) fn worth_asking(&self, cursors: &[(Partition, Cursor)]) -> Vec<(Partition, Cursor)> {
        let last = self.shared.last.read().unwrap_or_else(PoisonError::into_inner);
        let mut proved = self.proved.lock().unwrap_or_else(PoisonError::into_inner);
        if proved.since.elapsed() >= PROVED_FOR {
            proved.since = Instant::now();
            proved.cursors.clear();
        }
        let worth = |at: &&(Partition, Cursor)| {
            last[usize::from(at.0.number())] > at.1.id || !proved.cursors.contains(*at)
        };
        cursors.iter().filter(worth).copied().collect()
    }

    /// These were good just now.
    pub(super) fn prove(&self, cursors: impl Iterator<Item = (Partition, Cursor)>) {
        self.proved.lock().unwrap_or_else(PoisonError::into_inner).cursors.extend(cursors);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for follower in self.followers.get().into_iter().flatten() {
            follower.abort();
        }
    }
}

type Parts = (Arc<Access>, Arc<Routes>, Arc<Shared>);

/// Follows the logs of `partitions`, which one server has, for ever.
async fn follow((access, routes, shared): Parts, partitions: Vec<Partition>) {
    loop {
        let table = routes.current();
        let Err(failure) = listen(&access, &shared, &table, &partitions).await;
        if table.number > 0 {
            tracing::debug!(%failure, "logs are not followed");
            sleep(PAUSE).await;
        }
        routes.search(table.number).await;
    }
}

async fn listen(
    access: &Access,
    shared: &Shared,
    table: &Table,
    partitions: &[Partition],
) -> Result<std::convert::Infallible, Failure> {
    let Some(first) = partitions.first() else { return std::future::pending().await };
    let node = table.node(*first)?;
    let mut connection = Connection::to_master(access, &node.address, BLOCK + MARGIN).await?;
    let logs: Vec<String> =
        partitions.iter().map(|partition| Keys::new(&access.options.prefix, *partition).log()).collect();
    let mut grown: Vec<usize> = (0..logs.len()).collect();
    let mut last = vec![LogId::default(); logs.len()];
    loop {
        let ask: Vec<_> = grown
            .iter()
            .map(|at| {
                let mut ask = cmd("XREVRANGE");
                ask.arg(&logs[*at]).arg("+").arg("-").arg("COUNT").arg(1);
                ask
            })
            .collect();
        for (at, answer) in grown.iter().zip(connection.send(&ask).await?) {
            last[*at] = last_id(&answered(answer).map_err(|(failure, _)| failure)?).unwrap_or_default();
        }
        {
            let mut known = shared.last.write().unwrap_or_else(PoisonError::into_inner);
            for at in &grown {
                known[usize::from(partitions[*at].number())] = last[*at];
            }
        }
        shared.news.send_replace(());
        grown = loop {
            let mut wait = cmd("XREAD");
            wait.arg("COUNT").arg(1).arg("BLOCK").arg(BLOCK.as_millis() as u64).arg("STREAMS").arg(&logs);
            for id in &last {
                wait.arg(keys::log_id_text(*id));
            }
            match connection.ask(wait).await? {
                Value::Nil => {}
                Value::Array(streams) => {
                    let names: Vec<&[u8]> = streams.iter().filter_map(stream_name).collect();
                    break (0..logs.len()).filter(|at| names.contains(&logs[*at].as_bytes())).collect();
                }
                _ => return Err(Failure::Gone("an odd answer to XREAD".to_owned())),
            }
        };
    }
}

fn stream_name(stream: &Value) -> Option<&[u8]> {
    let Value::Array(parts) = stream else { return None };
    parts.first().and_then(octets)
}

/// The id of the entry that `XREVRANGE` found.
fn last_id(found: &Value) -> Option<LogId> {
    let Value::Array(entries) = found else { return None };
    let Value::Array(entry) = entries.first()? else { return None };
    keys::log_id(octets(entry.first()?)?)
}
