//! The key-encryption key: from a key file, or from a passphrase for development.

use std::io;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use csc_service::config::SecretBytes;
use csc_types::Entropy;
use zeroize::Zeroizing;

use super::file;

const KEY_LEN: usize = 32;
const SALT_LEN: usize = 16;

/// Memory in KiB, passes and lanes of Argon2id: RFC 9106's second recommendation. They belong to format 1 of the file.
const COST: (u32, u32, u32) = (64 * 1024, 3, 4);

/// What a root is sealed with.
pub struct Kek(Source);

enum Source {
    Key(Zeroizing<[u8; KEY_LEN]>),
    Passphrase(SecretBytes),
}

/// Why a key-encryption key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KekError {
    /// The key file holds something else.
    #[error("a key file holds 64 hexadecimal digits")]
    NoKey,
    /// A passphrase of no characters.
    #[error("the passphrase is empty")]
    NoPassphrase,
    /// The root was sealed the other way.
    #[error("the root was sealed with a passphrase, not with a key file")]
    WantsPassphrase,
    /// The root was sealed the other way.
    #[error("the root was sealed with a key file, not with a passphrase")]
    WantsKey,
    /// The salt in the root file is no salt.
    #[error("the passphrase cannot be turned into a key")]
    Derivation,
}

impl Kek {
    /// Takes the content of a key file: 64 hexadecimal digits, white space around them.
    ///
    /// # Errors
    /// [`KekError::NoKey`].
    pub fn from_key_file(content: &[u8]) -> Result<Self, KekError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        hex::decode_to_slice(content.trim_ascii(), key.as_mut_slice()).map_err(|_| KekError::NoKey)?;
        Ok(Self(Source::Key(key)))
    }

    /// Takes the content of a passphrase file, without the white space around it.
    ///
    /// # Errors
    /// [`KekError::NoPassphrase`].
    pub fn from_passphrase(content: &[u8]) -> Result<Self, KekError> {
        match content.trim_ascii() {
            [] => Err(KekError::NoPassphrase),
            passphrase => Ok(Self(Source::Passphrase(SecretBytes::new(passphrase.to_vec())))),
        }
    }

    /// The salt for a new root; a key needs none.
    pub(super) fn new_salt(&self, entropy: &dyn Entropy) -> Option<Vec<u8>> {
        match self.0 {
            Source::Key(_) => None,
            Source::Passphrase(_) => {
                let mut salt = vec![0; SALT_LEN];
                entropy.fill(&mut salt);
                Some(salt)
            }
        }
    }

    /// The key for a root with this salt.
    pub(super) fn key(&self, salt: Option<&[u8]>) -> Result<Zeroizing<[u8; KEY_LEN]>, KekError> {
        match (&self.0, salt) {
            (Source::Key(key), None) => Ok(key.clone()),
            (Source::Key(_), Some(_)) => Err(KekError::WantsPassphrase),
            (Source::Passphrase(_), None) => Err(KekError::WantsKey),
            (Source::Passphrase(passphrase), Some(salt)) => {
                let (memory, passes, lanes) = COST;
                let params =
                    Params::new(memory, passes, lanes, Some(KEY_LEN)).map_err(|_| KekError::Derivation)?;
                let mut key = Zeroizing::new([0; KEY_LEN]);
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(passphrase.expose(), salt, key.as_mut_slice())
                    .map_err(|_| KekError::Derivation)?;
                Ok(key)
            }
        }
    }
}

/// Makes a key and writes it to a new key file at `path` that only its owner may read.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn create_kek(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    entropy.fill(key.as_mut_slice());
    // Of a fixed length: text that grows leaves copies behind.
    let mut line = Zeroizing::new([b'\n'; 2 * KEY_LEN + 1]);
    hex::encode_to_slice(key.as_slice(), &mut line[..2 * KEY_LEN]).expect("two digits for each octet");
    file::write_new(path, line.as_slice(), entropy)
}

impl std::fmt::Debug for Kek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}
