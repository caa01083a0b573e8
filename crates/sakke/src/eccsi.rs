//! ECCSI signatures (RFC 6507) over P-256 with SHA-256: N = 32 octets.

use csc_types::Entropy;
use p256::elliptic_curve::group::Group;
use p256::elliptic_curve::group::ff::{Field, FromUniformBytes, PrimeField};
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::{FromSec1Point, ToSec1Point};
use p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, Sec1Point};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;
use crate::identifier::Identifier;
use crate::secret::SecretBytes;

const N: usize = 32;

/// Octets of an encoded KMS public authentication key.
pub const PUB_AUTH_KEY_LEN: usize = 2 * N + 1;
/// Octets of a secret signing key.
pub const SSK_LEN: usize = N;
/// Octets of a public validation token.
pub const PVT_LEN: usize = 2 * N + 1;
/// Octets of a signature: r, s, PVT.
pub const SIGNATURE_LEN: usize = 4 * N + 1;

/// The secret authentication key KSAK of a KMS.
pub(crate) struct AuthSecret(Scalar);

/// The public authentication key `KPAK = [KSAK]G` of a KMS: PubAuthKey of its certificate.
#[derive(Clone)]
pub struct PubAuthKey(AffinePoint);

/// What a user signs with: the secret signing key SSK and the public validation token PVT.
pub struct SigningPair {
    ssk: Scalar,
    pub(crate) pvt: AffinePoint,
}

impl AuthSecret {
    /// Draws KSAK from the full range 1 to n - 1.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, Error> {
        random_scalar(entropy).map(Self)
    }

    /// Decodes KSAK, an integer between 1 and n - 1.
    pub(crate) fn from_bytes(octets: &[u8; N]) -> Result<Self, Error> {
        scalar(octets).map(Self).ok_or(Error::Value("KSAK"))
    }

    pub(crate) fn to_bytes(&self) -> SecretBytes<N> {
        SecretBytes::new(self.0.to_bytes().into())
    }

    /// `KPAK = [KSAK]G`.
    pub(crate) fn public_key(&self) -> PubAuthKey {
        PubAuthKey(ProjectivePoint::mul_by_generator(&self.0).to_affine())
    }

    /// Makes the signing pair of `id` (RFC 6507 section 5.1.1): `PVT = [v]G`, `SSK = KSAK + HS v`.
    ///
    /// No two identifiers may ever share a v: that would reveal KSAK.
    ///
    /// # Errors
    /// [`Error::Degenerate`] if v, HS or SSK is zero; another v may serve.
    pub(crate) fn issue(
        &self,
        kpak: &PubAuthKey,
        id: Identifier<'_>,
        v: &Scalar,
    ) -> Result<SigningPair, Error> {
        let pvt = ProjectivePoint::mul_by_generator(v).to_affine();
        let hs = as_scalar(&hash_of_signer(kpak, id, &pvt));
        let pair = SigningPair { ssk: self.0 + hs * v, pvt };
        let zero = v.is_zero() | hs.is_zero() | pair.ssk.is_zero();
        if bool::from(zero) { Err(Error::Degenerate) } else { Ok(pair) }
    }
}

