//! The prime field F_p of SAKKE parameter set 1 (RFC 6509 appendix A).
//!
//! Elements are kept in Montgomery form and always fully reduced, so that equality of elements is
//! equality of their limbs. Every operation takes the same time for all operands.

use core::ops::{Add, Mul, Neg, Sub};

use crypto_bigint::ctutils::CtSelectUsingCtAssign;
use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{Choice, CtAssign, CtEq, CtLt, CtOption, U1024, const_monty_params};
use zeroize::DefaultIsZeroes;

#[cfg(test)]
use crate::trace::{self, Op};

const_monty_params!(
    P,
    U1024,
    "997ABB1F0A563FDA65C61198DAD0657A416C0CE19CB48261BE9AE358B3E01A2E\
     F40AAB27E2FC0F1B228730D531A59CB0E791B39FF7C88A19356D27F4A666A6D0\
     E26C6487326B4CD4512AC5CD65681CE1B6AFF4A831852A82A7CF3C521C3C09AA\
     9F94D6AF56971F1FFCE3E82389857DB080C5DF10AC7ACE87666D807AFEA85FEB",
    "The prime p."
);

/// Octets of an encoded field element: L = ceil(lg(p) / 8).
pub(crate) const FIELD_LEN: usize = 128;

/// An element of F_p.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fp(ConstMontyForm<P, { U1024::LIMBS }>);

impl Fp {
    pub(crate) const ZERO: Self = Self(ConstMontyForm::ZERO);
    pub(crate) const ONE: Self = Self(ConstMontyForm::ONE);

    /// A constant from its 256 hexadecimal digits.
    pub(crate) const fn from_hex(digits: &str) -> Self {
        Self(ConstMontyForm::new(&U1024::from_be_hex(digits)))
    }

    /// Decodes an integer between 0 and p - 1 (RFC 6508 section 4); anything larger is none.
    pub(crate) fn from_bytes(octets: &[u8; FIELD_LEN]) -> CtOption<Self> {
        let integer = U1024::from_be_slice(octets);
        let in_range = integer.ct_lt(ConstMontyForm::<P, { U1024::LIMBS }>::MODULUS.as_ref());
        CtOption::new(Self(ConstMontyForm::new(&integer)), in_range)
    }

    /// The element as exactly 128 octets, padded with zeros on the left.
    pub(crate) fn to_bytes(self) -> [u8; FIELD_LEN] {
        let mut octets = [0; FIELD_LEN];
        octets.copy_from_slice(self.0.retrieve().to_be_bytes().as_ref());
        octets
    }

    pub(crate) fn square(self) -> Self {
        #[cfg(test)]
        trace::note(Op::Mul);
        Self(self.0.square())
    }

    pub(crate) fn double(self) -> Self {
        #[cfg(test)]
        trace::note(Op::Add);
        Self(self.0.double())
    }

    pub(crate) fn triple(self) -> Self {
        self.double() + self
    }

    /// 1/self; none for zero.
    pub(crate) fn invert(self) -> CtOption<Self> {
        #[cfg(test)]
        trace::note(Op::Invert);
        self.0.invert().map(Self)
    }

    /// The limbs of the Montgomery form, for table look-ups.
    pub(crate) fn limbs_mut(&mut self) -> &mut [crypto_bigint::Limb; U1024::LIMBS] {
        self.0.as_montgomery_mut().as_mut_limbs()
    }

    /// The limbs of the Montgomery form, for table look-ups.
    pub(crate) fn limbs(&self) -> &[crypto_bigint::Limb; U1024::LIMBS] {
        self.0.as_montgomery().as_limbs()
    }
}

impl Add for Fp {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        #[cfg(test)]
        trace::note(Op::Add);
        Self(self.0.add(&other.0))
    }
}

impl Sub for Fp {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        #[cfg(test)]
        trace::note(Op::Add);
        Self(self.0.sub(&other.0))
    }
}

impl Mul for Fp {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        #[cfg(test)]
        trace::note(Op::Mul);
        Self(self.0.mul(&other.0))
    }
}

impl Neg for Fp {
    type Output = Self;
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl CtEq for Fp {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl CtAssign for Fp {
    fn ct_assign(&mut self, other: &Self, choice: Choice) {
        #[cfg(test)]
        trace::note(Op::Assign);
        self.0.ct_assign(&other.0, choice);
    }
}

impl CtSelectUsingCtAssign for Fp {}

impl DefaultIsZeroes for Fp {}
