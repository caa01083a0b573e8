//! Published vectors: RFC 6507, 6508 and 6509, TS 33.180, and full-size ones of our own.
//!
//! `tests/vectors/mikey-sakke.json` holds the appendices of the three RFCs as printed, and values
//! computed from the same definitions by another program, in arbitrary-precision arithmetic, for
//! what the RFCs leave out: a z of full size, values that begin with a zero octet, 64-bit NTP.
//!
//! `mikey-thirdparty.json` was made by another vendor's key server and terminals. It is not ours
//! to copy: it is read from the directory `CSC_SHARED`.

use p256::elliptic_curve::group::ff::PrimeField;
use serde_json::Value;

use crate::curve::{Affine, GENERATOR};
use crate::eccsi::{AuthSecret, PubAuthKey, SigningPair, hash_of_signer};
use crate::error::Error;
use crate::field::Fp;
use crate::hash;
use crate::identifier::Identifier;
use crate::multiply::multiply_generator;
use crate::pairing::pair;
use crate::period::{KeyPeriods, NtpSeconds};
use crate::root::{KeySet, Root};
use crate::sakke::{ENCAPSULATED_LEN, MasterSecret, PubEncKey, ReceiverSecretKey, Ssv};
use crate::scalar::Scalar;
use crate::target;
use crate::uid::Uid;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/mikey-sakke.json")).unwrap()
}

/// Another vendor's vectors, if they are at hand.
fn third_party(test: &str) -> Option<Value> {
    let path = csc_test_support::shared(test, "vectors/mikey-thirdparty.json")?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no {key}"))
}

fn octets(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).unwrap()
}

fn fixed<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    octets(value, key).try_into().unwrap()
}

fn uid(value: &Value, key: &str) -> Uid {
    Uid::from_bytes(fixed(value, key))
}

fn p256_scalar(value: &Value, key: &str) -> p256::Scalar {
    p256::Scalar::from_repr(fixed::<32>(value, key).into()).unwrap()
}

#[test]
fn rfc6509_parameter_set_1() {
    let v = &vectors()["rfc6509_parameter_set_1"];
    // p and q are what the arithmetic wraps at: -1 is p - 1 or q - 1.
    let mut p_minus_1 = fixed::<128>(v, "p");
    p_minus_1[127] -= 1;
    assert_eq!((Fp::ZERO - Fp::ONE).to_bytes(), p_minus_1);
    assert!(bool::from(Fp::from_bytes(&p_minus_1).is_some()));
    assert!(bool::from(Fp::from_bytes(&fixed(v, "p")).is_none()));
    assert_eq!(Scalar::reduce(&fixed(v, "q")).to_bytes(), [0; 128]);
    assert!(bool::from(Scalar::from_bytes(&fixed(v, "q")).is_none()));
    assert_eq!(GENERATOR.x.to_bytes(), fixed(v, "Px"));
    assert_eq!(GENERATOR.y.to_bytes(), fixed(v, "Py"));
    assert_eq!(target::G.representative().unwrap().to_bytes(), fixed(v, "g"));
    assert_eq!(pair(&GENERATOR, &GENERATOR).representative().unwrap().to_bytes(), fixed(v, "g"));
}

#[test]
fn rfc6507_appendix_a() {
    let v = &vectors()["rfc6507_appendix_a"];
    let id = octets(v, "ID");
    let id = Identifier::new(&id).unwrap();
    let ksak = AuthSecret::from_bytes(&fixed(v, "KSAK")).unwrap();
    let kpak = ksak.public_key();
    assert_eq!(kpak.to_bytes().to_vec(), octets(v, "KPAK"));

    let pair = ksak.issue(&kpak, id, &p256_scalar(v, "v")).unwrap();
    assert_eq!(pair.ssk().expose().to_vec(), octets(v, "SSK"));
    assert_eq!(pair.pvt().to_vec(), octets(v, "PVT"));
    pair.verify(id, &kpak).unwrap();

    let message = octets(v, "M");
    let signature = pair.sign_with(id, &kpak, &message, &p256_scalar(v, "j")).unwrap();
    assert_eq!(signature.to_vec(), octets(v, "signature"));
    kpak.verify(id, &message, &signature).unwrap();
}

