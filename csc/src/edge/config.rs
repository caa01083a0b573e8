//! The section `[edge]`: where the services are, and how long a request may wait for them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use csc_service::config::Section;

/// The settings of the edge's own.
#[derive(Clone, Debug)]
pub(super) struct EdgeConfig {
    /// Replicas of the identity server.
    pub(super) idms: Vec<HostPort>,
    /// Replicas of the configuration server.
    pub(super) cms: Vec<HostPort>,
    /// Replicas of the group server.
    pub(super) gms: Vec<HostPort>,
    /// Replicas of the key server.
    pub(super) kms: Vec<HostPort>,
    /// How long requests may take.
    pub(super) times: Times,
}

/// How long a request may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From the end of the request's header to the beginning of the service's answer.
    pub(super) answer: Duration,
    /// For a replica that is connected, while none is.
    pub(super) replica: Duration,
}

impl EdgeConfig {
    /// Reads the settings.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mut replicas = |key, doc: &str| {
            let doc = format!(
                "Where {doc} is reached: \"host:port\" of its HTTPS listener, which has http.behind_edge. Every address\n\
                 that a name has is a replica; names are looked up again every few seconds."
            );
            let found: Vec<HostPort> = section.list(key, &[], &doc);
            if found.is_empty() {
                section.mistake(key, "names no address");
            }
            found
        };
        Self {
            idms: replicas("idms", "the identity server (idms)"),
            cms: replicas("cms", "the configuration server (cms)"),
            gms: replicas("gms", "the group server (gms)"),
            kms: replicas("kms", "the key server (kms)"),
            times: Times {
                answer: section.duration(
                    "answer_time",
                    "60s",
                    ("100ms", "1h"),
                    "Time for a service to begin its answer, from the end of the request's header; then 504.",
                ),
                replica: section.duration(
                    "replica_time",
                    "3s",
                    ("0s", "5m"),
                    "How long a request waits for a replica to come back while none is connected; then 503.",
                ),
            },
        }
    }
}

/// A host and a port: `gms-0.internal:4420`, `192.0.2.1:4420`, `[2001:db8::1]:4420`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostPort {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be \"host:port\"";
        let (host, port) = text.rsplit_once(':').ok_or(WRONG)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let plain =
            |host: &str| host.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet));
        let good = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && plain(host),
        };
        match port.parse() {
            Ok(port) if good && port != 0 => Ok(Self { host: bare.unwrap_or(host).to_owned(), port }),
            _ => Err(WRONG),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for text in ["gms:4420", "gms-0.internal.example.org:1", "192.0.2.1:65535", "[2001:db8::1]:4420"] {
            assert_eq!(text.parse::<HostPort>().map(|place| place.to_string()).as_deref(), Ok(text));
        }
        for text in [
            "",
            "gms",
            ":4420",
            "gms:",
            "gms:0",
            "gms:65536",
            "2001:db8::1:4420",
            "[gms]:1",
            "a b:1",
            "https://gms:1",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text:?}");
        }
    }
}
