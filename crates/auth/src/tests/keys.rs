//! Key sets that are read and those that are not.

use super::*;
use crate::keys::{BadKeySet, KeySet};

fn parse(keys: &[Value]) -> Result<KeySet, BadKeySet> {
    KeySet::parse(&json!({ "keys": keys }).to_string())
}

/// Our public key with one member changed; with `Value::Null`, without it.
fn but(name: &str, value: Value) -> Value {
    let mut jwk = OURS.jwk();
    match value {
        Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
        value => jwk[name] = value,
    }
    jwk
}

#[test]
fn keys_that_verify_access_tokens() {
    for key in [
        OURS.jwk(),
        but("use", json!("sig")),
        but("alg", json!("RS256")),
        but("key_ops", json!(["verify"])),
        but("note", json!("unknown members are ignored")),
    ] {
        assert!(parse(std::slice::from_ref(&key)).is_ok_and(|set| set.has("ours")), "{key}");
    }
}

#[test]
fn keys_that_do_not_are_left_out() {
    for key in [
        but("kid", Value::Null),
        but("kid", json!(7)),
        but("kty", Value::Null),
        but("kty", json!("rsa")),
        but("kty", json!("oct")),
        but("use", json!("enc")),
        but("alg", json!("RS384")),
        but("alg", json!("PS256")),
        but("alg", json!("none")),
        but("key_ops", json!(["sign"])),
        but("n", Value::Null),
        but("n", json!("")),
        but("n", json!("not base64!")),
        but("n", json!(encode([0xff; 128]))),
        but("n", json!(encode([0xff; 1025]))),
        but("e", json!(encode([1]))),
        but("e", json!(encode([0]))),
        but("e", json!("")),
        but("e", json!(encode([1, 0, 0]))),
        but("e", json!(encode([1; 9]))),
        json!({ "kty": "oct", "kid": "ours", "k": encode([7; 32]) }),
        json!({ "kty": "EC", "kid": "ours", "crv": "P-256", "x": encode([1; 32]), "y": encode([1; 32]) }),
        json!({}),
    ] {
        assert_eq!(parse(std::slice::from_ref(&key)).err(), Some(BadKeySet::NoUsableKey), "{key}");
        // They do no harm beside a good one of another name.
        let mut good = OURS.jwk();
        good["kid"] = json!("good");
        assert!(parse(&[key, good]).unwrap().has("good"));
    }
}

#[test]
fn texts_that_are_no_key_set() {
    let too_many = vec![OURS.jwk(); 33];
    for text in [
        "",
        "null",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[7]}"#,
        r#"{"keys":[],"keys":[]}"#,
        &json!({ "keys": too_many }).to_string(),
        &format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(64 * 1024)),
    ] {
        assert_eq!(KeySet::parse(text).err(), Some(BadKeySet::NotASet), "{text:.60}");
    }
    assert_eq!(parse(&[OURS.jwk(), FOREIGN.jwk()]).err(), Some(BadKeySet::DuplicateKid));
    // Even when only one of the two could verify.
    assert_eq!(parse(&[OURS.jwk(), but("use", json!("enc"))]).err(), Some(BadKeySet::DuplicateKid));
}
