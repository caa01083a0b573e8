//! Writes and signs tokens.

use csc_types::Timestamp;
use zeroize::Zeroizing;

use crate::crypto::seal::{SealError, Sealer};
use crate::crypto::sign::{SigningKey, sign_with_secret};
use crate::domain::claims::{AccessClaims, IdClaims, Validity};
use crate::domain::client::{Client, IdTokenAlgorithm};
use crate::domain::fault::Fault;
use crate::domain::grant::Issued;
use crate::domain::user::User;

/// How a password login is called in `acr` (TS 33.180 annex B).
pub const ACR_PASSWORD: &str = "3gpp:acr:password";

/// Writes and signs tokens.
pub struct Tokens {
    /// Signs access tokens, and id_tokens of clients without a secret.
    pub key: SigningKey,
    /// Unseals the secrets of clients.
    pub sealer: Sealer,
    /// The `iss` of every token.
    pub issuer: String,
    /// The `aud` of access tokens whose client has none of its own.
    pub audience: String,
}

impl Tokens {
    /// The access token that `issued` describes.
    pub(super) fn access_token(
        &self,
        user: &User,
        client: &Client,
        issued: &Issued,
    ) -> Result<Zeroizing<String>, Fault> {
        let claims = AccessClaims {
            mcptt_id: user.id.as_str(),
            aud: client.audience.as_deref().unwrap_or(&self.audience),
            exp: issued.validity.until,
            scope: issued.scopes.names().collect(),
            iss: &self.issuer,
            iat: issued.validity.from,
            jti: &issued.id,
            sub: &user.subject,
            client_id: client.id.as_str(),
            azp: client.id.as_str(),
            csc_org: user.profile.organisation.as_str(),
            csc_roles: user.profile.roles.iter().map(csc_types::Role::as_str).collect(),
        };
        Ok(Zeroizing::new(self.key.sign(&claims)?))
    }

    /// An id_token for a login at `auth_time`.
    pub(super) fn id_token(
        &self,
        user: &User,
        client: &Client,
        validity: Validity,
        auth_time: Timestamp,
        nonce: Option<&str>,
    ) -> Result<Zeroizing<String>, Fault> {
        let claims = IdClaims {
            mcptt_id: user.id.as_str(),
            iss: &self.issuer,
            sub: &user.subject,
            aud: client.id.as_str(),
            exp: validity.until,
            iat: validity.from,
            auth_time: auth_time.seconds(),
            acr: ACR_PASSWORD,
            nonce,
        };
        let token = match client.id_token {
            IdTokenAlgorithm::Rs256 => self.key.sign(&claims)?,
            IdTokenAlgorithm::Hs256 => {
                let sealed = client.secret.as_ref().ok_or(SealError::Damaged)?;
                sign_with_secret(&claims, &self.sealer.unseal(&client.id, sealed)?)?
            }
        };
        Ok(Zeroizing::new(token))
    }
}
