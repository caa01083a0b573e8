//! From headers, or a bare token, to verified claims.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use csc_proto::record::v1::Account;
use csc_types::{Caller, Clock, Timestamp};
use http::HeaderMap;

use crate::cache::{KeyCache, KeySource};
use crate::claims::{Claims, Payload};
use crate::jws::Jws;
use crate::presented::{Dialect, identity_agrees, presented};
use crate::refused::{Reason, Refused};
use crate::scope::Scope;

/// How far the clocks of the IdMS and of this server may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// What is asked for, and so which scope the token needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Configuration management: CSC-4.
    Cms,
    /// Group management: CSC-2.
    Gms,
    /// Key management: CSC-8.
    Kms,
}

/// What tokens are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierConfig {
    /// The `iss` of good tokens, octet for octet.
    pub issuer: String,
    /// A good token has one of these among its `aud`.
    pub audiences: Vec<String>,
    /// `scopes.field_compat`: the scope `ptt_server` stands for all three resources, because terminals in the field
    /// hold no other.
    pub field_compat: bool,
}

/// Verifies access tokens. One per process is enough.
pub struct TokenVerifier {
    keys: KeyCache,
    config: VerifierConfig,
    clock: Arc<dyn Clock>,
}

/// A good token, and how it was presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub claims: Claims,
    /// The dialect to answer in.
    pub dialect: Dialect,
}

impl Verified {
    /// The caller, as the public account record knows it now.
    ///
    /// # Errors
    /// When there is no such account, it is disabled or not the one the token was given to, or its record does not make
    /// sense.
    pub fn caller(&self, account: Option<&Account>) -> Result<Caller, Refused> {
        self.claims.caller(account).map_err(|reason| Refused { reason, dialect: self.dialect })
    }
}

impl TokenVerifier {
    /// A verifier that has no keys yet. Give [`TokenVerifier::keep_fresh`] a task.
    pub fn new(keys: Arc<dyn KeySource>, config: VerifierConfig, clock: Arc<dyn Clock>) -> Self {
        Self { keys: KeyCache::new(keys, Arc::clone(&clock)), config, clock }
    }

    /// Verifies the token a request carries, for use at `resource`; `Ok(None)` when it carries none.
    ///
    /// # Errors
    /// Every row of the table in `spec/csc-interface.md` but those about the account.
    pub async fn verify(&self, headers: &HeaderMap, resource: Resource) -> Result<Option<Verified>, Refused> {
        let Some(presented) = presented(headers)? else { return Ok(None) };
        let dialect = presented.dialect;
        let result = async {
            let claims = self.verify_token(presented.token).await?;
            if claims.scopes.is_empty() {
                return Err(Reason::UnknownScope);
            }
            if !self.permits(&claims, resource) {
                return Err(Reason::InsufficientScope);
            }
            if !identity_agrees(headers, &claims.mcptt_id) {
                return Err(Reason::OtherUser);
            }
            Ok(claims)
        };
        match result.await {
            Ok(claims) => Ok(Some(Verified { claims, dialect })),
            Err(reason) => {
                tracing::debug!(?reason, ?dialect, "access token refused");
                Err(Refused { reason, dialect })
            }
        }
    }

    /// Verifies a bare token, such as the one in the `mcptt-info` part of a SUBSCRIBE: everything but its scope, for
    /// which there is [`TokenVerifier::permits`].
    ///
    /// # Errors
    /// [`Reason::Malformed`], [`Reason::Invalid`], [`Reason::Expired`] or [`Reason::Unavailable`].
    pub async fn verify_token(&self, token: &str) -> Result<Claims, Reason> {
        let jws = Jws::parse(token).map_err(|_| Reason::Malformed)?;
        if !jws.header.fits() {
            return Err(Reason::Invalid);
        }
        // A token without a key id is not ours: every key of the IdMS has one.
        let kid = jws.header.kid.as_deref().ok_or(Reason::Invalid)?;
        if !self.keys.with_key(kid).await?.verify(&jws) {
            return Err(Reason::Invalid);
        }
        let payload: Payload = serde_json::from_slice(&jws.payload).map_err(|_| Reason::Invalid)?;
        if payload.iss != self.config.issuer
            || !payload.aud.iter().any(|aud| self.config.audiences.contains(aud))
        {
            return Err(Reason::Invalid);
        }
        let now = self.clock.now();
        if now >= Timestamp::from_seconds(payload.exp).plus(LEEWAY) {
            return Err(Reason::Expired);
        }
        if payload.nbf.is_some_and(|nbf| now.plus(LEEWAY) < Timestamp::from_seconds(nbf)) {
            return Err(Reason::Invalid);
        }
        payload.into_claims()
    }

    /// Whether the scopes of a token suffice for `resource`.
    pub fn permits(&self, claims: &Claims, resource: Resource) -> bool {
        let needed = match resource {
            Resource::Cms => Scope::PttConfiguration,
            Resource::Gms => Scope::PttGroups,
            Resource::Kms => Scope::PttKeys,
        };
        claims.scopes.has(needed) || self.config.field_compat && claims.scopes.has(Scope::Ptt)
    }

    /// Whether there have ever been keys; before, every token is answered with 503.
    pub fn has_keys(&self) -> bool {
        self.keys.current().is_some()
    }

    /// Fetches the keys early and again every minute, for as long as it is polled. It never ends.
    pub async fn keep_fresh(&self) {
        self.keys.keep_fresh().await;
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenVerifier").field("config", &self.config).finish_non_exhaustive()
    }
}
