//! Authorization codes and refresh tokens: opaque to whoever holds them, 256 random bits each, stored only hashed.
//!
//! Both begin with the partition of their user, so that they are found without knowing the user. A refresh token also
//! names its family: the record of a family is then found from any token that ever belonged to it, which is how a
//! replay is noticed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_types::{Entropy, Partition};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The octets of a code: partition, then secret.
const CODE: usize = 1 + 32;
/// The octets of a refresh token: partition, then family, then secret.
const REFRESH: usize = 1 + 16 + 32;

/// Names the tokens that stem from one authorization code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyId([u8; 16]);

impl FamilyId {
    /// The name of its record.
    pub fn name(&self) -> String {
        hex::encode(self.0)
    }
}

/// An authorization code (RFC 6749 1.3.1).
#[derive(ZeroizeOnDrop)]
pub struct Code([u8; CODE]);

impl Code {
    /// A new code for a user of `partition`.
    pub fn random(partition: Partition, entropy: &dyn Entropy) -> Self {
        let mut octets = [0; CODE];
        octets[0] = partition_octet(partition);
        entropy.fill(&mut octets[1..]);
        Self(octets)
    }

    /// The code in a parameter; `None` if it cannot be one of ours.
    pub fn from_parameter(text: &str) -> Option<Self> {
        let octets = decode::<CODE>(text)?;
        partition_of(octets[0])?;
        Some(Self(*octets))
    }

    /// The code as it is sent.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// Where its record lies.
    pub fn partition(&self) -> Partition {
        partition_of(self.0[0]).unwrap_or(Partition::INSTALLATION)
    }

    /// The name of its record: its hash.
    pub fn name(&self) -> String {
        hex::encode(Sha256::digest(self.0))
    }

    /// The family of what this code gives. Derived from the code, so that a second use finds what the first one gave
    /// long after the record of the code is gone.
    pub fn family(&self) -> FamilyId {
        let mut hash = Sha256::new();
        hash.update(b"refresh family of code ");
        hash.update(self.0);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        FamilyId(id)
    }
}

/// A refresh token (RFC 6749 1.5).
#[derive(ZeroizeOnDrop)]
pub struct RefreshToken([u8; REFRESH]);

impl RefreshToken {
    /// The first token of a family.
    pub fn random(partition: Partition, family: FamilyId, entropy: &dyn Entropy) -> Self {
        let mut octets = [0; REFRESH];
        octets[0] = partition_octet(partition);
        octets[1..17].copy_from_slice(&family.0);
        entropy.fill(&mut octets[17..]);
        Self(octets)
    }

    /// The token in a parameter, blanks around it aside; `None` if it cannot be one of ours.
    pub fn from_parameter(text: &str) -> Option<Self> {
        let octets = decode::<REFRESH>(text.trim())?;
        partition_of(octets[0])?;
        Some(Self(*octets))
    }

    /// The token that replaces this one as number `generation` of its family: HMAC(key, parent ‖ family ‖
    /// generation). A retry can so rebuild the same answer although only hashes are stored.
    pub fn child(&self, key: &ChildKey, generation: u64) -> Self {
        let mut mac = key.0.clone();
        mac.update(&self.0);
        mac.update(&self.family().0);
        mac.update(&generation.to_be_bytes());
        let mut child = Self(self.0);
        let mut secret = mac.finalize().into_bytes();
        child.0[17..].copy_from_slice(&secret);
        secret.as_mut_slice().zeroize();
        child
    }

    /// The token as it is sent.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// Where its family lies.
    pub fn partition(&self) -> Partition {
        partition_of(self.0[0]).unwrap_or(Partition::INSTALLATION)
    }

    /// Its family.
    pub fn family(&self) -> FamilyId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.0[1..17]);
        FamilyId(id)
    }

    /// Its hash, which is all that is stored of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// The key that derives child tokens.
#[derive(Clone)]
pub struct ChildKey(Hmac<Sha256>);

impl ChildKey {
    /// Makes the key ready for use.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of every length"))
    }
}

fn partition_octet(partition: Partition) -> u8 {
    u8::try_from(partition.number()).expect("there are 64 partitions")
}

fn partition_of(octet: u8) -> Option<Partition> {
    Partition::new(u16::from(octet))
}

/// Exactly `N` octets of base64url; the one text that stands for them.
fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    let octets = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    let mut out = Zeroizing::new([0; N]);
    (octets.len() == N).then(|| out.copy_from_slice(&octets))?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    fn code() -> Code {
        Code::random(Partition::of("tel:+82571009990"), &SeededEntropy::new(1))
    }

    #[test]
    fn a_code_finds_its_partition_and_record() {
        let code = code();
        let read = Code::from_parameter(&code.text()).unwrap();
        assert_eq!(read.partition(), Partition::of("tel:+82571009990"));
        assert_eq!(read.name(), code.name());
        assert_eq!(read.family(), code.family());
        assert_ne!(read.name(), read.family().name());
        assert_eq!(code.text().len(), 44);
    }

    #[test]
    fn what_is_not_a_code() {
        let text = code().text().to_string();
        let foreign = URL_SAFE_NO_PAD.encode([255; CODE]);
        for bad in [
            "",
            &text[..43],
            &format!("{text}A"),
            &format!(" {}", &text[1..]),
            &foreign,
            &"A".repeat(100_000),
        ] {
            assert!(Code::from_parameter(bad).is_none(), "{bad:.50}");
        }
    }

    #[test]
    fn a_child_depends_on_key_parent_and_generation() {
        let key = ChildKey::new(&[7; 32]);
        let entropy = SeededEntropy::new(2);
        let parent = RefreshToken::random(code().partition(), code().family(), &entropy);
        let child = parent.child(&key, 1);
        assert_eq!(*child.text(), *parent.child(&key, 1).text());
        assert_eq!((child.family(), child.partition()), (parent.family(), parent.partition()));
        for other in [
            parent.child(&key, 2),
            parent.child(&ChildKey::new(&[8; 32]), 1),
            RefreshToken::random(code().partition(), code().family(), &entropy).child(&key, 1),
        ] {
            assert_ne!(*child.text(), *other.text());
        }
    }

    #[test]
    fn keys_wipe_themselves() {
        fn wiped<T: ZeroizeOnDrop>() {}
        // An HMAC key is two states of the hash.
        wiped::<Sha256>();
        wiped::<aes_gcm::Aes256Gcm>();
    }

    #[test]
    fn blanks_around_a_refresh_token_do_not_count() {
        let token = RefreshToken::random(code().partition(), code().family(), &SeededEntropy::new(3));
        let read = RefreshToken::from_parameter(&format!("  {} \n", *token.text())).unwrap();
        assert_eq!(read.hash(), token.hash());
        assert!(RefreshToken::from_parameter("vgJo1hj2xrdiLNgSeUglxuyvTMlEZXF4Id174mC66Kg").is_none());
    }
}
