//! How secrets are made, used and kept.

use std::collections::BTreeSet;

use csc_test_support::SeededEntropy;
use csc_types::Entropy;

use super::{alex, g, root, small};
use crate::curve::Projective;
use crate::eccsi::{AuthSecret, PubAuthKey, SigningPair};
use crate::error::Error;
use crate::field::Fp;
use crate::multiply::{multiply, multiply_generator};
use crate::root::{KeySet, Root};
use crate::sakke::{MasterSecret, PubEncKey, ReceiverSecretKey, Ssv};
use crate::scalar::Scalar;
use crate::secret::{SecretBytes, SecretHex};
use crate::target::{self, Target};
use crate::trace;
use crate::uid::Uid;

/// A source that returns nothing but zeros.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[test]
fn a_broken_entropy_source_is_noticed() {
    let made = Root::generate("kms.example.org", &Zeros);
    assert_eq!(made.map(drop), Err(Error::Entropy));
    let pair = root(1).issue(&alex()).unwrap().signing;
    let signed = pair.sign(alex().identifier(), root(1).pub_auth_key(), b"", &Zeros);
    assert_eq!(signed, Err(Error::Entropy));
    assert_eq!(Root::generate("", &SeededEntropy::new(1)).map(drop), Err(Error::UidPart("KMS URI")));
}

#[test]
fn generated_masters_use_the_whole_range() {
    // The top six bits of 1022 are all seen, q's first octet being 0x26.
    let tops: BTreeSet<u8> = (0..=255).map(|seed| root(seed).to_bytes().expose()[0]).collect();
    assert!(tops.iter().all(|top| *top <= 0x26));
    assert!(tops.len() > 30, "{tops:?}");
}

#[test]
fn issuing_again_gives_the_same_and_for_others_something_else() {
    let (one, two) = (root(1), root(2));
    let same_secrets = Root::from_bytes("kms2.example.org", one.to_bytes().expose()).unwrap();
    let pvt = |root: &Root, uid: &Uid| root.issue(uid).unwrap().signing.pvt();
    let other = Uid::from_bytes([3; 32]);
    assert_eq!(pvt(&one, &alex()), pvt(&one, &alex()));
    assert_ne!(pvt(&one, &alex()), pvt(&one, &other));
    assert_ne!(pvt(&one, &alex()), pvt(&two, &alex()));
    assert_ne!(pvt(&one, &alex()), pvt(&same_secrets, &alex()));
    let set = one.issue(&alex()).unwrap();
    let check = |uid: &Uid, root: &Root| set.verify(uid, root.pub_enc_key(), root.pub_auth_key());
    assert_eq!(check(&alex(), &one), Ok(()));
    assert_eq!(check(&other, &one), Err(Error::KeyMismatch));
    assert_eq!(check(&alex(), &two), Err(Error::KeyMismatch));
    // Each half is checked for itself.
    assert_eq!(set.signing.verify(other.identifier(), one.pub_auth_key()), Err(Error::KeyMismatch));
    assert_eq!(set.signing.verify(alex().identifier(), two.pub_auth_key()), Err(Error::KeyMismatch));
}

/// A move copies octets and wipes nothing; what is moved of a root must not be its secrets.
#[test]
fn a_root_that_is_moved_leaves_no_secrets_behind() {
    const { assert!(size_of::<Root>() < size_of::<PubEncKey>() + size_of::<PubAuthKey>() + size_of::<Scalar>()) }
}

/// Not hash states either.
#[test]
fn hashes_wipe_themselves() {
    fn wipes<T: zeroize::ZeroizeOnDrop>() {}
    wipes::<sha2::Sha256>();
}

/// The operations do not depend on the secrets: not their number, not their order.
#[test]
fn the_same_operations_for_every_secret() {
    let scalars: Vec<Scalar> = [0, 1, 2, 63, 64, 65, 128, -1, -2, -64, -65]
        .map(small)
        .into_iter()
        .chain([[0xff; 128], [0x55; 128], [0x01; 128], [0x80; 128]].map(|o| Scalar::reduce(&o)))
        .collect();
    let base = g(&small(5));
    multiply_generator(&scalars[0]); // builds the table
    let traces =
        |f: &dyn Fn(&Scalar)| -> BTreeSet<_> { scalars.iter().map(|k| trace::of(|| f(k))).collect() };
    let [fixed, free, power] = [
        traces(&|k| {
            let _ = multiply_generator(k);
        }),
        traces(&|k| {
            let _ = multiply(k, &base);
        }),
        traces(&|k| {
            let _ = target::G.pow(k);
        }),
    ];
    assert_eq!((fixed.len(), free.len(), power.len()), (1, 1, 1));
    // Eleven multiplications and a whole row of 64 entries for each of 147 digits, at least.
    assert!(fixed.first().unwrap().0 > 147 * (11 + 64));
    assert_ne!(fixed, free);

    let issued: BTreeSet<_> = (1..6)
        .map(|seed| {
            let root = root(seed);
            trace::of(|| drop(root.issue(&alex()).unwrap()))
        })
        .collect();
    assert_eq!(issued.len(), 1);
}

/// `Probe::<T>::PRINTS` is the inherent constant, true, where T has `Debug` or `Display`, and the
/// trait's otherwise.
#[test]
fn secrets_cannot_be_printed() {
    struct Debugs<T>(std::marker::PhantomData<T>);
    struct Displays<T>(std::marker::PhantomData<T>);
    trait Otherwise {
        const PRINTS: bool = false;
    }
    impl<T> Otherwise for Debugs<T> {}
    impl<T> Otherwise for Displays<T> {}
    impl<T: std::fmt::Debug> Debugs<T> {
        const PRINTS: bool = true;
    }
    impl<T: std::fmt::Display> Displays<T> {
        const PRINTS: bool = true;
    }
    const { assert!(Debugs::<Uid>::PRINTS && Displays::<Uid>::PRINTS) }
    macro_rules! hidden {
        ($($secret:ty),*) => { $(const { assert!(!Debugs::<$secret>::PRINTS && !Displays::<$secret>::PRINTS) })* };
    }
    hidden!(Root, KeySet, ReceiverSecretKey, SigningPair, Ssv, SecretBytes<32>, SecretHex);
    hidden!(MasterSecret, AuthSecret, Scalar, Fp, Target, Projective);
}