impl PubAuthKey {
    /// Decodes `04`, x, y: 65 octets.
    ///
    /// # Errors
    /// [`Error::Length`], or [`Error::Value`] unless this is a point of P-256.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, Error> {
        point(octets, "PubAuthKey").map(Self)
    }

    /// The key as `04`, x, y.
    pub fn to_bytes(&self) -> [u8; PUB_AUTH_KEY_LEN] {
        encode(&self.0)
    }

    /// Verifies the signature of user `id` under `message` (RFC 6507 section 5.2.2).
    ///
    /// r and s have to be the integers that signing makes: r below p, s between 1 and n - 1.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Value`] for a PVT that is no point, [`Error::Verification`].
    pub fn verify(&self, id: Identifier<'_>, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        if signature.len() != SIGNATURE_LEN {
            let (what, expected) = ("signature", SIGNATURE_LEN);
            return Err(Error::Length { what, expected, actual: signature.len() });
        }
        let (r, rest) = signature.split_at(N);
        let (s, pvt) = rest.split_at(N);
        let pvt = point(pvt, "PVT")?;
        let s = scalar(s).ok_or(Error::Verification)?;
        let hs = hash_of_signer(self, id, &pvt);
        let he = as_scalar(&hash_of_message(&hs, r, message));
        // Y = [HS]PVT + KPAK, J = [s]([HE]G + [r]Y)
        let y = ProjectivePoint::from(pvt) * as_scalar(&hs) + self.0;
        let mut r_octets = [0; N];
        r_octets.copy_from_slice(r);
        let j = (ProjectivePoint::mul_by_generator(&he) + y * as_scalar(&r_octets)) * s;
        // Jx = r, which excludes the identity; Jx is not 0
        let jx = encode_x(&j).ok_or(Error::Verification)?;
        if jx == r_octets && jx != [0; N] { Ok(()) } else { Err(Error::Verification) }
    }
}

impl SigningPair {
    /// Decodes UserSigningKeySSK (32 octets) and UserPubTokenPVT (`04`, x, y: 65 octets).
    ///
    /// # Errors
    /// [`Error::Length`], or [`Error::Value`] unless the SSK lies between 1 and n - 1 and the PVT
    /// is a point of P-256.
    pub fn from_bytes(ssk: &[u8], pvt: &[u8]) -> Result<Self, Error> {
        if ssk.len() != SSK_LEN {
            let (what, expected) = ("UserSigningKeySSK", SSK_LEN);
            return Err(Error::Length { what, expected, actual: ssk.len() });
        }
        let ssk = scalar(ssk).ok_or(Error::Value("UserSigningKeySSK"))?;
        Ok(Self { ssk, pvt: point(pvt, "UserPubTokenPVT")? })
    }

    /// The secret signing key: UserSigningKeySSK.
    pub fn ssk(&self) -> SecretBytes<SSK_LEN> {
        SecretBytes::new(self.ssk.to_bytes().into())
    }

    /// The public validation token as `04`, x, y: UserPubTokenPVT.
    pub fn pvt(&self) -> [u8; PVT_LEN] {
        encode(&self.pvt)
    }

    /// Checks the pair as its user must: `KPAK = [SSK]G - [HS]PVT` (RFC 6507 section 5.1.2).
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if it is not the pair of `id` from the KMS of `kpak`.
    pub fn verify(&self, id: Identifier<'_>, kpak: &PubAuthKey) -> Result<(), Error> {
        let hs = as_scalar(&hash_of_signer(kpak, id, &self.pvt));
        let difference = ProjectivePoint::mul_by_generator(&self.ssk) - ProjectivePoint::from(self.pvt) * hs;
        let equal = difference.ct_eq(&ProjectivePoint::from(kpak.0));
        if bool::from(equal) { Ok(()) } else { Err(Error::KeyMismatch) }
    }

