//! CSC-1 in the field dialect: authentication request, token request, refresh.

use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use csc_types::Entropy;
use http::{Method, Request, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Https, Profile};

/// What a token answer holds.
#[derive(Deserialize)]
pub struct Tokens {
    /// For the resource servers.
    pub access_token: String,
    /// For the next refresh.
    pub refresh_token: String,
    /// Who the user is; only with scope `openid`.
    pub id_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// Logs the user of `profile` in: password and PKCE, then the code for tokens.
///
/// # Errors
/// If the server refuses, with its own words.
pub(super) async fn login(
    https: &mut Https,
    profile: &Profile,
    entropy: &dyn Entropy,
) -> anyhow::Result<Tokens> {
    let verifier = random_text(entropy);
    let state = random_text(entropy);
    let query = form([
        ("response_type", "code"),
        ("client_id", profile.client_id.as_str()),
        ("scope", &profile.scope),
        ("redirect_uri", &profile.redirect_uri),
        ("state", &state),
        ("acr_values", "3gpp:acr:password"),
        ("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier))),
        ("code_challenge_method", "S256"),
        ("user_name", profile.user.as_str()),
        ("user_password", &BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&profile.password))),
    ]);
    let request = Request::get(format!("/idms/authreq?{query}")).body(Bytes::new())?;
    let answer: Authenticated = read(&https.send(request).await?)?;
    if answer.state != state {
        bail!("the answer carries another state");
    }
    let body = form([
        ("grant_type", "authorization_code"),
        ("code", &answer.code),
        ("client_id", profile.client_id.as_str()),
        ("redirect_uri", &profile.redirect_uri),
        ("code_verifier", &verifier),
    ]);
    read(&https.send(post("/idms/tokenreq", body)?).await?)
}

/// Trades `refresh_token` for new tokens.
///
/// # Errors
/// If the server refuses, with its own words.
pub(super) async fn refresh(
    https: &mut Https,
    profile: &Profile,
    refresh_token: &str,
) -> anyhow::Result<Tokens> {
    let body =
        form([("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("scope", &profile.scope)]);
    read(&https.send(post("/idms/tokenrefresh", body)?).await?)
}

#[derive(Deserialize)]
struct Authenticated {
    code: String,
    state: String,
}

fn post(path: &str, body: String) -> anyhow::Result<Request<Bytes>> {
    let request = Request::builder().method(Method::POST).uri(path);
    Ok(request.header("content-type", "application/x-www-form-urlencoded").body(body.into())?)
}

/// The JSON of a 200; anything else is the server's refusal.
fn read<T: for<'de> Deserialize<'de>>(answer: &Response<Bytes>) -> anyhow::Result<T> {
    let status = answer.status();
    if status != 200 {
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let words =
            location.map_or_else(|| String::from_utf8_lossy(answer.body()).into_owned(), str::to_owned);
        bail!("{status}: {words}");
    }
    serde_json::from_slice(answer.body()).context("the answer is not the JSON that was expected")
}

fn form<const N: usize>(pairs: [(&str, &str); N]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// 256 random bits in base64url: a PKCE verifier of 43 characters (RFC 7636 4.1).
fn random_text(entropy: &dyn Entropy) -> String {
    let mut octets = [0; 32];
    entropy.fill(&mut octets);
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}
