//! Channels to other members: several addresses, the server's name checked, lost connections noticed and made again.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

use super::{BusDomain, CALL, Member};
use crate::Metrics;
use crate::tls::{self, HTTP_2, Identity, Reloaded, TlsError};

/// Most one address may take for connection and handshake.
const ATTEMPT: Duration = Duration::from_secs(2);
/// How long one address is waited for before the next is tried as well.
const HEAD_START: Duration = Duration::from_millis(250);
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
    /// Its replicas: every address that one of these names has. The one that answered last is tried first.
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
        last: Mutex::new(None),
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
    last: Mutex<Option<SocketAddr>>,
}

impl Dialer {
    /// The first replica that answers. A silent one delays the next a little; it does not use up its time.
    async fn dial(&self) -> io::Result<TlsStream<TcpStream>> {
        let config = self.credentials.client().await;
        let (found, mut failure) = self.look_up().await;
        let mut waiting = found.into_iter();
        let mut attempts = FuturesUnordered::new();
        loop {
            match waiting.next() {
                Some(address) => attempts.push(self.attempt(address, Arc::clone(&config))),
                None if attempts.is_empty() => break,
                None => {}
            }
            let (address, ended) = tokio::select! {
                Some(ended) = attempts.next() => ended,
                () = sleep(HEAD_START), if waiting.len() > 0 => continue,
            };
            match ended {
                Ok(stream) => {
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
                    return Ok(stream);
                }
                Err(error) => {
                    tracing::debug!(member = %self.member, %address, %error, "no connection");
                    failure = error;
                }
            }
        }
        tracing::warn!(member = %self.member, error = %failure, "no replica can be reached on the bus");
        Err(failure)
    }

    /// Every replica, the one that answered last first; and why there may be none.
    async fn look_up(&self) -> (Vec<SocketAddr>, io::Error) {
        let look_up = |address: &Address| {
            let Address { host, port } = address.clone();
            async move {
                let found = timeout(ATTEMPT, lookup_host((host.as_str(), port))).await;
                found.unwrap_or_else(|late| Err(late.into())).map(Vec::from_iter)
            }
        };
        let mut failure = io::Error::other("no address is known");
        let mut found = Vec::new();
        for addresses in join_all(self.addresses.iter().map(look_up)).await {
            match addresses {
                Ok(addresses) => found.extend(addresses),
                Err(error) => failure = error,
            }
        }
        let mut seen = HashSet::new();
        found.retain(|address| seen.insert(*address));
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|address| Some(*address) != last);
        (found, failure)
    }

    async fn attempt(
        &self,
        address: SocketAddr,
        config: Arc<ClientConfig>,
    ) -> (SocketAddr, io::Result<TlsStream<TcpStream>>) {
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(config).connect(self.name.clone(), stream).await
        };
        (address, timeout(ATTEMPT, connecting).await.unwrap_or_else(|late| Err(late.into())))
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
