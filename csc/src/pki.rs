//! `csc pki`: the certificates and shared secrets of an installation.
//!
//! There are two authorities that never mix: one for what terminals see, one for the bus. A certificate of the bus says
//! which member its holder is, by its name (`idms`, `edge`, `operator`, ...) and not by an address, so it serves wherever
//! the process runs. A third one, for SIP, comes with SIP over TLS.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use csc_types::Entropy;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use zeroize::Zeroizing;

/// The members of the bus.
pub(crate) const MEMBERS: [&str; 7] = ["idms", "gms", "cms", "kms", "subscription-proxy", "edge", "operator"];

const PUBLIC: &str = "CSC CA";
const BUS: &str = "CSC bus CA";

/// Makes everything an installation needs in `folder`, which must hold none of it yet:
///
/// | file | what |
/// | --- | --- |
/// | `ca.pem`, `ca.key` | the authority that terminals trust |
/// | `server.pem`, `server.key` | what the edge shows to terminals, for `hosts` |
/// | `bus-ca.pem`, `bus-ca.key` | the authority of the bus |
/// | `<member>.pem`, `<member>.key` | of each member of the bus |
/// | `ticket.keys` | keys of TLS session tickets, which replicas share |
/// | `sip.key` | the secret that To-tags are derived from, which replicas share |
///
/// # Errors
/// If a file cannot be written or exists.
pub(crate) fn init(folder: &Path, hosts: &[String], entropy: &dyn Entropy) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let at = |name: &str| folder.join(name);
    let public = Authority::create(PUBLIC)?;
    public.write(&at("ca"))?;
    let bus = Authority::create(BUS)?;
    bus.write(&at("bus-ca"))?;
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    public.issue(&hosts, &at("server"))?;
    for member in MEMBERS {
        bus.issue(&[member], &at(member))?;
    }
    write_secret(&at("ticket.keys"), format!("{}\n", hex::encode(random(entropy))).as_bytes())?;
    write_secret(&at("sip.key"), &*random(entropy))
}

/// Makes a certificate and a key anew, in the place of those in `folder`: `server` for `hosts`, or a member of the bus.
///
/// # Errors
/// If there is no such certificate, or a file cannot be read or written.
pub(crate) fn renew(folder: &Path, name: &str, hosts: &[String]) -> anyhow::Result<()> {
    let (authority, names) = if name == "server" {
        anyhow::ensure!(!hosts.is_empty(), "--host names what terminals connect to");
        (Authority::load(PUBLIC, &folder.join("ca.key"))?, hosts.iter().map(String::as_str).collect())
    } else {
        anyhow::ensure!(MEMBERS.contains(&name), "{name} is neither `server` nor a member of the bus");
        (Authority::load(BUS, &folder.join("bus-ca.key"))?, vec![name])
    };
    // Made aside and then put in place, so that a process that looks at them never sees half of one.
    let aside = folder.join(format!("new-{name}"));
    for ending in ["key", "pem"] {
        // What is left of an attempt that was interrupted, and was never used.
        match std::fs::remove_file(aside.with_extension(ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}.{ending}", aside.display()));
            }
            _ => {}
        }
    }
    authority.issue(&names, &aside)?;
    for ending in ["key", "pem"] {
        let file = folder.join(name).with_extension(ending);
        std::fs::rename(aside.with_extension(ending), &file)
            .with_context(|| format!("replacing {}", file.display()))?;
    }
    Ok(())
}

pub(crate) fn random(entropy: &dyn Entropy) -> Zeroizing<[u8; 32]> {
    let mut octets = Zeroizing::new([0; 32]);
    entropy.fill(octets.as_mut_slice());
    octets
}

/// A certification authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// A new authority called `name`.
    pub(crate) fn create(name: &str) -> anyhow::Result<Self> {
        Self::of(name, KeyPair::generate()?)
    }

    /// The authority called `name` with the key in `file`. Its own certificate is made anew and not the stored one, which
    /// is good for nothing but signing.
    fn load(name: &str, file: &Path) -> anyhow::Result<Self> {
        let pem = std::fs::read_to_string(file).map(Zeroizing::new);
        let pem = pem.with_context(|| format!("reading {}", file.display()))?;
        let key = KeyPair::from_pem(&pem).with_context(|| format!("in {}", file.display()))?;
        Self::of(name, key)
    }

    fn of(name: &str, key: KeyPair) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Writes the authority's certificate to `<stem>.pem` and, readable by the owner alone, its key to `<stem>.key`.
    fn write(&self, stem: &Path) -> anyhow::Result<()> {
        self.write_certificate(&stem.with_extension("pem"))?;
        write_secret(&stem.with_extension("key"), self.issuer.key().serialize_pem().as_bytes())
    }

    /// Writes the authority's certificate to `file`.
    pub(crate) fn write_certificate(&self, file: &Path) -> anyhow::Result<()> {
        write_new(file, self.certificate.as_bytes(), 0o644)
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
        write_secret(&stem.with_extension("key"), key.serialize_pem().as_bytes())?;
        write_new(&stem.with_extension("pem"), certificate.pem().as_bytes(), 0o644)
    }
}

/// Writes a file that only its owner can read; an existing one is an error.
pub(crate) fn write_secret(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_new(file, content, 0o600)
}

fn write_new(file: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut open = OpenOptions::new();
    let mut out = open
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file)
        .with_context(|| format!("creating {}", file.display()))?;
    out.write_all(content)?;
    out.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use csc_service::OsEntropy;

    use super::*;

    #[test]
    fn a_renewal_that_was_interrupted_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        init(folder.path(), &["localhost".to_owned()], &OsEntropy).unwrap();
        let before = std::fs::read(at("gms.pem")).unwrap();
        for left in ["new-gms.key", "new-gms.pem"] {
            std::fs::write(at(left), "half of one").unwrap();
        }
        renew(folder.path(), "gms", &[]).unwrap();
        assert_ne!(std::fs::read(at("gms.pem")).unwrap(), before);
        assert!(!at("new-gms.key").exists() && !at("new-gms.pem").exists());
        assert!(renew(folder.path(), "nobody", &[]).is_err());
    }
}
