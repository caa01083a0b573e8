//! Group session keys (GSKs) of multicast groups: at rest, and on their way to a terminal.
//!
//! The dialect says (its 3.2.3, 4.5): a GSK has 256 bits and so has its encrypted form; it is encrypted under a key (PEK)
//! that follows from the 128-bit cnonce of the request. How it follows, the source does not say: that is a
//! [`GskProtection`].
//!
//! All keys here follow from one key file, by HKDF-SHA256 (RFC 5869) with a label for each use. A GSK is random and lies
//! in the store sealed with AES-256-GCM, tied to its group and generation.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use csc_store::StoreError;
use csc_types::{Entropy, GroupId, McpttId};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::records::damaged;

/// Octets of a GSK and of every other key here.
pub(crate) const KEY: usize = 32;
/// Octets of a nonce of AES-GCM.
const NONCE: usize = 12;
/// Octets of a cnonce.
const CNONCE: usize = 16;

/// A group session key.
pub(crate) struct Gsk(Zeroizing<[u8; KEY]>);

impl Gsk {
    /// A new one.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut key = Zeroizing::new([0; KEY]);
        entropy.fill(key.as_mut_slice());
        Self(key)
    }
}

/// The nonce by which a terminal wants its keys encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cnonce([u8; CNONCE]);

impl Cnonce {
    /// Takes the value of `Q-CNONCE`: 32 hexadecimal digits.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut octets = [0; CNONCE];
        hex::decode_to_slice(text, &mut octets).ok()?;
        Some(Self(octets))
    }
}

