//! PF_p = (F_p^2)* / (F_p)*, where the pairing takes its values (RFC 6508 section 2.1).
//!
//! An element is kept as a + ib in `F_p^2 = F_p[i]`, `i^2 = -1`, up to a factor from F_p; its
//! representative is b/a. The RFC's rule for products, (s + t)/(1 - st), is what the product of
//! 1 + is and 1 + it gives.

use core::ops::Mul;

use crypto_bigint::{Choice, CtAssign, CtEq, CtOption};
use zeroize::DefaultIsZeroes;

use crate::field::Fp;
use crate::scalar::{ORDER_BITS, Scalar};

/// g = <P, P> (RFC 6509 appendix A).
pub(crate) const G: Target = Target {
    a: Fp::ONE,
    b: Fp::from_hex(
        "66FC2A432B6EA392148F15867D623068C6A87BD1FB94C41E27FABE658E015A87\
         371E94744C96FEDA449AE9563F8BC446CBFDA85D5D00EF577072DA8F541721BE\
         EE0FAED1828EAB90B99DFB0138C7843355DF0460B4A9FD74B4F1A32BCAFA1FFA\
         D682C033A7942BCCE3720F20B9B7B0403C8CAE87B7A0042ACDE0FAB36461EA46",
    ),
};

const DIGIT_BITS: usize = 5;
const DIGITS: usize = ORDER_BITS / DIGIT_BITS + 1;
const ROW: usize = 1 << (DIGIT_BITS - 1);

/// a + ib up to a factor from F_p; never 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Target {
    pub(crate) a: Fp,
    pub(crate) b: Fp,
}

impl Target {
    pub(crate) const ONE: Self = Self { a: Fp::ONE, b: Fp::ZERO };

    /// (a + ib)^2 = (a + b)(a - b) + 2iab.
    pub(crate) fn square(self) -> Self {
        Self { a: (self.a + self.b) * (self.a - self.b), b: (self.a * self.b).double() }
    }

    /// The representative b/a in F_p; none for the one element of order 2.
    pub(crate) fn representative(self) -> CtOption<Fp> {
        self.a.invert().map(|w| self.b * w)
    }

    /// self^k in constant time.
    pub(crate) fn pow(self, k: &Scalar) -> Self {
        let mut row = [Self::ONE; ROW];
        let mut power = Self::ONE;
        for entry in &mut row {
            power = power * self;
            *entry = power;
        }
        let digits = k.signed_digits::<DIGIT_BITS, DIGITS>();
        let mut product = Self::ONE;
        for digit in digits.0.iter().rev() {
            for _ in 0..DIGIT_BITS {
                product = product.square();
            }
            let mask = digit >> 7;
            let size = ((digit ^ mask) - mask) as u8;
            let mut entry = Self::ONE;
            for (candidate, i) in row.iter().zip(1u8..) {
                entry.ct_assign(candidate, i.ct_eq(&size));
            }
            // The inverse of a + ib is a - ib, up to the norm, which lies in F_p.
            entry.b.ct_assign(&-entry.b, Choice::from_u8_lsb(mask as u8));
            product = product * entry;
        }
        product
    }
}

/// (a + ib)(c + id) = ac - bd + i((a + b)(c + d) - ac - bd).
impl Mul for Target {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let ac = self.a * other.a;
        let bd = self.b * other.b;
        let cross = (self.a + self.b) * (other.a + other.b);
        Self { a: ac - bd, b: cross - ac - bd }
    }
}

/// b1/a1 = b2/a2, without a division.
impl CtEq for Target {
    fn ct_eq(&self, other: &Self) -> Choice {
        (self.a * other.b).ct_eq(&(other.a * self.b))
    }
}

impl CtAssign for Target {
    fn ct_assign(&mut self, other: &Self, choice: Choice) {
        self.a.ct_assign(&other.a, choice);
        self.b.ct_assign(&other.b, choice);
    }
}

impl DefaultIsZeroes for Target {}