    /// Signs `message` as user `id` (RFC 6507 section 5.2.1): r, s, PVT.
    ///
    /// # Errors
    /// [`Error::Entropy`] and, with probability 2^-255, [`Error::Degenerate`].
    pub fn sign(
        &self,
        id: Identifier<'_>,
        kpak: &PubAuthKey,
        message: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<[u8; SIGNATURE_LEN], Error> {
        let j = Zeroizing::new(random_scalar(entropy)?);
        self.sign_with(id, kpak, message, &j)
    }

    /// Signs with the ephemeral j: `r` = Jx of `J = [j]G`, `s = j/(HE + r SSK)`.
    pub(crate) fn sign_with(
        &self,
        id: Identifier<'_>,
        kpak: &PubAuthKey,
        message: &[u8],
        j: &Scalar,
    ) -> Result<[u8; SIGNATURE_LEN], Error> {
        let r = encode_x(&ProjectivePoint::mul_by_generator(j)).ok_or(Error::Degenerate)?;
        let hs = hash_of_signer(kpak, id, &self.pvt);
        let he = as_scalar(&hash_of_message(&hs, &r, message));
        let sum = Zeroizing::new(he + as_scalar(&r) * self.ssk);
        let s = sum.invert().into_option().ok_or(Error::Degenerate)? * j;
        let mut signature = [0; SIGNATURE_LEN];
        signature[..N].copy_from_slice(&r);
        signature[N..2 * N].copy_from_slice(&s.to_bytes());
        signature[2 * N..].copy_from_slice(&self.pvt());
        Ok(signature)
    }
}

/// HS = hash(G || KPAK || ID || PVT).
pub(crate) fn hash_of_signer(kpak: &PubAuthKey, id: Identifier<'_>, pvt: &AffinePoint) -> [u8; N] {
    Sha256::new()
        .chain_update(encode(&AffinePoint::GENERATOR))
        .chain_update(encode(&kpak.0))
        .chain_update(id.as_bytes())
        .chain_update(encode(pvt))
        .finalize()
        .into()
}

/// HE = hash(HS || r || M).
fn hash_of_message(hs: &[u8; N], r: &[u8], message: &[u8]) -> [u8; N] {
    Sha256::new().chain_update(hs).chain_update(r).chain_update(message).finalize().into()
}

/// Reduces 512 bits modulo n, which favours no value noticeably.
pub(crate) fn wide_scalar(octets: &[u8; 64]) -> Scalar {
    Scalar::from_uniform_bytes(octets)
}

/// Draws an integer between 1 and n - 1. Zero comes up once in 2^256, or from a broken source.
fn random_scalar(entropy: &dyn Entropy) -> Result<Scalar, Error> {
    let mut octets = Zeroizing::new([0; 64]);
    entropy.fill(octets.as_mut_slice());
    let drawn = wide_scalar(&octets);
    if bool::from(drawn.is_zero()) { Err(Error::Entropy) } else { Ok(drawn) }
}

/// Decodes an integer between 1 and n - 1 from 32 octets.
fn scalar(octets: &[u8]) -> Option<Scalar> {
    let mut fixed = Zeroizing::new([0; N]);
    fixed.copy_from_slice(octets);
    let decoded = Scalar::from_repr(FieldBytes::from(*fixed)).into_option()?;
    if bool::from(decoded.is_zero()) { None } else { Some(decoded) }
}

/// A hash value, or r, as an integer modulo n.
fn as_scalar(octets: &[u8; N]) -> Scalar {
    <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(*octets))
}

/// Decodes an uncompressed point other than the identity.
fn point(octets: &[u8], what: &'static str) -> Result<AffinePoint, Error> {
    if octets.len() != 2 * N + 1 {
        return Err(Error::Length { what, expected: 2 * N + 1, actual: octets.len() });
    }
    // The length leaves the uncompressed form alone: compressed points and the identity are shorter.
    let encoded = Sec1Point::from_bytes(octets).map_err(|_| Error::Value(what))?;
    AffinePoint::from_sec1_point(&encoded).into_option().ok_or(Error::Value(what))
}

/// `04`, x, y of a point other than the identity.
fn encode(point: &AffinePoint) -> [u8; 2 * N + 1] {
    let mut octets = [0; 2 * N + 1];
    octets.copy_from_slice(point.to_sec1_point(false).as_bytes());
    octets
}

/// The x coordinate; none for the identity.
fn encode_x(point: &ProjectivePoint) -> Option<[u8; N]> {
    let affine = point.to_affine();
    if bool::from(point.is_identity()) { None } else { Some(affine.x().into()) }
}

impl Drop for AuthSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for SigningPair {
    fn drop(&mut self) {
        self.ssk.zeroize();
    }
}
