//! The listener: accepts, counts, shakes hands, and drains when stopping is asked for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use prometheus::{IntCounterVec, IntGauge};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Peer;
use super::requests::Shared;
use super::{http1, http2};
use crate::Metrics;
use crate::shutdown::Ending;
use crate::tls::Reloaded;

/// How long to wait when the system has no file descriptor for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// What a client names in the TLS handshake to speak HTTP/2.
const HTTP_2: &[u8] = b"h2";

/// A bound socket that serves HTTP: HTTP/2 or HTTP/1.1 over TLS, or HTTP/1.1 alone for the admin listener.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Reloaded<ServerConfig>>,
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
        tls: Option<Reloaded<ServerConfig>>,
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

    /// Whether it takes connections of the edge alone.
    pub(crate) fn behind_edge(&self) -> bool {
        self.shared.behind_edge()
    }

    /// Where it listens: with the port that was chosen for port 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopping is asked for and the last connection has ended. Dropping the future cuts them all.
    pub(crate) async fn run(self, ending: Ending) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = ending.requested.requested() => break,
            };
            match accepted {
                Ok((stream, address)) => self.admit(stream, address, &mut connections, &ending),
                Err(error) => {
                    tracing::warn!(%error, "connection cannot be accepted");
                    sleep(EXHAUSTED).await;
                }
            }
        }
        // Those that the system has accepted for us belong to what is at hand.
        while let Some(Ok((stream, address))) = self.socket.accept().now_or_never() {
            self.admit(stream, address, &mut connections, &ending);
        }
        drop(self.socket); // new clients are refused at once, not after they have waited
        while connections.join_next().await.is_some() {}
    }

    fn admit(&self, stream: TcpStream, address: SocketAddr, connections: &mut JoinSet<()>, ending: &Ending) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            self.refused.with_label_values(&["too_many"]).inc();
            return;
        };
        let (shared, ending) = (Arc::clone(&self.shared), ending.clone());
        let (open, refused) = (Open::new(self.open.clone()), self.refused.clone());
        let tls = self.tls.as_ref().map(Reloaded::current);
        connections.spawn(async move {
            let _kept = (open, permit);
            // Answers are small; without this the second half of each waits for an acknowledgement.
            let _ = stream.set_nodelay(true);
            let Some(tls) = tls else {
                return http1::serve(stream, Peer { address, certificate: None }, shared, ending).await;
            };
            let Some(stream) = shake_hands(stream, address, tls, &shared, &ending, &refused).await else {
                return;
            };
            let (_, session) = stream.get_ref();
            let shown = session.peer_certificates().and_then(|chain| chain.first());
            let peer = Peer { address, certificate: shown.cloned() };
            // Boxed: what the one protocol needs would be kept for the other as well.
            if session.alpn_protocol() == Some(HTTP_2) {
                Box::pin(http2::serve(stream, peer, shared, ending)).await;
            } else {
                Box::pin(http1::serve(stream, peer, shared, ending)).await;
            }
        });
    }
}

/// The TLS handshake, which has its time, and less of it when the process stops.
async fn shake_hands(
    stream: TcpStream,
    address: SocketAddr,
    tls: Arc<ServerConfig>,
    shared: &Shared,
    ending: &Ending,
    refused: &IntCounterVec,
) -> Option<TlsStream<TcpStream>> {
    let limits = &shared.limits;
    let stopped = async {
        ending.requested.requested().await;
        sleep(limits.drain_time).await;
    };
    let handshake = tokio::select! {
        handshake = timeout(limits.handshake_time, TlsAcceptor::from(tls).accept(stream)) => handshake,
        () = stopped => return None,
    };
    match handshake {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => {
            refused.with_label_values(&["handshake"]).inc();
            tracing::debug!(%error, %address, "TLS handshake failed");
        }
        Err(_) => {
            refused.with_label_values(&["handshake_time"]).inc();
            tracing::debug!(%address, "TLS handshake too slow");
        }
    }
    None
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
