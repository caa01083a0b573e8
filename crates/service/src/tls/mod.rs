//! TLS by rustls: files in, configurations out. TLS 1.2 and 1.3 with the ring provider, and errors that name the file.

mod reload;
mod tickets;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use csc_types::Entropy;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use self::tickets::FileTicketer;
use crate::config::SecretBytes;

pub(crate) use self::reload::{Refresh, Reloaded, watch};

/// The protocols that are negotiated in the TLS handshake (ALPN), the preferred one first.
pub(crate) const HTTP_1_AND_2: &[&[u8]] = &[b"h2", b"http/1.1"];
/// For gRPC.
pub(crate) const HTTP_2: &[&[u8]] = &[b"h2"];

/// A file that TLS needs cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct TlsError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong and what to do about it.
    pub problem: String,
}

impl TlsError {
    fn new(file: &Path, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problem: problem.into() }
    }
}

/// The certificate a process shows, with its key.
#[derive(Clone, Debug)]
pub struct Identity {
    /// A PEM file: the certificate, then those of its issuers, without the root.
    pub certificate: PathBuf,
    /// A PEM file: its private key.
    pub key: PathBuf,
}

impl Identity {
    fn load(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain = certificates(&self.certificate)?;
        let pem = SecretBytes::read(&self.key).map_err(|why| TlsError::new(&self.key, why))?;
        // The error of the PEM reader quotes lines of the file, so it is not passed on.
        let key = PrivateKeyDer::from_pem_slice(pem.expose()).map_err(|_| {
            TlsError::new(
                &self.key,
                "holds no private key; a PEM file in PKCS #8, PKCS #1 or SEC 1 form is wanted",
            )
        })?;
        Ok((chain, key))
    }

    fn mismatch(&self, error: &rustls::Error) -> TlsError {
        let problem = match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("is not the key of the certificate in {}", self.certificate.display())
            }
            other => {
                format!("cannot be used with the certificate in {}: {other}", self.certificate.display())
            }
        };
        TlsError::new(&self.key, problem)
    }
}

/// How resumed sessions are recognised.
#[derive(Clone)]
pub(crate) enum Tickets {
    /// Keys from a file, which replicas share.
    File(PathBuf, Arc<dyn Entropy>),
    /// Keys of this process alone, which it changes every few hours.
    Process,
    /// Not at all.
    None,
}

/// A server's configuration. `clients` says who may connect.
pub(crate) fn server(
    identity: &Identity,
    clients: Arc<dyn ClientCertVerifier>,
    tickets: Tickets,
    protocols: &[&[u8]],
) -> Result<ServerConfig, TlsError> {
    let (chain, key) = identity.load()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the ring provider has cipher suites for both versions")
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(|error| identity.mismatch(&error))?;
    if let Some(ticketer) = ticketer(tickets)? {
        config.ticketer = ticketer;
    }
    // Tickets carry the whole session, so nothing is kept here for UEs that may never come back.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// A client's configuration: trusts the CA in `ca` alone and shows `identity`.
pub(crate) fn client(identity: &Identity, ca: &Path, protocols: &[&[u8]]) -> Result<ClientConfig, TlsError> {
    let mut config = client_tls(ca, Some(identity))?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The configuration of a client of somebody else's server, such as a database: trusts the CA in `ca` alone, shows
/// `identity` if it is asked for one, and negotiates no protocol.
///
/// # Errors
/// If a file cannot be used.
pub fn client_tls(ca: &Path, identity: Option<&Identity>) -> Result<ClientConfig, TlsError> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(ca)?), provider())
        .build()
        .map_err(|error| TlsError::new(ca, format!("cannot be trusted: {error}")))?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the ring provider has cipher suites for both versions")
        .with_webpki_verifier(verifier);
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let (chain, key) = identity.load()?;
    builder.with_client_auth_cert(chain, key).map_err(|error| identity.mismatch(&error))
}

/// Clients need no certificate; one they show must come from the CA in `ca`. With `required` they must show one.
pub(crate) fn client_verifier(
    ca: Option<&Path>,
    required: bool,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(ca) = ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca)?), provider());
    if !required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| TlsError::new(ca, format!("cannot be trusted: {error}")))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match found {
        Ok(chain) if chain.is_empty() => {
            Err(TlsError::new(file, "holds no certificate; a PEM file is wanted"))
        }
        Ok(chain) => Ok(chain),
        Err(rustls_pki_types::pem::Error::Io(error)) => {
            Err(TlsError::new(file, format!("cannot read it: {error}")))
        }
        Err(_) => Err(TlsError::new(file, "is damaged; a PEM file with certificates is wanted")),
    }
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| TlsError::new(file, format!("cannot be trusted: {error}")))?;
    }
    Ok(roots)
}

fn ticketer(tickets: Tickets) -> Result<Option<Arc<dyn ProducesTickets>>, TlsError> {
    match tickets {
        Tickets::None => Ok(None),
        Tickets::File(file, entropy) => {
            let keys = SecretBytes::read(&file).map_err(|why| TlsError::new(&file, why))?;
            let ticketer = FileTicketer::new(&keys, entropy).map_err(|why| TlsError::new(&file, why))?;
            Ok(Some(Arc::new(ticketer)))
        }
        Tickets::Process => Ok(Some(Ticketer::new().expect("the system gives randomness"))),
    }
}
