//! Which server is master of a partition, and its connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use csc_types::Partition;
use futures::future::join_all;
use redis::{Cmd, Value, cmd};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Access;
use super::connection::{Connection, Login, octets};
use super::failure::{Failure, answered};
use super::keys::Keys;
use super::lane::Lane;
use super::lease::{self, Lease};
use super::options::Topology;
use super::sentinel;

/// How long a server that is asked for the way may take.
pub(super) const PATIENCE: Duration = Duration::from_millis(700);

/// Between two searches. Whatever fails, for however many callers, asks Sentinels and nodes no more often than this.
const SEARCH_PAUSE: Duration = Duration::from_millis(100);

/// How many connections to a master commits take in turn: while one waits for the replicas, the master works for the other.
const COMMIT_LANES: usize = 2;

/// Which of a master's connections is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Commits, each acknowledged when it is replicated.
    Commit,
    /// Reads of what the master holds.
    Read,
    /// Reads of what is replicated.
    Settled,
}

/// A master.
pub(super) struct Node {
    pub(super) address: Arc<str>,
    commits: [Lane; COMMIT_LANES],
    turn: AtomicUsize,
    reads: Lane,
    settled: Lane,
    keeper: AbortHandle,
}

impl Node {
    fn new(access: &Arc<Access>, address: &Arc<str>) -> Arc<Self> {
        let lease = Arc::new(Lease::default());
        let lane = |way| Lane::open(Arc::clone(access), Arc::clone(address), Arc::clone(&lease), way);
        let keeper = lease::keep(Arc::clone(access), Arc::clone(address), Arc::clone(&lease));
        Arc::new(Self {
            address: Arc::clone(address),
            commits: std::array::from_fn(|_| lane(Way::Commit)),
            turn: AtomicUsize::new(0),
            reads: lane(Way::Read),
            settled: lane(Way::Settled),
            keeper: tokio::spawn(keeper).abort_handle(),
        })
    }

    /// An answer for each of `commands`.
    pub(super) async fn ask(&self, way: Way, commands: Arc<[Cmd]>) -> Result<Vec<Value>, Failure> {
        let lane = match way {
            Way::Commit => &self.commits[self.turn.fetch_add(1, Ordering::Relaxed) % COMMIT_LANES],
            Way::Read => &self.reads,
            Way::Settled => &self.settled,
        };
        lane.ask(commands).await
    }