/// What all keys follow from. It wipes itself.
#[derive(Clone)]
pub(crate) struct Secret(Hkdf<Sha256>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Secret {
    /// Takes the content of a key file: 64 hexadecimal digits, white space around them.
    pub(crate) fn from_key_file(content: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        hex::decode_to_slice(content.trim_ascii(), key.as_mut_slice()).ok()?;
        Some(Self(extract(b"csc glms 1", key.as_slice())))
    }

    fn key(&self, info: &[&[u8]]) -> Zeroizing<[u8; KEY]> {
        expand(&self.0, info)
    }
}

/// [`Hkdf::new`] forgets to wipe the pseudorandom key, from which everything else follows.
fn extract(salt: &[u8], key: &[u8]) -> Hkdf<Sha256> {
    let (mut pseudorandom, hkdf) = Hkdf::extract(Some(salt), key);
    pseudorandom.as_mut_slice().zeroize();
    hkdf
}

fn expand(hkdf: &Hkdf<Sha256>, info: &[&[u8]]) -> Zeroizing<[u8; KEY]> {
    let mut key = Zeroizing::new([0; KEY]);
    hkdf.expand_multi_info(info, key.as_mut_slice()).expect("32 octets are one block of 255");
    key
}

/// How a GSK is encrypted for one terminal.
pub(crate) trait GskProtection: Send + Sync {
    /// The encrypted form of `gsk`, the key of `group`, for `reader`, who sent `cnonce`.
    fn protect(&self, reader: &McpttId, group: &GroupId, cnonce: Cnonce, gsk: &Gsk) -> [u8; KEY];
}

/// **Ours, for reference.** The source of the dialect ends before it says how a PEK is made; a terminal of the field may
/// do it another way, and then needs another [`GskProtection`].
///
/// ```text
/// terminal key = HKDF-Expand(HKDF-Extract("csc glms 1", key file), "terminal" 0 user)    provisioned in the terminal
/// PEK          = HKDF(salt: cnonce, key: terminal key, info: "PEK" 0 user 0 group)
/// encrypted    = AES-256(PEK, GSK[0..16]) AES-256(PEK, GSK[16..32])
/// ```
///
/// The encrypted form must be as long as the key, so there is no place for a tag: that nobody changes it is the work of
/// TLS. Two blocks are encrypted each by itself, which would show equal blocks; those of a random key are not equal.
pub(crate) struct ReferenceProtection(Secret);

impl ReferenceProtection {
    pub(crate) fn new(secret: Secret) -> Self {
        Self(secret)
    }

    fn terminal_key(&self, user: &McpttId) -> Zeroizing<[u8; KEY]> {
        // No identity holds an octet 0.
        self.0.key(&[b"terminal\0", user.as_str().as_bytes()])
    }
}

/// The key to be provisioned in the terminal of `user`, an MCPTT ID as its account has it, for the reference protection
/// ([`glms`](crate::glms)). `key_file` is the content of the file that `glms.key_file` names; `None` if it holds no key.
pub fn terminal_key(key_file: &[u8], user: &McpttId) -> Option<Zeroizing<[u8; KEY]>> {
    Some(ReferenceProtection::new(Secret::from_key_file(key_file)?).terminal_key(user))
}

impl GskProtection for ReferenceProtection {
    fn protect(&self, reader: &McpttId, group: &GroupId, cnonce: Cnonce, gsk: &Gsk) -> [u8; KEY] {
        let hkdf = extract(&cnonce.0, self.terminal_key(reader).as_slice());
        let (reader, group) = (reader.as_str().as_bytes(), group.as_str().as_bytes());
        let pek = expand(&hkdf, &[b"PEK\0", reader, b"\0", group]);
        let cipher = Aes256::new((&*pek).into());
        let mut encrypted = *gsk.0;
        for block in encrypted.as_chunks_mut::<16>().0 {
            cipher.encrypt_block(block.into());
        }
        encrypted
    }
}

/// Seals GSKs for the store.
pub(crate) struct Vault(Zeroizing<[u8; KEY]>);

impl Vault {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self(secret.key(&[b"seal"]))
    }

    /// `gsk` for the store: a nonce and the sealed key.
    pub(crate) fn seal(&self, gsk: &Gsk, group: &GroupId, generation: u32, entropy: &dyn Entropy) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: gsk.0.as_slice(), aad: &associated_data(group, generation) };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).expect("32 octets can be sealed");
        [&nonce[..], &sealed].concat()
    }

    /// What was sealed.
    ///
    /// # Errors
    /// When it was not, not as the key of this group and generation, or with another key file.
    pub(crate) fn open(&self, sealed: &[u8], group: &GroupId, generation: u32) -> Result<Gsk, StoreError> {
        let refused = || damaged("a GSK that the key file does not open");
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(refused)?;
        let payload = Payload { msg: sealed, aad: &associated_data(group, generation) };
        let mut opened = self.cipher().decrypt(&Nonce::from(*nonce), payload).map_err(|_| refused())?;
        let key = <[u8; KEY]>::try_from(opened.as_slice()).map(Zeroizing::new);
        opened.zeroize();
        key.map(Gsk).map_err(|_| refused())
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

fn associated_data(group: &GroupId, generation: u32) -> Vec<u8> {
    [b"csc glms GSK 1\0", group.as_str().as_bytes(), b"\0", &generation.to_be_bytes()].concat()
}

#[cfg(test)]
pub(crate) mod tests {
    use aes_gcm::aes::cipher::BlockCipherDecrypt;
    use csc_test_support::SeededEntropy;

    use super::*;

    pub(crate) const KEY_FILE: &[u8] = b" 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

    fn secret() -> Secret {
        Secret::from_key_file(KEY_FILE).unwrap()
    }

    fn group() -> GroupId {
        "tel:g1".parse().unwrap()
    }

    #[test]
    fn key_files() {
        let digits = KEY_FILE.trim_ascii();
        for wrong in [&b""[..], &digits[1..], &digits[2..], &[digits, b"00"].concat(), b"x"] {
            assert!(Secret::from_key_file(wrong).is_none());
        }
    }

    #[test]
    fn cnonces() {
        assert!(Cnonce::parse(b"102E3A4D516B7085910A1E2C3D40526A").is_some());
        assert!(Cnonce::parse(b"102e3a4d516b7085910a1e2c3d40526a").is_some());
        for wrong in [
            &b""[..],
            b"102E3A4D516B7085910A1E2C3D40526",
            b"102E3A4D516B7085910A1E2C3D40526A0",
            b"102E3A4D516B7085910A1E2C3D40526G",
            b" 02E3A4D516B7085910A1E2C3D40526A",
        ] {
            assert_eq!(Cnonce::parse(wrong), None);
        }
    }

    #[test]
    fn what_is_sealed_opens_for_its_group_and_generation_alone() {
        let (vault, entropy) = (Vault::new(&secret()), SeededEntropy::new(1));
        let gsk = Gsk::new(&entropy);
        let sealed = vault.seal(&gsk, &group(), 3, &entropy);
        assert_ne!(sealed, vault.seal(&gsk, &group(), 3, &entropy));
        assert!(!sealed.windows(KEY).any(|window| window == gsk.0.as_slice()));
        let opened = vault.open(&sealed, &group(), 3);
        assert!(opened.is_ok_and(|opened| opened.0 == gsk.0));
        assert!(vault.open(&sealed, &group(), 2).is_err());
        assert!(vault.open(&sealed, &"tel:g2".parse().unwrap(), 3).is_err());
        let other = Secret::from_key_file(&[b'a'; 64]).unwrap();
        assert!(Vault::new(&other).open(&sealed, &group(), 3).is_err());
        for cut in 0..sealed.len() {
            assert!(vault.open(&sealed[..cut], &group(), 3).is_err());
            let mut changed = sealed.clone();
            changed[cut] ^= 1;
            assert!(vault.open(&changed, &group(), 3).is_err());
        }
    }

    /// A terminal undoes it with its own key, the nonce and the names alone.
    #[test]
    fn a_terminal_opens_what_was_protected() {
        let (user, entropy): (McpttId, _) = ("tel:+1".parse().unwrap(), SeededEntropy::new(2));
        let protection = ReferenceProtection::new(secret());
        let cnonce = Cnonce::parse(b"102E3A4D516B7085910A1E2C3D40526A").unwrap();
        let gsk = Gsk::new(&entropy);
        let protected = protection.protect(&user, &group(), cnonce, &gsk);
        assert_ne!(protected, *gsk.0);

        let terminal = protection.terminal_key(&user);
        let mut pek = [0; KEY];
        let hkdf = Hkdf::<Sha256>::new(Some(&cnonce.0), terminal.as_slice());
        hkdf.expand(b"PEK\0tel:+1\0tel:g1", &mut pek).unwrap();
        let cipher = Aes256::new((&pek).into());
        let mut opened = protected;
        for block in opened.as_chunks_mut::<16>().0 {
            cipher.decrypt_block(block.into());
        }
        assert_eq!(opened, *gsk.0);

        let others = [
            protection.protect(&"tel:+2".parse().unwrap(), &group(), cnonce, &gsk),
            protection.protect(&user, &"tel:g2".parse().unwrap(), cnonce, &gsk),
            protection.protect(&user, &group(), Cnonce([0; CNONCE]), &gsk),
            protection.protect(&user, &group(), cnonce, &Gsk::new(&entropy)),
        ];
        assert!(others.iter().all(|other| *other != protected));
    }

    /// Terminals were provisioned with these keys: they never change.
    #[test]
    fn golden() {
        let user = "tel:+1".parse().unwrap();
        let protection = ReferenceProtection::new(secret());
        let gsk = Gsk(Zeroizing::new([0x5a; KEY]));
        let cnonce = Cnonce::parse(b"102E3A4D516B7085910A1E2C3D40526A").unwrap();
        assert_eq!(terminal_key(KEY_FILE, &user).map(hex::encode).as_deref(), Some(TERMINAL_KEY));
        assert_eq!(hex::encode(protection.protect(&user, &group(), cnonce, &gsk)), PROTECTED);
    }

    /// Computed with another implementation of HKDF and AES.
    const TERMINAL_KEY: &str = "fec0c85f7a50dc326a9fb5619d9fd43d97f2bf5e74bfde60e3b0b17616295f99";
    const PROTECTED: &str = "4030d0121b9c20c2e870fadf2896b9b34030d0121b9c20c2e870fadf2896b9b3";
}
