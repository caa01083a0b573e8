//! Roots at rest: the master secrets of one KMS URI, sealed in a file.
//!
//! A root is made once, by [`create`], and never changed: the URI is part of every UID, so renewal is a new URI with a
//! new root. A server only ever [`load`]s one; without it, it does not start.
//!
//! The file is JSON. The URI and the public keys are readable; z, KSAK and the secret behind v are sealed with
//! AES-256-GCM under a key-encryption key ([`Kek`]), with the URI, the format version and the hash of the public keys
//! as associated data. After unsealing, the public keys are computed anew and must be those of the file.

mod file;
mod kek;

use std::io;
use std::path::Path;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use csc_sakke::Root;
use csc_types::Entropy;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use kek::{Kek, KekError, create_kek};

/// The version of the file format.
const FORMAT: u32 = 1;
const NONCE_LEN: usize = 12;

/// Why a root could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The file cannot be read or written. To create: it may exist already, and is never overwritten.
    #[error("root file: {0}")]
    File(#[from] io::Error),
    /// Others than its owner and group can read or change the file.
    #[error("everybody may read or change the root file; run chmod o= on it")]
    Exposed,
    /// The file is no sealed root, or of a newer format.
    #[error("root file: {0}")]
    Format(&'static str),
    /// It was sealed with another key, or has been changed since.
    #[error("the root cannot be unsealed: another key, or a damaged file")]
    Unseal,
    /// The secrets do not belong to the public keys in the file.
    #[error("the secrets of the root do not belong to its public keys")]
    Mismatch,
    /// The KMS URI cannot stand in a certificate.
    #[error("a KMS URI has 1 to 255 octets and no white space")]
    Uri,
    /// The key-encryption key does not fit.
    #[error(transparent)]
    Kek(#[from] KekError),
    /// The secrets themselves are not good.
    #[error("root: {0}")]
    Secrets(#[from] csc_sakke::Error),
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    format: u32,
    kms_uri: String,
    #[serde(with = "octets")]
    pub_enc_key: Vec<u8>,
    #[serde(with = "octets")]
    pub_auth_key: Vec<u8>,
    /// For a key made of a passphrase: the salt.
    #[serde(with = "optional_octets", default, skip_serializing_if = "Option::is_none")]
    argon2id_salt: Option<Vec<u8>>,
    #[serde(with = "octets")]
    nonce: Vec<u8>,
    #[serde(with = "octets")]
    sealed: Vec<u8>,
}

/// Makes the root of `kms_uri` from `entropy` and writes it, sealed with `kek`, to a new file at `path` that only its
/// owner may read. The file is there completely and durably, or not at all.
///
/// # Errors
/// [`RootError::File`] if the file exists or cannot be written, [`RootError::Uri`], and [`RootError::Secrets`] for a
/// broken source of randomness.
pub fn create(path: &Path, kms_uri: &str, kek: &Kek, entropy: &dyn Entropy) -> Result<(), RootError> {
    let fits = |c: char| !c.is_whitespace() && !c.is_control();
    if !(1..=255).contains(&kms_uri.len()) || !kms_uri.chars().all(fits) {
        return Err(RootError::Uri);
    }
    let sealed = seal(&Root::generate(kms_uri, entropy)?, kek, entropy)?;
    let mut text =
        serde_json::to_string_pretty(&sealed).map_err(|_| RootError::Format("cannot be encoded"))?;
    text.push('\n');
    Ok(file::write_new(path, text.as_bytes(), entropy)?)
}

/// Loads the root in the file at `path`. Deriving a key from a passphrase takes about a second.
///
/// # Errors
/// Any [`RootError`]: a server must not start with it.
pub fn load(path: &Path, kek: &Kek) -> Result<Root, RootError> {
    let text = file::read(path)?;
    let sealed: Sealed = serde_json::from_slice(&text).map_err(|_| RootError::Format("is no sealed root"))?;
    unseal(&sealed, kek)
}

fn seal(root: &Root, kek: &Kek, entropy: &dyn Entropy) -> Result<Sealed, RootError> {
    let argon2id_salt = kek.new_salt(entropy);
    let key = kek.key(argon2id_salt.as_deref())?;
    // One file, one encryption: the key may have sealed other roots, each with a random nonce of its own.
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let mut file = Sealed {
        format: FORMAT,
        kms_uri: root.kms_uri().to_owned(),
        pub_enc_key: root.pub_enc_key().to_bytes().to_vec(),
        pub_auth_key: root.pub_auth_key().to_bytes().to_vec(),
        argon2id_salt,
        nonce: nonce.to_vec(),
        sealed: Vec::new(),
    };
    let secrets = root.to_bytes();
    let payload = Payload { msg: secrets.expose(), aad: &associated_data(&file) };
    let cipher = Aes256Gcm::new((&*key).into());
    file.sealed = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| RootError::Unseal)?;
    Ok(file)
}

fn unseal(file: &Sealed, kek: &Kek) -> Result<Root, RootError> {
    if file.format != FORMAT {
        return Err(RootError::Format("has a format of another release"));
    }
    let nonce: [u8; NONCE_LEN] =
        file.nonce.as_slice().try_into().map_err(|_| RootError::Format("has no 12-octet nonce"))?;
    let key = kek.key(file.argon2id_salt.as_deref())?;
    let payload = Payload { msg: &file.sealed, aad: &associated_data(file) };
    let cipher = Aes256Gcm::new((&*key).into());
    let secrets = cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| RootError::Unseal)?;
    let root = Root::from_bytes(&file.kms_uri, &Zeroizing::new(secrets))?;
    let same = root.pub_enc_key().to_bytes() == *file.pub_enc_key
        && root.pub_auth_key().to_bytes() == *file.pub_auth_key;
    if same { Ok(root) } else { Err(RootError::Mismatch) }
}

/// Format version, hash of the public keys, KMS URI: only the last has no fixed length.
fn associated_data(file: &Sealed) -> Vec<u8> {
    let keys = Sha256::new().chain_update(&file.pub_enc_key).chain_update(&file.pub_auth_key).finalize();
    [&file.format.to_be_bytes(), keys.as_slice(), file.kms_uri.as_bytes()].concat()
}

/// Octets as hexadecimal digits.
mod octets {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

mod optional_octets {
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(octets: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        match octets {
            Some(octets) => super::octets::serialize(octets, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        super::octets::deserialize(from).map(Some)
    }
}

#[cfg(test)]
mod tests;
