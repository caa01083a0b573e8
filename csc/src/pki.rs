//! Certificates for the demo: a CA made on the spot, and what it signs.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A certification authority that lives as long as this value; its key is never stored.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// A new authority called `name`.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Writes the authority's certificate to `file`.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, &self.certificate).with_context(|| format!("writing {}", file.display()))
    }

    /// Makes a key and a certificate for `names` (DNS names or addresses; the first is the common name) and writes them
    /// to `<stem>.pem` and, readable by the owner alone, `<stem>.key`.
    pub(crate) fn issue(&self, names: &[&str], stem: &Path) -> anyhow::Result<()> {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        params
            .distinguished_name
            .push(DnType::CommonName, *names.first().context("a certificate has a name")?);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let file = stem.with_extension("pem");
        std::fs::write(&file, certificate.pem()).with_context(|| format!("writing {}", file.display()))?;
        write_secret(&stem.with_extension("key"), key.serialize_pem().as_bytes())
    }
}

/// Writes a file that only its owner can read; an existing one is an error.
pub(crate) fn write_secret(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut open = OpenOptions::new();
    let mut out = open
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("creating {}", file.display()))?;
    out.write_all(content)?;
    out.sync_all()?;
    Ok(())
}
