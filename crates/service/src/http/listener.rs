//! The listener: accepts, counts, shakes hands, and drains when stopping is asked for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntCounterVec, IntGauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::Peer;
use super::connection::serve;
use super::requests::Shared;
use crate::{Metrics, Shutdown};

/// How long to wait when the system has no file descriptor for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A bound socket that serves HTTP/1.1, over TLS unless it is the admin listener.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    connections: Arc<Semaphore>,
    open: IntGauge,
    refused: IntCounterVec,
}

impl Listener {
    /// `name` labels the metrics; `connections` may be shared by several sockets.
    pub(crate) async fn bind(
        name: &'static str,
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        shared: Arc<Shared>,
        connections: Arc<Semaphore>,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            tls,
            shared,
            connections,
            open: metrics
                .gauge("csc_http_connections", "Connections that are open.", &["listener"])
                .with_label_values(&[name]),
            refused: metrics.counter(
                "csc_http_connections_refused_total",
                "Connections that never got to a request: too many, or no TLS handshake.",
                &["reason"],
            ),
        })
    }

    /// Where it listens: with the port that was chosen for port 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopping is asked for and the last connection has ended. Dropping the future cuts them all.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = shutdown.requested() => break,
            };
            match accepted {
                Ok((stream, address)) => self.admit(stream, address, &mut connections, &shutdown),
                Err(error) => {
                    tracing::warn!(%error, "connection cannot be accepted");
                    sleep(EXHAUSTED).await;
                }
            }
        }
        drop(self.socket); // new clients are refused at once, not after they have waited
        while connections.join_next().await.is_some() {}
    }

    fn admit(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        connections: &mut JoinSet<()>,
        shutdown: &Shutdown,
    ) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            self.refused.with_label_values(&["too_many"]).inc();
            return;
        };
        let (shared, shutdown, tls) = (Arc::clone(&self.shared), shutdown.clone(), self.tls.clone());
        let (open, refused) = (self.open.clone(), self.refused.clone());
        connections.spawn(async move {
            let _open = Open::new(open);
            let _permit = permit;
            // Answers are small; without this the second half of each waits for an acknowledgement.
            let _ = stream.set_nodelay(true);
            let Some(tls) = tls else {
                return serve(stream, Peer { address, certificate: None }, shared, shutdown).await;
            };
            let handshake = tokio::select! {
                handshake = timeout(shared.limits.handshake_time, tls.accept(stream)) => handshake,
                () = shutdown.requested() => return,
            };
            match handshake {
                Ok(Ok(stream)) => {
                    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                    let peer = Peer { address, certificate: shown.cloned() };
                    serve(stream, peer, shared, shutdown).await;
                }
                Ok(Err(error)) => {
                    refused.with_label_values(&["handshake"]).inc();
                    tracing::debug!(%error, %address, "TLS handshake failed");
                }
                Err(_) => {
                    refused.with_label_values(&["handshake_time"]).inc();
                    tracing::debug!(%address, "TLS handshake too slow");
                }
            }
        });
    }
}

/// Counts a connection for as long as it lives.
struct Open(IntGauge);

impl Open {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
