//! Via (RFC 3261 section 20.42, RFC 3581).

use std::net::IpAddr;

use crate::grammar::{is_token, number, trim};
use crate::params::Params;
use crate::uri::host_port;

/// What every branch of RFC 3261 starts with (section 8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One Via value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport as it is written: `UDP`, `TCP`, `TLS`, …
    pub transport: &'a str,
    /// Where the sender listens: host and port as they are written, without blanks at the ends.
    pub sent_by: &'a str,
    /// The host of `sent_by`.
    pub host: &'a str,
    /// The port of `sent_by`, where one is written.
    pub port: Option<u16>,
    /// Its parameters.
    pub params: Params<'a>,
}

/// `rport` of a Via (RFC 3581 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rport {
    /// The sender asks for the response at the port the request came from.
    Asked,
    /// A server filled it in.
    Filled(u16),
}

impl<'a> Via<'a> {
    /// Reads one value: `SIP / 2.0 / transport sent-by *(;param)`, blanks around the slashes and
    /// the colon allowed.
    pub fn parse(text: &'a str) -> Option<Via<'a>> {
        let (name, rest) = text.split_once('/')?;
        let (version, rest) = rest.split_once('/')?;
        if !trim(name).eq_ignore_ascii_case("SIP") || trim(version) != "2.0" {
            return None;
        }
        let rest = trim(rest);
        let (transport, rest) = rest.split_at(rest.bytes().position(|b| !is_token(b))?);
        let blank = rest.starts_with([' ', '\t']);
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let sent_by = trim(sent_by);
        if transport.is_empty() || !blank {
            return None;
        }
        let (host, port) = match host_port(sent_by) {
            Some(found) => found,
            None => spaced_host_port(sent_by)?,
        };
        Some(Via { transport, sent_by, host, port, params: Params::parse(params)? })
    }

    /// The branch.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.value("branch")
    }

    /// The part of the branch that identifies a transaction, behind the magic cookie; `None` where
    /// the sender follows RFC 2543 or gives nothing behind the cookie.
    pub fn transaction(&self) -> Option<&'a str> {
        let branch = self.branch()?;
        let (cookie, rest) = branch.split_at_checked(MAGIC_COOKIE.len())?;
        (cookie.eq_ignore_ascii_case(MAGIC_COOKIE) && !rest.is_empty()).then_some(rest)
    }

    /// `rport`, where it is there and well-formed.
    pub fn rport(&self) -> Option<Rport> {
        match self.params.get("rport")? {
            None => Some(Rport::Asked),
            Some(port) => {
                number(port, u64::from(u16::MAX)).and_then(|p| u16::try_from(p).ok()).map(Rport::Filled)
            }
        }
    }

    /// The address of `received`.
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

/// `sent-by` with blanks around its colon, which the grammar allows.
fn spaced_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = text.rsplit_once(':')?;
    let (host, none) = host_port(trim(host))?;
    let port = number(trim(port), u64::from(u16::MAX)).and_then(|p| u16::try_from(p).ok())?;
    (none.is_none() && port != 0).then_some((host, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vias_parse() {
        let via = Via::parse("SIP/2.0/UDP 30.1.1.2:5060;rport;branch=z9hG4bK-1ed4").unwrap();
        assert_eq!((via.transport, via.host, via.port), ("UDP", "30.1.1.2", Some(5060)));
        assert_eq!((via.rport(), via.transaction()), (Some(Rport::Asked), Some("-1ed4")));

        let via =
            Via::parse("SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8").unwrap();
        assert_eq!((via.transport, via.sent_by), ("TCP", "spindle.example.com"));
        assert_eq!(via.branch(), Some("z9hG4bK9ikj8"));

        let via = Via::parse("SIP/2.0/TLS [2001:db8::1] : 5061;received=2001:db8::2;rport=9").unwrap();
        assert_eq!((via.host, via.port), ("[2001:db8::1]", Some(5061)));
        assert_eq!(via.received(), Some("2001:db8::2".parse().unwrap()));
        assert_eq!(via.rport(), Some(Rport::Filled(9)));
    }

    #[test]
    fn a_cookie_without_an_identifier_is_no_transaction() {
        for text in ["SIP/2.0/UDP h", "SIP/2.0/UDP h;branch=z9hG4bK", "SIP/2.0/UDP h;branch=390sk"] {
            assert_eq!(Via::parse(text).unwrap().transaction(), None);
        }
    }

    #[test]
    fn broken_vias_are_refused() {
        for bad in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/7.0/UDP h",
            "SIP/2.0/ h",
            "SIP/2.0/UDP h;;",
            "SIP/2.0/UDP;a h",
            "SIP/2.0/UDP h i",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h:0",
            "SIP/2.0/UDP h : 0",
            "SIP/2.0/UDP :5060",
            "SIP/2.0/UDP[::1]",
        ] {
            assert_eq!(Via::parse(bad), None, "{bad:?}");
        }
    }
}
