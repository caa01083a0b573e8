//! SAKKE (RFC 6508 section 6) with parameter set 1: keys, encapsulation, decapsulation.

use crypto_bigint::CtEq;
use csc_types::Entropy;
use zeroize::{Zeroize, Zeroizing};

use crate::curve::{Affine, POINT_LEN, Projective};
use crate::error::Error;
use crate::hash;
use crate::identifier::Identifier;
use crate::multiply::{multiply, multiply_generator};
use crate::pairing::pair;
use crate::scalar::{SCALAR_LEN, Scalar};
use crate::secret::SecretBytes;
use crate::target;

/// Octets of an encoded KMS public key.
pub const PUB_ENC_KEY_LEN: usize = POINT_LEN;
/// Octets of an encoded receiver secret key.
pub const RSK_LEN: usize = POINT_LEN;
/// Octets of a shared secret value: n = 128 bits.
pub const SSV_LEN: usize = 16;
/// Octets of encapsulated data: the point R and the hint H.
pub const ENCAPSULATED_LEN: usize = POINT_LEN + SSV_LEN;

/// A shared secret value.
pub type Ssv = SecretBytes<SSV_LEN>;

/// The master secret z of a KMS.
pub(crate) struct MasterSecret(Scalar);

/// The public key `Z = [z]P` of a KMS: PubEncKey of its certificate.
#[derive(Clone)]
pub struct PubEncKey(Affine);

/// A user's receiver secret key `RSK = [1/(a + z)]P`: UserDecryptKey of its key set.
pub struct ReceiverSecretKey(Affine);

impl MasterSecret {
    /// Draws z from the full range 2 to q - 1.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, Error> {
        Scalar::random(entropy).map(Self)
    }

    /// Decodes z, an integer between 2 and q - 1.
    pub(crate) fn from_bytes(octets: &[u8; SCALAR_LEN]) -> Result<Self, Error> {
        let z = Scalar::from_bytes(octets).into_option().map(Self).ok_or(Error::Value("z"))?;
        if z.0.is_below_two().to_bool() { Err(Error::Value("z")) } else { Ok(z) }
    }

    pub(crate) fn to_bytes(&self) -> SecretBytes<SCALAR_LEN> {
        SecretBytes::new(self.0.to_bytes())
    }

    /// `Z = [z]P`.
    pub(crate) fn public_key(&self) -> PubEncKey {
        let z = multiply_generator(&self.0).to_affine().into_option();
        PubEncKey(z.expect("z is not 0 modulo q, the order of P"))
    }

    /// `RSK = [(a + z)^-1 mod q]P` (RFC 6508 section 6.1.1).
    pub(crate) fn receiver_key(&self, a: Identifier<'_>) -> Result<ReceiverSecretKey, Error> {
        let inverse = (a.to_scalar() + self.0).invert().into_option().ok_or(Error::Degenerate)?;
        let mut inverse = Zeroizing::new(inverse);
        let rsk = multiply_generator(&inverse).to_affine().into_option();
        inverse.zeroize();
        rsk.map(ReceiverSecretKey).ok_or(Error::Degenerate)
    }
}

impl PubEncKey {
    /// Decodes `04`, x, y: 257 octets.
    ///
    /// # Errors
    /// [`Error::Length`], or [`Error::Value`] unless this is a point of order q on the curve.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, Error> {
        Affine::from_bytes(octets, "PubEncKey").map(Self)
    }

    /// The key as `04`, x, y.
    pub fn to_bytes(&self) -> [u8; PUB_ENC_KEY_LEN] {
        self.0.to_bytes()
    }

    /// Encapsulates `ssv` to the user with identifier `b` of this KMS: R, then H
    /// (RFC 6508 section 6.2.1).
    ///
    /// # Errors
    /// [`Error::Degenerate`].
    pub fn encapsulate(&self, ssv: &Ssv, b: Identifier<'_>) -> Result<[u8; ENCAPSULATED_LEN], Error> {
        // r = HashToIntegerRange(SSV || b, q), R = [r]([b]P + Z)
        let r = ephemeral(ssv, b);
        let point = multiply(&r, &self.for_user(b)).to_affine().into_option().ok_or(Error::Degenerate)?;
        // H = SSV xor HashToIntegerRange(g^r, 2^n)
        let hint = masked(ssv, &target::G.pow(&r))?;
        let mut data = [0; ENCAPSULATED_LEN];
        data[..POINT_LEN].copy_from_slice(&point.to_bytes());
        data[POINT_LEN..].copy_from_slice(hint.expose());
        Ok(data)
    }

    /// `[b]P + Z`, what stands for user b.
    fn for_user(&self, b: Identifier<'_>) -> Projective {
        multiply_generator(&b.to_scalar()).add_affine(&self.0)
    }
}

