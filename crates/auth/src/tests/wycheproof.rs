//! Project Wycheproof's JWS and JWK vectors against the key set and its verification.

use super::*;
use crate::jws::Jws;
use crate::keys::KeySet;

/// Whether production code would take `jws` under these keys.
fn accepted(keys: &Value, jws: &str) -> bool {
    let Ok(set) = KeySet::parse(&keys.to_string()) else { return false };
    Jws::parse(jws).is_ok_and(|jws| jws.header.fits() && set.verify(&jws))
}

/// The one thing we do not look for: an RSA modulus of the ROCA family (CVE-2017-15361). The keys are our own IdMS's.
const ROCA: &str = "rejectsKeyWithRocaVulnerability";

/// The algorithm the token names.
fn algorithm(jws: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(jws.split('.').next()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header["alg"].as_str().map(str::to_owned)
}

/// Valid tokens of the two algorithms access tokens are signed with are taken, and nothing else; at least `least` of
/// them, so that the test cannot pass by refusing everything.
fn run(file: &str, least: usize) {
    let Some(path) = csc_test_support::shared("wycheproof", &format!("corpora/wycheproof/{file}")) else {
        return;
    };
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut taken = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let set = if key["keys"].is_array() { key.clone() } else { json!({ "keys": [key] }) };
        for test in group["tests"].as_array().unwrap() {
            let Some(jws) = test["jws"].as_str() else { continue }; // a JWE
            let ours = matches!(algorithm(jws).as_deref(), Some("RS256" | "ES256"));
            let expected = ours && (test["result"] == "valid" || test["comment"] == ROCA);
            assert_eq!(
                accepted(&set, jws),
                expected,
                "{} {} {}",
                test["tcId"],
                group["comment"],
                test["comment"]
            );
            taken += usize::from(expected);
        }
    }
    assert!(taken >= least, "only {taken} vectors were taken");
}

#[test]
fn signatures() {
    run("json_web_signature_test.json", 10);
}

#[test]
fn keys() {
    run("json_web_key_test.json", 2);
}

#[test]
fn crypto() {
    run("json_web_crypto_test.json", 3);
}