#[test]
fn rfc6508_appendix_a() {
    let v = &vectors()["rfc6508_appendix_a"];
    let b = octets(v, "b");
    let b = Identifier::new(&b).unwrap();
    let z = MasterSecret::from_bytes(&fixed(v, "z")).unwrap();
    let public = z.public_key();
    assert_eq!(public.to_bytes().to_vec(), octets(v, "Z"));

    let rsk = z.receiver_key(b).unwrap();
    assert_eq!(rsk.to_bytes().expose().to_vec(), octets(v, "RSK"));
    rsk.verify(b, &public).unwrap();

    let ssv = Ssv::new(fixed(v, "SSV"));
    let r = hash::to_scalar(&[ssv.expose(), b.as_bytes()]);
    assert_eq!(r.to_bytes().to_vec(), octets(v, "r"));
    let g_r = target::G.pow(&r).representative().unwrap().to_bytes();
    assert_eq!(g_r.to_vec(), octets(v, "g_pow_r"));
    assert_eq!(hash::to_mask(&[&g_r]).expose().to_vec(), octets(v, "mask"));
    let data = public.encapsulate(&ssv, b).unwrap();
    assert_eq!(data.to_vec(), octets(v, "encapsulated_data"));
    assert_eq!(rsk.decapsulate(&data, b, &public).unwrap().expose(), ssv.expose());
}

#[test]
fn hash_to_integer_range() {
    let q = text(&vectors()["rfc6509_parameter_set_1"], "q").to_owned();
    for v in vectors()["hash_to_integer_range"].as_array().unwrap() {
        let s = octets(v, "s");
        if text(v, "n") == q {
            assert_eq!(hash::to_scalar(&[&s]).to_bytes(), fixed(v, "v"));
        } else {
            assert_eq!(text(v, "n").trim_start_matches('0'), format!("1{:032}", 0), "2^128");
            assert_eq!(hash::to_mask(&[&s]).expose(), &fixed(v, "v"));
        }
    }
}

fn check_uids(group: &Value) {
    for v in group.as_array().unwrap() {
        let periods = KeyPeriods::new(number(v, "period"), number(v, "offset")).unwrap();
        let derived = Uid::derive(text(v, "identity"), text(v, "kms_uri"), &periods, number(v, "period_no"));
        assert_eq!(derived.unwrap(), uid(v, "uid"), "{v}");
    }
}

#[test]
fn uids() {
    check_uids(&vectors()["ts33180_f21_uid"]);
}

/// The two UIDs of the project's own specification page.
#[test]
fn uids_of_the_specification() {
    let periods = KeyPeriods::new(2_592_000, 0).unwrap();
    let derived = Uid::derive("sip:user@example.org", "kms.example.org", &periods, 1388).unwrap();
    assert_eq!(derived.to_string(), "3a81fb14c3b1d0fe43c9c577104d55a6d81788bfd2f09743c4557746a5a0353b");
    let periods = KeyPeriods::new(2_419_200, 0).unwrap();
    let derived = Uid::derive("tel:+82571009990", "kms.mcptt.com", &periods, 1529).unwrap();
    assert_eq!(derived.to_string(), "feeab50ce9fc0a3444fca6f7a4d52d8b0f18ffd48a934ef3151330e08a312008");
    assert_eq!(Uid::derive("", "k", &periods, 0), Err(Error::UidPart("identity")));
    assert_eq!(Uid::derive("u", "", &periods, 0), Err(Error::UidPart("KMS URI")));
    assert!(Uid::derive(&"u".repeat(65_535), "k", &periods, 0).is_ok());
    assert_eq!(Uid::derive(&"u".repeat(65_536), "k", &periods, 0), Err(Error::UidPart("identity")));
}

