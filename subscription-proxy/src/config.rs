//! Settings: section `[sip]`.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use csc_service::config::{SecretBytes, Section};
use csc_types::{McpttId, OrgId};
use sip_codec::Uri;

use crate::domain::hop::Peer;
use crate::domain::wish::Durations;

/// How subscribers are reached and what they may ask for.
#[derive(Clone, Debug)]
pub struct Config {
    /// The UDP address that is served.
    pub listen: SocketAddr,
    /// The URI of Contact; `None`: made of the address that is served.
    pub contact: Option<SipContact>,
    /// Host and port of this replica in Via; `None`: the address that is served.
    pub sent_by: Option<SentBy>,
    /// The key that To-tags are derived with.
    pub tag_secret: SecretBytes,
    /// Peers whose P-Asserted-Identity is believed.
    pub trusted_peers: Vec<Peer>,
    /// Whether From of a trusted peer's request is an identity where it asserts none.
    pub from_is_identity: bool,
    /// Where NOTIFYs may go.
    pub next_hops: Vec<Peer>,
    /// The user parts of Request-URIs that are served.
    pub psis: Vec<String>,
    /// Servers that may watch all documents of a usage.
    pub servers: Vec<ServerSetting>,
    /// The least time between two NOTIFYs of one subscription that report changes.
    pub min_notify_interval: Duration,
    /// Seconds that are granted where Expires is absent.
    pub default_expires: u32,
    /// Seconds that are granted at most.
    pub max_expires: u32,
    /// Fewer seconds than this are refused.
    pub min_expires: u32,
    /// Entries of one list.
    pub max_entries: usize,
    /// Subscriptions of one user; the one not refreshed for longest goes when there are more.
    pub max_per_user: usize,
    /// Subscriptions of this replica's subscribers.
    pub max_subscriptions: usize,
    /// Server transactions that are remembered for one peer, and for all strangers together.
    pub max_per_source: usize,
    /// NOTIFYs that may be without an answer at one next hop at once.
    pub window: usize,
    /// Octets of the receive buffer that the system is asked for.
    pub receive_buffer: usize,
    /// Whether NOTIFYs put ETags into the quotes of the HTTP header field.
    pub quoted_etags: bool,
}

impl Config {
    /// Reads the section `[sip]`.
    pub fn read(section: &mut Section<'_>) -> Config {
        let config = Config {
            listen: section.value("listen", "127.0.0.1:5060", "The UDP address that is served."),
            contact: section.optional(
                "contact",
                "sip:subscription-proxy@csc.example.org",
                "The SIP URI under which subscribers reach this service: Contact of answers and NOTIFYs.\n\
                 Without it the address that is served.",
            ),
            sent_by: section.optional(
                "sent_by",
                "192.0.2.10:5060",
                "Host and port of this replica in Via, which the CSCF must reach.\n\
                 Without it the address that is served.",
            ),
            tag_secret: section.secret_file(
                "tag_secret",
                "keys/sip.key",
                "Derives the tags of dialogs; the same for all replicas. At least 16 random octets.",
            ),
            trusted_peers: section.list(
                "trusted_peers",
                &[],
                "CSCFs whose P-Asserted-Identity is believed: \"192.0.2.1\" or \"192.0.2.1:5060\".",
            ),
            from_is_identity: section.flag(
                "from_is_identity",
                false,
                "Takes From of a trusted peer's request as the identity where there is no P-Asserted-Identity.",
            ),
            next_hops: section.list(
                "next_hops",
                &[],
                "Where NOTIFYs may go: \"192.0.2.1:5060\" exactly there, \"192.0.2.1\" any port there.\n\
                 The first Route, or else Contact, decides among them; what they do not cover goes to the first entry with\n\
                 a port.",
            ),
            psis: section.list(
                "psis",
                &["gms_psi", "cms_psi", "csc_psi"],
                "User parts of the Request-URIs that are served.",
            ),
            servers: section.list(
                "servers",
                &[],
                "Servers that may watch every document of a usage, each with its organisations:\n\
                 \"sip:mcptt_psi@example.org org-a org-b\".",
            ),
            min_notify_interval: section.duration(
                "min_notify_interval",
                "5s",
                ("0s", "1h"),
                "The least time between two NOTIFYs of one subscription that report changes (RFC 5875 4.10).",
            ),
            default_expires: section.number(
                "default_expires",
                3600,
                1..=604_800,
                "Seconds of a subscription that asks for none.",
            ),
            max_expires: section.number(
                "max_expires",
                86_400,
                1..=604_800,
                "Seconds that a subscription gets at most.",
            ),
            min_expires: section.number(
                "min_expires",
                60,
                0..=3600,
                "A subscription for fewer seconds is refused with 423.",
            ),
            max_entries: section.number("max_entries", 500, 1..=9_999, "Entries of one list."),
            max_per_user: section.number(
                "max_per_user",
                16,
                1..=1_000,
                "Subscriptions of one user. The one not refreshed for longest ends when there are more.",
            ),
            max_subscriptions: section.number(
                "max_subscriptions",
                200_000,
                1..=10_000_000,
                "Subscriptions that a replica notifies; while it has as many, it refuses further ones with 503.",
            ),
            max_per_source: section.number(
                "max_per_source",
                20_000,
                1..=1_000_000,
                "Requests of one peer that are remembered for their copies, 4 KiB each in the mean; further ones are\n\
                 refused with 503. Addresses that are neither trusted peer nor next hop count as one.",
            ),
            window: section.number(
                "window",
                128,
                1..=10_000,
                "NOTIFYs that were sent to one next hop within the last half second and are not answered yet.",
            ),
            receive_buffer: section.size(
                "receive_buffer",
                "8MiB",
                ("64KiB", "256MiB"),
                "Receive buffer of the socket. The system may grant less (net.core.rmem_max).",
            ),
            quoted_etags: section.flag(
                "quoted_etags",
                false,
                "Writes ETags of NOTIFYs with the quotes of the HTTP header field, for clients that compare the values of\n\
                 both.",
            ),
        };
        config.check(section);
        config
    }

