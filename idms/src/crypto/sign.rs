//! Signs tokens (RFC 7515): RS256 with the server's key, HS256 with a client's secret.
//!
//! The signer is kept: parsing the key again for each token would cost three times the signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::JoseError;
use josekit::jwk::KeyPair;
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jws::alg::rsassa::RsassaJwsSigner;
use josekit::jws::{HS256, JwsHeader, JwsSigner, RS256, serialize_compact};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Shortest secret for HS256, in octets (RFC 7518 3.2).
pub const MIN_SECRET: usize = 32;

/// The key that signs tokens.
#[derive(Clone)]
pub struct SigningKey {
    signer: RsassaJwsSigner,
    jwk: Value,
}

/// Why a signing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// It is no RSA private key in PEM.
    #[error("not an RSA private key in PEM; make one with `csc idms keys create`")]
    Unreadable(#[source] JoseError),
    /// It has less than 2048 or more than 4096 bits.
    #[error("an RSA key that signs tokens has 2048 to 4096 bits")]
    Length,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The claims cannot be written as JSON.
    #[error("token cannot be encoded")]
    Encode(#[from] serde_json::Error),
    /// The key does not sign.
    #[error("token cannot be signed")]
    Sign(#[from] JoseError),
}

impl SigningKey {
    /// Takes the content of a key file. The key's `kid` is its thumbprint (RFC 7638), so that it names the key and
    /// nothing but the key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = RsaKeyPair::from_pem(pem).map_err(SigningKeyError::Unreadable)?;
        let public = pair.to_jwk_public_key();
        let number = |name| public.parameter(name).and_then(Value::as_str).unwrap_or_default();
        let (n, e) = (number("n"), number("e"));
        // 256 to 512 octets in base64url, without leading zero octets.
        if !(342..=683).contains(&n.len()) {
            return Err(SigningKeyError::Length);
        }
        let mut signer = RS256.signer_from_pem(pem).map_err(SigningKeyError::Unreadable)?;
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)));
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e });
        signer.set_key_id(kid);
        Ok(Self { signer, jwk })
    }

    /// The public half, as a JWK set (RFC 7517).
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.jwk] }).to_string()
    }

    /// Signs `claims` with RS256.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        compact(claims, &self.signer)
    }
}

/// Signs `claims` with HS256 and a client's secret of at least [`MIN_SECRET`] octets.
pub fn sign_with_secret(claims: &impl Serialize, secret: &[u8]) -> Result<String, SignError> {
    compact(claims, &HS256.signer_from_bytes(secret)?)
}

fn compact(claims: &impl Serialize, signer: &dyn JwsSigner) -> Result<String, SignError> {
    let mut header = JwsHeader::new();
    header.set_token_type("JWT");
    Ok(serialize_compact(&serde_json::to_vec(claims)?, &header, signer)?)
}

#[cfg(test)]
mod tests {
    use josekit::jwk::{Jwk, JwkSet};
    use josekit::jws::deserialize_compact;

    use super::*;

    #[test]
    fn what_is_signed_is_verified_with_what_is_published() {
        let pem = RsaKeyPair::generate(2048).unwrap().to_pem_private_key();
        let key = SigningKey::from_pem(&pem).unwrap();
        let token = key.sign(&json!({ "exp": 1 })).unwrap();
        let set = JwkSet::from_bytes(key.jwks()).unwrap();
        let verifier = RS256.verifier_from_jwk(set.keys()[0]).unwrap();
        let (payload, header) = deserialize_compact(&token, &verifier).unwrap();
        assert_eq!(payload, br#"{"exp":1}"#);
        assert_eq!((header.key_id(), header.token_type()), (set.keys()[0].key_id(), Some("JWT")));
        assert_eq!(key.sign(&json!({ "exp": 1 })).unwrap(), token, "RS256 is deterministic");
    }

    #[test]
    fn the_thumbprint_of_rfc_7638_3_1() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let text = format!(r#"{{"e":"AQAB","kty":"RSA","n":"{n}"}}"#);
        assert_eq!(
            URL_SAFE_NO_PAD.encode(Sha256::digest(text)),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        assert!((342..=683).contains(&n.len()));
    }

    #[test]
    fn the_set_holds_no_private_number() {
        let pem = RsaKeyPair::generate(2048).unwrap().to_pem_private_key();
        let set = JwkSet::from_bytes(SigningKey::from_pem(&pem).unwrap().jwks()).unwrap();
        let jwk: &Jwk = set.keys()[0];
        assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|name| jwk.parameter(name).is_none()));
    }

    #[test]
    fn weak_or_foreign_keys_are_refused() {
        let short = RsaKeyPair::generate(1024).unwrap().to_pem_private_key();
        assert!(matches!(SigningKey::from_pem(&short), Err(SigningKeyError::Length)));
        assert!(matches!(SigningKey::from_pem(b"no key"), Err(SigningKeyError::Unreadable(_))));
        assert!(sign_with_secret(&json!({}), &[0; 31]).is_err());
    }
}
