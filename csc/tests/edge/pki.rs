//! Certificates of a site: the public CA, the CA of the bus, a CA of terminals.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

/// A folder with certificates.
pub(crate) struct Pki {
    pub(crate) folder: TempDir,
    pub(crate) public: Authority,
    pub(crate) bus: Authority,
    pub(crate) terminals: Authority,
}

/// A certification authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate with its key.
pub(crate) struct Issued {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki =
            Self { folder, public: Authority::new(), bus: Authority::new(), terminals: Authority::new() };
        pki.write("server", &pki.public, "localhost");
        pki.write("edge", &pki.bus, "edge");
        std::fs::write(pki.at("bus-ca.pem"), &pki.bus.pem).unwrap();
        std::fs::write(pki.at("ue-ca.pem"), &pki.terminals.pem).unwrap();
        pki
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `<stem>.pem` and `<stem>.key`.
    pub(crate) fn write(&self, stem: &str, authority: &Authority, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let (certificate, key) = authority.sign(name);
        std::fs::write(self.at(&format!("{stem}.pem")), certificate.pem()).unwrap();
        let file = self.at(&format!("{stem}.key"));
        std::fs::write(&file, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        let (certificate, pem) = (own.der().clone(), own.pem());
        Self { issuer: Issuer::new(params, key), certificate, pem }
    }

    /// A certificate for the DNS name `name`.
    pub(crate) fn issue(&self, name: &str) -> Issued {
        let (certificate, key) = self.sign(name);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Issued { certificate: certificate.der().clone(), key }
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}