impl ReceiverSecretKey {
    /// Decodes `04`, x, y: 257 octets.
    ///
    /// # Errors
    /// [`Error::Length`], or [`Error::Value`] unless this is a point of order q on the curve.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, Error> {
        Affine::from_bytes(octets, "UserDecryptKey").map(Self)
    }

    /// The key as `04`, x, y.
    pub fn to_bytes(&self) -> SecretBytes<RSK_LEN> {
        SecretBytes::new(self.0.to_bytes())
    }

    /// Checks the key as its user must: `<[a]P + Z, RSK> = g` (RFC 6508 section 6.1.2).
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if it is not the key of identifier `a` from the KMS of `z`.
    pub fn verify(&self, a: Identifier<'_>, z: &PubEncKey) -> Result<(), Error> {
        let user = z.for_user(a).to_affine().into_option().ok_or(Error::Degenerate)?;
        if pair(&user, &self.0).ct_eq(&target::G).to_bool() { Ok(()) } else { Err(Error::KeyMismatch) }
    }

    /// Recovers the secret that was encapsulated to `b`, this key's identifier, under `z`, the
    /// public key of the KMS that issued it (RFC 6508 section 6.2.2).
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Value`] for a bad point, [`Error::Verification`] if encapsulating
    /// the result again does not give the same point.
    pub fn decapsulate(&self, data: &[u8], b: Identifier<'_>, z: &PubEncKey) -> Result<Ssv, Error> {
        if data.len() != ENCAPSULATED_LEN {
            let (what, expected) = ("encapsulated data", ENCAPSULATED_LEN);
            return Err(Error::Length { what, expected, actual: data.len() });
        }
        let (point, hint) = data.split_at(POINT_LEN);
        let point = Affine::from_bytes(point, "encapsulated data")?;
        let mut hint_octets = [0; SSV_LEN];
        hint_octets.copy_from_slice(hint);
        // w = <R, RSK> = g^r, SSV = H xor HashToIntegerRange(w, 2^n)
        let w = Zeroizing::new(pair(&point, &self.0));
        let ssv = masked(&SecretBytes::new(hint_octets), &w)?;
        // TEST = [r]([b]P + Z) must be R
        let test = multiply(&ephemeral(&ssv, b), &z.for_user(b));
        if test.ct_eq(&Projective::from(point)).to_bool() { Ok(ssv) } else { Err(Error::Verification) }
    }
}

/// r = HashToIntegerRange(SSV || b, q).
fn ephemeral(ssv: &Ssv, b: Identifier<'_>) -> Zeroizing<Scalar> {
    Zeroizing::new(hash::to_scalar(&[ssv.expose(), b.as_bytes()]))
}

/// value xor HashToIntegerRange(w, 2^n), w hashed as exactly 128 octets.
fn masked(value: &Ssv, w: &target::Target) -> Result<Ssv, Error> {
    let w = w.representative().into_option().ok_or(Error::Degenerate)?;
    let w = SecretBytes::new(w.to_bytes());
    let mut result = hash::to_mask(&[w.expose()]);
    for (octet, with) in result.expose_mut().iter_mut().zip(value.expose()) {
        *octet ^= with;
    }
    Ok(result)
}

impl Drop for MasterSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for ReceiverSecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
