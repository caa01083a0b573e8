//! User identifiers of mission-critical systems (TS 33.180 annex F.2.1, UserIdFormat 2).

use core::fmt;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::identifier::Identifier;
use crate::period::KeyPeriods;

/// The UID of one identity in one key period: SHA-256 over who, which KMS and when. Public.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid([u8; 32]);

impl Uid {
    /// Derives the UID of `identity`, a URI, in period `number` at the KMS named `kms_uri`, which
    /// is spelt exactly as in the KMS certificate.
    ///
    /// # Errors
    /// [`Error::UidPart`] if a URI is empty or longer than 65 535 octets.
    pub fn derive(identity: &str, kms_uri: &str, periods: &KeyPeriods, number: u64) -> Result<Self, Error> {
        let mut hasher = Sha256::new();
        for octets in uid_input(identity, kms_uri, periods, number)? {
            hasher.update(octets);
        }
        Ok(Self(hasher.finalize().into()))
    }

    /// A UID that was received.
    pub fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The 32 octets.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The UID as an identifier of the schemes. (A hash is below 2 with probability 2^-255; such
    /// an identifier would be as good as any other.)
    pub fn identifier(&self) -> Identifier<'_> {
        Identifier::of_hash(&self.0)
    }
}

/// Hexadecimal digits in lower case.
impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

/// S = 00 || P0 L0 || ... || P5 L5: the octets that are hashed, each length two octets **after**
/// its parameter.
fn uid_input(
    identity: &str,
    kms_uri: &str,
    periods: &KeyPeriods,
    number: u64,
) -> Result<impl Iterator<Item = Vec<u8>>, Error> {
    let parts = [
        ("function name", b"MIKEY-SAKKE-UID".to_vec()),
        ("identity", identity.as_bytes().to_vec()),
        ("KMS URI", kms_uri.as_bytes().to_vec()),
        ("period", shortest(periods.length())),
        ("offset", shortest(periods.offset())),
        ("period number", shortest(number)),
    ];
    let mut input = vec![vec![0]];
    for (what, part) in parts {
        let length = u16::try_from(part.len()).ok().filter(|n| *n > 0).ok_or(Error::UidPart(what))?;
        input.push(part);
        input.push(length.to_be_bytes().to_vec());
    }
    Ok(input.into_iter())
}

/// The shortest big-endian octets of an integer; zero is one octet 00.
fn shortest(integer: u64) -> Vec<u8> {
    let octets = integer.to_be_bytes();
    let leading = (integer.leading_zeros() as usize / 8).min(7);
    octets[leading..].to_vec()
}
