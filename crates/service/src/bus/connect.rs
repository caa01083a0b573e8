//! Channels to other members: several addresses, the server's name checked, lost connections noticed and made again.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use super::{BusDomain, CALL, Member};
use crate::Metrics;
use crate::tls::{self, HTTP_2, Identity, Reloaded, TlsError};

/// Most one address may take for connection and handshake.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How often a server is asked whether it is there, and how long it may take to say so: a dead one costs four seconds.
const ALIVE: Duration = Duration::from_secs(2);

/// An address on the bus, `host:port`. A name is resolved anew with every connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let wrong = "must be host:port, as in idms:4430 or [2001:db8::1]:4430";
        let (host, port) = text.rsplit_once(':').ok_or(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let name = ServerName::try_from(bare.unwrap_or(host)).map_err(|_| wrong)?;
        let six = matches!(name, ServerName::IpAddress(rustls_pki_types::IpAddr::V6(_)));
        if six != bare.is_some() {
            return Err(wrong);
        }
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Who is called, and where it may be found: all replicas of one service.
#[derive(Clone, Debug)]
pub struct Peers {
    /// What the server's certificate must say, whatever address it was found at.
    pub member: Member,
    /// What stands behind the member's name in certificates.
    pub domain: Option<BusDomain>,
    /// Its replicas. They are tried in turn, the one that answered last first.
    pub addresses: Vec<Address>,
}

/// What this process shows and trusts when it calls others. Read again when its files change; connections that are open
/// go on. Cheap to clone.
#[derive(Clone)]
pub struct Credentials(Reloaded<ClientConfig>);

impl Credentials {
    /// Shows `identity`, and trusts the CA in `ca` alone.
    ///
    /// # Errors
    /// If a file cannot be used.
    pub fn load(ca: &Path, identity: &Identity, metrics: &Metrics) -> Result<Self, TlsError> {
        let files = vec![identity.certificate.clone(), identity.key.clone(), ca.to_owned()];
        let (ca, identity) = (ca.to_owned(), identity.clone());
        Reloaded::new("bus client", files, metrics, move || tls::client(&identity, &ca, HTTP_2)).map(Self)
    }

    /// For a new connection: negotiates HTTP/2, and verifies the name that the connection is made for.
    pub async fn client(&self) -> Arc<ClientConfig> {
        self.0.fresh().await
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// A channel to `peers`. The connection is made with the first call, and again, wherever there is an answer, when it was
/// lost. A call that sets no deadline of its own fails after ten seconds; one under way on a connection that is lost
/// fails with UNAVAILABLE, and it is for the caller to know whether it may be repeated.
///
/// To be called inside of a tokio runtime.
pub fn connect(peers: &Peers, credentials: &Credentials) -> Channel {
    let name = peers.member.server_name(peers.domain.as_ref());
    let dialer = Arc::new(Dialer {
        member: peers.member,
        name,
        addresses: peers.addresses.clone(),
        credentials: credentials.clone(),
        last: AtomicUsize::new(0),
    });
    // TLS is ours, not tonic's, so the scheme that tonic sees stays http.
    let endpoint = Endpoint::from_shared(format!("http://{}", peers.member))
        .expect("the name of a member is an authority")
        .timeout(CALL)
        .http2_keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE)
        .keep_alive_while_idle(true);
    endpoint.connect_with_connector_lazy(tower::service_fn(move |_| {
        let dialer = Arc::clone(&dialer);
        async move { dialer.dial().await.map(TokioIo::new) }
    }))
}

struct Dialer {
    member: Member,
    name: ServerName<'static>,
    addresses: Vec<Address>,
    credentials: Credentials,
    /// The address that answered last.
    last: AtomicUsize,
}

impl Dialer {
    async fn dial(&self) -> io::Result<TlsStream<TcpStream>> {
        let first = self.last.load(Ordering::Relaxed);
        let config = self.credentials.client().await;
        let mut failure = io::Error::other("no address is known");
        for n in 0..self.addresses.len() {
            let at = (first + n) % self.addresses.len();
            let address = &self.addresses[at];
            match timeout(ATTEMPT, self.attempt(address, Arc::clone(&config))).await {
                Ok(Ok(stream)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = io::ErrorKind::TimedOut.into(),
            }
            tracing::debug!(member = %self.member, %address, error = %failure, "no connection");
        }
        tracing::warn!(member = %self.member, error = %failure, "no replica can be reached on the bus");
        Err(failure)
    }

    async fn attempt(
        &self,
        address: &Address,
        config: Arc<ClientConfig>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        TlsConnector::from(config).connect(self.name.clone(), stream).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["idms:4430", "idms.bus.example.org:1", "127.0.0.1:65535", "[::1]:4430"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "idms",
            ":1",
            "idms:",
            "idms:0",
            "idms:65536",
            "::1:1",
            "[idms]:1",
            "[::1]",
            "a b:1",
            "http://x:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
