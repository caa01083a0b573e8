//! Who asks: a user that a trusted peer asserts, a user with an access token, or a configured server.
//!
//! Whatever a peer that is not trusted asserts is not even read. Where a token and an assertion are both there they name
//! one user.

use std::net::SocketAddr;

use csc_auth::{Claims, Reason, TokenVerifier};
use csc_proto::record::v1::Account;
use csc_sip::Refusal;
use csc_store::StoreError;
use csc_types::{Caller, McpttId, Server};
use sip_codec::{Request, Status, Uri};

use crate::accept::unavailable;
use crate::config::Config;
use crate::documents::Look;
use crate::domain::mcptt_info::AccessToken;

/// Somebody known.
#[derive(Debug)]
pub(crate) struct Asker {
    /// As the access table knows it.
    pub(crate) caller: Caller,
    /// The identity that the subscription belongs to.
    pub(crate) id: McpttId,
    /// What the token says, where there is one.
    pub(crate) claims: Option<Claims>,
}

/// Finds out who asks; `None` where the request names nobody.
pub(crate) async fn identify(
    request: &Request,
    source: SocketAddr,
    token: Option<&AccessToken>,
    config: &Config,
    verifier: &TokenVerifier,
    look: &mut Look<'_>,
) -> Result<Option<Asker>, Refusal> {
    let (asserted, basis) = asserted(request, source, config, look)?;
    let Some(token) = token else {
        // Whoever sends a request writes From; that makes nobody a server.
        let mut servers = asserted.iter().filter(|_| basis == Basis::Asserted);
        if let Some(server) = servers.find_map(|id| config.server(id)) {
            let caller = Caller::Server(Server { name: server.psi.to_string(), orgs: server.orgs.clone() });
            return Ok(Some(Asker { caller, id: server.psi.clone(), claims: None }));
        }
        if asserted.is_empty() {
            return Ok(None);
        }
        return one_user(&asserted, look).await.map(Some);
    };
    let claims = verifier.verify_token(token.expose()).await.map_err(|reason| match reason {
        Reason::Unavailable => unavailable(),
        _ => Status::FORBIDDEN.into(),
    })?;
    let account = look.account(&claims.mcptt_id).await.map_err(store)?;
    if !asserted.is_empty() && !asserted.iter().any(|id| names(id, &claims.mcptt_id, account.as_ref())) {
        return Err(Status::FORBIDDEN.into());
    }
    let caller = claims.caller(account.as_ref()).map_err(|reason| match reason {
        Reason::Unavailable => unavailable(),
        _ => Status::FORBIDDEN.into(),
    })?;
    Ok(Some(Asker { caller, id: claims.mcptt_id.clone(), claims: Some(claims) }))
}

/// What an identity rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// P-Asserted-Identity.
    Asserted,
    /// From.
    From,
}

/// The identities that a trusted peer asserts, or From where a setting lets it count.
fn asserted(
    request: &Request,
    source: SocketAddr,
    config: &Config,
    look: &Look<'_>,
) -> Result<(Vec<McpttId>, Basis), Refusal> {
    if !config.trusts(source) {
        return Ok((Vec::new(), Basis::Asserted));
    }
    let asserted = request.headers().asserted_identities()?;
    let canonical = |uri: Uri<'_>| look.naming().names.user(bare(&uri)).ok();
    if asserted.is_empty() && config.from_is_identity {
        let from = request.core()?.from.uri;
        return Ok((canonical(from).into_iter().collect(), Basis::From));
    }
    if asserted.is_empty() {
        return Ok((Vec::new(), Basis::Asserted));
    }
    let found: Vec<McpttId> = asserted.into_iter().filter_map(|address| canonical(address.uri)).collect();
    // An assertion that names nobody we could know is not the same as none.
    if found.is_empty() { Err(Status::FORBIDDEN.into()) } else { Ok((found, Basis::Asserted)) }
}

/// An identity without the parameters that a SIP URI may have (`user=phone`). Those of a tel URI belong to the number.
fn bare<'a>(uri: &Uri<'a>) -> &'a str {
    uri.sip().map_or(uri.as_str(), |sip| sip.base())
}

/// The one user whom the asserted identities name. A second identity is either the same user's or nobody's here.
async fn one_user(asserted: &[McpttId], look: &mut Look<'_>) -> Result<Asker, Refusal> {
    let mut found: Option<Asker> = None;
    for id in asserted {
        let Some(user) = look.user(id).await.map_err(store)? else { continue };
        if found.as_ref().is_some_and(|found| found.id != user.id) {
            return Err(Status::FORBIDDEN.into());
        }
        found = Some(Asker { id: user.id.clone(), caller: Caller::User(user), claims: None });
    }
    found.ok_or_else(|| Status::FORBIDDEN.into())
}

/// Whether an asserted identity is the user `mcptt_id`: by name, or bound to the account.
fn names(asserted: &McpttId, mcptt_id: &McpttId, account: Option<&Account>) -> bool {
    let bound = |account: &Account| {
        account.user_uris.iter().any(|uri| uri.parse::<McpttId>().is_ok_and(|uri| uri == *asserted))
    };
    asserted == mcptt_id || account.is_some_and(bound)
}

/// The store did not answer.
pub(crate) fn store(error: StoreError) -> Refusal {
    tracing::error!(%error, "store failed while answering SUBSCRIBE");
    unavailable()
}
