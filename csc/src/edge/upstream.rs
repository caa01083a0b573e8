//! A service as the edge sees it: its replicas, which of them are connected, and how busy each is.
//!
//! Requests only choose; connecting is the keeper's. While none is connected they wait, and the keeper hurries.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use csc_service::Metrics;
use hyper::client::conn::http2::SendRequest;
use prometheus::IntGauge;
use tokio::sync::watch;

use super::replay::Attempt;

/// A service with its replicas.
pub(super) struct Upstream {
    /// `idms`, `cms`, `gms` or `kms`.
    pub(super) name: &'static str,
    replicas: Mutex<Vec<Arc<Replica>>>,
    /// Where the next search begins, so that equals take turns.
    turn: AtomicUsize,
    /// Changes whenever a replica is connected.
    connected: watch::Sender<()>,
    /// How many requests wait for a replica.
    waiting: watch::Sender<usize>,
    known: IntGauge,
    up: IntGauge,
}

/// One address of a service.
pub(super) struct Replica {
    pub(super) address: SocketAddr,
    /// The connection, while there is one.
    sender: Mutex<Option<SendRequest<Attempt>>>,
    in_flight: Arc<AtomicUsize>,
}

/// A connection that was chosen for one request.
pub(super) struct Choice {
    pub(super) address: SocketAddr,
    /// To be dropped as soon as it has the request.
    pub(super) sender: SendRequest<Attempt>,
    /// To be kept until the answer is complete.
    pub(super) flight: Flight,
}

/// Counts a request for as long as it lives.
pub(super) struct Flight(Arc<AtomicUsize>);

impl Upstream {
    pub(super) fn new(name: &'static str, metrics: &Metrics) -> Arc<Self> {
        let gauge = |metric, help| metrics.gauge(metric, help, &["upstream"]).with_label_values(&[name]);
        Arc::new(Self {
            name,
            replicas: Mutex::default(),
            turn: AtomicUsize::new(0),
            connected: watch::Sender::new(()),
            waiting: watch::Sender::new(0),
            known: gauge("csc_edge_upstream_replicas", "Addresses that the names of a service have."),
            up: gauge("csc_edge_upstream_up", "Replicas of a service that are connected."),
        })
    }

    /// Adds a replica; it is chosen once it is connected.
    pub(super) fn add(&self, address: SocketAddr) -> Arc<Replica> {
        let replica =
            Arc::new(Replica { address, sender: Mutex::new(None), in_flight: Arc::new(AtomicUsize::new(0)) });
        self.replicas().push(Arc::clone(&replica));
        self.known.inc();
        replica
    }

    /// Removes a replica: it gets no more requests.
    pub(super) fn remove(&self, replica: &Replica) {
        self.disconnected(replica);
        self.replicas().retain(|other| !std::ptr::eq(Arc::as_ptr(other), replica));
        self.known.dec();
    }

    /// `replica` can be given requests through `sender`.
    pub(super) fn connected(&self, replica: &Replica, sender: SendRequest<Attempt>) {
        if replica.sender().replace(sender).is_none() {
            self.up.inc();
        }
        self.connected.send_replace(());
    }

    /// `replica` cannot be given requests any more.
    pub(super) fn disconnected(&self, replica: &Replica) {
        if replica.sender().take().is_some() {
            self.up.dec();
        }
    }

    /// Resolves when a request waits for a replica.
    pub(super) async fn wanted(&self) {
        // An error would mean that the sender is gone, and it is here.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// The connected replica with the fewest requests, as soon as there is one; not `avoided` if there is another.
    pub(super) async fn choose(&self, avoided: Option<SocketAddr>) -> Choice {
        let mut changes = self.connected.subscribe();
        let mut waiting = None;
        loop {
            if let Some(choice) = self.pick(avoided) {
                return choice;
            }
            waiting.get_or_insert_with(|| Waiting::new(&self.waiting));
            // An error would mean that the sender is gone, and it is here.
            let _ = changes.changed().await;
        }
    }

    /// Whether a replica is connected.
    pub(super) fn is_up(&self) -> bool {
        self.replicas().iter().any(|replica| replica.open().is_some())
    }

    fn pick(&self, avoided: Option<SocketAddr>) -> Option<Choice> {
        let replicas = self.replicas();
        let begin = self.turn.fetch_add(1, Ordering::Relaxed) % replicas.len().max(1);
        let (after, before) = replicas.split_at(begin);
        let least =
            before.iter().chain(after).filter_map(|replica| Some((replica, replica.open()?))).min_by_key(
                |(replica, _)| (Some(replica.address) == avoided, replica.in_flight.load(Ordering::Relaxed)),
            );
        least.map(|(replica, sender)| Choice {
            address: replica.address,
            sender,
            flight: Flight::new(&replica.in_flight),
        })
    }

    fn replicas(&self) -> MutexGuard<'_, Vec<Arc<Replica>>> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replica {
    /// Its connection, if that takes requests.
    fn open(&self) -> Option<SendRequest<Attempt>> {
        self.sender().as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    fn sender(&self) -> MutexGuard<'_, Option<SendRequest<Attempt>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts a waiting request.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
