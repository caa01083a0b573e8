//! The HTTPS listener for UEs: where, with which certificate, within which limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use csc_types::Entropy;
use tokio_rustls::TlsAcceptor;

use super::Limits;
use crate::config::Section;
use crate::tls::{self, Identity, Tickets, TlsError};

/// What both ends must name when they negotiate a protocol in the TLS handshake. UEs that do not negotiate are served.
const PROTOCOL: &[u8] = b"http/1.1";

/// The HTTPS listener. Section `http`.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// The certificate UEs see.
    pub identity: Identity,
    /// The keys of session tickets; without them UEs resume at this process alone.
    pub ticket_keys: Option<PathBuf>,
    /// The CA of UE certificates; without it UEs are not asked for one.
    pub client_ca: Option<PathBuf>,
    /// Whether a UE must show a certificate.
    pub client_certificate_required: bool,
    /// What one client may take.
    pub limits: Limits,
}

impl HttpConfig {
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let config = Self {
            listen: section.list("listen", &["127.0.0.1:4420"], "Addresses that are served. Port 0 takes a free port."),
            identity: Identity::read(section, "pki"),
            ticket_keys: section.optional_path(
                "ticket_keys",
                "pki/ticket.keys",
                "File with the keys of TLS session tickets: one or two lines of 64 hexadecimal digits, current and\n\
                 previous (openssl rand -hex 32). Replicas share it, so that a UE resumes at any of them. Change the\n\
                 keys whenever client_ca changes. Without it each process makes keys of its own.",
            ),
            client_ca: section.optional_path(
                "client_ca",
                "pki/ue-ca.pem",
                "PEM file with the CA of UE certificates. Without it UEs are not asked for a certificate.",
            ),
            client_certificate_required: section.flag(
                "client_certificate_required",
                false,
                "Whether a UE must show a certificate of client_ca.",
            ),
            limits: Limits::read(section),
        };
        if config.listen.is_empty() {
            section.mistake("listen", "names no address");
        }
        if config.client_certificate_required && config.client_ca.is_none() {
            section.mistake("client_certificate_required", "needs client_ca");
        }
        config
    }

    /// Its TLS side.
    pub(crate) fn acceptor(&self, entropy: Arc<dyn Entropy>) -> Result<TlsAcceptor, TlsError> {
        let clients = tls::client_verifier(self.client_ca.as_deref(), self.client_certificate_required)?;
        let tickets = match &self.ticket_keys {
            Some(file) => Tickets::File(file.clone(), entropy),
            None => Tickets::Process,
        };
        Ok(TlsAcceptor::from(Arc::new(tls::server(&self.identity, clients, tickets, PROTOCOL)?)))
    }
}
