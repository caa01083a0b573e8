//! Octets that wipe themselves and cannot be printed by accident.

use crypto_bigint::{Choice, CtSelect};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Secret octets: wiped when dropped, compared in constant time, without `Debug` or `Display`.
#[derive(Clone)]
pub struct SecretBytes<const N: usize>([u8; N]);

impl<const N: usize> SecretBytes<N> {
    /// Takes the octets over. The caller wipes its own copy, if it keeps one.
    pub fn new(octets: [u8; N]) -> Self {
        Self(octets)
    }

    /// The octets themselves. Whoever asks answers for every copy made.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// Two upper-case hexadecimal digits for each octet, computed without a table: an index would
    /// show the secret to whoever watches the cache.
    pub fn to_hex(&self) -> SecretHex {
        let mut text = String::with_capacity(2 * N);
        for octet in &self.0 {
            text.push(hex_digit(octet >> 4));
            text.push(hex_digit(octet & 15));
        }
        SecretHex(text)
    }
}

/// The digit of a value below 16. The choice is a conditional move: arithmetic alone was compiled to a branch.
fn hex_digit(value: u8) -> char {
    let letter = Choice::from_u8_lt(9, value);
    char::from(u8::ct_select(&(b'0' + value), &(b'A' - 10).wrapping_add(value), letter))
}

impl<const N: usize> ConstantTimeEq for SecretBytes<N> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl<const N: usize> Drop for SecretBytes<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Secret octets in hexadecimal; wiped when dropped.
pub struct SecretHex(String);

impl SecretHex {
    /// The digits themselves.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for SecretHex {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_what_everyone_writes() {
        let all: [u8; 256] = core::array::from_fn(|i| i as u8);
        assert_eq!(SecretBytes::new(all).to_hex().expose(), hex::encode_upper(all));
    }

    #[test]
    fn comparison_sees_every_octet() {
        let secret = SecretBytes::new([7u8; 32]);
        assert!(bool::from(secret.ct_eq(&secret.clone())));
        for i in 0..32 {
            let mut other = [7u8; 32];
            other[i] ^= 1;
            assert!(!bool::from(secret.ct_eq(&SecretBytes::new(other))));
        }
    }
}
