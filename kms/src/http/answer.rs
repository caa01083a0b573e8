//! Answers: `KmsResponse` in two dialects (TS 33.180 annex D.2.3), and refusals.

use csc_auth::{Dialect, Reason, Refused};
use csc_service::http::Body;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Bytes, Kms, Xml};
use crate::domain::refusal::Refusal;

/// UserUri of an answer to somebody who is not known: the element is mandatory and must not be empty (RFC 3323).
pub(crate) const NOBODY: &str = "sip:anonymous@anonymous.invalid";

const STANDARD: &str = "urn:3gpp:ns:mcsecKMSInterface:1.0";
const FIELD: &str = "http://org.csc.kms";
/// Tags, names, numbers and times of the frame and what stands in it, without values of free length.
const FRAME: usize = 4096;

/// When to come back if the service is busy, or something it needs does not answer.
const RETRY: [u64; 2] = [1, 2];

/// What stands around the content of every answer.
pub(crate) struct Frame {
    pub(crate) dialect: Dialect,
    pub(crate) time: String,
    /// The user, as the request called it.
    pub(crate) user_uri: String,
    pub(crate) client_req_url: String,
}

impl Kms {
    /// A `KmsResponse` with `content` in it, for which `more` octets are reserved.
    pub(super) fn write(&self, frame: &Frame, more: usize, content: impl FnOnce(&mut Xml)) -> Bytes {
        let kms_uri = self.root.kms_uri();
        let settings = &self.settings;
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let free = kms_uri.len() + frame.user_uri.len() + frame.client_req_url.len();
        let free = free + optional(&settings.kms_id) + optional(&settings.issuer);
        // Escaping makes five octets of one at most; each value is written twice at most.
        let mut xml = Xml::document(FRAME + 10 * free + more);
        let namespaces = match frame.dialect {
            Dialect::Standard => {
                [("xmlns", STANDARD), ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")]
            }
            Dialect::Field => [("xmlns", FIELD), ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")],
        };
        let version = match frame.dialect {
            Dialect::Standard => "1.0.0",
            Dialect::Field => "1.1.0",
        };
        xml.open("KmsResponse", &[&[("Version", version)], &namespaces[..]].concat());
        match frame.dialect {
            Dialect::Standard => {
                xml.leaf("UserUri", &frame.user_uri);
                xml.leaf("KmsUri", kms_uri);
            }
            Dialect::Field => {
                xml.leaf("KmsUri", kms_uri);
                xml.leaf("UserUri", &frame.user_uri);
            }
        }
        xml.leaf("Time", &frame.time);
        xml.leaf("KmsId", settings.kms_id.as_deref().unwrap_or_default());
        xml.leaf("ClientReqUrl", &frame.client_req_url);
        content(&mut xml);
        xml.close("KmsResponse");
        xml.finish()
    }

    /// The answer to a request that is refused: its status, and a `KmsError` that says the same.
    pub(super) fn refuse(&self, frame: &Frame, refusal: &Refusal) -> Response<Body> {
        let refused = |reason| Refused { reason, dialect: frame.dialect };
        let (status, message) = match refusal {
            Refusal::Malformed(what) => (StatusCode::BAD_REQUEST, (*what).to_owned()),
            Refusal::Period => {
                (StatusCode::BAD_REQUEST, "no keys are given out for a period at that time".to_owned())
            }
            Refusal::Token(reason) => (refused(*reason).status(), token_message(*reason).to_owned()),
            Refusal::SomeoneElse => (StatusCode::FORBIDDEN, "the request names another user".to_owned()),
            Refusal::OtherKms(uri) => (StatusCode::FORBIDDEN, format!("the KMS of this user is {uri}")),
            Refusal::UnknownUser => (StatusCode::NOT_FOUND, "there is no such user".to_owned()),
            Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large".to_owned()),
            Refusal::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time".to_owned()),
            Refusal::TooOften(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "keys were asked for too often".to_owned())
            }
            Refusal::Busy | Refusal::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "no keys can be given out now".to_owned())
            }
        };
        tracing::debug!(?refusal, status = status.as_u16(), "KMS request refused");
        let xml = self.write(frame, 5 * message.len(), |xml| {
            xml.open("KmsError", &[("Version", "1.0.0")]);
            xml.leaf("ErrorCode", status.as_str());
            xml.leaf("ErrorMsg", &message);
            xml.close("KmsError");
        });
        let mut response = response(status, xml);
        let seconds = match refusal {
            Refusal::Token(reason) => {
                refused(*reason).add_headers(response.headers_mut());
                None
            }
            Refusal::TooOften(wait) => Some(wait.as_nanos().div_ceil(1_000_000_000) as u64),
            Refusal::Busy => Some(RETRY[0]),
            Refusal::Unavailable => Some(RETRY[1]),
            _ => None,
        };
        if let Some(seconds) = seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An answer with its headers.
pub(super) fn response(status: StatusCode, xml: Bytes) -> Response<Body> {
    let length = HeaderValue::from(xml.len());
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::CONTENT_LENGTH, length);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    response
}

fn token_message(reason: Reason) -> &'static str {
    match reason {
        Reason::NoToken => "an access token is needed",
        Reason::TwoTokens => "the request holds two different access tokens",
        Reason::Malformed => "this is no access token",
        Reason::Expired => "the access token has expired",
        Reason::Invalid => "the access token is not valid",
        Reason::UnknownScope | Reason::InsufficientScope => "the scope of the access token does not suffice",
        Reason::OtherUser => "the request names another user",
        Reason::Unavailable => "access tokens cannot be verified now",
    }
}
