//! Keeps the replicas of a service at hand: looks names up again and again, connects, and connects anew.
//!
//! A replica that goes away costs no request a wait: what is connected is chosen, what is not is tried in the
//! background, less and less often, and often again while requests wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use csc_service::bus::Address;
use csc_service::{Shutdown, ShutdownTrigger};
use csc_types::{Clock, Entropy};
use futures::future::{BoxFuture, join_all};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::dial::{Dialer, Link};
use super::upstream::{Replica, Upstream};

/// How often names are looked up, and how long that may take.
pub(super) const LOOKUP: Duration = Duration::from_secs(5);
/// The shortest and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// A connection that lived as long as this was a good one.
const STABLE: Duration = Duration::from_secs(1);

/// Finds the addresses of a name.
pub(super) type Lookup =
    Arc<dyn Fn(Address) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's resolver.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|Address { host, port }| {
        Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) })
    })
}

/// What keeps the replicas of one service.
pub(super) struct Keeper {
    pub(super) upstream: Arc<Upstream>,
    pub(super) places: Vec<Address>,
    pub(super) lookup: Lookup,
    /// How often names are looked up.
    pub(super) every: Duration,
    pub(super) dialer: Dialer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Keeper {
    /// Works until nobody can send requests any more, which `users` tells by the end of its sender. A process that
    /// drains goes on forwarding until its last request is answered, so a wish to stop is no reason to end.
    ///
    /// # Errors
    /// If a part of it panicked.
    pub(super) async fn run(self, mut users: oneshot::Receiver<Infallible>) -> anyhow::Result<()> {
        let keeper = Arc::new(self);
        let mut found: HashMap<Address, Vec<SocketAddr>> = HashMap::new();
        let mut replicas: BTreeMap<SocketAddr, (Arc<Replica>, ShutdownTrigger)> = BTreeMap::new();
        let mut links = JoinSet::new();
        loop {
            tokio::select! {
                looked_up = keeper.look_up() => found.extend(looked_up),
                _ = &mut users => return Ok(()),
            }
            let wanted: BTreeSet<SocketAddr> = found.values().flatten().copied().collect();
            replicas.retain(|address, (replica, _)| {
                let stays = wanted.contains(address);
                if !stays {
                    tracing::info!(upstream = keeper.upstream.name, %address, "replica is gone from its name");
                    keeper.upstream.remove(replica);
                }
                stays
            });
            for address in wanted {
                replicas.entry(address).or_insert_with(|| {
                    let (trigger, retired) = Shutdown::new();
                    let replica = keeper.upstream.add(address);
                    links.spawn(Arc::clone(&keeper).keep(Arc::clone(&replica), retired));
                    (replica, trigger)
                });
            }
            tokio::select! {
                () = sleep(keeper.every) => {}
                _ = &mut users => return Ok(()),
                () = panicked(&mut links) => return Err(anyhow!("the keeper of a connection panicked")),
            }
        }
    }

    /// The addresses of every name that could be looked up; the others keep those they had.
    async fn look_up(&self) -> Vec<(Address, Vec<SocketAddr>)> {
        let look_up = |place: &Address| {
            let (place, lookup) = (place.clone(), (self.lookup)(place.clone()));
            async move {
                match timeout(LOOKUP, lookup).await.unwrap_or_else(|late| Err(late.into())) {
                    Ok(addresses) => Some((place, addresses)),
                    Err(error) => {
                        tracing::warn!(upstream = self.upstream.name, %place, %error, "name cannot be looked up");
                        None
                    }
                }
            }
        };
        join_all(self.places.iter().map(look_up)).await.into_iter().flatten().collect()
    }

    /// Keeps `replica` connected until it is retired and its last request is answered.
    async fn keep(self: Arc<Self>, replica: Arc<Replica>, retired: Shutdown) {
        let (upstream, address) = (self.upstream.name, replica.address);
        let mut failures = 0;
        loop {
            let dialed = tokio::select! {
                dialed = self.dialer.dial(address) => dialed,
                () = retired.requested() => return,
            };
            match dialed {
                Ok((sender, link)) => {
                    let began = self.clock.monotonic();
                    tracing::info!(upstream, %address, "replica connected");
                    self.upstream.connected(&replica, sender);
                    let ended = drive(link, &self.upstream, &replica, &retired).await;
                    if retired.is_requested() {
                        return;
                    }
                    let stable = self.clock.monotonic().saturating_sub(began) >= STABLE;
                    failures = if stable { 0 } else { failures + 1 };
                    match ended {
                        Ok(()) => tracing::info!(upstream, %address, "replica closed the connection"),
                        Err(error) => {
                            tracing::warn!(upstream, %address, error = &error as &dyn std::error::Error, "replica lost")
                        }
                    }
                }
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(upstream, %address, error = format!("{error:#}"), "replica cannot be reached");
                    }
                }
            }
            if failures > 0 {
                tokio::select! {
                    () = self.pause(failures) => {}
                    () = retired.requested() => return,
                }
            }
        }
    }

    /// The pause after this many failures in a row; short while requests wait.
    async fn pause(&self, failures: u32) {
        let (shortest, longest) = PAUSES;
        sleep(shortest).await;
        let full = shortest.saturating_mul(1 << failures.min(16)).min(longest);
        // Up to a quarter less, so that edges do not come all at once.
        let spread = u32::try_from(self.entropy.next_u64() % 256).unwrap_or_default();
        let rest = full.saturating_sub(shortest) - full.saturating_sub(shortest) / 1024 * spread;
        tokio::select! {
            () = sleep(rest) => {}
            () = self.upstream.wanted() => {}
        }
    }
}

