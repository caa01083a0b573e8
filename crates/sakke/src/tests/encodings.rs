//! Whatever is no valid encoding is refused.

use csc_test_support::SeededEntropy;

use super::{alex, minus_one, root, same};
use crate::curve::{Affine, GENERATOR};
use crate::eccsi::{PubAuthKey, SigningPair};
use crate::error::Error;
use crate::root::{ROOT_LEN, Root};
use crate::sakke::{PubEncKey, ReceiverSecretKey, Ssv};
use crate::uid::Uid;

/// Points on the curve whose order is not q: (0, 0) has order 2, and adding it to P gives order 2q.
#[test]
fn points_outside_the_group_are_refused() {
    let mut origin = [0; 257];
    origin[0] = 4;
    assert!(matches!(PubEncKey::from_bytes(&origin), Err(Error::Value(_))));

    // P + (0, 0) = (-3/x, 3y/x^2): the line through both has slope y/x.
    let w = GENERATOR.x.invert().unwrap();
    let shifted = Affine { x: -w.triple(), y: GENERATOR.y.triple() * w.square() };
    let on_curve = same(shifted.y.square(), shifted.x.square() * shifted.x - shifted.x.triple());
    assert!(on_curve);
    assert!(matches!(PubEncKey::from_bytes(&shifted.to_bytes()), Err(Error::Value(_))));
    assert!(matches!(ReceiverSecretKey::from_bytes(&shifted.to_bytes()), Err(Error::Value(_))));
}

/// Every truncation and every octet before or after.
fn refuses_all_but(valid: &[u8], parse: impl Fn(&[u8]) -> Result<(), Error>) {
    parse(valid).unwrap();
    for length in 0..valid.len() {
        assert!(matches!(parse(&valid[..length]), Err(Error::Length { .. })), "{length} octets");
    }
    assert!(matches!(parse(&[valid, &[0]].concat()), Err(Error::Length { .. })));
    assert!(matches!(parse(&[&[0], valid].concat()), Err(Error::Length { .. })));
}

#[test]
fn encodings_of_any_other_length_are_refused() {
    let root = root(1);
    let id = alex();
    let set = root.issue(&id).unwrap();
    let (public, kpak) = (root.pub_enc_key(), root.pub_auth_key());
    refuses_all_but(&public.to_bytes(), |o| PubEncKey::from_bytes(o).map(drop));
    refuses_all_but(&kpak.to_bytes(), |o| PubAuthKey::from_bytes(o).map(drop));
    refuses_all_but(set.rsk.to_bytes().expose(), |o| ReceiverSecretKey::from_bytes(o).map(drop));
    let (ssk, pvt) = (set.signing.ssk(), set.signing.pvt());
    refuses_all_but(ssk.expose(), |o| SigningPair::from_bytes(o, &pvt).map(drop));
    refuses_all_but(&pvt, |o| SigningPair::from_bytes(ssk.expose(), o).map(drop));
    refuses_all_but(root.to_bytes().expose(), |o| Root::from_bytes("kms.example.org", o).map(drop));
    let data = public.encapsulate(&Ssv::new([5; 16]), id.identifier()).unwrap();
    refuses_all_but(&data, |o| set.rsk.decapsulate(o, id.identifier(), public).map(drop));
    let signature = set.signing.sign(id.identifier(), kpak, b"message", &SeededEntropy::new(9)).unwrap();
    refuses_all_but(&signature, |o| kpak.verify(id.identifier(), b"message", o));
}

#[test]
fn damaged_encodings_are_refused() {
    let root = root(1);
    let id = alex();
    let set = root.issue(&id).unwrap();
    let damaged = |valid: &[u8], at: usize| {
        let mut octets = valid.to_vec();
        octets[at] ^= 0x20;
        octets
    };
    let (public, kpak) = (root.pub_enc_key().to_bytes(), root.pub_auth_key().to_bytes());
    for at in 0..public.len() {
        assert!(matches!(PubEncKey::from_bytes(&damaged(&public, at)), Err(Error::Value(_))), "octet {at}");
    }
    for at in 0..kpak.len() {
        assert!(matches!(PubAuthKey::from_bytes(&damaged(&kpak, at)), Err(Error::Value(_))), "octet {at}");
    }
    let data = root.pub_enc_key().encapsulate(&Ssv::new([5; 16]), id.identifier()).unwrap();
    for at in [0, 1, 128, 129, 256, 257, 272] {
        let opened = set.rsk.decapsulate(&damaged(&data, at), id.identifier(), root.pub_enc_key());
        assert!(opened.is_err(), "octet {at}");
    }
    let kpak = root.pub_auth_key();
    let signature = set.signing.sign(id.identifier(), kpak, b"message", &SeededEntropy::new(9)).unwrap();
    for at in 0..signature.len() {
        assert!(kpak.verify(id.identifier(), b"message", &damaged(&signature, at)).is_err(), "octet {at}");
    }
    assert_eq!(kpak.verify(id.identifier(), b"massage", &signature), Err(Error::Verification));
    let other = Uid::from_bytes([3; 32]);
    assert_eq!(kpak.verify(other.identifier(), b"message", &signature), Err(Error::Verification));
}

#[test]
fn integers_out_of_range_are_refused() {
    // z of 0, 1 and q; KSAK of 0 and n.
    let parse = |secrets: &[u8; ROOT_LEN]| Root::from_bytes("kms.example.org", secrets).map(drop);
    let mut secrets = [0; ROOT_LEN];
    secrets[159] = 1;
    assert_eq!(parse(&secrets), Err(Error::Value("z")));
    secrets[127] = 1;
    assert_eq!(parse(&secrets), Err(Error::Value("z")));
    secrets[127] = 2;
    assert_eq!(parse(&secrets), Ok(()));
    secrets[..128].copy_from_slice(&minus_one().to_bytes());
    assert_eq!(parse(&secrets), Ok(()));
    secrets[127] += 1;
    assert_eq!(parse(&secrets), Err(Error::Value("z")));
    secrets[127] -= 1;
    secrets[159] = 0;
    assert_eq!(parse(&secrets), Err(Error::Value("KSAK")));
    secrets[128..160].fill(0xff);
    assert_eq!(parse(&secrets), Err(Error::Value("KSAK")));
    assert_eq!(Root::from_bytes("", &secrets).map(drop), Err(Error::Value("KSAK")));

    let pvt = root(1).pub_auth_key().to_bytes();
    for ssk in [[0; 32], [0xff; 32]] {
        assert!(matches!(SigningPair::from_bytes(&ssk, &pvt), Err(Error::Value(_))));
    }
}
