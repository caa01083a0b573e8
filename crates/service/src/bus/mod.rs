//! The gRPC bus between services: always mutual TLS, or a pipe inside of one process.

mod clients;
mod io;
mod listener;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint, Server};

use crate::config::Section;
use crate::tls::{self, Identity, TlsError};
use crate::trace;

pub(crate) use listener::BusListener;

/// The protocol both ends must name in the TLS handshake.
const PROTOCOL: &[u8] = b"h2";
/// Octets in flight each way between two services of one process.
const PIPE: usize = 64 * 1024;
/// Most a caller waits for an answer to begin, when it sets no deadline of its own.
const CALL: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);

/// The bus listener. Section `bus`.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The certificate it shows.
    pub identity: Identity,
    /// The CA of the bus, which issued the certificates of all its members and nothing else.
    pub ca: PathBuf,
    /// The names of those who may connect: DNS names in their certificates.
    pub clients: Vec<BusName>,
}

/// The DNS name of a member of the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusName(ServerName<'static>);

impl FromStr for BusName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match ServerName::try_from(text.to_owned()) {
            Ok(name @ ServerName::DnsName(_)) => Ok(Self(name)),
            _ => Err("must be a DNS name"),
        }
    }
}

impl BusConfig {
    /// Reads the settings; `None` when no bus listener is wanted.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = section.optional(
            "listen",
            "127.0.0.1:4430",
            "Address of the bus listener. Without it there is none.",
        );
        let certificate = section.optional_path(
            "certificate",
            "pki/bus.pem",
            "PEM file with the certificate shown on the bus, followed by those of its issuers.",
        );
        let key = section.optional_path(
            "key",
            "pki/bus.key",
            "PEM file with its private key. Not everybody may read it.",
        );
        let ca = section.optional_path(
            "ca",
            "pki/bus-ca.pem",
            "PEM file with the CA that issued the certificates of all members of the bus, and of nobody else.",
        );
        let clients = section.list("clients", &[], "DNS names in the certificates of those who may connect.");
        let listen = listen?;
        let mut wanted = |key, path: Option<PathBuf>| {
            path.unwrap_or_else(|| {
                section.mistake(key, "is required when bus.listen is set");
                PathBuf::new()
            })
        };
        let config = Self {
            listen,
            identity: Identity { certificate: wanted("certificate", certificate), key: wanted("key", key) },
            ca: wanted("ca", ca),
            clients,
        };
        if config.clients.is_empty() {
            section.mistake("clients", "names nobody, so nobody could connect");
        }
        Some(config)
    }
}

/// A channel to `routes` in this process: the same clients, the same encoding, no socket. To be called inside of a
/// tokio runtime; the connection is made with the first call.
pub fn in_process(routes: Routes) -> Channel {
    let connector = tower::service_fn(move |_| {
        let (client, server) = tokio::io::duplex(PIPE);
        let incoming = tokio_stream::once(Ok::<_, Infallible>(server));
        let server = Server::builder().trace_fn(trace::served).add_routes(routes.clone());
        let serving = server.serve_with_incoming(incoming);
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(error = &error as &dyn std::error::Error, "in-process channel failed");
            }
        });
        async { Ok::<_, Infallible>(TokioIo::new(client)) }
    });
    // The name is never resolved; it only becomes the `:authority` of the calls.
    Endpoint::from_static("http://in-process").timeout(CALL).connect_with_connector_lazy(connector)
}

/// A channel to the bus listener at `host` and `port`: shows `identity`, and trusts a server with the name `host` whose
/// certificate comes from the CA in `ca`. The connection is made with the first call, and again when it was lost.
///
/// # Errors
/// When a file cannot be used or `host` is no name.
pub fn connect(host: &str, port: u16, ca: &Path, identity: &Identity) -> Result<Channel, ConnectError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::Name(host.to_owned()))?;
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let endpoint = Endpoint::from_shared(format!("http://{authority}"))
        .map_err(|_| ConnectError::Name(host.to_owned()))?;
    let tls = TlsConnector::from(Arc::new(tls::client(identity, ca, PROTOCOL)?));
    // TLS is ours, not tonic's, so the scheme that tonic sees stays http.
    let connector = tower::service_fn(move |_| {
        let (tls, name, authority) = (tls.clone(), name.clone(), authority.clone());
        async move {
            let stream = TcpStream::connect(authority).await?;
            stream.set_nodelay(true)?;
            std::io::Result::Ok(TokioIo::new(tls.connect(name, stream).await?))
        }
    });
    Ok(endpoint.timeout(CALL).connect_timeout(CONNECT).connect_with_connector_lazy(connector))
}

/// Why there can be no channel.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The host is neither a DNS name nor an address.
    #[error("{0} is neither a DNS name nor an address")]
    Name(String),
}
