//! How the engine finds its servers and what it demands of them.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use zeroize::Zeroizing;

/// A password. It wipes itself and cannot be printed.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes over a password, which has no line end behind it.
    pub fn new(password: Zeroizing<String>) -> Self {
        Self(password)
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// In which shape Redis runs.
#[derive(Clone)]
pub enum Topology {
    /// One master at the first of the addresses, whatever replicas it has.
    Standalone,
    /// The addresses are those of all the Sentinels, which know the master. Most of them must be among those that answer.
    Sentinel {
        /// The name under which they know it.
        name: String,
        /// The user to log in as at the Sentinels, with `password`; `None`: the default user.
        username: Option<String>,
        /// The Sentinels' own password.
        password: Option<Password>,
    },
    /// The addresses are some nodes of a Redis Cluster.
    Cluster,
}

/// A promise that the engine breaks, so that a test of the promise has something to find.
#[cfg(feature = "sabotage")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Nobody waits for replicas.
    Wait,
    /// A revision is the last one plus one, whatever the time is.
    Counter,
    /// Nobody looks at birth records.
    Birth,
}

/// How the engine is set up.
#[derive(Clone)]
pub struct RedisOptions {
    /// In which shape Redis runs.
    pub topology: Topology,
    /// `host:port` of each server to begin with; see [`Topology`].
    pub addresses: Vec<String>,
    /// In front of every key, so that several installations may share servers. Default: `csc:`. Without braces: they
    /// would decide where keys lie.
    pub prefix: String,
    /// The user to log in as; `None`: the default user.
    pub username: Option<String>,
    /// The password; `None`: no login.
    pub password: Option<Password>,
    /// TLS for all connections, with the client's identity if the servers ask for one; `None`: plain TCP.
    pub tls: Option<Arc<ClientConfig>>,
    /// How many replicas must have a commit before it is acknowledged. Default: 1; 0 promises nothing when a master is lost.
    pub min_replicas: u32,
    /// How long a call may take, repetitions included. Default: 5 s.
    pub deadline: Duration,
    /// How many entries each log keeps at least. Default: 10 000.
    pub log_entries: u64,
    /// Commits and reads that may wait for one server; whoever comes then waits for a place. Default: 1024.
    pub queue: usize,
    /// Tests only: a promise to break.
    #[cfg(feature = "sabotage")]
    pub sabotage: Option<Sabotage>,
    /// Tests only: scripts go by the engine's clock instead of the server's.
    #[cfg(test)]
    pub(crate) callers_time: bool,
}

impl RedisOptions {
    /// The default settings for the servers at `addresses`.
    pub fn new(topology: Topology, addresses: Vec<String>) -> Self {
        Self {
            topology,
            addresses,
            prefix: "csc:".to_owned(),
            username: None,
            password: None,
            tls: None,
            min_replicas: 1,
            deadline: Duration::from_secs(5),
            log_entries: 10_000,
            queue: 1024,
            #[cfg(feature = "sabotage")]
            sabotage: None,
            #[cfg(test)]
            callers_time: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), OptionsError> {
        if self.addresses.is_empty() {
            return Err(OptionsError("no address".to_owned()));
        }
        if let Some(bad) = self.addresses.iter().find(|address| split(address).is_none()) {
            return Err(OptionsError(format!("{bad:?} is not host:port")));
        }
        if self.prefix.contains(['{', '}']) {
            return Err(OptionsError("the prefix of keys has a brace".to_owned()));
        }
        Ok(())
    }

    /// Whether this promise is to be broken.
    #[cfg(feature = "sabotage")]
    pub(super) fn breaks(&self, promise: Sabotage) -> bool {
        self.sabotage == Some(promise)
    }

    /// Whether scripts go by the engine's clock.
    pub(super) fn callers_time(&self) -> bool {
        #[cfg(test)]
        return self.callers_time;
        #[cfg(not(test))]
        false
    }
}

/// The settings contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(String);

/// Host and port of an address; an IPv6 host may stand in brackets.
pub(super) fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((host, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}
