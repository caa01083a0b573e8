//! Laws that hold whatever the values: of the field, the curve, the pairing and the schemes.

use proptest::prelude::*;

use super::{g, minus_one, same, small};
use crate::curve::{Affine, GENERATOR, Projective};
use crate::error::Error;
use crate::field::Fp;
use crate::multiply::multiply;
use crate::pairing::pair;
use crate::sakke::{MasterSecret, Ssv};
use crate::scalar::Scalar;
use crate::target::{self, Target};
use crate::uid::Uid;

fn wide() -> impl Strategy<Value = [u8; 128]> {
    proptest::collection::vec(any::<u8>(), 128).prop_map(|v| v.try_into().unwrap())
}

/// Scalars before their reduction: random ones, and those with one bit or only high or low bits
/// set, which random ones never are.
fn scalar() -> impl Strategy<Value = [u8; 128]> {
    prop_oneof![
        4 => wide(),
        1 => (0usize..1024).prop_map(|i| {
            let mut octets = [0; 128];
            octets[127 - i / 8] = 1 << (i % 8);
            octets
        }),
        1 => (0usize..128).prop_map(|i| {
            let mut octets = [0; 128];
            octets[i..].fill(0xff);
            octets
        }),
    ]
}

/// A field element; the top bit of p is set, so that 1023 bits are below p.
fn element(mut octets: [u8; 128]) -> Fp {
    octets[0] &= 0x7f;
    Fp::from_bytes(&octets).unwrap()
}

