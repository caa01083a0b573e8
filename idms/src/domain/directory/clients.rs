//! Putting a client.

use csc_store::Change;
use csc_types::{ClientId, OrgId, Partition};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Directory, DirectoryError, Mode, Outcome, outcome};
use crate::domain::client::{Client, IdTokenAlgorithm, RedirectUri};
use crate::domain::fault::Fault;
use crate::domain::scope::Scopes;
use crate::records::{self, Stored as _, client_key};

/// A client as administration wants it.
pub struct NewClient {
    /// The client_id.
    pub id: ClientId,
    /// The organisation it belongs to.
    pub organisation: OrgId,
    /// Where answers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// What its users may be granted.
    pub scopes: Scopes,
    /// Its secret; `None`: an existing one stays.
    pub secret: Option<Zeroizing<Vec<u8>>>,
    /// How its id_tokens are signed; `None`: HS256 if it has a secret, else RS256.
    pub id_token: Option<IdTokenAlgorithm>,
    /// The `aud` of its access tokens; `None`: the server's default.
    pub audience: Option<String>,
}

impl Directory {
    /// Creates or changes a client.
    pub async fn put_client(&self, wanted: NewClient, mode: Mode) -> Result<Outcome, DirectoryError> {
        self.require_organisation(&wanted.organisation, mode).await?;
        let key = client_key(&wanted.id);
        // Sealed before the closure, which must not depend on chance.
        let sealed = match &wanted.secret {
            Some(secret) => {
                let sealed = self.sealer.seal(&wanted.id, secret, &*self.entropy);
                Some(sealed.map_err(Fault::from)?)
            }
            None => None,
        };
        let change = |found: &[csc_store::Record]| {
            let present: Option<Client> = records::read(&key, &found[0])?;
            let kept = present.as_ref().and_then(|client| client.secret.clone());
            // Sealing the same secret twice gives different octets.
            let same = match (&wanted.secret, &kept) {
                (Some(secret), Some(kept)) => {
                    let kept = self.sealer.unseal(&wanted.id, kept).map_err(Fault::from);
                    // Sealed with a lost key: a new secret replaces it.
                    kept.is_ok_and(|kept| secret.as_slice().ct_eq(kept.as_slice()).into())
                }
                (Some(_), None) => false,
                (None, _) => true,
            };
            let secret = if same { kept } else { sealed.clone() };
            let id_token = match (wanted.id_token, &secret) {
                (Some(IdTokenAlgorithm::Hs256), None) => return Err(DirectoryError::SecretMissing),
                (Some(algorithm), _) => algorithm,
                (None, Some(_)) => IdTokenAlgorithm::Hs256,
                (None, None) => IdTokenAlgorithm::Rs256,
            };
            let client = Client {
                id: wanted.id.clone(),
                organisation: wanted.organisation.clone(),
                redirect_uris: wanted.redirect_uris.clone(),
                scopes: wanted.scopes,
                id_token,
                secret,
                audience: wanted.audience.clone(),
            };
            let outcome = outcome(present.as_ref(), &client);
            Ok(match (outcome, mode) {
                (Outcome::Unchanged, _) | (_, Mode::DryRun) => Change::nothing(outcome),
                _ => Change::nothing(outcome).put(key.clone(), client.encode()),
            })
        };
        let partition = Partition::of(wanted.id.as_str());
        let updated = self.records.update(partition, std::slice::from_ref(&key), change).await;
        Ok(updated.map_err(super::rejected)?.outcome)
    }
}
