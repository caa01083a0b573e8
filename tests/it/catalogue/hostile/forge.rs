//! Tokens that the identity server would never make, some of them signed with its own key.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use csc_tests::{ALEX, Client};
use josekit::jwk::alg::rsa::RsaKeyPair;
use josekit::jws::{HS256, JwsSigner, RS256};
use serde_json::{Value, json};

/// A genuine token of Alex taken apart, and the keys to put others together.
pub(crate) struct Forge {
    /// The genuine token.
    pub(crate) genuine: String,
    header: Value,
    claims: Value,
    /// The key of the identity server itself.
    own: RsaKeyPair,
    /// Somebody else's.
    foreign: RsaKeyPair,
}

impl Forge {
    pub(crate) async fn at(client: &Client) -> Self {
        let genuine = client.token(ALEX).await;
        let mut parts =
            genuine.split('.').map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url"));
        let mut json = || serde_json::from_slice(&parts.next().expect("three parts")).expect("JSON");
        let (header, claims) = (json(), json());
        let pem = std::fs::read(client.site().at("idms-signing.pem")).expect("the site's key");
        let own = RsaKeyPair::from_pem(pem).expect("an RSA key");
        Self { genuine, header, claims, own, foreign: RsaKeyPair::generate(2048).expect("a key") }
    }

    /// A good signature over a changed claim.
    pub(crate) fn with(&self, claim: &str, value: Value) -> String {
        self.sign(&self.header, &self.changed(claim, value), &self.own)
    }

    /// Good but for its time: it ended an hour before the genuine one began.
    pub(crate) fn expired(&self) -> String {
        let issued = self.claims["iat"].as_u64().expect("a time");
        self.with("exp", json!(issued - 3600))
    }

    /// The genuine token with another payload under the same signature.
    pub(crate) fn altered(&self) -> String {
        let (header, rest) = self.genuine.split_once('.').expect("three parts");
        let (_, signature) = rest.split_once('.').expect("three parts");
        let claims = self.changed("csc_roles", json!(["platform-administrator"]));
        format!("{header}.{}.{signature}", encode(&claims))
    }

    /// Signed with another key, which claims to be the server's.
    pub(crate) fn foreign(&self) -> String {
        self.sign(&self.header, &self.claims, &self.foreign)
    }

    /// Signed with another key under a name of its own.
    pub(crate) fn unknown_key(&self) -> String {
        let mut header = self.header.clone();
        header["kid"] = json!("somebody-else");
        self.sign(&header, &self.claims, &self.foreign)
    }

    /// `alg: none` in its spellings, with the signature left out or left on.
    pub(crate) fn unsigned(&self) -> Vec<String> {
        let mut tokens = Vec::new();
        let signature = self.genuine.rsplit('.').next().expect("three parts");
        for alg in ["none", "None", "NONE"] {
            let mut header = self.header.clone();
            header["alg"] = json!(alg);
            let signed = format!("{}.{}", encode(&header), encode(&self.claims));
            tokens.extend([format!("{signed}."), format!("{signed}.{signature}")]);
        }
        let bare = json!({ "alg": "none" });
        tokens.push(format!("{}.{}.", encode(&bare), encode(&self.claims)));
        tokens
    }

    /// `alg: HS256`, with the public key as the secret.
    pub(crate) fn confused(&self) -> String {
        let mut header = self.header.clone();
        header["alg"] = json!("HS256");
        let public = self.own.to_traditional_pem_public_key();
        put_together(&header, &self.claims, &HS256.signer_from_bytes(public).expect("long enough"))
    }

    fn changed(&self, claim: &str, value: Value) -> Value {
        let mut claims = self.claims.clone();
        claims[claim] = value;
        claims
    }

    fn sign(&self, header: &Value, claims: &Value, key: &RsaKeyPair) -> String {
        let pem = key.to_traditional_pem_private_key();
        put_together(header, claims, &RS256.signer_from_pem(pem).expect("an RSA key"))
    }
}

fn put_together(header: &Value, claims: &Value, signer: &dyn JwsSigner) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = signer.sign(signed.as_bytes()).expect("it signs");
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn encode(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}
