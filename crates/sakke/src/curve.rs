//! The supersingular curve E: y^2 = x^3 - 3x over F_p and its subgroup of prime order q
//! (RFC 6508 section 2.1, RFC 6509 appendix A).
//!
//! Additions are the formulas of Renes, Costello and Batina ("Complete addition formulas for
//! prime order elliptic curves", 2016, section 3) with a = -3 and b = 0. They fail only for two
//! points whose difference has order 2, and q is odd: inside the subgroup they hold for **every**
//! pair, the identity and doubling included, so that no case is ever told apart.

use crypto_bigint::{Choice, CtAssign, CtEq, CtOption};
use zeroize::DefaultIsZeroes;

use crate::error::Error;
use crate::field::{FIELD_LEN, Fp};
use crate::scalar;

/// Octets of an encoded point: `04`, x, y (RFC 6508 section 4).
pub(crate) const POINT_LEN: usize = 1 + 2 * FIELD_LEN;

/// The generator P.
pub(crate) const GENERATOR: Affine = Affine {
    x: Fp::from_hex(
        "53FC09EE332C29AD0A7990053ED9B52A2B1A2FD60AEC69C698B2F204B6FF7CBF\
         B5EDB6C0F6CE2308AB10DB9030B09E1043D5F22CDB9DFA55718BD9E7406CE890\
         9760AF765DD5BCCB337C86548B72F2E1A702C3397A60DE74A7C1514DBA66910D\
         D5CFB4CC80728D87EE9163A5B63F73EC80EC46C4967E0979880DC8ABEAE63895",
    ),
    y: Fp::from_hex(
        "0A8249063F6009F1F9F1F0533634A135D3E82016029906963D778D821E141178\
         F5EA69F4654EC2B9E7F7F5E5F0DE55F66B598CCF9A140B2E416CFF0CA9E032B9\
         70DAE117AD547C6CCAD696B5B7652FE0AC6F1E80164AA989492D979FC5A4D5F2\
         13515AD7E9CB99A980BDAD5AD5BB4636ADB9B5706A67DCDE75573FD71BEF16D7",
    ),
};

/// A point other than the identity, of order q.
#[derive(Clone, Copy, Default)]
pub(crate) struct Affine {
    pub(crate) x: Fp,
    pub(crate) y: Fp,
}

/// A point of order q or the identity: x = X/Z, y = Y/Z, and Z = 0 for the identity.
#[derive(Clone, Copy)]
pub(crate) struct Projective {
    pub(crate) x: Fp,
    pub(crate) y: Fp,
    pub(crate) z: Fp,
}

impl Affine {
    /// Decodes an uncompressed point and checks that it is on the curve and has order q.
    pub(crate) fn from_bytes(octets: &[u8], what: &'static str) -> Result<Self, Error> {
        if octets.len() != POINT_LEN {
            return Err(Error::Length { what, expected: POINT_LEN, actual: octets.len() });
        }
        let (form, coordinates) = octets.split_at(1);
        let (x, y) = coordinates.split_at(FIELD_LEN);
        let (x, y) = (decode(x), decode(y));
        let in_range = x.is_some() & y.is_some();
        let point = Self { x: x.unwrap_or(Fp::ZERO), y: y.unwrap_or(Fp::ZERO) };
        let on_curve = in_range & form[0].ct_eq(&4) & point.is_on_curve();
        // The order takes a thousand times as long and is not asked of what is no point at all.
        if on_curve.to_bool() && point.has_order_q().to_bool() { Ok(point) } else { Err(Error::Value(what)) }
    }

    /// The point as `04`, x, y.
    pub(crate) fn to_bytes(self) -> [u8; POINT_LEN] {
        let mut octets = [4; POINT_LEN];
        octets[1..1 + FIELD_LEN].copy_from_slice(&self.x.to_bytes());
        octets[1 + FIELD_LEN..].copy_from_slice(&self.y.to_bytes());
        octets
    }

    fn is_on_curve(&self) -> Choice {
        self.y.square().ct_eq(&(self.x.square() * self.x - self.x.triple()))
    }

    /// Whether `[q]self` is the identity. q - 1 is public, self need not be.
    ///
    /// Outside the subgroup an addition may meet its one exception; it then yields (0 : 0 : 0),
    /// which stays that and is no point, so the answer is still right.
    fn has_order_q(&self) -> Choice {
        let mut sum = Projective::from(*self);
        for bit in scalar::order_minus_one_bits() {
            sum = sum.double();
            if bit {
                sum = sum.add_affine(self);
            }
        }
        sum.add_affine(self).is_identity()
    }
}

