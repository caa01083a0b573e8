//! Tokens good and bad, against the whole path from headers to claims.

mod accounts;
mod cache;
mod grpc;
mod keys;
mod logs;
mod rows;
mod tokens;
mod wycheproof;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_test_support::ManualClock;
use http::{HeaderMap, HeaderName, HeaderValue};
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jws::{JwsSigner, RS256};
use serde_json::{Value, json};

use crate::{KeySource, KeySourceError, TokenVerifier, VerifierConfig};

/// The time of all tests.
const NOW: u64 = 1_800_000_000;
const USER: &str = "tel:+82571009990";

/// A signing key under a key id. Making one takes a while, so the tests share them.
struct Signer {
    kid: &'static str,
    pair: RsaKeyPair,
}

static OURS: LazyLock<Signer> = LazyLock::new(|| Signer::new("ours"));
static FOREIGN: LazyLock<Signer> = LazyLock::new(|| Signer::new("ours"));

impl Signer {
    fn new(kid: &'static str) -> Self {
        Self { kid, pair: RS256.generate_key_pair(2048).unwrap() }
    }

    fn jwk(&self) -> Value {
        let mut jwk = self.pair.to_jwk_public_key();
        jwk.set_key_id(self.kid);
        serde_json::to_value(jwk).unwrap()
    }

    /// A token with these very octets as header and payload.
    fn raw(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signer = RS256.signer_from_der(self.pair.to_der_private_key()).unwrap();
        format!("{signed}.{}", encode(signer.sign(signed.as_bytes()).unwrap()))
    }

    fn token(&self, payload: &Value) -> String {
        self.raw(&json!({ "alg": "RS256", "kid": self.kid }).to_string(), &payload.to_string())
    }
}

fn encode(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The claims of a token that is good for the CMS for another hour.
fn good() -> Value {
    json!({
        "iss": "https://csc.example.org",
        "aud": "mcptt_client",
        "sub": "7",
        "exp": NOW + 3600,
        "iat": NOW,
        "mcptt_id": USER,
        "client_id": "client",
        "jti": "1",
        "scope": ["openid", "3gpp:mcptt:config_management_server"],
    })
}

/// [`good`] with `name` changed; with `Value::Null`, without it.
fn but(name: &str, value: Value) -> Value {
    let mut claims = good();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

/// Hands out a key set that tests change, and counts how often it was asked.
#[derive(Default)]
struct Source {
    answer: Mutex<Option<String>>,
    asked: AtomicUsize,
}

impl Source {
    fn of(keys: &[Value]) -> Arc<Self> {
        let source = Self::default();
        source.set(keys);
        Arc::new(source)
    }

    fn set(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    fn fail(&self) {
        *self.answer.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl KeySource for Source {
    async fn jwks(&self) -> Result<String, KeySourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answer.lock().unwrap().clone().ok_or_else(|| KeySourceError("down".to_owned()))
    }
}

fn config() -> VerifierConfig {
    VerifierConfig {
        issuer: "https://csc.example.org".to_owned(),
        audiences: vec!["mcptt_client".to_owned(), "other_client".to_owned()],
        field_compat: false,
    }
}

fn verifier() -> TokenVerifier {
    TokenVerifier::new(Source::of(&[OURS.jwk()]), config(), Arc::new(ManualClock::at(NOW)))
}

fn headers<'a>(fields: impl IntoIterator<Item = (&'static str, &'a str)>) -> HeaderMap {
    let field = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    let mut map = HeaderMap::new();
    for (name, value) in fields.into_iter().map(field) {
        map.append(name, value);
    }
    map
}
