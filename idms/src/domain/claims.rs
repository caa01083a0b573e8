//! What id_tokens and access tokens say (OpenID Connect Core 2, RFC 9068, TS 33.180 annex B). All times are integers.

use csc_types::Timestamp;
use serde::Serialize;

/// The claims of an access token, in the field dialect: `scope` is an array.
#[derive(Serialize)]
pub struct AccessClaims<'a> {
    /// The MCPTT ID.
    pub mcptt_id: &'a str,
    /// Whom it is for.
    pub aud: &'a str,
    /// Until when, in seconds.
    pub exp: u64,
    /// What it permits.
    pub scope: Vec<&'static str>,
    /// Who made it.
    pub iss: &'a str,
    /// When, in seconds.
    pub iat: u64,
    /// Its own name.
    pub jti: &'a str,
    /// The user, opaque.
    pub sub: &'a str,
    /// The client it was given to.
    pub client_id: &'a str,
    /// The same, as OpenID Connect calls it.
    pub azp: &'a str,
    /// The user's organisation.
    pub csc_org: &'a str,
    /// The user's roles.
    pub csc_roles: Vec<&'static str>,
}

/// The claims of an id_token.
#[derive(Serialize)]
pub struct IdClaims<'a> {
    /// The MCPTT ID.
    pub mcptt_id: &'a str,
    /// Who made it.
    pub iss: &'a str,
    /// The user, opaque.
    pub sub: &'a str,
    /// The client it is for.
    pub aud: &'a str,
    /// Until when, in seconds.
    pub exp: u64,
    /// When it was made, in seconds.
    pub iat: u64,
    /// When the user proved its password, in seconds.
    pub auth_time: u64,
    /// How.
    pub acr: &'a str,
    /// What the client sent along to recognise it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
}

/// When a token begins and ends, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The `iat`.
    pub from: u64,
    /// The `exp`.
    pub until: u64,
}

impl Validity {
    /// `lifetime` from `now` on.
    pub fn starting(now: Timestamp, lifetime: std::time::Duration) -> Self {
        Self { from: now.seconds(), until: now.seconds().saturating_add(lifetime.as_secs()) }
    }

    /// Its length in seconds: the `expires_in` of an answer.
    pub const fn seconds(self) -> u64 {
        self.until.saturating_sub(self.from)
    }
}
