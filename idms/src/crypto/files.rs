//! The two key files of the service: the key that signs tokens (PEM), and the server secret, from which the key that
//! derives refresh tokens and the key that seals client secrets are made. Losing the server secret loses every client
//! secret and every session; losing the signing key only ends the tokens that it signed.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use csc_types::Entropy;
use hmac::{Hmac, KeyInit, Mac};
use josekit::jwk::KeyPair;
use josekit::jwk::alg::rsa::RsaKeyPair;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use super::seal::Sealer;
use crate::domain::opaque::ChildKey;

/// Octets of the server secret; the file holds them in hexadecimal.
const SECRET: usize = 32;

/// Why a key file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// It could not be written; it exists already, for example. A key is never overwritten.
    #[error("key file cannot be written")]
    File(#[from] std::io::Error),
    /// No key could be made.
    #[error("key cannot be generated")]
    Generate(#[source] josekit::JoseError),
}

/// Makes an RSA key of 2048 bits and writes it to a new file at `path` that only its owner may read, as PKCS #8 in PEM.
///
/// The key comes from OpenSSL's random number generator.
pub fn create_signing_key(path: &Path) -> Result<(), CreateError> {
    let pair = RsaKeyPair::generate(2048).map_err(CreateError::Generate)?;
    write_new(path, &Zeroizing::new(pair.to_pem_private_key()))
}

/// Writes a new server secret to a new file at `path` that only its owner may read.
pub fn create_server_secret(path: &Path, entropy: &dyn Entropy) -> Result<(), CreateError> {
    let mut secret = Zeroizing::new([0; SECRET]);
    entropy.fill(secret.as_mut_slice());
    let line = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex::encode(*secret))));
    write_new(path, line.as_bytes())
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), CreateError> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// What the server secret is good for.
pub struct ServerSecret {
    /// Derives refresh tokens.
    pub child_key: ChildKey,
    /// Seals client secrets.
    pub sealer: Sealer,
}

/// The file does not hold a server secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server secret is 64 hexadecimal digits; make one with `csc idms keys create`")]
pub struct ServerSecretError;

impl ServerSecret {
    /// Takes the content of the file.
    pub fn from_file(content: &[u8]) -> Result<Self, ServerSecretError> {
        let mut secret = Zeroizing::new([0; SECRET]);
        hex::decode_to_slice(content.trim_ascii(), secret.as_mut_slice()).map_err(|_| ServerSecretError)?;
        Ok(Self {
            child_key: ChildKey::new(&derive(&secret, b"csc idms refresh tokens")),
            sealer: Sealer::new(&derive(&secret, b"csc idms client secrets")),
        })
    }
}

/// A key for one purpose: HMAC of the purpose's name.
fn derive(secret: &[u8; SECRET], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(purpose);
    let mut key = mac.finalize().into_bytes();
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(&key);
    key.as_mut_slice().zeroize();
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use csc_test_support::SeededEntropy;

    use super::*;
    use crate::crypto::sign::SigningKey;

    #[test]
    fn what_is_created_can_be_read_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (key, secret) = (folder.path().join("signing.pem"), folder.path().join("secret"));
        create_signing_key(&key).unwrap();
        create_server_secret(&secret, &SeededEntropy::new(1)).unwrap();
        assert!(SigningKey::from_pem(&std::fs::read(&key).unwrap()).is_ok());
        assert!(ServerSecret::from_file(&std::fs::read(&secret).unwrap()).is_ok());
        for path in [&key, &secret] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let before = std::fs::read(&secret).unwrap();
        assert!(create_server_secret(&secret, &SeededEntropy::new(2)).is_err());
        assert_eq!(std::fs::read(&secret).unwrap(), before);
    }

    #[test]
    fn what_is_no_secret() {
        for content in [&b""[..], b"\n", &[b'0'; 63], &[b'0'; 65], &[b'g'; 64]] {
            assert!(ServerSecret::from_file(content).is_err());
        }
    }
}
