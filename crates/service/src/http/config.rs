//! The HTTPS listener: where, for whom, with which certificate, within which limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use csc_types::Entropy;
use rustls::ServerConfig;

use super::Limits;
use crate::Metrics;
use crate::bus::{BusConfig, Member, Members};
use crate::config::Section;
use crate::tls::{self, HTTP_1_AND_2, Identity, Reloaded, Tickets, TlsError};

/// The HTTPS listener. Section `http`.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Where it serves the same without TLS, so that benchmarks measure what is behind it.
    #[cfg(feature = "plain-http")]
    pub plain: Vec<SocketAddr>,
    /// Who connects to it.
    pub clients: Clients,
    /// What one client may take.
    pub limits: Limits,
}

/// Who connects to an HTTPS listener.
#[derive(Clone, Debug)]
pub enum Clients {
    /// UEs.
    Public(Public),
    /// The edge alone, which shows its certificate of the bus and says for whom it asks.
    Edge,
}

/// What a listener for UEs shows and trusts.
#[derive(Clone, Debug)]
pub struct Public {
    /// The certificate UEs see.
    pub identity: Identity,
    /// The keys of session tickets; without them UEs resume at this process alone.
    pub ticket_keys: Option<PathBuf>,
    /// The CA of UE certificates; without it UEs are not asked for one.
    pub client_ca: Option<PathBuf>,
    /// Whether a UE must show a certificate.
    pub client_certificate_required: bool,
}

impl HttpConfig {
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let listen = section.list(
            "listen",
            &["127.0.0.1:4420"],
            "Addresses that are served. Port 0 takes a free port.",
        );
        if listen.is_empty() {
            section.mistake("listen", "names no address");
        }
        let behind_edge = section.flag(
            "behind_edge",
            false,
            "Whether the edge forwards the requests of UEs. The listener then shows the certificate of section bus, takes\n\
             connections only of members of the bus with the name edge, and believes what they say of the UE's address\n\
             and certificate. The settings about certificates below are of no use then.",
        );
        let public = Public::read(section, behind_edge);
        let clients = if behind_edge { Clients::Edge } else { Clients::Public(public) };
        Self {
            listen,
            #[cfg(feature = "plain-http")]
            plain: section.list("plain", &[], "Addresses that are served without TLS. For benchmarks alone."),
            clients,
            limits: Limits::read(section),
        }
    }

    /// No HTTPS listener: for a process that serves nothing over HTTPS.
    pub fn none() -> Self {
        Self {
            listen: Vec::new(),
            #[cfg(feature = "plain-http")]
            plain: Vec::new(),
            clients: Clients::Edge,
            limits: Limits::small(),
        }
    }

    /// Its TLS side. A listener behind the edge is a member of `bus`.
    pub(crate) fn tls(
        &self,
        bus: Option<&BusConfig>,
        entropy: Arc<dyn Entropy>,
        metrics: &Metrics,
    ) -> Result<Reloaded<ServerConfig>, TlsError> {
        match (&self.clients, bus) {
            (Clients::Public(public), _) => public.clone().tls(entropy, metrics),
            (Clients::Edge, Some(bus)) => {
                bus.server("https", Members::of(&[Member::Edge]), HTTP_1_AND_2, metrics)
            }
            (Clients::Edge, None) => Err(TlsError {
                file: PathBuf::from("http.behind_edge"),
                problem: "needs the certificate of section bus".to_owned(),
            }),
        }
    }
}

impl Public {
    fn read(section: &mut Section<'_>, behind_edge: bool) -> Self {
        let needed = !behind_edge;
        let certificate = section.path_required_if(
            needed,
            "certificate",
            "pki/server.pem",
            "PEM file with the certificate shown to peers, followed by those of its issuers. This file and those below are\n\
             read again when they change.",
        );
        let key = section.path_required_if(
            needed,
            "key",
            "pki/server.key",
            "PEM file with the private key of the certificate. Not everybody may read it.",
        );
        let public = Self {
            identity: Identity { certificate: certificate.unwrap_or_default(), key: key.unwrap_or_default() },
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
        };
        if public.client_certificate_required && public.client_ca.is_none() {
            section.mistake("client_certificate_required", "needs client_ca");
        }
        public
    }

    fn tls(self, entropy: Arc<dyn Entropy>, metrics: &Metrics) -> Result<Reloaded<ServerConfig>, TlsError> {
        let Self { identity, ticket_keys, client_ca, client_certificate_required } = self;
        let mut files = vec![identity.certificate.clone(), identity.key.clone()];
        files.extend(ticket_keys.iter().chain(&client_ca).cloned());
        Reloaded::new("https", files, metrics, move || {
            let clients = tls::client_verifier(client_ca.as_deref(), client_certificate_required)?;
            let tickets = match &ticket_keys {
                Some(file) => Tickets::File(file.clone(), Arc::clone(&entropy)),
                None => Tickets::Process,
            };
            tls::server(&identity, clients, tickets, HTTP_1_AND_2)
        })
    }
}
