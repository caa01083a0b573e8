//! `POST /idms/tokenreq`: the token request of `spec/csc-interface.md`, CSC-1.

use csc_service::http::Body;
use http::{Request, Response};

use super::Endpoints;
use super::answer::{self, Error};
use super::params::Params;
use crate::domain::fault::Fault;
use crate::domain::grants::{ExchangeError, ExchangeRequest, Granted};
use crate::domain::opaque::Code;
use crate::domain::pkce::Verifier;

/// Longest of the parameters that have no form of their own, in octets.
const MAX_TEXT: usize = 1024;

pub(super) async fn post(endpoints: &Endpoints, request: Request<Body>) -> Response<Body> {
    let params = match Params::of_query_and_form(request).await {
        Ok(params) => params,
        Err(error) => return answer::json(error.status(), &Error::INVALID_PARAMETER),
    };
    let result = exchange(endpoints, &params).await;
    let outcome = result.as_ref().map_or_else(Refused::outcome, |_| "granted");
    endpoints.counters.exchanges.with_label_values(&[outcome]).inc();
    match result {
        Ok(granted) => super::tokens(&granted),
        Err(Refused::InvalidParameter) => answer::refused(Error::INVALID_PARAMETER),
        Err(Refused::GrantType) => answer::refused(Error::GRANT_TYPE),
        Err(Refused::Code | Refused::Reused) => answer::refused(Error::CODE_REFUSED),
        Err(Refused::Fault(fault)) => answer::fault(&fault, endpoints.retry_after()),
    }
}

async fn exchange(endpoints: &Endpoints, params: &Params) -> Result<Granted, Refused> {
    let text = |name| params.get(name, MAX_TEXT).ok_or(Refused::InvalidParameter);
    if params.is_malformed() {
        return Err(Refused::InvalidParameter);
    }
    if text("grant_type")? != "authorization_code" {
        return Err(Refused::GrantType);
    }
    let (code, client) = (text("code")?, text("client_id")?);
    let redirect_uri = text("redirect_uri")?;
    let verifier = Verifier::from_parameter(text("code_verifier")?).ok_or(Refused::InvalidParameter)?;
    let code = Code::from_parameter(code).ok_or(Refused::Code)?;
    let client = client.parse().map_err(|_| Refused::Code)?;
    Ok(endpoints.grants.exchange(ExchangeRequest { code, client, redirect_uri, verifier }).await?)
}

/// Why there are no tokens.
enum Refused {
    InvalidParameter,
    GrantType,
    Code,
    Reused,
    Fault(Fault),
}

impl From<ExchangeError> for Refused {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Refused => Self::Code,
            ExchangeError::Reused => Self::Reused,
            ExchangeError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Refused {
    /// The word for it in metrics.
    const fn outcome(&self) -> &'static str {
        match self {
            Self::InvalidParameter => "invalid_parameter",
            Self::GrantType => "grant_type",
            Self::Code => "refused",
            Self::Reused => "reused",
            Self::Fault(fault) if fault.is_temporary() => "unavailable",
            Self::Fault(_) => "fault",
        }
    }
}
