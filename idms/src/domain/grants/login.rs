//! A password for an authorization code (RFC 6749 4.1.1, OpenID Connect Core 3.1.2).

use std::net::IpAddr;
use std::time::Duration;

use csc_store::{Change, Record, StoreError};
use csc_types::{McpttId, Partition};

use super::{Grants, holds};
use crate::domain::client::{Client, RedirectUri};
use crate::domain::fault::Fault;
use crate::domain::grant::{CodeRecord, Grant};
use crate::domain::opaque::Code;
use crate::domain::password::Proof;
use crate::domain::pkce::Challenge;
use crate::domain::scope::Scopes;
use crate::domain::throttle::Attempt;
use crate::domain::user::User;
use crate::records::{self, Stored as _, code_key, user_key};

/// A request for a code, all of it well-formed and the client's part of it checked.
pub struct LoginRequest<'a> {
    /// The client.
    pub client: &'a Client,
    /// One of its redirect URIs.
    pub redirect_uri: &'a RedirectUri,
    /// What is asked for.
    pub scopes: Scopes,
    /// What the verifier will have to match.
    pub challenge: Challenge,
    /// To be repeated in the id_token.
    pub nonce: Option<String>,
    /// Who says to log in; `None`: a name that no user can have.
    pub user: Option<McpttId>,
    /// What proves the password; `None`: something that proves nothing.
    pub proof: Option<Proof>,
    /// Where the request came from, if that is known.
    pub address: Option<IpAddr>,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The client, or the user, may not be granted what was asked for.
    #[error("scope not permitted")]
    ScopeNotPermitted,
    /// User and password do not match: there is no such user, or another password, or the account is disabled.
    #[error("user and password do not match")]
    NoMatch,
    /// Too many failures before; to be tried again after that long.
    #[error("too many failed logins")]
    Throttled(Duration),
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Grants {
    /// Checks the password and stores a code.
    pub async fn login(&self, request: LoginRequest<'_>) -> Result<Code, LoginError> {
        if !request.client.scopes.contains(request.scopes) {
            return Err(LoginError::ScopeNotPermitted);
        }
        let user = self.authenticate(&request).await?;
        // Only now: before the password is proved this would tell who is a user.
        if !user.profile.permits(request.scopes) {
            return Err(LoginError::ScopeNotPermitted);
        }
        let renewed = self.hasher.renewed(&user.password, request.proof.clone()).await;
        let now = self.clock.now();
        let partition = Partition::of(user.id.as_str());
        let code = Code::random(partition, &*self.entropy);
        let record = CodeRecord {
            grant: Grant {
                user: user.id,
                client: request.client.id.clone(),
                scopes: request.scopes,
                auth_time: now,
                session_epoch: user.session_epoch,
            },
            redirect_uri: request.redirect_uri.as_str().to_owned(),
            challenge: request.challenge,
            nonce: request.nonce,
        };
        let keys = [user_key(&record.grant.user)];
        let change = |found: &[Record]| {
            // The account may have changed while the password was hashed.
            let present: Option<User> = records::read(&keys[0], &found[0])?;
            let Some(present) = present.filter(|present| holds(&record.grant, Some(present))) else {
                return Ok::<_, StoreError>(Change::nothing(false));
            };
            let until = now.plus(self.lifetimes.code);
            let change = Change::nothing(true).put_until(code_key(&code), record.encode(), until);
            Ok(match &renewed {
                // The same epoch: still the same password.
                Some(password) => {
                    change.put(keys[0].clone(), User { password: password.clone(), ..present }.encode())
                }
                None => change,
            })
        };
        let stored = self.records.update(partition, &keys, change).await.map_err(Fault::from)?;
        if stored.outcome { Ok(code) } else { Err(LoginError::NoMatch) }
    }

    async fn authenticate(&self, request: &LoginRequest<'_>) -> Result<User, LoginError> {
        let attempt = Attempt { user: request.user.as_ref(), address: request.address };
        let begun = self.throttle.begin(attempt, self.clock.monotonic()).map_err(LoginError::Throttled)?;
        match self.prove(request).await {
            Ok(Some(user)) => {
                begun.forgive();
                Ok(user)
            }
            Ok(None) => Err(LoginError::NoMatch),
            Err(fault) => {
                begun.forgive();
                Err(fault.into())
            }
        }
    }

    /// The user whose password is proved; `None` if none is.
    async fn prove(&self, request: &LoginRequest<'_>) -> Result<Option<User>, Fault> {
        let user = match &request.user {
            Some(id) => self.user(id).await?,
            None => None,
        };
        let stored = user.as_ref().map(|user| &user.password);
        let matches = self.hasher.matches(stored, request.proof.clone()).await?;
        Ok(user.filter(|user| matches && user.profile.enabled))
    }
}
