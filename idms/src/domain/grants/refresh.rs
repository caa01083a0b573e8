//! A refresh token for the next one and a new access token (RFC 6749 6, RFC 9700 4.14).

use csc_store::{Change, Record, StoreError};
use csc_types::ClientId;

use super::{Granted, Grants, holds};
use crate::domain::client::Client;
use crate::domain::fault::Fault;
use crate::domain::grant::{Family, Issued, Presented};
use crate::domain::opaque::RefreshToken;
use crate::domain::scope::Scopes;
use crate::domain::user::User;
use crate::records::{self, Stored as _, family_key, user_key};

/// A well-formed refresh request.
pub struct RefreshRequest {
    /// The refresh token.
    pub token: RefreshToken,
    /// Who asks, where the dialect tells.
    pub client: Option<ClientId>,
    /// What the access token shall permit; `None`: all that was granted.
    pub scopes: Option<Scopes>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No family has this token, or it is another client's.
    #[error("refresh token unknown")]
    Unknown,
    /// It was not used for too long.
    #[error("refresh token expired")]
    Expired,
    /// Its family was revoked before.
    #[error("refresh token revoked")]
    Revoked,
    /// It was used before. Its family is revoked now.
    #[error("refresh token used again")]
    Replayed,
    /// The account is disabled or gone, or has a new password since.
    #[error("account changed")]
    AccountChanged,
    /// More is asked for than was granted, or than client and user may be granted now.
    #[error("scope not permitted")]
    ScopeNotPermitted,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Grants {
    /// Replaces the token by its child. The same request again within the grace period is given the same answer.
    pub async fn refresh(&self, request: RefreshRequest) -> Result<Granted, RefreshError> {
        let (token, partition) = (&request.token, request.token.partition());
        let family_key = family_key(token.family());
        let family: Option<Family> = {
            let found = self.records.get(partition, &family_key).await.map_err(Fault::from)?;
            records::read(&family_key, &found).map_err(Fault::from)?
        };
        let grant = family.ok_or(RefreshError::Unknown)?.grant;
        if request.client.as_ref().is_some_and(|client| *client != grant.client) {
            return Err(RefreshError::Unknown);
        }
        let client = self.client(&grant.client).await?.ok_or(RefreshError::Unknown)?;

        let keys = [family_key, user_key(&grant.user)];
        let fresh = self.issue(self.clock.now(), request.scopes.unwrap_or(grant.scopes));
        let change = |found: &[Record]| {
            let (Some(family), user) =
                (records::read(&keys[0], &found[0])?, records::read(&keys[1], &found[1])?)
            else {
                return Ok::<_, StoreError>(Change::nothing(Err(RefreshError::Unknown)));
            };
            let (next, outcome) = self.decide(token, family, user, &client, &fresh);
            Ok(match next {
                Some(next) => {
                    let until = Self::kept_until(&next);
                    Change::nothing(outcome).put_until(keys[0].clone(), next.encode(), until)
                }
                None => Change::nothing(outcome),
            })
        };
        let updated = self.records.update(partition, &keys, change).await.map_err(Fault::from)?;
        if let Err(RefreshError::Replayed) = updated.outcome {
            let (user, client) = (&grant.user, &grant.client);
            tracing::warn!(%user, %client, "refresh token used again; its family is revoked");
        }
        let Refreshing { user, child, issued } = updated.outcome?;
        Ok(Granted {
            access_token: self.tokens.access_token(&user, &client, &issued)?,
            refresh_token: child.text(),
            id_token: None,
            expires_in: issued.validity.seconds(),
        })
    }

    /// What the family becomes, if anything, and what the answer is.
    fn decide(
        &self,
        token: &RefreshToken,
        family: Family,
        user: Option<User>,
        client: &Client,
        fresh: &Issued,
    ) -> (Option<Family>, Result<Refreshing, RefreshError>) {
        let now = self.clock.now();
        let refused = |why| (None, Err(why));
        let retried = match family.presented(token, fresh.scopes, now, self.lifetimes.refresh_grace) {
            Presented::Current => None,
            Presented::Retry(last) => Some(last.issued.clone()),
            Presented::Expired => return refused(RefreshError::Expired),
            Presented::Revoked => return refused(RefreshError::Revoked),
            Presented::Replayed => return (Some(family.revoked()), Err(RefreshError::Replayed)),
        };
        let Some(user) = user.filter(|user| holds(&family.grant, Some(user))) else {
            return refused(RefreshError::AccountChanged);
        };
        let permitted = family.grant.scopes.contains(fresh.scopes)
            && client.scopes.contains(fresh.scopes)
            && user.profile.permits(fresh.scopes);
        if !permitted {
            return refused(RefreshError::ScopeNotPermitted);
        }
        if let Some(issued) = retried {
            let child = token.child(&self.child_key, family.generation);
            // Else it was derived with another server secret, and the answer is lost.
            let same = child.hash() == family.current;
            return if same {
                (None, Ok(Refreshing { user, child, issued }))
            } else {
                refused(RefreshError::Unknown)
            };
        }
        let child = token.child(&self.child_key, family.generation.saturating_add(1));
        let (usable, _) = self.refresh_until(now);
        let next = family.refreshed(token, &child, fresh.clone(), now, usable);
        (Some(next), Ok(Refreshing { user, child, issued: fresh.clone() }))
    }
}

/// What an answer is made of.
struct Refreshing {
    user: User,
    child: RefreshToken,
    issued: Issued,
}
