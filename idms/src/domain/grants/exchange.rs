//! An authorization code for tokens (RFC 6749 4.1.3, RFC 7636 4.5).

use csc_store::{Change, Record, StoreError};
use csc_types::ClientId;

use super::{Granted, Grants, holds};
use crate::domain::claims::Validity;
use crate::domain::fault::Fault;
use crate::domain::grant::{CodeRecord, Family};
use crate::domain::opaque::{Code, RefreshToken};
use crate::domain::pkce::Verifier;
use crate::domain::scope::Scopes;
use crate::domain::user::User;
use crate::records::{self, Stored as _, code_key, family_key, user_key};

/// A well-formed token request.
pub struct ExchangeRequest<'a> {
    /// The code.
    pub code: Code,
    /// Who asks.
    pub client: ClientId,
    /// Where the code was sent, as the client has it.
    pub redirect_uri: &'a str,
    /// What the challenge was made from.
    pub verifier: Verifier<'a>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The code is unknown, expired or spent, or is another client's, another redirect URI's or another verifier's, or
    /// gives what client or user may not be granted any more.
    #[error("code verification failed")]
    Refused,
    /// The code was spent before. What it gave is revoked.
    #[error("code used again")]
    Reused,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What became of the code.
enum Spent {
    Granted(Box<(User, CodeRecord)>),
    Refused,
    Reused,
}

impl Grants {
    /// Spends the code. The first request that names it does so, right or wrong: verifiers in the field are short, and
    /// must not be guessed at leisure by someone who saw a code. A second request revokes what the first was given.
    pub async fn exchange(&self, request: ExchangeRequest<'_>) -> Result<Granted, ExchangeError> {
        let client = self.client(&request.client).await?.ok_or(ExchangeError::Refused)?;
        let (code, partition) = (&request.code, request.code.partition());
        let mut keys = vec![code_key(code), family_key(code.family())];
        let record: Option<CodeRecord> = {
            let found = self.records.get(partition, &keys[0]).await.map_err(Fault::from)?;
            records::read(&keys[0], &found).map_err(Fault::from)?
        };
        keys.extend(record.map(|record| user_key(&record.grant.user)));

        let now = self.clock.now();
        let first = RefreshToken::random(partition, code.family(), &*self.entropy);
        let (usable, kept) = self.refresh_until(now);
        let change = |found: &[Record]| {
            let record: Option<CodeRecord> = records::read(&keys[0], &found[0])?;
            let family: Option<Family> = records::read(&keys[1], &found[1])?;
            let Some(record) = record else {
                return Ok::<_, StoreError>(match family {
                    Some(family) if !family.revoked => {
                        let until = Self::kept_until(&family);
                        Change::nothing(Spent::Reused).put_until(
                            keys[1].clone(),
                            family.revoked().encode(),
                            until,
                        )
                    }
                    Some(_) => Change::nothing(Spent::Reused),
                    None => Change::nothing(Spent::Refused),
                });
            };
            let user: Option<User> = match (keys.get(2), found.get(2)) {
                (Some(key), Some(record)) => records::read(key, record)?,
                _ => None,
            };
            let scopes = record.grant.scopes;
            let spent = |outcome| Change::nothing(outcome).delete(keys[0].clone());
            let fits = record.grant.client == request.client
                && record.redirect_uri == request.redirect_uri
                && record.challenge.matches(&request.verifier)
                && holds(&record.grant, user.as_ref())
                && client.scopes.contains(scopes);
            Ok(match user {
                Some(user) if fits && user.profile.permits(scopes) => {
                    let family = Family::new(record.grant.clone(), &first, usable).encode();
                    spent(Spent::Granted(Box::new((user, record)))).put_until(keys[1].clone(), family, kept)
                }
                _ => spent(Spent::Refused),
            })
        };
        let (user, record) = match self
            .records
            .update(partition, &keys, change)
            .await
            .map_err(Fault::from)?
            .outcome
        {
            Spent::Granted(granted) => *granted,
            Spent::Refused => return Err(ExchangeError::Refused),
            Spent::Reused => {
                tracing::warn!(client = %request.client, "authorization code used again; what it gave is revoked");
                return Err(ExchangeError::Reused);
            }
        };

        let issued = self.issue(now, record.grant.scopes);
        let id_token = record.grant.scopes.contains(Scopes::OPENID).then(|| {
            let validity = Validity::starting(now, self.lifetimes.id_token);
            self.tokens.id_token(&user, &client, validity, record.grant.auth_time, record.nonce.as_deref())
        });
        Ok(Granted {
            access_token: self.tokens.access_token(&user, &client, &issued)?,
            refresh_token: first.text(),
            id_token: id_token.transpose()?,
            expires_in: issued.validity.seconds(),
        })
    }
}
