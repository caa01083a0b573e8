//! Integers modulo q, the order of the group that SAKKE works in (RFC 6509 appendix A).

use core::ops::{Add, Mul};

use crypto_bigint::modular::{ConstMontyForm, ConstMontyParams};
use crypto_bigint::{Choice, CtEq, CtLt, CtOption, U1024, const_monty_params};
use csc_types::Entropy;
use zeroize::{DefaultIsZeroes, Zeroize};

use crate::error::Error;

const_monty_params!(
    Q,
    U1024,
    "265EAEC7C2958FF69971846636B4195E905B0338672D20986FA6B8D62CF8068B\
     BD02AAC9F8BF03C6C8A1CC354C69672C39E46CE7FDF222864D5B49FD2999A9B4\
     389B1921CC9AD335144AB173595A07386DABFD2A0C614AA0A9F3CF14870F026A\
     A7E535ABD5A5C7C7FF38FA08E2615F6C203177C42B1EB3A1D99B601EBFAA17FB",
    "The prime q, with p + 1 = 4q."
);

type Residue = ConstMontyForm<Q, { U1024::LIMBS }>;

/// Octets of an encoded scalar.
pub(crate) const SCALAR_LEN: usize = 128;

/// Bits of q.
pub(crate) const ORDER_BITS: usize = 1022;

/// An integer modulo q, secret unless said otherwise.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scalar(Residue);

impl Scalar {
    /// Reduces a 1024-bit integer modulo q.
    pub(crate) fn reduce(octets: &[u8; SCALAR_LEN]) -> Self {
        // Montgomery's multiplication reduces any first operand below 2^1024.
        Self(Residue::new(&U1024::from_be_slice(octets)))
    }

    /// Decodes an integer between 0 and q - 1; anything larger is none.
    pub(crate) fn from_bytes(octets: &[u8; SCALAR_LEN]) -> CtOption<Self> {
        let integer = U1024::from_be_slice(octets);
        CtOption::new(Self::reduce(octets), integer.ct_lt(Residue::MODULUS.as_ref()))
    }

    /// The integer as 128 octets, padded with zeros on the left.
    pub(crate) fn to_bytes(self) -> [u8; SCALAR_LEN] {
        let mut octets = [0; SCALAR_LEN];
        octets.copy_from_slice(self.0.retrieve().to_be_bytes().as_ref());
        octets
    }

    /// Draws an integer between 2 and q - 1, every one equally likely.
    ///
    /// 1152 random bits are reduced modulo q, which favours no value by more than 2^-129; that
    /// needs no loop. The two values left out come up with probability 2^-1021, so meeting one
    /// means that the source is broken.
    pub(crate) fn random(entropy: &dyn Entropy) -> Result<Self, Error> {
        let mut low = [0; SCALAR_LEN];
        let mut high = [0; SCALAR_LEN];
        entropy.fill(&mut low);
        entropy.fill(&mut high[SCALAR_LEN - 16..]);
        // The Montgomery form of "R mod q" is that of 2^1024.
        let two_to_1024 = Self(Residue::new(Q::PARAMS.one()));
        let drawn = Self::reduce(&high) * two_to_1024 + Self::reduce(&low);
        low.zeroize();
        high.zeroize();
        if drawn.is_below_two().to_bool() { Err(Error::Entropy) } else { Ok(drawn) }
    }

    /// Whether this is 0 or 1, which no master secret may be.
    pub(crate) fn is_below_two(&self) -> Choice {
        self.0.ct_eq(&Residue::ZERO) | self.0.ct_eq(&Residue::ONE)
    }

    /// 1/self modulo q; none for zero.
    pub(crate) fn invert(self) -> CtOption<Self> {
        self.0.invert().map(Self)
    }

    /// Signed digits d_i of `BITS` bits with self = sum of d_i 2^(i BITS), lowest first, each
    /// in -2^(BITS-1) + 1 ..= 2^(BITS-1).
    ///
    /// `COUNT` digits must hold one bit more than q has, for the carry out of the top.
    pub(crate) fn signed_digits<const BITS: usize, const COUNT: usize>(self) -> Digits<COUNT> {
        const { assert!(BITS >= 2 && BITS <= 7 && BITS * COUNT > ORDER_BITS) }
        // Three octets more than the integer has, so that the top window reads zeros.
        let mut octets = [0u8; SCALAR_LEN + 3];
        octets[..SCALAR_LEN].copy_from_slice(self.0.retrieve().to_le_bytes().as_ref());
        let mut digits = Digits([0; COUNT]);
        let mut carry = 0;
        for (i, digit) in digits.0.iter_mut().enumerate() {
            let (byte, shift) = (i * BITS / 8, i * BITS % 8);
            let window = u16::from_le_bytes([octets[byte], octets[byte + 1]]) >> shift;
            let value = (window & ((1 << BITS) - 1)) as i16 + carry;
            // 1 exactly when value is above 2^(BITS-1)
            carry = (value + (1 << (BITS - 1)) - 1) >> BITS;
            *digit = (value - (carry << BITS)) as i8;
        }
        octets.zeroize();
        digits
    }
}

/// The signed digits of a secret scalar, wiped when no longer needed.
pub(crate) struct Digits<const COUNT: usize>(pub(crate) [i8; COUNT]);

impl<const COUNT: usize> Drop for Digits<COUNT> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Bits of the public constant q - 1 after the leading one, highest first.
pub(crate) fn order_minus_one_bits() -> impl Iterator<Item = bool> {
    let octets = Residue::MODULUS.as_ref().wrapping_sub(&U1024::ONE).to_be_bytes();
    (0..ORDER_BITS - 1).rev().map(move |i| octets.as_ref()[SCALAR_LEN - 1 - i / 8] >> (i % 8) & 1 == 1)
}

impl Add for Scalar {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.add(&other.0))
    }
}

impl Mul for Scalar {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(self.0.mul(&other.0))
    }
}

impl CtEq for Scalar {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl DefaultIsZeroes for Scalar {}
