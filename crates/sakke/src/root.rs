//! The root of a KMS: its master secrets, and the key sets it issues.

use csc_types::Entropy;
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::eccsi::{self, AuthSecret, PubAuthKey, SigningPair};
use crate::error::Error;
use crate::sakke::{MasterSecret, PubEncKey, ReceiverSecretKey};
use crate::scalar::SCALAR_LEN;
use crate::secret::SecretBytes;
use crate::uid::Uid;

const KSAK_LEN: usize = 32;
const V_SECRET_LEN: usize = 32;

/// Octets of the serialised secrets: z, KSAK, the secret behind v.
pub const ROOT_LEN: usize = SCALAR_LEN + KSAK_LEN + V_SECRET_LEN;

/// The master secrets of the KMS with one URI, and the public keys that belong to them.
///
/// They stay together for life: the URI is part of every UID, so that a new root means a new URI.
pub struct Root {
    kms_uri: Box<str>,
    /// In a place of their own: wherever a root is moved from, no copy of them stays behind.
    secrets: Box<Secrets>,
    pub_enc_key: PubEncKey,
    pub_auth_key: PubAuthKey,
}

struct Secrets {
    z: MasterSecret,
    ksak: AuthSecret,
    v: SecretBytes<V_SECRET_LEN>,
}

/// The key material of one UID.
pub struct KeySet {
    /// UserDecryptKey.
    pub rsk: ReceiverSecretKey,
    /// UserSigningKeySSK and UserPubTokenPVT.
    pub signing: SigningPair,
}

impl Root {
    /// Draws new master secrets.
    ///
    /// # Errors
    /// [`Error::Entropy`] if the source is broken, [`Error::UidPart`] for a URI no UID can hold.
    pub fn generate(kms_uri: &str, entropy: &dyn Entropy) -> Result<Self, Error> {
        let z = MasterSecret::generate(entropy)?;
        let ksak = AuthSecret::generate(entropy)?;
        let mut v = SecretBytes::new([0; V_SECRET_LEN]);
        entropy.fill(v.expose_mut());
        if bool::from(v.ct_eq(&SecretBytes::new([0; V_SECRET_LEN]))) {
            return Err(Error::Entropy);
        }
        Self::new(kms_uri, Box::new(Secrets { z, ksak, v }))
    }

    /// Takes serialised secrets back, and computes the public keys anew.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Value`] for a secret out of range, [`Error::UidPart`].
    pub fn from_bytes(kms_uri: &str, secrets: &[u8]) -> Result<Self, Error> {
        if secrets.len() != ROOT_LEN {
            let (what, expected) = ("root", ROOT_LEN);
            return Err(Error::Length { what, expected, actual: secrets.len() });
        }
        let (z, rest) = secrets.split_at(SCALAR_LEN);
        let (ksak, v) = rest.split_at(KSAK_LEN);
        let z = MasterSecret::from_bytes(copy(z).expose())?;
        let ksak = AuthSecret::from_bytes(copy(ksak).expose())?;
        Self::new(kms_uri, Box::new(Secrets { z, ksak, v: copy(v) }))
    }

    fn new(kms_uri: &str, secrets: Box<Secrets>) -> Result<Self, Error> {
        if kms_uri.is_empty() || kms_uri.len() > usize::from(u16::MAX) {
            return Err(Error::UidPart("KMS URI"));
        }
        let (pub_enc_key, pub_auth_key) = (secrets.z.public_key(), secrets.ksak.public_key());
        Ok(Self { kms_uri: kms_uri.into(), secrets, pub_enc_key, pub_auth_key })
    }

    /// The secrets, to be sealed: z (128 octets), KSAK (32), the secret behind v (32).
    pub fn to_bytes(&self) -> SecretBytes<ROOT_LEN> {
        let mut secrets = SecretBytes::new([0; ROOT_LEN]);
        let (z, rest) = secrets.expose_mut().split_at_mut(SCALAR_LEN);
        let (ksak, v) = rest.split_at_mut(KSAK_LEN);
        z.copy_from_slice(self.secrets.z.to_bytes().expose());
        ksak.copy_from_slice(self.secrets.ksak.to_bytes().expose());
        v.copy_from_slice(self.secrets.v.expose());
        secrets
    }

    /// The URI of the KMS, as in its certificate.
    pub fn kms_uri(&self) -> &str {
        &self.kms_uri
    }

    /// Z, with which secrets are encapsulated to the users of this KMS.
    pub fn pub_enc_key(&self) -> &PubEncKey {
        &self.pub_enc_key
    }

    /// KPAK, with which signatures of the users of this KMS are verified.
    pub fn pub_auth_key(&self) -> &PubAuthKey {
        &self.pub_auth_key
    }

    /// Issues the key set of `uid`. The same UID gets the same key set each time, for v is derived
    /// and not drawn: a broken source of randomness cannot repeat a v for another UID.
    ///
    /// # Errors
    /// [`Error::Degenerate`] for about one UID in 2^255.
    pub fn issue(&self, uid: &Uid) -> Result<KeySet, Error> {
        let id = uid.identifier();
        let Secrets { z, ksak, .. } = &*self.secrets;
        let rsk = z.receiver_key(id)?;
        // RFC 6507 section 5.1.1, 5: zero means another v. The retry tells nobody anything.
        let signing = ksak.issue(&self.pub_auth_key, id, &self.derive_v(uid, 0));
        let signing = signing.or_else(|_| ksak.issue(&self.pub_auth_key, id, &self.derive_v(uid, 1)))?;
        Ok(KeySet { rsk, signing })
    }

    /// v = HKDF-SHA256(secret, label || attempt || UID || KMS URI), 512 bits reduced modulo n.
    ///
    /// All parts but the last have a fixed length, so that no two inputs look alike.
    fn derive_v(&self, uid: &Uid, attempt: u8) -> Zeroizing<p256::Scalar> {
        let hkdf = Hkdf::<Sha256>::new(None, self.secrets.v.expose());
        let info: [&[u8]; 4] = [b"MIKEY-SAKKE ECCSI v", &[attempt], uid.as_bytes(), self.kms_uri.as_bytes()];
        let mut octets = Zeroizing::new([0; 64]);
        hkdf.expand_multi_info(&info, octets.as_mut_slice()).expect("64 octets are two blocks of 255");
        Zeroizing::new(eccsi::wide_scalar(&octets))
    }
}

impl KeySet {
    /// Checks the whole set as its user must before using it.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] if any part does not belong to `uid` and the KMS with these keys.
    pub fn verify(&self, uid: &Uid, z: &PubEncKey, kpak: &PubAuthKey) -> Result<(), Error> {
        self.rsk.verify(uid.identifier(), z)?;
        self.signing.verify(uid.identifier(), kpak)
    }
}

/// Copies secret octets of a length that has been checked.
fn copy<const L: usize>(octets: &[u8]) -> SecretBytes<L> {
    let mut fixed = SecretBytes::new([0; L]);
    fixed.expose_mut().copy_from_slice(octets);
    fixed
}
