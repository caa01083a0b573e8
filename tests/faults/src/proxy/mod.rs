//! A TCP proxy in user space that makes trouble on command.
//!
//! One proxy stands in front of one server, at an address that the server announces as its own. Everybody who talks
//! to that server passes through it. Those who connect are told apart by the address they come from ([`Who`]), so
//! that clients can lose sight of a master whose replicas still see it: give each process an address of 127.0.0.0/8
//! of its own (`bind-source-addr` of Redis).
//!
//! Nothing happens by chance: whoever holds the [`Proxy`] decides, and a change counts for the next octet.

mod connection;
mod resp;
mod rules;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use connection::serve;
use rules::Rules;
pub use rules::{Cut, Direction, Weather};

/// Between two attempts to take a connection, when the first one failed.
const BREATH: Duration = Duration::from_millis(10);

/// Whom a command to the proxy concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Everybody who connects, those of an address of their own included.
    All,
    /// Those who connect from this address.
    From(IpAddr),
}

impl Who {
    /// Those who connect from 127.0.0.`last`.
    pub const fn loopback(last: u8) -> Self {
        Self::From(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
    }

    pub(crate) fn is(self, peer: IpAddr) -> bool {
        match self {
            Self::All => true,
            Self::From(address) => address == peer,
        }
    }
}

/// The order to lose the reply of one command.
pub(crate) struct Trap {
    who: Who,
    needle: Vec<u8>,
    sprung: oneshot::Sender<()>,
}

/// What all connections of a proxy look at.
pub(crate) struct Shared {
    rules: watch::Sender<Rules>,
    trap: Mutex<Option<Trap>>,
}

impl Shared {
    /// Takes the trap away if `command` from `peer` is what it waits for.
    pub(crate) fn spring(&self, peer: IpAddr, command: &[u8]) -> bool {
        let mut trap = self.trap.lock().unwrap_or_else(PoisonError::into_inner);
        let caught = trap.take_if(|trap| {
            trap.who.is(peer) && command.windows(trap.needle.len()).any(|part| part == trap.needle)
        });
        caught.is_some_and(|trap| {
            // Whoever set the trap may have stopped listening; it does its work all the same.
            let _ = trap.sprung.send(());
            true
        })
    }
}

/// A listener in front of one server. Dropping it ends every connection.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of loopback for `upstream`, which need not be there yet.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::on(listener, upstream)
    }

    /// Serves a listener that is bound already: for a server that must know its announced port when it starts.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn on(listener: TcpListener, upstream: SocketAddr) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (rules, _) = watch::channel(Rules::default());
        let shared = Arc::new(Shared { rules, trap: Mutex::new(None) });
        let accepting = tokio::spawn(accept(listener, upstream, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `who` has this weather, in the connections there are and in new ones.
    pub fn set(&self, who: Who, weather: Weather) {
        self.shared.rules.send_modify(|rules| rules.set(who, weather));
    }

    /// Ends the connections of `who`; new ones are as the weather is.
    pub fn cut(&self, who: Who, how: Cut) {
        self.shared.rules.send_modify(|rules| rules.cut(who, how));
    }

    /// Lets the next Redis command of `who` that contains `needle` through to the server and drops its reply; replies
    /// before it are delivered, then the connection is reset. The receiver hears when the command was seen.
    ///
    /// Only one such order stands at a time; a new one replaces it.
    pub fn lose_reply(&self, who: Who, needle: impl Into<Vec<u8>>) -> oneshot::Receiver<()> {
        let (sprung, heard) = oneshot::channel();
        let trap = Trap { who, needle: needle.into(), sprung };
        *self.shared.trap.lock().unwrap_or_else(PoisonError::into_inner) = Some(trap);
        heard
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut(Who::All, Cut::Reset);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((client, peer)) => {
                tokio::spawn(serve(client, peer.ip(), upstream, Arc::clone(&shared)));
            }
            // Out of descriptors, or the client gave up: the next one may be luckier.
            Err(_) => sleep(BREATH).await,
        }
    }
}

#[cfg(test)]
mod tests;
