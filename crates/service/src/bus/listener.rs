//! The bus listener: handshakes side by side, then tonic.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;

use super::clients::NamedClients;
use super::io::BusIo;
use super::{BusConfig, PROTOCOL};
use crate::tls::{self, Tickets, TlsError};
use crate::{Shutdown, trace};

/// Handshakes at a time. Members are few and keep their connections.
const HANDSHAKES: usize = 64;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Calls at a time on one connection.
const CALLS: u32 = 1_000;
/// A member that does not answer a ping in this time is gone.
const ALIVE: Duration = Duration::from_secs(20);
/// How long to wait when the system has no file descriptor for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// A bound bus socket.
pub(crate) struct BusListener {
    socket: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    routes: Routes,
}

impl BusListener {
    /// The TLS side of `config`, checked before anything is bound.
    pub(crate) fn acceptor(config: &BusConfig) -> Result<TlsAcceptor, TlsError> {
        let chain = tls::client_verifier(Some(&config.ca), true)?;
        let clients = Arc::new(NamedClients { chain, names: config.clients.clone() });
        // No tickets: a resumed session would not show its certificate again.
        Ok(TlsAcceptor::from(Arc::new(tls::server(&config.identity, clients, Tickets::None, PROTOCOL)?)))
    }

    pub(crate) async fn bind(address: SocketAddr, tls: TlsAcceptor, routes: Routes) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self { address: socket.local_addr()?, socket, tls, routes })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopping is asked for and the last call is answered.
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<(), tonic::transport::Error> {
        let Self { socket, tls, routes, .. } = self;
        let (ready, connections) = mpsc::channel(HANDSHAKES);
        let server = Server::builder()
            .trace_fn(trace::served)
            .http2_keepalive_interval(Some(ALIVE))
            .http2_keepalive_timeout(Some(ALIVE))
            .max_concurrent_streams(CALLS)
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                ReceiverStream::new(connections).map(Ok::<_, Infallible>),
                shutdown.requested(),
            );
        let (served, ()) = tokio::join!(server, accept(socket, tls, ready, &shutdown));
        served
    }
}

async fn accept(socket: TcpListener, tls: TlsAcceptor, ready: mpsc::Sender<BusIo>, shutdown: &Shutdown) {
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
                tokio::spawn(handshake(stream, address, tls.clone(), ready.clone(), permit));
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
    ready: mpsc::Sender<BusIo>,
    _permit: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        // An error means that the listener has gone.
        Ok(Ok(stream)) => drop(ready.send(BusIo(stream)).await),
        Ok(Err(error)) => tracing::warn!(%error, %address, "bus handshake refused"),
        Err(_) => tracing::warn!(%address, "bus handshake too slow"),
    }
}