    fn check(&self, section: &mut Section<'_>) {
        let unspecified = self.listen.ip().is_unspecified();
        if unspecified && self.contact.is_none() {
            section.mistake("contact", "is required where listen is an unspecified address");
        }
        if unspecified && self.sent_by.is_none() {
            section.mistake("sent_by", "is required where listen is an unspecified address");
        }
        if self.default_expires > self.max_expires {
            section.mistake("default_expires", "is larger than max_expires");
        }
        if self.default_expires < self.min_expires {
            section.mistake("default_expires", "is smaller than min_expires");
        }
        if (1..16).contains(&self.tag_secret.expose().len()) {
            section.mistake("tag_secret", "holds fewer than 16 octets");
        }
    }

    pub(crate) fn durations(&self) -> Durations {
        Durations { default: self.default_expires, max: self.max_expires, min: self.min_expires }
    }

    /// Whether the assertions of a request from `source` are believed.
    pub(crate) fn trusts(&self, source: SocketAddr) -> bool {
        self.trusted_peers.iter().any(|peer| peer.covers(source))
    }

    /// Whether `source` is one of the configured addresses, at whatever port.
    pub(crate) fn knows(&self, source: SocketAddr) -> bool {
        let ip = source.ip().to_canonical();
        self.trusted_peers.iter().chain(&self.next_hops).any(|peer| peer.ip == ip)
    }

    /// The organisations of the server with this PSI.
    pub(crate) fn server(&self, psi: &McpttId) -> Option<&ServerSetting> {
        self.servers.iter().find(|server| server.psi == *psi)
    }
}

/// A SIP URI without parameters that could make anything else of Contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipContact(String);

impl SipContact {
    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SipContact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SipContact, &'static str> {
        let uri = Uri::parse(text).filter(|uri| uri.sip().is_some_and(|sip| sip.headers.is_none()));
        uri.map(|_| SipContact(text.to_owned())).ok_or("not a SIP URI")
    }
}

/// Host and port as Via has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentBy(String);

impl SentBy {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SentBy {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SentBy, &'static str> {
        let via = format!("SIP/2.0/UDP {text}");
        let fits = sip_codec::Via::parse(&via).is_some_and(|via| via.sent_by == text);
        if fits { Ok(SentBy(text.to_owned())) } else { Err("not a host with or without a port") }
    }
}

/// A server and the organisations whose documents it may watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSetting {
    /// Its PSI, as P-Asserted-Identity names it.
    pub psi: McpttId,
    /// The organisations.
    pub orgs: Vec<OrgId>,
}

impl FromStr for ServerSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<ServerSetting, String> {
        let mut words = text.split_whitespace();
        let psi = words.next().ok_or("no PSI")?.parse().map_err(|why| format!("PSI: {why}"))?;
        let orgs: Result<Vec<OrgId>, _> = words.map(str::parse).collect();
        let orgs = orgs.map_err(|why| format!("organisation: {why}"))?;
        if orgs.is_empty() {
            return Err("a PSI and at least one organisation, separated by blanks".to_owned());
        }
        Ok(ServerSetting { psi, orgs })
    }
}

#[cfg(test)]
mod tests {
    use csc_service::config::Settings;

    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("sip.key");
        std::fs::write(&secret, [7; 32]).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&secret, mode).unwrap();
        let mut environment: Vec<_> =
            settings.iter().map(|(key, value)| (format!("CSC_SIP_{key}"), (*value).to_owned())).collect();
        environment.push(("CSC_SIP_TAG_SECRET".to_owned(), secret.display().to_string()));
        let mut settings = Settings::load(None, environment);
        let config = Config::read(&mut settings.section("sip", "SIP."));
        settings.finish().map(|()| config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn settings_are_read() {
        let config = read(&[
            ("LISTEN", "0.0.0.0:5060"),
            ("CONTACT", "sip:csc@csc.example.org:5070"),
            ("SENT_BY", "192.0.2.10:5070"),
            ("TRUSTED_PEERS", "192.0.2.1,192.0.2.2:5060"),
            ("SERVERS", "sip:mcptt_psi@Example.org a b"),
        ])
        .unwrap();
        assert!(config.trusts("192.0.2.1:7".parse().unwrap()));
        assert!(!config.trusts("192.0.2.2:7".parse().unwrap()));
        let psi = "sip:mcptt_psi@example.org".parse().unwrap();
        assert_eq!(config.server(&psi).map(|server| server.orgs.len()), Some(2));
        assert_eq!(config.psis, ["gms_psi", "cms_psi", "csc_psi"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (settings, word) in [
            (vec![("LISTEN", "0.0.0.0:5060")], "contact"),
            (vec![("LISTEN", "0.0.0.0:5060")], "sent_by"),
            (vec![("CONTACT", "tel:+8251")], "contact"),
            (vec![("SENT_BY", "a b")], "sent_by"),
            (vec![("SENT_BY", "h;branch=x")], "sent_by"),
            (vec![("NEXT_HOPS", "scscf.example.org")], "next_hops"),
            (vec![("SERVERS", "sip:a@b")], "servers"),
            (vec![("DEFAULT_EXPIRES", "100000")], "default_expires"),
            (vec![("DEFAULT_EXPIRES", "59")], "default_expires"),
        ] {
            let mistakes = read(&settings).err().unwrap();
            assert!(mistakes.contains(word), "{mistakes}");
        }
    }
}
