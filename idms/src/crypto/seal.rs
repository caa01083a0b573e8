//! Client secrets at rest: AES-256-GCM under a key that is not in the store, bound to the client they belong to.
//!
//! `key name (4) ‖ nonce (12) ‖ ciphertext and tag`. The key's name, the beginning of its hash, tells a wrong key from a
//! damaged record.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use csc_types::{ClientId, Entropy};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::client::Sealed;

/// Seals and unseals client secrets.
#[derive(Clone)]
pub struct Sealer {
    cipher: Aes256Gcm,
    key_name: [u8; 4],
}

/// Why a secret could not be sealed or unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with another key than this server's.
    #[error("the client's secret was sealed with another key; is this the right server secret file?")]
    OtherKey,
    /// It was changed, or belongs to another client.
    #[error("the client's sealed secret is damaged")]
    Damaged,
}

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::new_with_prefix("name of seal key ").chain_update(key).finalize();
        let mut key_name = [0; 4];
        key_name.copy_from_slice(&digest[..4]);
        Self { cipher: Aes256Gcm::new(key.into()), key_name }
    }

    /// Seals the secret of `client`.
    pub fn seal(&self, client: &ClientId, secret: &[u8], entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        // Random nonces are safe for 2^32 secrets under one key.
        let mut nonce = [0; 12];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: secret, aad: client.as_str().as_bytes() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Damaged)?;
        Ok(Sealed([&self.key_name, nonce.as_slice(), &sealed].concat()))
    }

    /// The secret of `client`.
    pub fn unseal(&self, client: &ClientId, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (key_name, rest) = sealed.0.split_first_chunk::<4>().ok_or(SealError::Damaged)?;
        if *key_name != self.key_name {
            return Err(SealError::OtherKey);
        }
        let (nonce, msg) = rest.split_first_chunk::<12>().ok_or(SealError::Damaged)?;
        let payload = Payload { msg, aad: client.as_str().as_bytes() };
        self.cipher.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    fn client(id: &str) -> ClientId {
        id.parse().unwrap()
    }

    #[test]
    fn a_secret_comes_back_to_its_client_only() {
        let (sealer, entropy) = (Sealer::new(&[1; 32]), SeededEntropy::new(1));
        let sealed = sealer.seal(&client("a"), b"secret", &entropy).unwrap();
        assert_eq!(sealer.unseal(&client("a"), &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(sealer.unseal(&client("b"), &sealed), Err(SealError::Damaged));
        assert_eq!(Sealer::new(&[2; 32]).unseal(&client("a"), &sealed), Err(SealError::OtherKey));
        assert!(!sealed.0.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealer.seal(&client("a"), b"secret", &entropy).unwrap(), sealed);
    }

    #[test]
    fn every_change_is_noticed() {
        let sealer = Sealer::new(&[1; 32]);
        let sealed = sealer.seal(&client("a"), b"secret", &SeededEntropy::new(1)).unwrap();
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(sealer.unseal(&client("a"), &changed).is_err(), "octet {at}");
            assert!(sealer.unseal(&client("a"), &Sealed(sealed.0[..at].to_vec())).is_err(), "length {at}");
        }
    }
}