fn reduce(octets: [u8; 128]) -> Scalar {
    Scalar::reduce(&octets)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn field_laws(a in wide(), b in wide(), c in wide()) {
        let (a, b, c) = (element(a), element(b), element(c));
        prop_assert!(same(a + b, b + a));
        prop_assert!(same(a * b, b * a));
        prop_assert!(same((a + b) + c, a + (b + c)));
        prop_assert!(same((a * b) * c, a * (b * c)));
        prop_assert!(same(a * (b + c), a * b + a * c));
        prop_assert!(same(a - b, a + (-b)));
        prop_assert!(same(a + (-a), Fp::ZERO));
        prop_assert!(same(a * Fp::ONE, a));
        prop_assert!(same(a.square(), a * a));
        prop_assert!(same(a.double(), a + a));
        prop_assert!(same(a.triple(), a + a + a));
        prop_assert!(same(a * a.invert().unwrap(), Fp::ONE));
        prop_assert!(same(Fp::from_bytes(&a.to_bytes()).unwrap(), a));
    }

    #[test]
    fn scalar_laws(a in scalar(), b in scalar(), c in scalar()) {
        let (a, b, c) = (reduce(a), reduce(b), reduce(c));
        prop_assert!(same(a * (b + c), a * b + a * c));
        prop_assert!(same((a * b) * c, a * (b * c)));
        prop_assert!(same(a + a * minus_one(), Scalar::default()));
        prop_assert!(same(Scalar::from_bytes(&a.to_bytes()).unwrap(), a));
        let one = small(1);
        prop_assert!(a.invert().is_none().to_bool() || same(a * a.invert().unwrap(), one));
    }

    #[test]
    fn digits_add_up_to_the_scalar(k in scalar()) {
        let k = reduce(k);
        let digits = k.signed_digits::<7, 147>();
        prop_assert!(digits.0.iter().all(|d| (-63..=64).contains(d)));
        let sum = digits.0.iter().rev().fold(Scalar::default(), |sum, d| sum * small(128) + small((*d).into()));
        prop_assert!(same(sum, k));
        let digits = k.signed_digits::<5, 205>();
        prop_assert!(digits.0.iter().all(|d| (-15..=16).contains(d)));
        let sum = digits.0.iter().rev().fold(Scalar::default(), |sum, d| sum * small(32) + small((*d).into()));
        prop_assert!(same(sum, k));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn curve_laws(a in scalar(), b in scalar(), c in scalar()) {
        let (a, b, c) = (reduce(a), reduce(b), reduce(c));
        let (p, q, r) = (g(&a), g(&b), g(&c));
        prop_assert!(same(p.add(&q), q.add(&p)));
        prop_assert!(same(p.add(&q).add(&r), p.add(&q.add(&r))));
        prop_assert!(same(p.add(&p), p.double()));
        prop_assert!(same(p.add(&Projective::IDENTITY), p));
        prop_assert!(same(Projective::IDENTITY.add(&p), p));
        prop_assert!(p.add(&g(&(a * minus_one()))).is_identity().to_bool());
        prop_assert!(same(p.add(&q), g(&(a + b))));
        prop_assert!(same(multiply(&a, &q), g(&(a * b))));
        if let Some(affine) = p.to_affine().into_option() {
            prop_assert!(same(q.add_affine(&affine), q.add(&p)));
            prop_assert!(same(Projective::from(affine), p));
            let decoded = Affine::from_bytes(&affine.to_bytes(), "point");
            prop_assert!(decoded.is_ok_and(|d| same(d, affine)));
        }
    }

    #[test]
    fn powers_follow_the_laws(a in scalar(), b in scalar()) {
        let (a, b) = (reduce(a), reduce(b));
        let power = |k: &Scalar| target::G.pow(k);
        prop_assert!(same(power(&a) * power(&b), power(&(a + b))));
        prop_assert!(same(power(&a).pow(&b), power(&(a * b))));
        prop_assert!(same(power(&a).square(), power(&a) * power(&a)));
    }

    /// `<[a]P, [b]P> = g^(ab)`.
    #[test]
    fn the_pairing_is_bilinear(a in scalar(), b in scalar()) {
        let (a, b) = (reduce(a), reduce(b));
        if let (Some(p), Some(q)) = (g(&a).to_affine().into_option(), g(&b).to_affine().into_option()) {
            prop_assert!(same(pair(&p, &q), target::G.pow(&(a * b))));
            prop_assert!(same(pair(&p, &q), pair(&q, &p)));
        }
    }

    #[test]
    fn what_is_encapsulated_comes_out_for_the_receiver_alone(
        z in scalar(), ssv in any::<[u8; 16]>(), a in any::<[u8; 32]>(), b in any::<[u8; 32]>(),
    ) {
        prop_assume!(a != b);
        let Ok(z) = MasterSecret::from_bytes(&reduce(z).to_bytes()) else { return Ok(()) };
        let public = z.public_key();
        let (a, b) = (Uid::from_bytes(a), Uid::from_bytes(b));
        let data = public.encapsulate(&Ssv::new(ssv), a.identifier()).unwrap();
        let own = z.receiver_key(a.identifier()).unwrap();
        prop_assert_eq!(own.verify(a.identifier(), &public), Ok(()));
        prop_assert_eq!(own.verify(b.identifier(), &public), Err(Error::KeyMismatch));
        let opened = own.decapsulate(&data, a.identifier(), &public).unwrap();
        prop_assert_eq!(opened.expose(), &ssv);
        let other = z.receiver_key(b.identifier()).unwrap();
        let opened = other.decapsulate(&data, b.identifier(), &public);
        prop_assert!(opened.is_err_and(|e| e == Error::Verification));
    }
}

#[test]
fn small_multiples() {
    let p = Projective::from(GENERATOR);
    let mut sum = Projective::IDENTITY;
    for k in 0..=130 {
        assert!(same(g(&small(k)), sum), "{k}");
        assert!(same(multiply(&small(k), &p), sum), "{k}");
        assert!(g(&small(-k)).add(&sum).is_identity().to_bool(), "{k}");
        sum = sum.add_affine(&GENERATOR);
    }
    assert!(g(&small(0)).is_identity().to_bool());
    assert!(g(&small(0)).to_affine().is_none().to_bool());
    assert!(g(&(minus_one() + small(1))).is_identity().to_bool());
    assert!(same(target::G.pow(&small(0)), Target::ONE));
    assert!(same(target::G.pow(&small(-1)) * target::G, Target::ONE));
}
