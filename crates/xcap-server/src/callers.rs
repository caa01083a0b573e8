//! Who asks: the token of a request or, without one, whom a trusted peer names, held against the account record as it is
//! now.

use std::sync::Arc;

use csc_auth::{Dialect, Refused, Resource, TokenVerifier, Verified};
use csc_store::{Records, Store, shared};
use csc_types::{Caller, McpttId};
use http::HeaderMap;

use crate::refusal::Refusal;

/// Whom a trusted peer names as the one it asks for. The adapter of a dialect that knows the header field, and has asked
/// [`csc_service::http::TrustedPeers`] about the peer, puts it among the extensions of the request; nothing in a request
/// can. It is looked at only where there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted(pub McpttId);

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

    pub(crate) fn store(&self) -> &dyn Store {
        self.records.store()
    }

    /// Who sent `headers`; [`Caller::Anonymous`] without a token and without `asserted`.
    ///
    /// # Errors
    /// What is wrong with the token, or that the user has no account that is enabled.
    pub async fn caller(&self, headers: &HeaderMap, asserted: Option<&Asserted>) -> Result<Caller, Refusal> {
        let identity = self.identity(headers, asserted).await?;
        self.current(&identity).await
    }

    /// Who `headers` say sent them.
    pub(crate) async fn identity(
        &self,
        headers: &HeaderMap,
        asserted: Option<&Asserted>,
    ) -> Result<Identity, Refusal> {
        Ok(match (self.verifier.verify(headers, self.resource).await?, asserted) {
            (Some(verified), _) => Identity::Token(verified),
            (None, Some(asserted)) => Identity::Asserted(asserted.clone()),
            (None, None) => Identity::Nobody,
        })
    }

    /// What the account record makes of `identity` now.
    pub(crate) async fn current(&self, identity: &Identity) -> Result<Caller, Refusal> {
        match identity {
            Identity::Nobody => Ok(Caller::Anonymous),
            Identity::Token(verified) => {
                let account = shared::account(self.store(), &verified.claims.mcptt_id).await?;
                Ok(verified.caller(account.as_ref())?)
            }
            Identity::Asserted(Asserted(id)) => {
                let account = shared::account(self.store(), id).await?;
                let refused = |reason| Refused { reason, dialect: Dialect::Standard };
                Ok(csc_auth::caller(id, account.as_ref()).map_err(refused)?)
            }
        }
    }
}

/// Who sent a request, before anything is looked up.
pub(crate) enum Identity {
    /// Nobody known.
    Nobody,
    /// Whose token it carries.
    Token(Verified),
    /// Whom a trusted peer names.
    Asserted(Asserted),
}
