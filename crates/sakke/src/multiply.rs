//! Multiplication of points by secret scalars.
//!
//! Both ways recode the scalar into signed digits, read **every** entry of a table row for each
//! digit, negate and add by mask, and do the same operations in the same order for all scalars.

use std::sync::LazyLock;

use crypto_bigint::{Choice, CtAssign, CtEq, CtSelect};

use crate::curve::{Affine, GENERATOR, Projective};
use crate::field::Fp;
use crate::scalar::{ORDER_BITS, Scalar};

#[cfg(test)]
use crate::trace::{self, Op};

/// Digit width for the generator. Wider digits need fewer additions and longer rows to read; 7 is
/// the fastest here (see the benchmark), for a table of 2.4 MB.
const FIXED_BITS: usize = 7;
const FIXED_DIGITS: usize = ORDER_BITS / FIXED_BITS + 1;
const FIXED_ROW: usize = 1 << (FIXED_BITS - 1);

/// Digit width for any other point, whose table is made for each multiplication.
const FREE_BITS: usize = 5;
const FREE_DIGITS: usize = ORDER_BITS / FREE_BITS + 1;
const FREE_ROW: usize = 1 << (FREE_BITS - 1);

/// Row i holds `[1]B`, `[2]B`, ... for `B = [2^(i FIXED_BITS)]P`.
static GENERATOR_ROWS: LazyLock<Vec<[Affine; FIXED_ROW]>> = LazyLock::new(generator_rows);

/// `[k]P` for the generator P.
pub(crate) fn multiply_generator(k: &Scalar) -> Projective {
    let digits = k.signed_digits::<FIXED_BITS, FIXED_DIGITS>();
    let mut sum = Projective::IDENTITY;
    for (digit, row) in digits.0.iter().zip(GENERATOR_ROWS.iter()) {
        let (negative, size) = sign_and_size(*digit);
        let mut entry = read_row(row, size);
        entry.y.ct_assign(&-entry.y, negative);
        // For the digit 0 nothing was read and the sum below means nothing: it is dropped.
        let next = sum.add_affine(&entry);
        sum.ct_assign(&next, !size.ct_eq(&0));
    }
    sum
}

/// `[k]B` for any point B of order q.
pub(crate) fn multiply(k: &Scalar, base: &Projective) -> Projective {
    let mut row = [Projective::IDENTITY; FREE_ROW];
    let mut multiple = Projective::IDENTITY;
    for entry in &mut row {
        multiple = multiple.add(base);
        *entry = multiple;
    }
    let digits = k.signed_digits::<FREE_BITS, FREE_DIGITS>();
    let mut sum = Projective::IDENTITY;
    for digit in digits.0.iter().rev() {
        for _ in 0..FREE_BITS {
            sum = sum.double();
        }
        let (negative, size) = sign_and_size(*digit);
        // Stays the identity, which the addition takes like any point, for the digit 0.
        let mut entry = Projective::IDENTITY;
        for (candidate, i) in row.iter().zip(1u8..) {
            entry.ct_assign(candidate, i.ct_eq(&size));
        }
        entry.y.ct_assign(&-entry.y, negative);
        sum = sum.add(&entry);
    }
    sum
}

/// Whether a digit is negative, and its absolute value.
fn sign_and_size(digit: i8) -> (Choice, u8) {
    let mask = digit >> 7;
    (Choice::from_u8_lsb(mask as u8), ((digit ^ mask) - mask) as u8)
}

/// Entry `size` of a row that begins with entry 1; all zeros for 0. Reads the whole row.
fn read_row(row: &[Affine; FIXED_ROW], size: u8) -> Affine {
    let mut found = Affine::default();
    for (entry, i) in row.iter().zip(1u8..) {
        #[cfg(test)]
        trace::note(Op::Assign);
        let mask = crypto_bigint::Limb::ct_select(
            &crypto_bigint::Limb::ZERO,
            &crypto_bigint::Limb::MAX,
            i.ct_eq(&size),
        );
        gather(&mut found.x, &entry.x, mask);
        gather(&mut found.y, &entry.y, mask);
    }
    found
}

/// Adds the bits of `entry` under the mask.
fn gather(found: &mut Fp, entry: &Fp, mask: crypto_bigint::Limb) {
    for (to, from) in found.limbs_mut().iter_mut().zip(entry.limbs()) {
        *to |= *from & mask;
    }
}

/// Computes the table. Nothing here is secret.
fn generator_rows() -> Vec<[Affine; FIXED_ROW]> {
    let mut points = Vec::with_capacity(FIXED_DIGITS * FIXED_ROW);
    let mut base = Projective::from(GENERATOR);
    for _ in 0..FIXED_DIGITS {
        let mut multiple = base;
        for _ in 0..FIXED_ROW {
            points.push(multiple);
            multiple = multiple.add(&base);
        }
        for _ in 0..FIXED_BITS {
            base = base.double();
        }
    }
    let points = to_affine_all(&points);
    let (rows, _) = points.as_chunks();
    rows.to_vec()
}

/// Brings points, none of them the identity, to affine form with one division (Montgomery's trick):
/// 1/z_i = (z_1 ... z_(i-1)) / (z_1 ... z_i).
fn to_affine_all(points: &[Projective]) -> Vec<Affine> {
    let mut product = Fp::ONE;
    let mut affine: Vec<Affine> = points
        .iter()
        .map(|point| {
            let before = product;
            product = product * point.z;
            Affine { x: before, y: Fp::ZERO }
        })
        .collect();
    let mut inverse = product.invert().expect("small multiples of a point of order q are not the identity");
    for (slot, point) in affine.iter_mut().zip(points).rev() {
        let w = slot.x * inverse;
        inverse = inverse * point.z;
        *slot = Affine { x: point.x * w, y: point.y * w };
    }
    affine
}
