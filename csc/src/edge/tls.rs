//! The edge's side of the bus's TLS: shows the edge's certificate, and trusts the CA of the bus alone.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use csc_service::bus::BusConfig;
use csc_service::config::SecretBytes;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A connector for HTTP/2.
///
/// # Errors
/// If a file cannot be used.
pub(super) fn connector(bus: &BusConfig) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&bus.ca)? {
        roots.add(certificate).with_context(|| bus.ca.display().to_string())?;
    }
    let identity = &bus.identity;
    let pem = SecretBytes::read(&identity.key)
        .map_err(|why| anyhow::anyhow!("{}: {why}", identity.key.display()))?;
    // The error of the PEM reader quotes lines of the file, so it is not passed on.
    let key = PrivateKeyDer::from_pem_slice(pem.expose())
        .map_err(|_| anyhow::anyhow!("{}: holds no private key", identity.key.display()))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(&identity.certificate)?, key)
        .with_context(|| identity.certificate.display().to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain = chain.map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    anyhow::ensure!(!chain.is_empty(), "{}: holds no certificate", file.display());
    Ok(chain)
}
