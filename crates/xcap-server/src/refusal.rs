//! Everything that can be wrong with a request, and the one place that says what is answered.

use csc_auth::Refused;
use csc_service::http::{Body, BodyError};
use csc_store::StoreError;
use csc_xcap::access::{Decision, Rights};
use csc_xcap::error::{Conflict, MEDIA_TYPE};
use csc_xcap::uri::BadTarget;
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

/// Seconds after which a client may try again when the store cannot answer.
const RETRY_SECONDS: u16 = 1;

/// Why a request is not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// 400
    #[error(transparent)]
    BadTarget(#[from] BadTarget),
    /// What is wrong with the access token: 400, 401, 403 or 503.
    #[error(transparent)]
    Token(#[from] Refused),
    /// 404
    #[error("there is nothing here")]
    NotFound,
    /// 403
    #[error("the caller has no right here")]
    Forbidden,
    /// 405, with what is allowed.
    #[error("the method is not allowed here")]
    NotAllowed(Allowed),
    /// 413, or what else became of reading the body.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// 400
    #[error("a part of something, by Content-Range")]
    Partial,
    /// 412
    #[error("a precondition failed")]
    Precondition,
    /// 415
    #[error("the body is encoded")]
    ContentCoding,
    /// 415
    #[error("not a media type of this usage")]
    MediaType,
    /// 501
    #[error("nothing that this server can be asked")]
    NotImplemented,
    /// 409. The log gets the condition alone: its phrase may quote the document.
    #[error("{}", .0.element())]
    Conflict(#[from] Conflict),
    /// 503
    #[error(transparent)]
    Store(#[from] StoreError),
    /// 503
    #[error("others keep changing the same document")]
    Contended,
    /// 503
    #[error("too many large bodies at a time")]
    Crowded,
}

/// The methods that a 405 names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    rights: Rights,
    post: bool,
}

impl Allowed {
    /// Reading only.
    pub const READ_ONLY: Self = Self::of(Rights { read: true, write: false, delete: false });

    /// What these rights permit.
    pub const fn of(rights: Rights) -> Self {
        Self { rights, post: false }
    }

    /// Also POST, if `post`.
    pub const fn with_post(self, post: bool) -> Self {
        Self { post, ..self }
    }

    const fn methods(self) -> &'static str {
        match (self.rights.write, self.rights.delete, self.post) {
            (false, false, false) => "GET, HEAD",
            (true, false, false) => "GET, HEAD, PUT",
            (false, true, false) => "GET, HEAD, DELETE",
            (true, true, false) => "GET, HEAD, PUT, DELETE",
            (false, false, true) => "GET, HEAD, POST",
            (true, false, true) => "GET, HEAD, PUT, POST",
            (false, true, true) => "GET, HEAD, DELETE, POST",
            (true, true, true) => "GET, HEAD, PUT, DELETE, POST",
        }
    }
}

impl Refusal {
    /// What the access table decided.
    pub fn of(decision: Decision) -> Result<(), Self> {
        match decision {
            Decision::Allow => Ok(()),
            Decision::Unauthenticated => Err(Self::Token(Refused::NO_TOKEN)),
            Decision::NotFound => Err(Self::NotFound),
            Decision::Forbidden => Err(Self::Forbidden),
            Decision::NotAllowed(rights) => Err(Self::NotAllowed(Allowed::of(rights))),
        }
    }

    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadTarget(_) | Self::Partial => StatusCode::BAD_REQUEST,
            Self::Token(refused) => refused.status(),
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body(error) => error.status(),
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::MediaType | Self::ContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Store(_) | Self::Contended | Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The whole answer. What is ours to mend goes to the log, not to the peer.
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        match self {
            Self::Token(refused) => refused.add_headers(headers),
            Self::NotAllowed(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed.methods()));
            }
            Self::Conflict(conflict) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
                *response.body_mut() = Body::from(conflict.to_xml());
            }
            // RFC 9110 12.5.3: so it is told from a 415 for the media type.
            Self::ContentCoding => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            Self::Store(_) | Self::Contended => {
                tracing::warn!(error = self as &dyn std::error::Error, "request cannot be answered now");
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            // No line for each of a flood; the counter of requests tells of them.
            Self::Crowded => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            Self::BadTarget(_) | Self::NotFound | Self::Forbidden | Self::Body(_) => {}
            Self::Partial | Self::Precondition | Self::MediaType | Self::NotImplemented => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is logged of a refusal is its text.
    #[test]
    fn the_phrase_of_a_condition_is_for_the_client_alone() {
        let refusal = Refusal::from(Conflict::ConstraintFailure("tel:+1 is no member".to_owned()));
        assert_eq!(refusal.to_string(), "constraint-failure");
    }
}
