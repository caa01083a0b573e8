//! Answers as the dialect gives them: its status codes, a reason in the phrase of a 403, text/plain where there is no body.

use csc_service::http::{Body, with_reason};
use csc_store::StoreError;
use csc_types::Etag;
use csc_xcap::error::Conflict;
use csc_xcap_server::Refusal;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body::Body as _;

/// Why a request of the dialect is not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Denied {
    /// 400
    #[error("{0}")]
    BadRequest(&'static str),
    /// 403, with a reason for people.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 405: reading only, if anything.
    #[error("the method is not allowed here")]
    NotAllowed(&'static str),
    /// What the standard has an answer to.
    #[error(transparent)]
    Standard(#[from] Refusal),
}

impl From<StoreError> for Denied {
    fn from(error: StoreError) -> Self {
        Self::Standard(error.into())
    }
}

impl From<Conflict> for Denied {
    fn from(conflict: Conflict) -> Self {
        Self::Standard(conflict.into())
    }
}

impl Denied {
    pub(super) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        match self {
            Self::BadRequest(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
            Self::Forbidden(reason) => {
                *response.status_mut() = StatusCode::FORBIDDEN;
                with_reason(&mut response, reason);
            }
            Self::NotAllowed(methods) => {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
            }
            Self::Standard(refusal) => return refusal.response(),
        }
        response
    }
}

/// Turns an answer of the standard into one of the dialect, which knows 200, 201, 202, 304, 400, 403, 404, 405, 409, 412,
/// 415, 500 and 503. A body that is too large or too slow ends the connection with 413 or 408 as everywhere.
pub(super) fn translate(mut response: Response<Body>) -> Response<Body> {
    match response.status() {
        StatusCode::UNAUTHORIZED => {
            *response.status_mut() = StatusCode::FORBIDDEN;
            response.headers_mut().remove(WWW_AUTHENTICATE);
            with_reason(&mut response, "Forbidden. The client is not known.");
        }
        StatusCode::FORBIDDEN if !csc_service::http::has_reason(&response) => {
            with_reason(&mut response, "Forbidden. The client has no right here.");
        }
        // It understands the method and does not do it.
        StatusCode::NOT_IMPLEMENTED => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            // Whoever is told so may read.
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        _ => {}
    }
    let status = response.status();
    let says_something = status.is_client_error() || status.is_server_error();
    if says_something && response.body().size_hint().exact() == Some(0) {
        let plain = HeaderValue::from_static("text/plain; charset=ISO-8859-1");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    response
}

/// An answer with a document for this client alone.
pub(super) fn document(media_type: &'static str, content: String) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Adds a document's tag.
pub(super) fn tag(response: &mut Response<Body>, etag: &Etag) {
    let value = HeaderValue::from_str(&format!("\"{etag}\"")).expect("an Etag holds visible ASCII only");
    response.headers_mut().insert(ETAG, value);
}
