//! Peers that are believed when they say for whom they ask: a gateway that has identified its clients itself.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName};

use super::Peer;
use crate::config::Section;

/// Who is believed: by address, or by a name in a certificate. By default nobody.
#[derive(Clone, Debug, Default)]
pub struct TrustedPeers {
    networks: Vec<Network>,
    names: Vec<PeerName>,
}

impl TrustedPeers {
    /// Asks for the settings `trusted_addresses` and `trusted_names`. `what`: what these peers are believed to say.
    pub fn read(section: &mut Section<'_>, what: &str) -> Self {
        let networks = section.list(
            "trusted_addresses",
            &[],
            &format!(
                "Addresses of gateways that are believed to say {what}: \"192.0.2.7\", \"192.0.2.0/28\". Whoever can send\n\
                 from one of them can be anybody. Behind an edge it is the address that the edge sees."
            ),
        );
        let names = section.list(
            "trusted_names",
            &[],
            "DNS names of such gateways, as they stand in certificates of http.client_ca that they show.",
        );
        Self { networks, names }
    }

    /// Whether `peer` is one of them.
    pub fn trusts(&self, peer: &Peer) -> bool {
        let address = peer.address.ip();
        self.networks.iter().any(|network| network.contains(address))
            || peer.certificate.as_ref().is_some_and(|shown| self.names.iter().any(|name| name.is_of(shown)))
    }
}

/// An address with those that begin alike, as IPv6; IPv4 addresses are mapped (RFC 4291 section 2.5.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.bits
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be an address or a network such as 192.0.2.0/28";
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| WRONG)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| WRONG)?;
        let all: u32 = if address.is_ipv4() { 32 } else { 128 };
        let host = all.checked_sub(length.unwrap_or(all)).ok_or(WRONG)?;
        let mask = u128::MAX.checked_shl(host).unwrap_or(0);
        let bits = bits(address);
        if bits & !mask == 0 { Ok(Self { bits, mask }) } else { Err("has bits behind its prefix") }
    }
}

fn bits(address: IpAddr) -> u128 {
    let six = match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    };
    u128::from(Ipv6Addr::from(six.octets()))
}

/// A DNS name, and one beside it that no certificate of the same peer may cover: only a wildcard would.
#[derive(Clone, Debug)]
struct PeerName {
    name: ServerName<'static>,
    other: ServerName<'static>,
}

impl PeerName {
    fn is_of(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else { return false };
        verify_server_name(&certificate, &self.name).is_ok()
            && verify_server_name(&certificate, &self.other).is_err()
    }
}

impl FromStr for PeerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let other = match text.split_once('.') {
            Some((_, parent)) => format!("csc-nobody.{parent}"),
            None => "csc-nobody".to_owned(),
        };
        match (ServerName::try_from(text.to_owned()), ServerName::try_from(other)) {
            (Ok(name @ ServerName::DnsName(_)), Ok(other)) if !text.ends_with('.') => {
                Ok(Self { name, other })
            }
            _ => Err("must be a DNS name such as gateway.example.org"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(networks: &[&str], names: &[&str]) -> TrustedPeers {
        TrustedPeers {
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }

    fn peer(address: &str, names: Option<&[&str]>) -> Peer {
        let certificate = names.map(|names| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            rcgen::generate_simple_self_signed(names).unwrap().cert.der().clone()
        });
        Peer { address: format!("{address}:1").parse().unwrap(), certificate }
    }

    #[test]
    fn by_address() {
        let trusted = peers(&["192.0.2.16/28", "198.51.100.7", "2001:db8::/32"], &[]);
        for yes in ["192.0.2.16", "192.0.2.31", "[::ffff:192.0.2.17]", "198.51.100.7", "[2001:db8:1::]"] {
            assert!(trusted.trusts(&peer(yes, None)), "{yes}");
        }
        for no in ["192.0.2.15", "192.0.2.32", "198.51.100.8", "[2001:db9::]", "127.0.0.1", "[::1]"] {
            assert!(!trusted.trusts(&peer(no, None)), "{no}");
        }
        assert!(peers(&["0.0.0.0/0"], &[]).trusts(&peer("203.0.113.1", None)));
        assert!(!peers(&["0.0.0.0/0"], &[]).trusts(&peer("[2001:db8::]", None)));
        assert!(peers(&["::/0"], &[]).trusts(&peer("[2001:db8::]", None)));
        assert!(!TrustedPeers::default().trusts(&peer("127.0.0.1", Some(&["localhost"]))));
        for wrong in ["", "192.0.2.0/33", "192.0.2.1/24", "x", "192.0.2.0/", "192.0.2.0/-1", "::/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn by_the_name_in_a_certificate() {
        let trusted = peers(&[], &["gateway.example.org"]);
        assert!(trusted.trusts(&peer("203.0.113.1", Some(&["gateway.example.org"]))));
        assert!(trusted.trusts(&peer("203.0.113.1", Some(&["x.example.org", "gateway.example.org"]))));
        for no in [&["*.example.org"][..], &["gateway.example.com"], &["x.gateway.example.org"], &[]] {
            assert!(!trusted.trusts(&peer("203.0.113.1", Some(no))), "{no:?}");
        }
        assert!(!trusted.trusts(&peer("203.0.113.1", None)));
        for wrong in ["", "192.0.2.1", "a b", "example.org.", "*"] {
            assert!(wrong.parse::<PeerName>().is_err(), "{wrong}");
        }
    }
}
