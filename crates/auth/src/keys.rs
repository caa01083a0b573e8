//! The public keys of the IdMS: a JWK set (RFC 7517), strictly read. Each key is pinned to one algorithm.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jws::{ES256, JwsVerifier, RS256};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jws::Jws;

/// Most octets and keys of a set that are looked at.
const MAX_SET: usize = 64 * 1024;
const MAX_KEYS: usize = 32;
/// Longest RSA modulus, in octets (8192 bits): the work per signature stays bounded.
const MAX_MODULUS: usize = 1024;

/// Keys by `kid`.
pub(crate) struct KeySet(BTreeMap<String, Box<dyn JwsVerifier + Send + Sync>>);

/// Why a JWK set is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadKeySet {
    #[error("the key set is no JSON object with a list of keys, or too large")]
    NotASet,
    #[error("two keys of the set have the same kid")]
    DuplicateKid,
    #[error("no key of the set can verify access tokens")]
    NoUsableKey,
}

impl KeySet {
    /// Reads a set. Keys that cannot verify access tokens (another use, type or algorithm, no `kid`, too weak) are left
    /// out, as RFC 7517 section 5 wants; a `kid` that stands for two keys makes the whole set ambiguous.
    pub(crate) fn parse(jwks: &str) -> Result<Self, BadKeySet> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Map<String, Value>>,
        }
        let too_large = jwks.len() > MAX_SET;
        let set: Set =
            serde_json::from_str(if too_large { "" } else { jwks }).map_err(|_| BadKeySet::NotASet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(BadKeySet::NotASet);
        }
        let mut keys = BTreeMap::new();
        let mut seen = Vec::new();
        for key in set.keys {
            let kid = key.get("kid").and_then(Value::as_str).map(str::to_owned);
            if kid.is_some() && seen.contains(&kid) {
                return Err(BadKeySet::DuplicateKid);
            }
            seen.push(kid.clone());
            if let (Some(kid), Some(verifier)) = (kid, verifier(key)) {
                keys.insert(kid, verifier);
            }
        }
        if keys.is_empty() { Err(BadKeySet::NoUsableKey) } else { Ok(Self(keys)) }
    }

    pub(crate) fn has(&self, kid: &str) -> bool {
        self.0.contains_key(kid)
    }

    /// Whether the key the token names made its signature. The token's `alg` decides nothing: it must be the key's.
    pub(crate) fn verify(&self, jws: &Jws<'_>) -> bool {
        let key = jws.header.kid.as_ref().and_then(|kid| self.0.get(kid));
        key.is_some_and(|key| {
            key.algorithm().name() == jws.header.alg && key.verify(jws.signed, &jws.signature).is_ok()
        })
    }
}

/// The verifier of one key: RS256 for RSA, ES256 for P-256. josekit refuses another `use`, `key_ops`, `alg` or curve, a
/// point off the curve and a modulus under 2048 bits.
fn verifier(key: Map<String, Value>) -> Option<Box<dyn JwsVerifier + Send + Sync>> {
    let rsa = key.get("kty").and_then(Value::as_str) == Some("RSA");
    if rsa && !sound_rsa(&key) {
        return None;
    }
    let jwk = Jwk::from_map(key).ok()?;
    if rsa {
        Some(Box::new(RS256.verifier_from_jwk(&jwk).ok()?))
    } else {
        Some(Box::new(ES256.verifier_from_jwk(&jwk).ok()?))
    }
}

/// What josekit does not look at: an odd exponent of at least 3 and at most 64 bits, a modulus of bounded size.
fn sound_rsa(key: &Map<String, Value>) -> bool {
    let number =
        |name| key.get(name).and_then(Value::as_str).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let (Some(modulus), Some(exponent)) = (number("n"), number("e")) else { return false };
    let exponent = exponent
        .iter()
        .try_fold(0_u64, |value, octet| value.checked_mul(256).map(|value| value | u64::from(*octet)));
    modulus.len() <= MAX_MODULUS && exponent.is_some_and(|exponent| exponent >= 3 && exponent % 2 == 1)
}
