//! `POST /idms/tokenrefresh`: the refresh request of `spec/csc-interface.md`, CSC-1.

use csc_service::http::Body;
use http::{Request, Response};

use super::Endpoints;
use super::answer::{self, Error};
use super::params::Params;
use crate::domain::fault::Fault;
use crate::domain::grants::{Granted, RefreshError, RefreshRequest};
use crate::domain::opaque::RefreshToken;
use crate::domain::scope::{ScopeError, Scopes};

/// Longest of the parameters that have no form of their own, in octets.
const MAX_TEXT: usize = 1024;

pub(super) async fn post(endpoints: &Endpoints, request: Request<Body>) -> Response<Body> {
    let params = match Params::of_query_and_form(request).await {
        Ok(params) => params,
        Err(error) => return answer::json(error.status(), &Error::INVALID_PARAMETER),
    };
    let result = refresh(endpoints, &params).await;
    let outcome = result.as_ref().map_or_else(Refused::outcome, |_| "granted");
    endpoints.counters.refreshes.with_label_values(&[outcome]).inc();
    match result {
        Ok(granted) => super::tokens(&granted),
        Err(Refused::InvalidParameter) => answer::refused(Error::INVALID_PARAMETER),
        Err(Refused::GrantType) => answer::refused(Error::GRANT_TYPE),
        Err(Refused::UnknownScope) => answer::refused(Error::REFRESH_UNKNOWN_SCOPE),
        Err(Refused::ScopeNotPermitted) => answer::refused(Error::REFRESH_SCOPE_NOT_PERMITTED),
        Err(Refused::Expired) => answer::refused(Error::REFRESH_EXPIRED),
        Err(Refused::Token(_)) => answer::refused(Error::REFRESH_REFUSED),
        Err(Refused::Fault(fault)) => answer::fault(&fault, endpoints.retry_after()),
    }
}

async fn refresh(endpoints: &Endpoints, params: &Params) -> Result<Granted, Refused> {
    let text = |name| params.get(name, MAX_TEXT).ok_or(Refused::InvalidParameter);
    if params.is_malformed() {
        return Err(Refused::InvalidParameter);
    }
    if text("grant_type")? != "refresh_token" {
        return Err(Refused::GrantType);
    }
    let token = text("refresh_token")?;
    if token.trim().is_empty() {
        return Err(Refused::InvalidParameter);
    }
    // Left out it means all that was granted (RFC 6749 6). So does a client_id that is left out: terminals send none.
    let scopes = if params.has("scope") { Some(Scopes::from_parameter(text("scope")?)?) } else { None };
    let client = if params.has("client_id") { Some(text("client_id")?) } else { None };
    let client = client.map(str::parse).transpose().map_err(|_| Refused::Token("unknown"))?;
    let token = RefreshToken::from_parameter(token).ok_or(Refused::Token("unknown"))?;
    Ok(endpoints.grants.refresh(RefreshRequest { token, client, scopes }).await?)
}

/// Why there are no tokens.
enum Refused {
    InvalidParameter,
    GrantType,
    UnknownScope,
    ScopeNotPermitted,
    Expired,
    /// Whatever else is wrong with the token: the word for it in metrics.
    Token(&'static str),
    Fault(Fault),
}

impl From<ScopeError> for Refused {
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::Malformed => Self::InvalidParameter,
            ScopeError::Unknown => Self::UnknownScope,
        }
    }
}

impl From<RefreshError> for Refused {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Expired => Self::Expired,
            RefreshError::ScopeNotPermitted => Self::ScopeNotPermitted,
            RefreshError::Unknown => Self::Token("unknown"),
            RefreshError::Revoked => Self::Token("revoked"),
            RefreshError::Replayed => Self::Token("replayed"),
            RefreshError::AccountChanged => Self::Token("account_changed"),
            RefreshError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Refused {
    /// The word for it in metrics.
    const fn outcome(&self) -> &'static str {
        match self {
            Self::InvalidParameter => "invalid_parameter",
            Self::GrantType => "grant_type",
            Self::UnknownScope => "unknown_scope",
            Self::ScopeNotPermitted => "scope_not_permitted",
            Self::Expired => "expired",
            Self::Token(why) => why,
            Self::Fault(fault) if fault.is_temporary() => "unavailable",
            Self::Fault(_) => "fault",
        }
    }
}