#[test]
fn key_period_numbers() {
    for v in vectors()["key_period_numbers"].as_array().unwrap() {
        let periods = KeyPeriods::new(number(v, "period"), number(v, "offset")).unwrap();
        let time = NtpSeconds::from_unix(number(v, "unix_time"));
        assert_eq!(time, NtpSeconds(number(v, "ntp_seconds")));
        assert_eq!(time.to_unix(), Some(number(v, "unix_time")));
        let period = periods.number_at(time).unwrap();
        assert_eq!(period, number(v, "period_no"), "{v}");
        let bounds = periods.bounds(period).unwrap();
        assert_eq!(bounds.start.to_unix(), Some(number(v, "start_unix")));
        assert_eq!(bounds.end.to_unix(), Some(number(v, "end_unix")));
    }
}

#[test]
fn public_keys_of_a_fielded_kms() {
    let v = &vectors()["seed_sample"];
    let key = PubEncKey::from_bytes(&octets(v, "PubEncKey"));
    assert_eq!(key.is_ok(), v["PubEncKey_valid"].as_bool().unwrap());
    let key = PubAuthKey::from_bytes(&octets(v, "PubAuthKey"));
    assert_eq!(key.is_ok(), v["PubAuthKey_valid"].as_bool().unwrap());
}

#[test]
fn key_sets_of_a_full_size_root() {
    let group = &vectors()["kms_full_size"];
    let z = MasterSecret::from_bytes(&fixed(group, "z")).unwrap();
    let ksak = AuthSecret::from_bytes(&fixed(group, "KSAK")).unwrap();
    let (public, kpak) = (z.public_key(), ksak.public_key());
    assert_eq!(public.to_bytes().to_vec(), octets(group, "PubEncKey"));
    assert_eq!(kpak.to_bytes().to_vec(), octets(group, "PubAuthKey"));

    let periods = KeyPeriods::new(number(group, "period"), number(group, "offset")).unwrap();
    for v in group["key_sets"].as_array().unwrap() {
        let number = number(v, "period_no");
        let derived = Uid::derive(text(v, "identity"), text(group, "kms_uri"), &periods, number).unwrap();
        assert_eq!(derived, uid(v, "uid"));
        let id = derived.identifier();

        let inverse = Scalar::from_bytes(&fixed(v, "a_plus_z_inverse")).unwrap();
        let rsk = z.receiver_key(id).unwrap();
        let expected = octets(v, "UserDecryptKey");
        assert_eq!(rsk.to_bytes().expose().to_vec(), expected, "{}", text(v, "why"));
        assert_eq!(multiply_generator(&inverse).to_affine().unwrap().to_bytes().to_vec(), expected);

        let pair = ksak.issue(&kpak, id, &p256_scalar(v, "v")).unwrap();
        assert_eq!(pair.ssk().expose().to_vec(), octets(v, "UserSigningKeySSK"), "{}", text(v, "why"));
        assert_eq!(pair.pvt().to_vec(), octets(v, "UserPubTokenPVT"), "{}", text(v, "why"));
        assert_eq!(hash_of_signer(&kpak, id, &pair.pvt).to_vec(), octets(v, "HS"));

        KeySet { rsk, signing: pair }.verify(&derived, &public, &kpak).unwrap();
    }
}

#[test]
fn full_size_encapsulations() {
    let all = vectors();
    let z = MasterSecret::from_bytes(&fixed(&all["kms_full_size"], "z")).unwrap();
    for v in all["sakke_encapsulation_full_size"].as_array().unwrap() {
        let to = uid(v, "uid");
        let ssv = Ssv::new(fixed(v, "SSV"));
        let r = hash::to_scalar(&[ssv.expose(), to.as_bytes()]);
        assert_eq!(r.to_bytes().to_vec(), octets(v, "r"));
        let g_r = target::G.pow(&r).representative().unwrap();
        assert_eq!(g_r.to_bytes().to_vec(), octets(v, "g_pow_r"));
        let data = z.public_key().encapsulate(&ssv, to.identifier()).unwrap();
        assert_eq!(data.to_vec(), octets(v, "encapsulated_data"), "{}", text(v, "why"));
        let rsk = z.receiver_key(to.identifier()).unwrap();
        let opened = rsk.decapsulate(&data, to.identifier(), &z.public_key()).unwrap();
        assert_eq!(opened.expose(), ssv.expose());
    }
}