/// Resolves when one of `links` panicked; those that end well are forgotten.
async fn panicked(links: &mut JoinSet<()>) {
    while let Some(ended) = links.join_next().await {
        if ended.is_err() {
            return;
        }
    }
    std::future::pending().await
}

/// Drives a connection to its end. It gets no more requests once the replica is retired.
async fn drive(link: Link, upstream: &Upstream, replica: &Replica, retired: &Shutdown) -> hyper::Result<()> {
    let mut link = pin!(link);
    let ended = tokio::select! {
        ended = &mut link => Some(ended),
        () = retired.requested() => None,
    };
    upstream.disconnected(replica);
    match ended {
        Some(ended) => ended,
        None => link.await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use csc_service::bus::{Credentials, Member};
    use csc_service::{Identity, Metrics, OsEntropy};
    use csc_types::SystemClock;

    use super::*;
    use crate::pki;

    type Answers = Arc<Mutex<io::Result<Vec<SocketAddr>>>>;

    /// Nobody listens at any address, so this is about names alone.
    fn keeper(answers: Answers, asked: Arc<AtomicUsize>, metrics: &Metrics) -> Keeper {
        let folder = tempfile::tempdir().unwrap();
        pki::init(folder.path(), &["localhost".to_owned()], &OsEntropy).unwrap();
        let at = |name: &str| folder.path().join(name);
        let identity = Identity { certificate: at("edge.pem"), key: at("edge.key") };
        let credentials = Credentials::load(&at("bus-ca.pem"), &identity, metrics).unwrap();
        let lookup: Lookup = Arc::new(move |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            let answer = match &*answers.lock().unwrap() {
                Ok(addresses) => Ok(addresses.clone()),
                Err(error) => Err(error.kind().into()),
            };
            Box::pin(async move { answer })
        });
        Keeper {
            upstream: Upstream::new("cms", metrics),
            places: vec!["cms.example.org:4420".parse().unwrap()],
            lookup,
            every: Duration::from_millis(1),
            dialer: Dialer::new(credentials, Member::Cms.server_name(None), 1),
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
        }
    }

    #[tokio::test]
    async fn names_are_looked_up_again_and_a_failure_changes_nothing() {
        let metrics = Metrics::new();
        let known = |count: usize| {
            let (metrics, line) =
                (metrics.clone(), format!("csc_edge_upstream_replicas{{upstream=\"cms\"}} {count}\n"));
            async move {
                while !metrics.render().contains(&line) {
                    tokio::task::yield_now().await;
                }
            }
        };
        let address = |n: u8| SocketAddr::from(([127, 0, 0, n], 1));
        let answers: Answers = Arc::new(Mutex::new(Err(io::ErrorKind::NotFound.into())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (users, gone) = oneshot::channel();
        let running = tokio::spawn(keeper(Arc::clone(&answers), Arc::clone(&asked), &metrics).run(gone));
        known(0).await;
        for (addresses, count) in [
            (vec![address(1), address(2), address(2)], 2),
            (vec![address(2), address(3), address(4)], 3),
            (vec![], 0),
        ] {
            *answers.lock().unwrap() = Ok(addresses);
            known(count).await;
        }
        *answers.lock().unwrap() = Ok(vec![address(1)]);
        known(1).await;
        *answers.lock().unwrap() = Err(io::ErrorKind::TimedOut.into());
        asked.store(0, Ordering::Relaxed);
        while asked.load(Ordering::Relaxed) < 3 {
            tokio::task::yield_now().await;
        }
        known(1).await;
        drop(users);
        running.await.unwrap().unwrap();
    }
}
