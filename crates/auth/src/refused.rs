//! Why a request is refused, and the answer to it in each dialect.

use std::time::Duration;

use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};

use crate::presented::Dialect;

/// What is wrong: one row of the table in `spec/csc-interface.md`, "Presenting a token".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no token, and the resource is not for everybody.
    NoToken,
    /// Two different tokens.
    TwoTokens,
    /// The header is there but holds no JWS.
    Malformed,
    /// The token's time is over.
    Expired,
    /// Bad signature, foreign key, wrong issuer or audience, disabled account, senseless claims.
    Invalid,
    /// No scope of the token is known.
    UnknownScope,
    /// The scopes of the token are not for this resource.
    InsufficientScope,
    /// The token is another user's: the identity header, or the resource, names someone else.
    OtherUser,
    /// It cannot be found out now whether the token is good.
    Unavailable,
}

/// A refusal, ready to be answered in its dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("request refused: {reason:?}")]
pub struct Refused {
    /// What is wrong.
    pub reason: Reason,
    /// In which dialect the answer is.
    pub dialect: Dialect,
}

/// When to come back while keys or accounts cannot be had.
const RETRY: Duration = Duration::from_secs(2);

impl Refused {
    /// The refusal of a request without a token.
    pub const NO_TOKEN: Self = Self { reason: Reason::NoToken, dialect: Dialect::Standard };

    /// The status code.
    pub const fn status(&self) -> StatusCode {
        match (self.reason, self.dialect) {
            (Reason::TwoTokens, _) => StatusCode::BAD_REQUEST,
            (Reason::UnknownScope | Reason::InsufficientScope, Dialect::Standard)
            | (Reason::OtherUser, _) => StatusCode::FORBIDDEN,
            (Reason::Unavailable, _) => StatusCode::SERVICE_UNAVAILABLE,
            (
                Reason::NoToken
                | Reason::Malformed
                | Reason::Expired
                | Reason::Invalid
                | Reason::UnknownScope
                | Reason::InsufficientScope,
                _,
            ) => StatusCode::UNAUTHORIZED,
        }
    }

    /// The `WWW-Authenticate` header, if the answer has one. The spelling in the field dialect is the document's.
    pub const fn challenge(&self) -> Option<&'static str> {
        Some(match (self.reason, self.dialect) {
            (Reason::TwoTokens | Reason::OtherUser | Reason::Unavailable, _) => return None,
            (Reason::NoToken, _) => r#"Bearer realm="csc""#,
            (Reason::Malformed, Dialect::Field) => {
                r#"Bearer realm="csc", error="invalid_request", error_description="invalid_parameter""#
            }
            (Reason::Expired, Dialect::Field) => {
                r#"Bearer realm="csc", error="invalid_token", error_description="access_token_is_expired""#
            }
            (Reason::Invalid, Dialect::Field) => {
                r#"Bearer realm="csc", error="invalid_token", error_description="invalid_access_token""#
            }
            (Reason::UnknownScope, Dialect::Field) => {
                r#"Bearer realm="csc", error="Invalid_scope", error_description="uknown_scope""#
            }
            (Reason::InsufficientScope, Dialect::Field) => {
                r#"Bearer realm="csc", error="insufficient_scope", error_description="not_permitted_scope""#
            }
            (Reason::Malformed, Dialect::Standard) => {
                r#"Bearer realm="csc", error="invalid_token", error_description="not an access token""#
            }
            (Reason::Expired, Dialect::Standard) => {
                r#"Bearer realm="csc", error="invalid_token", error_description="the access token expired""#
            }
            (Reason::Invalid, Dialect::Standard) => {
                r#"Bearer realm="csc", error="invalid_token", error_description="the access token is not valid""#
            }
            (Reason::UnknownScope | Reason::InsufficientScope, Dialect::Standard) => {
                r#"Bearer realm="csc", error="insufficient_scope", error_description="the scope does not suffice""#
            }
        })
    }

    /// Adds the headers of the answer: the challenge, or when to come back.
    pub fn add_headers(&self, headers: &mut HeaderMap) {
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.reason == Reason::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY.as_secs()));
        }
    }

    /// The whole answer, with an empty body.
    pub fn response<B: Default>(&self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status();
        self.add_headers(response.headers_mut());
        response
    }
}
