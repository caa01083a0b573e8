//! Tests that need more than one layer, or values that the crate does not give out.

mod encodings;
mod laws;
mod secrets;
mod vectors;

use crypto_bigint::CtEq;
use csc_test_support::SeededEntropy;

use crate::curve::Projective;
use crate::multiply::multiply_generator;
use crate::period::KeyPeriods;
use crate::root::Root;
use crate::scalar::{self, Scalar};
use crate::uid::Uid;

fn same<T: CtEq>(a: T, b: T) -> bool {
    a.ct_eq(&b).to_bool()
}

/// A small integer as a scalar; negative ones count down from q.
fn small(k: i32) -> Scalar {
    let mut octets = [0; 128];
    octets[124..].copy_from_slice(&k.unsigned_abs().to_be_bytes());
    let size = Scalar::reduce(&octets);
    if k < 0 { minus_one() * size } else { size }
}

fn minus_one() -> Scalar {
    let mut octets: [u8; 128] = Scalar::default().to_bytes();
    octets[127] = 1;
    let one = Scalar::reduce(&octets);
    // q - 1 = -1, the only value that squares to 1 beside 1 itself
    let mut bits = vec![true];
    bits.extend(scalar::order_minus_one_bits());
    bits.iter().fold(Scalar::default(), |k, bit| if *bit { k + k + one } else { k + k })
}

fn g(k: &Scalar) -> Projective {
    multiply_generator(k)
}

fn root(seed: u64) -> Root {
    Root::generate("kms.example.org", &SeededEntropy::new(seed)).unwrap()
}

fn alex() -> Uid {
    Uid::derive("sip:alex.kim@example.org", "kms.example.org", &KeyPeriods::new(2_419_200, 0).unwrap(), 1655)
        .unwrap()
}