/// One coordinate of an encoding whose length has been checked.
fn decode(octets: &[u8]) -> CtOption<Fp> {
    let mut fixed = zeroize::Zeroizing::new([0; FIELD_LEN]);
    fixed.copy_from_slice(octets);
    Fp::from_bytes(&fixed)
}

impl Projective {
    pub(crate) const IDENTITY: Self = Self { x: Fp::ZERO, y: Fp::ONE, z: Fp::ZERO };

    pub(crate) fn is_identity(&self) -> Choice {
        self.x.ct_eq(&Fp::ZERO) & self.z.ct_eq(&Fp::ZERO) & !self.y.ct_eq(&Fp::ZERO)
    }

    /// The affine form; none for the identity.
    pub(crate) fn to_affine(self) -> CtOption<Affine> {
        self.z.invert().map(|w| Affine { x: self.x * w, y: self.y * w })
    }

    /// self + other.
    pub(crate) fn add(&self, other: &Self) -> Self {
        let yz = self.y * other.z + other.y * self.z;
        let xz = self.x * other.z + other.x * self.z;
        self.add_with(other.x, other.y, self.z * other.z, xz, yz)
    }

    /// self + other, one multiplication cheaper because Z2 = 1.
    pub(crate) fn add_affine(&self, other: &Affine) -> Self {
        let yz = self.y + other.y * self.z;
        let xz = self.x + other.x * self.z;
        self.add_with(other.x, other.y, self.z, xz, yz)
    }

    /// The part both additions share: zz = Z1 Z2, xz = X1 Z2 + X2 Z1, yz = Y1 Z2 + Y2 Z1, and
    ///
    /// ```text
    /// X3 = xy (Y1Y2 + 3xz) + 3 yz (X1X2 + 3zz)        xy = X1 Y2 + X2 Y1
    /// Y3 = (Y1Y2 + 3xz)(Y1Y2 - 3xz) - 9 (X1X2 - zz)(X1X2 + 3zz)
    /// Z3 = yz (Y1Y2 - 3xz) + 3 xy (X1X2 - zz)
    /// ```
    fn add_with(&self, x2: Fp, y2: Fp, zz: Fp, xz: Fp, yz: Fp) -> Self {
        let xx = self.x * x2;
        let yy = self.y * y2;
        let xy = (self.x + self.y) * (x2 + y2) - xx - yy;
        let xz3 = xz.triple();
        let plus = yy + xz3;
        let minus = yy - xz3;
        let difference = (xx - zz).triple();
        let sum = (xx + zz.triple()).triple();
        Self { x: xy * plus + yz * sum, y: plus * minus - difference * sum, z: yz * minus + xy * difference }
    }

    /// 2 self: the same formulas with X1 = X2 and so on, and the curve equation used in Z3.
    ///
    /// ```text
    /// X3 = 2XY (Y^2 + 6XZ) + 6YZ (X^2 + 3Z^2)
    /// Y3 = (Y^2 + 6XZ)(Y^2 - 6XZ) - 9 (X^2 - Z^2)(X^2 + 3Z^2)
    /// Z3 = 8 Y^3 Z
    /// ```
    pub(crate) fn double(&self) -> Self {
        let xx = self.x.square();
        let yy = self.y.square();
        let zz = self.z.square();
        let xy2 = (self.x * self.y).double();
        let yz2 = (self.y * self.z).double();
        let xz6 = (self.x * self.z).double().triple();
        let plus = yy + xz6;
        let minus = yy - xz6;
        let sum = (xx + zz.triple()).triple();
        Self {
            x: xy2 * plus + yz2 * sum,
            y: plus * minus - (xx - zz).triple() * sum,
            z: (yy * yz2).double().double(),
        }
    }
}

impl From<Affine> for Projective {
    fn from(point: Affine) -> Self {
        Self { x: point.x, y: point.y, z: Fp::ONE }
    }
}

/// X1/Z1 = X2/Z2 and Y1/Z1 = Y2/Z2, without a division.
impl CtEq for Projective {
    fn ct_eq(&self, other: &Self) -> Choice {
        (self.x * other.z).ct_eq(&(other.x * self.z))
            & (self.y * other.z).ct_eq(&(other.y * self.z))
            & self.z.ct_eq(&Fp::ZERO).ct_eq(&other.z.ct_eq(&Fp::ZERO))
    }
}

impl CtEq for Affine {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.x.ct_eq(&other.x) & self.y.ct_eq(&other.y)
    }
}

impl CtAssign for Projective {
    fn ct_assign(&mut self, other: &Self, choice: Choice) {
        self.x.ct_assign(&other.x, choice);
        self.y.ct_assign(&other.y, choice);
        self.z.ct_assign(&other.z, choice);
    }
}

impl DefaultIsZeroes for Affine {}