#[test]
fn third_party_uids() {
    if let Some(all) = third_party("third_party_uids") {
        check_uids(&all["ts33180_f21_uid"]);
    }
}

/// Key sets of another vendor's KMS check out, and its messages open and verify.
#[test]
fn third_party_key_sets_and_messages() {
    let Some(all) = third_party("third_party_key_sets_and_messages") else { return };
    let group = &all["third_party_key_sets"];
    let public = PubEncKey::from_bytes(&octets(group, "PubEncKey")).unwrap();
    let kpak = PubAuthKey::from_bytes(&octets(group, "PubAuthKey")).unwrap();
    let periods = KeyPeriods::new(number(group, "period"), number(group, "offset")).unwrap();
    let users: Vec<(&str, Uid, ReceiverSecretKey)> = group["key_sets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| {
            let user = text(v, "user_uri");
            let derived =
                Uid::derive(user, text(group, "kms_uri"), &periods, number(v, "period_no")).unwrap();
            assert_eq!(derived, uid(v, "uid"));
            let rsk = ReceiverSecretKey::from_bytes(&octets(v, "rsk")).unwrap();
            let signing = SigningPair::from_bytes(&octets(v, "ssk"), &octets(v, "pvt")).unwrap();
            let set = KeySet { rsk, signing };
            set.verify(&derived, &public, &kpak).unwrap();
            (user, derived, set.rsk)
        })
        .collect();
    let user = |name: &str| users.iter().find(|(user, ..)| *user == name).unwrap();

    for v in group["i_messages"].as_array().unwrap() {
        let message = base64(text(v, "i_message_b64"));
        // A SAKKE payload: parameter set 1, an identifier scheme, the length of its data.
        let at = message.windows(4).position(|w| w[0] == 1 && w[2..] == [0x01, 0x11]).unwrap() + 4;
        let (_, to, rsk) = user(text(v, "responder"));
        let ssv = rsk.decapsulate(&message[at..at + ENCAPSULATED_LEN], to.identifier(), &public).unwrap();
        assert_eq!(ssv.expose().to_vec(), octets(v, "key"), "{}", text(v, "name"));
        // The signature is the end and covers all before it, its own header included.
        let (signed, signature) = message.split_at(message.len() - 129);
        let (_, from, _) = user(text(v, "initiator"));
        let verified = kpak.verify(from.identifier(), signed, signature);
        assert_eq!(verified, Ok(()), "{}", text(v, "name"));
    }
}

/// Plain base64 with padding.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0u32;
    let mut out = Vec::new();
    for (i, c) in text.bytes().filter(|c| *c != b'=').enumerate() {
        bits = bits << 6 | ALPHABET.iter().position(|a| *a == c).unwrap() as u32;
        if i % 4 > 0 {
            out.push((bits >> (6 - 2 * (i % 4))) as u8);
        }
    }
    out
}

/// A root makes what the vectors say, whatever way it came to be.
#[test]
fn a_root_survives_serialisation() {
    let group = &vectors()["kms_full_size"];
    let secrets = [octets(group, "z"), octets(group, "KSAK"), vec![9; 32]].concat();
    let root = Root::from_bytes(text(group, "kms_uri"), &secrets).unwrap();
    assert_eq!(root.to_bytes().expose().to_vec(), secrets);
    assert_eq!(root.pub_enc_key().to_bytes().to_vec(), octets(group, "PubEncKey"));
    assert_eq!(root.pub_auth_key().to_bytes().to_vec(), octets(group, "PubAuthKey"));
    let v = &group["key_sets"][0];
    let set = root.issue(&uid(v, "uid")).unwrap();
    assert_eq!(set.rsk.to_bytes().expose().to_vec(), octets(v, "UserDecryptKey"));
    set.verify(&uid(v, "uid"), root.pub_enc_key(), root.pub_auth_key()).unwrap();
    assert!(Affine::from_bytes(set.rsk.to_bytes().expose(), "RSK").is_ok());
}
