//! Who asks: the token of a request, held against the account record as it is now.

use std::sync::Arc;

use csc_auth::{Resource, TokenVerifier};
use csc_store::{Records, shared};
use csc_types::Caller;
use http::HeaderMap;

use crate::refusal::Refusal;

/// Tells callers from the headers of their requests.
#[derive(Clone)]
pub struct Callers {
    verifier: Arc<TokenVerifier>,
    records: Records,
    resource: Resource,
}

impl Callers {
    /// Callers of `resource`.
    pub fn new(verifier: Arc<TokenVerifier>, records: Records, resource: Resource) -> Self {
        Self { verifier, records, resource }
    }

    /// Who sent `headers`; [`Caller::Anonymous`] without a token.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let Some(verified) = self.verifier.verify(headers, self.resource).await? else {
            return Ok(Caller::Anonymous);
        };
        let account = shared::account(self.records.store(), &verified.claims.mcptt_id).await?;
        Ok(verified.caller(account.as_ref())?)
    }
}
