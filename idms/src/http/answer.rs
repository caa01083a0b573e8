//! Answers of the field dialect. None of them may be stored by anybody on the way (RFC 6749 5.1).

use csc_service::http::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, REFERRER_POLICY, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::domain::client::RedirectUri;
use crate::domain::fault::Fault;

/// Everything but the unreserved characters of RFC 3986.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `error` and `error_description`. The spelling is that of deployed terminals, which compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Error {
    pub(crate) error: &'static str,
    pub(crate) error_description: &'static str,
}

impl Error {
    const fn new(error: &'static str, error_description: &'static str) -> Self {
        Self { error, error_description }
    }

    pub(crate) const UNREGISTERED_CLIENT: Self = Self::new("unauthorized_client", "uregistered_client_id");
    pub(crate) const UNKNOWN_SCOPE: Self = Self::new("invalid_scope", "uknown_scope");
    pub(crate) const SCOPE_NOT_PERMITTED: Self = Self::new("invalid_scope", "not_permitted_scope");
    pub(crate) const INVALID_PARAMETER: Self = Self::new("invalid_request", "invalid_parameter");
    pub(crate) const NO_MATCH: Self = Self::new("auth_fail", "pssword_is_not_matched");
    pub(crate) const SERVER_ERROR: Self = Self::new("server_error", "Internal_server_error");
    pub(crate) const CODE_REFUSED: Self = Self::new("invalid_client", "authcode_verification_failed");
    pub(crate) const GRANT_TYPE: Self = Self::new("unsupported_grant_type", "authorization_code_only");
    pub(crate) const REFRESH_EXPIRED: Self = Self::new("invalid_client", "refresh_token_is_expired");
    pub(crate) const REFRESH_REFUSED: Self = Self::new("invalid_client", "invalid_refresh_token");
    /// Behind a refresh the document spells this error with a capital.
    pub(crate) const REFRESH_UNKNOWN_SCOPE: Self = Self::new("Invalid_scope", "uknown_scope");
    pub(crate) const REFRESH_SCOPE_NOT_PERMITTED: Self = Self::new("Invalid_scope", "not_permitted_scope");
    /// Not in the document: RFC 6749 4.1.2.1.
    const LATER: Self = Self::new("temporarily_unavailable", "try_again_later");
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, content: &impl Serialize) -> Response<Body> {
    // What is serialized here are structures of strings and numbers: it cannot fail.
    let content = serde_json::to_vec(content).unwrap_or_default();
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
    not_stored(response)
}

/// A refused request.
pub(crate) fn refused(error: Error) -> Response<Body> {
    json(StatusCode::BAD_REQUEST, &error)
}

/// 503 or 429: the same request may succeed `seconds` later.
pub(crate) fn later(status: StatusCode, seconds: u64) -> Response<Body> {
    let mut response = json(status, &Error::LATER);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A fault that nobody is to be redirected for. It is logged here.
pub(crate) fn fault(fault: &Fault, retry_after: u64) -> Response<Body> {
    log(fault);
    if fault.is_temporary() {
        return later(StatusCode::SERVICE_UNAVAILABLE, retry_after);
    }
    json(StatusCode::INTERNAL_SERVER_ERROR, &Error::SERVER_ERROR)
}

/// Notes a fault, once, with everything behind it.
pub(crate) fn log(fault: &Fault) {
    let error = fault as &dyn std::error::Error;
    if fault.is_temporary() {
        tracing::warn!(error, "request cannot be served now");
    } else {
        tracing::error!(error, "request failed");
    }
}

/// 302 to the client with an error: `<redirect_uri>?code=&error=E&error_description=D&state=S`.
pub(crate) fn redirected(to: &RedirectUri, error: Error, state: &str) -> Response<Body> {
    let separator = if to.as_str().contains('?') { '&' } else { '?' };
    let location = format!(
        "{}{separator}code=&error={}&error_description={}&state={}",
        to.as_str(),
        error.error,
        error.error_description,
        utf8_percent_encode(state, COMPONENT)
    );
    let Ok(location) = HeaderValue::from_str(&location) else {
        // A redirect URI is visible ASCII, and so is the rest.
        return json(StatusCode::INTERNAL_SERVER_ERROR, &Error::SERVER_ERROR);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    not_stored(response)
}

fn not_stored(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(to: &str, state: &str) -> String {
        let response = redirected(&to.parse().unwrap(), Error::NO_MATCH, state);
        assert_eq!(response.status(), StatusCode::FOUND);
        response.headers()[LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_redirection_of_the_document() {
        let tail = "code=&error=auth_fail&error_description=pssword_is_not_matched&state=";
        assert_eq!(
            location("http://mcptt_client/cb", "abcdef"),
            format!("http://mcptt_client/cb?{tail}abcdef")
        );
        assert_eq!(location("https://a/cb?x=1", ""), format!("https://a/cb?x=1&{tail}"));
    }

    #[test]
    fn a_state_cannot_leave_its_parameter() {
        let location = location("http://mcptt_client/cb", "a&b=c\r\nSet-Cookie: x#é");
        assert!(location.ends_with("&state=a%26b%3Dc%0D%0ASet-Cookie%3A%20x%23%C3%A9"), "{location}");
    }
}
