//! The edge's side of the bus's TLS: shows the edge's certificate, and trusts the CA of the bus alone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, anyhow, ensure};
use csc_service::Identity;
use csc_service::config::SecretBytes;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Connects as a member of the bus. The files are read anew for every connection: those are few and live long, and so
/// certificates are replaced without a restart.
#[derive(Debug)]
pub(super) struct BusTls {
    files: Files,
    /// What was read last and could be used.
    last: Mutex<Arc<ClientConfig>>,
}

/// Where certificates and key are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// The CA of the bus.
    pub(super) ca: PathBuf,
    /// The edge's certificate and key.
    pub(super) identity: Identity,
}

impl BusTls {
    /// Reads the files.
    ///
    /// # Errors
    /// If one cannot be used.
    pub(super) fn open(files: Files) -> anyhow::Result<Self> {
        let config = files.read()?;
        Ok(Self::new(files, config))
    }

    /// With a configuration that was made of `files`.
    pub(super) fn new(files: Files, config: ClientConfig) -> Self {
        Self { files, last: Mutex::new(Arc::new(config)) }
    }

    /// A connector with the files as they are now, or as they were when they could last be used.
    pub(super) async fn connector(&self) -> TlsConnector {
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || files.read()).await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read.unwrap_or_else(|error| Err(error.into())) {
            Ok(config) => *last = Arc::new(config),
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "certificates of the bus cannot be read; going on with those that were"
            ),
        }
        TlsConnector::from(Arc::clone(&last))
    }
}

impl Files {
    fn read(&self) -> anyhow::Result<ClientConfig> {
        let Identity { certificate, key } = &self.identity;
        let mut roots = RootCertStore::empty();
        for trusted in certificates(&self.ca)? {
            roots.add(trusted).with_context(|| self.ca.display().to_string())?;
        }
        let pem = SecretBytes::read(key).map_err(|why| anyhow!("{}: {why}", key.display()))?;
        // The error of the PEM reader quotes lines of the file, so it is not passed on.
        let own = PrivateKeyDer::from_pem_slice(pem.expose())
            .map_err(|_| anyhow!("{}: holds no private key", key.display()))?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the ring provider has cipher suites for both versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates(certificate)?, own)
            .with_context(|| certificate.display().to_string())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain = chain.with_context(|| file.display().to_string())?;
    ensure!(!chain.is_empty(), "{}: holds no certificate", file.display());
    Ok(chain)
}
