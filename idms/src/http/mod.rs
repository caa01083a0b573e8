//! CSC-1 over HTTP, field dialect (`spec/csc-interface.md`): one file per endpoint.
//!
//! | | |
//! |---|---|
//! | `GET /idms/authreq` | a password for a code |
//! | `POST /idms/tokenreq` | a code for tokens |
//! | `POST /idms/tokenrefresh` | a refresh token for tokens |
//! | `GET /idms/jwks` | the public key that verifies tokens |

mod answer;
mod authreq;
mod jwks;
mod metrics;
mod params;
mod tokenrefresh;
mod tokenreq;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use csc_service::Metrics;
use csc_service::http::{Body, Mount};
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::domain::grants::{Granted, Grants};
use metrics::Counters;

/// What every endpoint needs.
pub(crate) struct Endpoints {
    grants: Grants,
    jwks: Bytes,
    counters: Counters,
}

impl Endpoints {
    /// The endpoints, with the JWK set `jwks`.
    pub(crate) fn new(grants: Grants, jwks: String, metrics: &Metrics) -> Self {
        Self { grants, jwks: jwks.into(), counters: Counters::new(metrics) }
    }

    /// Where they are served.
    pub(crate) fn mount(self) -> Mount {
        let endpoints = Arc::new(self);
        let service = tower::service_fn(move |request| {
            let endpoints = Arc::clone(&endpoints);
            async move { Ok::<_, Infallible>(endpoints.answer(request).await) }
        });
        Mount::new(["idms"], service)
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        // Below an XCAP root prefix the endpoints are the same.
        let endpoint = path.split_once("/idms/").map(|(_, endpoint)| endpoint).unwrap_or_default();
        match (endpoint, request.method()) {
            ("authreq", &Method::GET) => authreq::get(self, request).await,
            ("tokenreq", &Method::POST) => tokenreq::post(self, request).await,
            ("tokenrefresh", &Method::POST) => tokenrefresh::post(self, request).await,
            ("jwks", &Method::GET | &Method::HEAD) => jwks::get(self),
            ("authreq", _) => not_allowed("GET"),
            ("tokenreq" | "tokenrefresh", _) => not_allowed("POST"),
            ("jwks", _) => not_allowed("GET, HEAD"),
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    /// When to try again after a 503, in seconds: not all at the same time.
    fn retry_after(&self) -> u64 {
        1 + self.grants.entropy.next_u64() % 5
    }
}

/// The tokens of a token answer, in the order of the document.
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    refresh_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    token_type: &'static str,
    expires_in: u64,
}

fn tokens(granted: &Granted) -> Response<Body> {
    let answer = TokenAnswer {
        access_token: &granted.access_token,
        refresh_token: &granted.refresh_token,
        id_token: granted.id_token.as_ref().map(|token| token.as_str()),
        token_type: "Bearer",
        expires_in: granted.expires_in,
    };
    answer::json(StatusCode::OK, &answer)
}

fn not_allowed(allow: &'static str) -> Response<Body> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
