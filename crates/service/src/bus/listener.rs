//! The bus listener: handshakes side by side, then the table of who may call what, then tonic.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tower::util::MapFutureLayer;

use super::access::AccessLayer;
use super::io::BusIo;
use super::member::{Members, Names};
use super::{BusConfig, BusPeer};
use crate::tls::{HTTP_2, Reloaded, TlsError};
use crate::{Metrics, Shutdown, trace};

/// Handshakes at a time. Members are few and keep their connections.
const HANDSHAKES: usize = 64;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Calls at a time on one connection.
const CALLS: u32 = 1_000;
/// How often a member is asked whether it is there, and how long it may take to say so.
const ALIVE: Duration = Duration::from_secs(10);
/// Most a call may take until its answer begins, when its caller set no deadline.
const CALL: Duration = Duration::from_secs(30);
/// Calls a member may give up before they are looked at, on one connection.
const RESETS: usize = 100;
/// How long to wait when the system has no file descriptor for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A bound bus socket.
pub(crate) struct BusListener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Reloaded<ServerConfig>,
    names: Names,
    routes: Routes,
    metrics: Metrics,
}

impl BusListener {
    /// The TLS side of `config`, checked before anything is bound.
    pub(crate) fn tls(config: &BusConfig, metrics: &Metrics) -> Result<Reloaded<ServerConfig>, TlsError> {
        config.server("bus", Members::ALL, HTTP_2, metrics)
    }

    /// Binds `address`. Who is who follows from the domain in `config`.
    pub(crate) async fn bind(
        address: SocketAddr,
        config: &BusConfig,
        tls: Reloaded<ServerConfig>,
        routes: Routes,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let names = Names::new(config.domain.as_ref());
        Ok(Self { address: socket.local_addr()?, socket, tls, names, routes, metrics: metrics.clone() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopping is asked for and the last call is answered.
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<(), tonic::transport::Error> {
        let Self { socket, tls, names, routes, metrics, .. } = self;
        let (ready, connections) = mpsc::channel(HANDSHAKES);
        let server = Server::builder()
            .trace_fn(trace::served)
            .http2_keepalive_interval(Some(ALIVE))
            .http2_keepalive_timeout(Some(ALIVE))
            .max_concurrent_streams(CALLS)
            .http2_max_pending_accept_reset_streams(Some(RESETS))
            .timeout(CALL)
            .layer(MapFutureLayer::new(trace::ended))
            .layer(AccessLayer::new(&metrics, shutdown.clone()))
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                ReceiverStream::new(connections).map(Ok::<_, Infallible>),
                shutdown.requested(),
            );
        let (served, ()) = tokio::join!(server, accept(socket, tls, names, ready, &shutdown));
        served
    }
}

async fn accept(
    socket: TcpListener,
    tls: Reloaded<ServerConfig>,
    names: Names,
    ready: mpsc::Sender<BusIo>,
    shutdown: &Shutdown,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let next = async {
            // Taken first: with all of them busy the others wait in the system's queue.
            let permit = Arc::clone(&handshakes).acquire_owned().await;
            (permit, socket.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            () = shutdown.requested() => return,
        };
        let Ok(permit) = permit else { return };
        match accepted {
            Ok((stream, address)) => {
                let tls = TlsAcceptor::from(tls.current());
                tokio::spawn(handshake(stream, address, tls, names.clone(), ready.clone(), permit));
            }
            Err(error) => {
                tracing::warn!(%error, "bus connection cannot be accepted");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

async fn handshake(
    stream: TcpStream,
    address: SocketAddr,
    tls: TlsAcceptor,
    names: Names,
    ready: mpsc::Sender<BusIo>,
    _permit: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let members = shown.map_or(Members::NONE, |certificate| names.members(certificate));
            // An error means that the listener has gone.
            let _ = ready.send(BusIo { stream, peer: BusPeer { address, members } }).await;
        }
        Ok(Err(error)) => tracing::warn!(%error, %address, "bus handshake refused"),
        Err(_) => tracing::warn!(%address, "bus handshake too slow"),
    }
}
