//! `GET /idms/authreq`: the authentication request of `spec/csc-interface.md`, CSC-1.
//!
//! Every parameter of its table is mandatory. The answer is 200 with the code as JSON; an error is a redirection, but
//! only to a redirect URI that is registered for the client (no open redirector, RFC 9700 4.11): before one is known,
//! it is 400 with the error as JSON.

use std::net::IpAddr;

use csc_service::http::{Body, Peer};
use csc_types::ClientId;
use http::{Request, Response, StatusCode};
use serde::Serialize;

use super::Endpoints;
use super::answer::{self, Error};
use super::params::Params;
use crate::domain::client::{Client, RedirectUri};
use crate::domain::fault::Fault;
use crate::domain::grants::{ACR_PASSWORD, LoginError, LoginRequest};
use crate::domain::password::Proof;
use crate::domain::pkce::Challenge;
use crate::domain::scope::{ScopeError, Scopes};

/// Longest of the parameters that have no form of their own, in octets.
const MAX_TEXT: usize = 1024;

#[derive(Serialize)]
struct CodeAnswer<'a> {
    #[serde(rename = "Location")]
    location: &'a str,
    code: &'a str,
    state: &'a str,
}

pub(super) async fn get(endpoints: &Endpoints, request: Request<Body>) -> Response<Body> {
    let params = Params::of_query(&request);
    let address = request.extensions().get::<Peer>().map(|peer| peer.address.ip());
    drop(request);
    let count = |outcome| endpoints.counters.logins.with_label_values(&[outcome]).inc();

    let client = match client(endpoints, &params).await {
        Ok(client) => client,
        Err(refused) => {
            count(refused.outcome());
            return refused.answer(endpoints);
        }
    };
    let redirect_uri = params.get("redirect_uri", MAX_TEXT).and_then(|uri| client.redirect_uri(uri));
    let Some(redirect_uri) = redirect_uri else {
        count("invalid_parameter");
        return answer::refused(Error::INVALID_PARAMETER);
    };

    let state = params.get("state", MAX_TEXT).unwrap_or_default();
    match login(endpoints, &params, &client, redirect_uri, address).await {
        Ok(code) => {
            count("granted");
            answer::json(StatusCode::OK, &CodeAnswer { location: redirect_uri.as_str(), code: &code, state })
        }
        Err(refused) => {
            count(refused.outcome());
            refused.redirect(endpoints, redirect_uri, state)
        }
    }
}

/// The client that asks.
async fn client(endpoints: &Endpoints, params: &Params) -> Result<Client, Refused> {
    let id = params.get("client_id", MAX_TEXT).ok_or(Refused::InvalidParameter)?;
    let id: ClientId = id.parse().map_err(|_| Refused::UnregisteredClient)?;
    endpoints.grants.client(&id).await?.ok_or(Refused::UnregisteredClient)
}

async fn login(
    endpoints: &Endpoints,
    params: &Params,
    client: &Client,
    redirect_uri: &RedirectUri,
    address: Option<IpAddr>,
) -> Result<zeroize::Zeroizing<String>, Refused> {
    let request = parse(params, client, redirect_uri, address)?;
    Ok(endpoints.grants.login(request).await?.text())
}

fn parse<'a>(
    params: &Params,
    client: &'a Client,
    redirect_uri: &'a RedirectUri,
    address: Option<IpAddr>,
) -> Result<LoginRequest<'a>, Refused> {
    let text = |name, most| params.get(name, most).ok_or(Refused::InvalidParameter);
    let is = |given: bool| if given { Ok(()) } else { Err(Refused::InvalidParameter) };
    is(!params.is_malformed())?;
    is(text("response_type", MAX_TEXT)? == "code")?;
    is(text("acr_values", MAX_TEXT)?.split(' ').any(|value| value == ACR_PASSWORD))?;
    text("state", MAX_TEXT)?;
    is(text("code_challenge_method", MAX_TEXT)? == "S256")?;
    // The document's own sample spells it so.
    is(params.has("code_challenge") != params.has("code_challange"))?;
    let challenge = text("code_challenge", MAX_TEXT).or_else(|_| text("code_challange", MAX_TEXT))?;
    let challenge = Challenge::from_parameter(challenge).map_err(|_| Refused::InvalidParameter)?;
    let nonce = if params.has("nonce") { Some(text("nonce", MAX_TEXT)?.to_owned()) } else { None };
    // What cannot be a name or a digest matches no user: not told apart from one that could.
    let user = text("user_name", MAX_TEXT)?.parse().ok();
    let proof = Proof::from_parameter(text("user_password", MAX_TEXT)?);
    let scopes = Scopes::from_parameter(text("scope", MAX_TEXT)?).map_err(|error| match error {
        ScopeError::Malformed => Refused::InvalidParameter,
        ScopeError::Unknown => Refused::UnknownScope,
    })?;
    Ok(LoginRequest { client, redirect_uri, scopes, challenge, nonce, user, proof, address })
}

/// Why there is no code.
enum Refused {
    InvalidParameter,
    UnregisteredClient,
    UnknownScope,
    Login(LoginError),
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Login(fault.into())
    }
}

impl Refused {
    /// The word for it in metrics.
    const fn outcome(&self) -> &'static str {
        match self {
            Self::InvalidParameter => "invalid_parameter",
            Self::UnregisteredClient => "unregistered_client",
            Self::UnknownScope => "unknown_scope",
            Self::Login(LoginError::ScopeNotPermitted) => "scope_not_permitted",
            Self::Login(LoginError::NoMatch) => "no_match",
            Self::Login(LoginError::Throttled(_)) => "throttled",
            Self::Login(LoginError::Fault(fault)) if fault.is_temporary() => "unavailable",
            Self::Login(LoginError::Fault(_)) => "fault",
        }
    }

    /// The row of the error table; `None` for what has to wait.
    const fn error(&self) -> Option<Error> {
        Some(match self {
            Self::InvalidParameter => Error::INVALID_PARAMETER,
            Self::UnregisteredClient => Error::UNREGISTERED_CLIENT,
            Self::UnknownScope => Error::UNKNOWN_SCOPE,
            Self::Login(LoginError::ScopeNotPermitted) => Error::SCOPE_NOT_PERMITTED,
            Self::Login(LoginError::NoMatch) => Error::NO_MATCH,
            Self::Login(LoginError::Throttled(_)) => return None,
            Self::Login(LoginError::Fault(fault)) if fault.is_temporary() => return None,
            Self::Login(LoginError::Fault(_)) => Error::SERVER_ERROR,
        })
    }

    /// The answer while no redirect URI is known.
    fn answer(&self, endpoints: &Endpoints) -> Response<Body> {
        match self {
            Self::Login(LoginError::Fault(fault)) => answer::fault(fault, endpoints.retry_after()),
            Self::Login(LoginError::Throttled(wait)) => {
                answer::later(StatusCode::TOO_MANY_REQUESTS, wait.as_secs().saturating_add(1))
            }
            _ => answer::refused(self.error().unwrap_or(Error::INVALID_PARAMETER)),
        }
    }

    /// The answer once one is known.
    fn redirect(&self, endpoints: &Endpoints, redirect_uri: &RedirectUri, state: &str) -> Response<Body> {
        let Some(error) = self.error() else { return self.answer(endpoints) };
        if let Self::Login(LoginError::Fault(fault)) = self {
            answer::log(fault);
        }
        answer::redirected(redirect_uri, error, state)
    }
}
