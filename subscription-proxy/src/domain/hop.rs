//! Where NOTIFYs may go: to configured next hops only, whatever Route and Contact say.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use sip_codec::Uri;

/// A configured peer: an address, and a port or any port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address.
    pub ip: IpAddr,
    /// The port; `None`: any.
    pub port: Option<u16>,
}

/// The text is no peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an IP address with or without a port, such as 192.0.2.1, 192.0.2.1:5060 or [2001:db8::1]:5060"
)]
pub struct NotAPeer;

impl Peer {
    /// Whether `address` is this peer.
    pub fn covers(&self, address: SocketAddr) -> bool {
        self.ip == address.ip().to_canonical() && self.port.is_none_or(|port| port == address.port())
    }
}

impl FromStr for Peer {
    type Err = NotAPeer;

    fn from_str(text: &str) -> Result<Peer, NotAPeer> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Peer { ip: ip.to_canonical(), port: None });
        }
        match text.parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => {
                Ok(Peer { ip: address.ip().to_canonical(), port: Some(address.port()) })
            }
            _ => Err(NotAPeer),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

/// Where requests for the URI `hop` (the first Route, or Contact) go: to its own address where a configured next hop
/// covers it, else to the first next hop with a port, which is the outbound proxy. `None` where there is neither.
pub(crate) fn next(hop: &str, next_hops: &[Peer]) -> Option<SocketAddr> {
    let own = Uri::parse(hop).and_then(|uri| {
        let uri = uri.sip()?;
        let host = uri.host.trim_start_matches('[').trim_end_matches(']');
        let ip: IpAddr = host.parse().ok()?;
        Some(SocketAddr::new(ip.to_canonical(), uri.port.unwrap_or(5060)))
    });
    if let Some(own) = own
        && next_hops.iter().any(|peer| peer.covers(own))
    {
        return Some(own);
    }
    next_hops.iter().find_map(|peer| Some(SocketAddr::new(peer.ip, peer.port?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(texts: &[&str]) -> Vec<Peer> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_configured_hops_are_used() {
        let go = |hop: &str, hops: &[&str]| next(hop, &peers(hops)).map(|to| to.to_string());
        let contact = "sip:alex@192.0.2.7:5070;ob";
        assert_eq!(go(contact, &["192.0.2.7"]).as_deref(), Some("192.0.2.7:5070"));
        assert_eq!(go(contact, &["192.0.2.7:5070"]).as_deref(), Some("192.0.2.7:5070"));
        assert_eq!(go(contact, &["192.0.2.7:5060", "192.0.2.9"]).as_deref(), Some("192.0.2.7:5060"));
        assert_eq!(go(contact, &["192.0.2.9", "192.0.2.8:5080"]).as_deref(), Some("192.0.2.8:5080"));
        assert_eq!(go(contact, &["192.0.2.9"]), None);
        assert_eq!(go(contact, &[]), None);
        assert_eq!(go("sip:192.0.2.7", &["192.0.2.7"]).as_deref(), Some("192.0.2.7:5060"));
        assert_eq!(go("sip:scscf.example.org;lr", &["192.0.2.7:5060"]).as_deref(), Some("192.0.2.7:5060"));
        assert_eq!(go("sip:scscf.example.org;lr", &["192.0.2.7"]), None);
        assert_eq!(go("sip:a@[2001:db8::1]", &["2001:db8::1"]).as_deref(), Some("[2001:db8::1]:5060"));
    }

    #[test]
    fn peers_are_addresses() {
        for text in ["192.0.2.1", "192.0.2.1:5060", "2001:db8::1", "[2001:db8::1]:5060"] {
            assert_eq!(text.parse::<Peer>().unwrap().to_string(), text);
        }
        for bad in ["", "example.org", "192.0.2.1:0", "192.0.2.1:x", "192.0.2"] {
            assert_eq!(bad.parse::<Peer>(), Err(NotAPeer), "{bad}");
        }
        let mapped = "[::ffff:192.0.2.1]:5060".parse().unwrap();
        assert!(peers(&["192.0.2.1"])[0].covers(mapped));
    }
}
