//! The Tate-Lichtenbaum pairing <R, Q> of RFC 6508 section 3.2.
//!
//! Miller's algorithm, with the RFC's line functions multiplied by their denominators: those lie
//! in F_p and vanish in PF_p. The flow follows the bits of q - 1, which are public; the points may
//! be secret.

use crate::curve::{Affine, Projective};
use crate::scalar;
use crate::target::Target;

/// <R, Q> for two points of order q.
pub(crate) fn pair(r: &Affine, q: &Affine) -> Target {
    let mut value = Target::ONE;
    let mut c = Projective::from(*r);
    for bit in scalar::order_minus_one_bits() {
        value = value.square() * tangent(&c, q);
        c = c.double();
        if bit {
            value = value * chord(&c, r, q);
            c = c.add_affine(r);
        }
    }
    // value^c with c = (p + 1)/q = 4
    value.square().square()
}

/// The tangent at C, evaluated at `[i]Q` and multiplied by 2YZ^2:
/// 3(X^2 - Z^2)(Qx Z + X) - 2Y^2 Z + i 2YZ^2 Qy.
fn tangent(c: &Projective, q: &Affine) -> Target {
    let yz2 = (c.y * c.z).double();
    let slope = (c.x.square() - c.z.square()).triple();
    Target { a: slope * (q.x * c.z + c.x) - yz2 * c.y, b: yz2 * c.z * q.y }
}

/// The line through C and R, evaluated at `[i]Q` and multiplied by X - Rx Z:
/// (Y - Ry Z)(Qx + Rx) - Ry (X - Rx Z) + i Qy (X - Rx Z).
fn chord(c: &Projective, r: &Affine, q: &Affine) -> Target {
    let run = c.x - r.x * c.z;
    let rise = c.y - r.y * c.z;
    Target { a: rise * (q.x + r.x) - r.y * run, b: q.y * run }
}