    /// Commits that wait.
    pub(super) fn queued(&self) -> usize {
        self.commits.iter().map(Lane::queued).sum()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// The masters as they were found at one time.
pub(super) struct Table {
    /// Rises with every search.
    pub(super) number: u64,
    /// By partition.
    nodes: Vec<Option<Arc<Node>>>,
    why: String,
}

impl Table {
    pub(super) fn node(&self, partition: Partition) -> Result<&Arc<Node>, Failure> {
        let node = self.nodes.get(usize::from(partition.number())).and_then(Option::as_ref);
        node.ok_or_else(|| Failure::Gone(self.why.clone()))
    }

    /// Every master once.
    pub(super) fn nodes(&self) -> Vec<&Arc<Node>> {
        let mut nodes: Vec<_> = self.nodes.iter().flatten().collect();
        nodes.sort_unstable_by_key(|node| Arc::as_ptr(node));
        nodes.dedup_by_key(|node| Arc::as_ptr(node));
        nodes
    }
}

pub(super) struct Routes {
    access: Arc<Access>,
    table: RwLock<Arc<Table>>,
    /// When the last search ended.
    searching: Mutex<Option<Instant>>,
}

impl Routes {
    pub(super) fn new(access: Arc<Access>) -> Self {
        let nodes = Partition::all().map(|_| None).collect();
        let table = Table { number: 0, nodes, why: "no master has been found yet".to_owned() };
        Self { access, table: RwLock::new(Arc::new(table)), searching: Mutex::new(None) }
    }

    pub(super) fn current(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for the masters, unless somebody has done so since the table `seen` or a moment ago. Without success the old
    /// ones stay.
    pub(super) async fn search(&self, seen: u64) {
        let mut last = self.searching.lock().await;
        let old = self.current();
        if old.number != seen || last.is_some_and(|last| last.elapsed() < SEARCH_PAUSE) {
            return;
        }
        let found = match &self.access.options.topology {
            Topology::Standalone => self.access.options.addresses.first().map_or_else(
                || Err("no address".to_owned()),
                |address| Ok(Partition::all().map(|_| Some(Arc::from(address.as_str()))).collect()),
            ),
            Topology::Sentinel { .. } => sentinel::find(&self.access).await.map(|address| {
                let address: Arc<str> = Arc::from(address);
                Partition::all().map(|_| Some(Arc::clone(&address))).collect()
            }),
            Topology::Cluster => cluster(&self.access, &old).await,
        };
        let mut table = Table { number: old.number + 1, nodes: old.nodes.clone(), why: old.why.clone() };
        match found {
            Err(why) => table.why = why,
            Ok(addresses) => {
                let mut known: Vec<Arc<Node>> = old.nodes().into_iter().cloned().collect();
                table.nodes = addresses
                    .iter()
                    .map(|address: &Option<Arc<str>>| {
                        let address = address.as_ref()?;
                        if let Some(node) = known.iter().find(|node| node.address == *address) {
                            return Some(Arc::clone(node));
                        }
                        tracing::info!(%address, "redis master");
                        known.push(Node::new(&self.access, address));
                        known.last().cloned()
                    })
                    .collect();
                "no master serves the partition".clone_into(&mut table.why);
            }
        }
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        *last = Some(Instant::now());
    }
}

/// The addresses of the masters, by partition.
type Found = Result<Vec<Option<Arc<str>>>, String>;

/// How much a node's view counts: one that finds the cluster well before one that does not, then the later epoch. A
/// replica that is cut off raises its epoch with every election that nobody answers.
type Weight = (bool, u64);

/// Asks every node that is known; the view that counts most is right.
async fn cluster(access: &Access, old: &Table) -> Found {
    let mut addresses: Vec<&str> = old.nodes().into_iter().map(|node| &*node.address).collect();
    addresses.extend(access.options.addresses.iter().map(String::as_str));
    addresses.sort_unstable();
    addresses.dedup();
    let command = |word| {
        let mut command = cmd("CLUSTER");
        command.arg(word);
        command
    };
    let ask = [command("INFO"), command("SLOTS")];
    let options = &access.options;
    let login = || Login { username: options.username.as_deref(), password: options.password.as_ref() };
    let answers = join_all(addresses.iter().map(|address| question(access, address, login(), &ask))).await;
    let mut best: Option<(Weight, Vec<Option<Arc<str>>>)> = None;
    let mut why = String::new();
    for (asked, answer) in addresses.iter().zip(answers) {
        match answer.and_then(|values| slots(asked, &values).ok_or_else(|| "an odd answer".to_owned())) {
            Ok(found) if best.as_ref().is_none_or(|best| best.0 < found.0) => best = Some(found),
            Ok(_) => {}
            Err(reason) => why = reason,
        }
    }
    best.map(|best| best.1).ok_or_else(|| format!("no node of the cluster answers: {why}"))
}

/// How much the view of a node counts, and the master of each partition.
fn slots(asked: &str, values: &[Value]) -> Option<(Weight, Vec<Option<Arc<str>>>)> {
    let [info, Value::Array(ranges)] = values else { return None };
    let info = std::str::from_utf8(octets(info)?).ok()?;
    let well = info.lines().any(|line| line.trim_end() == "cluster_state:ok");
    let epoch =
        info.lines().find_map(|line| line.strip_prefix("cluster_current_epoch:"))?.trim().parse().ok()?;
    let mut masters = vec![None; Partition::all().count()];
    for range in ranges {
        let Value::Array(range) = range else { return None };
        let [Value::Int(first), Value::Int(last), Value::Array(node), ..] = range.as_slice() else {
            return None;
        };
        let Value::Int(port) = node.get(1)? else { return None };
        // A node that does not know its own address leaves it out.
        let host = node.first().and_then(octets).and_then(|host| std::str::from_utf8(host).ok());
        let host = host.filter(|host| !host.is_empty() && *host != "?");
        let host = host.or_else(|| super::options::split(asked).map(|(host, _)| host))?;
        let master: Arc<str> = Arc::from(address(host, &port.to_string()));
        for (partition, place) in Partition::all().zip(&mut masters) {
            if (*first..=*last).contains(&i64::from(Keys::slot(partition))) {
                *place = Some(Arc::clone(&master));
            }
        }
    }
    Some(((well, epoch), masters))
}

pub(super) fn address(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Asks a server something on a connection of its own.
async fn question(
    access: &Access,
    address: &str,
    login: Login<'_>,
    ask: &[Cmd],
) -> Result<Vec<Value>, String> {
    let answer = async {
        let mut connection = Connection::open(access, address, login, PATIENCE).await?;
        let answers = connection.send(ask).await?;
        let answers = answers.into_iter().map(|answer| answered(answer).map_err(|(failure, _)| failure));
        answers.collect::<Result<Vec<_>, Failure>>()
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|failure| failure.to_string()),
        Err(_) => Err(format!("{address} does not answer")),
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::{ManualClock, SeededEntropy};

    use super::super::options::RedisOptions;
    use super::super::scripts::Scripts;
    use super::super::stats::Counters;
    use super::*;

    fn access(topology: Topology) -> Arc<Access> {
        Arc::new(Access {
            options: RedisOptions::new(topology, vec!["127.0.0.1:1".to_owned()]),
            scripts: Scripts::new(),
            clock: Arc::new(ManualClock::at(1)),
            entropy: Arc::new(SeededEntropy::new(1)),
            counters: Counters::default(),
        })
    }

    /// An outage with many callers must not become a storm of connections to the Sentinels.
    #[tokio::test(start_paused = true)]
    async fn failing_callers_do_not_search_all_the_time() {
        let routes = Routes::new(access(Topology::Standalone));
        routes.search(0).await;
        assert_eq!(routes.current().number, 1, "the first search waits for nothing");
        for _ in 0..100 {
            routes.search(1).await;
        }
        assert_eq!(routes.current().number, 1);
        tokio::time::advance(SEARCH_PAUSE).await;
        routes.search(0).await;
        assert_eq!(routes.current().number, 1, "somebody has searched since");
        routes.search(1).await;
        assert_eq!(routes.current().number, 2);
    }

    fn view(state: &str, epoch: u64, port: i64) -> [Value; 2] {
        let info = format!("cluster_state:{state}\r\ncluster_current_epoch:{epoch}\r\n");
        let node = Value::Array(vec![Value::BulkString(b"10.0.0.1".to_vec()), Value::Int(port)]);
        let range = Value::Array(vec![Value::Int(0), Value::Int(16_383), node]);
        [Value::BulkString(info.into_bytes()), Value::Array(vec![range])]
    }

    #[test]
    fn a_node_that_is_cut_off_does_not_win_by_its_epoch() {
        let of = |state, epoch| slots("10.0.0.9:1", &view(state, epoch, 7)).unwrap();
        assert!(of("ok", 3).0 > of("fail", 9).0);
        assert!(of("ok", 4).0 > of("ok", 3).0);
        assert!(of("ok", 3).1.iter().all(|master| master.as_deref() == Some("10.0.0.1:7")));
    }
}
