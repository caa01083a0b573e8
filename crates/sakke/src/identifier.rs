//! Identifiers: octet strings that stand for integers (RFC 6508 section 2.2).

use crate::error::Error;
use crate::scalar::{SCALAR_LEN, Scalar};

/// A user's public identifier, an integer between 2 and q - 1 in big-endian octets.
///
/// In mission-critical systems it is a [`Uid`](crate::Uid); RFC 6509 has another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier<'a>(&'a [u8]);

impl<'a> Identifier<'a> {
    /// Takes up to 127 octets, all of which are below q.
    ///
    /// # Errors
    /// [`Error::Identifier`] for more octets, or for an integer below 2.
    pub fn new(octets: &'a [u8]) -> Result<Self, Error> {
        let below_two = octets.iter().rev().skip(1).all(|o| *o == 0) && octets.last().is_none_or(|o| *o < 2);
        if octets.len() >= SCALAR_LEN || below_two { Err(Error::Identifier) } else { Ok(Self(octets)) }
    }

    /// A hash value, which is as good as in range.
    pub(crate) fn of_hash(hash: &'a [u8; 32]) -> Self {
        Self(hash)
    }

    /// The octets, as they are hashed and signed.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The integer, as it is computed with.
    pub(crate) fn to_scalar(self) -> Scalar {
        let mut octets = [0; SCALAR_LEN];
        octets[SCALAR_LEN - self.0.len()..].copy_from_slice(self.0);
        Scalar::reduce(&octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range() {
        assert_eq!(Identifier::new(b""), Err(Error::Identifier));
        assert_eq!(Identifier::new(&[0]), Err(Error::Identifier));
        assert_eq!(Identifier::new(&[0, 0, 1]), Err(Error::Identifier));
        assert!(Identifier::new(&[2]).is_ok());
        assert!(Identifier::new(&[1, 0]).is_ok());
        assert!(Identifier::new(&[0xff; 127]).is_ok());
        assert_eq!(Identifier::new(&[0xff; 128]), Err(Error::Identifier));
    }
}
