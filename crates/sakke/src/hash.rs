//! Hashing to an integer range (RFC 6508 section 5.1) with SHA-256.

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::scalar::{SCALAR_LEN, Scalar};
use crate::secret::SecretBytes;

const HASH_LEN: usize = 32;

/// HashToIntegerRange(s, q): the 1024 bits of four blocks, reduced modulo q.
pub(crate) fn to_scalar(s: &[&[u8]]) -> Scalar {
    let mut octets = Zeroizing::new([0; SCALAR_LEN]);
    fill(s, octets.as_mut_slice());
    Scalar::reduce(&octets)
}

/// HashToIntegerRange(s, 2^128): the low half of one block.
pub(crate) fn to_mask(s: &[&[u8]]) -> SecretBytes<16> {
    let mut octets = Zeroizing::new([0; HASH_LEN]);
    fill(s, octets.as_mut_slice());
    let mut mask = [0; 16];
    mask.copy_from_slice(&octets[16..]);
    SecretBytes::new(mask)
}

/// v_1 || ... || v_l of the RFC: A = hash(s), h_0 = 0, h_i = hash(h_(i-1)), v_i = hash(h_i || A).
fn fill(s: &[&[u8]], out: &mut [u8]) {
    let mut hasher = Sha256::new();
    for part in s {
        hasher.update(part);
    }
    let mut a = hasher.finalize();
    let mut h = [0; HASH_LEN];
    for v in out.chunks_exact_mut(HASH_LEN) {
        h = Sha256::digest(h).into();
        v.copy_from_slice(&Sha256::new().chain_update(h).chain_update(a).finalize());
    }
    a.as_mut_slice().zeroize();
}
