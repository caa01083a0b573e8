//! This process on the bus: its certificate, its CA, and where it listens if it does.

use std::net::SocketAddr;
use std::path::PathBuf;

use rustls::ServerConfig;

use super::member::{BusDomain, Members, MembersOnly, Names};
use crate::Metrics;
use crate::config::Section;
use crate::tls::{self, Identity, Reloaded, Tickets, TlsError};

/// This process as a member of the bus. Section `bus`.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Where it listens; `None` for a member that only calls others.
    pub listen: Option<SocketAddr>,
    /// The certificate it shows, as a server and as a client.
    pub identity: Identity,
    /// The CA of the bus, which issued the certificates of all its members and nothing else.
    pub ca: PathBuf,
    /// What stands behind the names of the members in their certificates.
    pub domain: Option<BusDomain>,
}

impl BusConfig {
    /// Reads the settings; `None` when this process is no member of a bus.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        let listen = section.optional(
            "listen",
            "127.0.0.1:4430",
            "Address of the bus listener. Without it there is none.",
        );
        let certificate = section.optional_path(
            "certificate",
            "pki/bus.pem",
            "PEM file with the certificate shown on the bus, followed by those of its issuers. Its DNS names say what\n\
             this process is: idms, cms, gms, kms, subscription-proxy, edge, operator; several of them when it is\n\
             several. Read again when it changes, as key and ca are.",
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
        let domain = section.optional(
            "domain",
            "bus.example.org",
            "What stands behind the names in certificates of the bus: idms.bus.example.org.",
        );
        if listen.is_none() && certificate.is_none() && key.is_none() && ca.is_none() {
            return None;
        }
        let mut wanted = |key, path: Option<PathBuf>| {
            path.unwrap_or_else(|| {
                section.mistake(key, "is required of a member of the bus");
                PathBuf::new()
            })
        };
        let identity = Identity { certificate: wanted("certificate", certificate), key: wanted("key", key) };
        Some(Self { listen, identity, ca: wanted("ca", ca), domain })
    }

    /// The TLS side of a listener with this certificate that only `allowed` may connect to.
    pub(crate) fn server(
        &self,
        what: &'static str,
        allowed: Members,
        protocols: &'static [&'static [u8]],
        metrics: &Metrics,
    ) -> Result<Reloaded<ServerConfig>, TlsError> {
        let Self { identity, ca, domain, .. } = self.clone();
        let names = Names::new(domain.as_ref());
        let files = vec![identity.certificate.clone(), identity.key.clone(), ca.clone()];
        Reloaded::new(what, files, metrics, move || {
            let chain = tls::client_verifier(Some(&ca), true)?;
            let clients = MembersOnly { chain, names: names.clone(), allowed };
            // No tickets: a resumed session would not show its certificate again.
            tls::server(&identity, std::sync::Arc::new(clients), Tickets::None, protocols)
        })
    }
}
