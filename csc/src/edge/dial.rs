//! Connections to replicas: HTTP/2 over the TLS of the bus.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use csc_service::bus::Credentials;
use hyper::client::conn::http2::{self, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::replay::Attempt;

/// For the connection and both handshakes.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a replica is asked whether it is alive, and how long it has to say so.
const ALIVE: Duration = Duration::from_secs(2);
/// Octets of one answer that may be under way while its client does not take them.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The largest window HTTP/2 has.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;

/// An open connection: it is driven by being polled.
pub(super) type Link = Connection<TokioIo<TlsStream<TcpStream>>, Attempt, TokioExecutor>;

/// Connects to replicas of one service.
#[derive(Clone)]
pub(super) struct Dialer {
    credentials: Credentials,
    /// What the replica's certificate must say, whatever its address.
    name: ServerName<'static>,
    window: u32,
}

impl Dialer {
    /// For a service that is called `name` on the bus; `requests` may be under way at a time.
    pub(super) fn new(credentials: Credentials, name: ServerName<'static>, requests: usize) -> Self {
        // Room for every request: clients that do not take their answers must not hold up the others.
        let window = u32::try_from(requests).unwrap_or(LARGEST_WINDOW).saturating_mul(STREAM_WINDOW);
        Self { credentials, name, window: window.min(LARGEST_WINDOW) }
    }

    /// Connects to `address`.
    ///
    /// # Errors
    /// If nobody listens there, or not the service.
    pub(super) async fn dial(&self, address: SocketAddr) -> anyhow::Result<(SendRequest<Attempt>, Link)> {
        timeout(CONNECT, self.connect(address)).await.context("no answer in time")?
    }

    async fn connect(&self, address: SocketAddr) -> anyhow::Result<(SendRequest<Attempt>, Link)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let tls = TlsConnector::from(self.credentials.client().await);
        let stream = tls.connect(self.name.clone(), stream).await.context("TLS")?;
        ensure!(stream.get_ref().1.alpn_protocol() == Some(b"h2"), "HTTP/2 is not spoken there");
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(ALIVE)
            .keep_alive_timeout(ALIVE)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(self.window)
            .max_send_buf_size(STREAM_WINDOW as usize);
        Ok(builder.handshake(TokioIo::new(stream)).await?)
    }
}
