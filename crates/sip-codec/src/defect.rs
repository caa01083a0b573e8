//! What can be wrong with a message, and the answer it earns.

use crate::{Name, Status};

/// The first thing found wrong with a message. Its text is the reason phrase of the refusal, so it
/// names the part of the message and never repeats what the peer sent (RFC 3261 section 21.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// Nothing but line ends, as keep-alives are (RFC 5626 section 4.4.1).
    #[error("empty message")]
    Empty,
    /// Neither a request line nor a status line.
    #[error("malformed start line")]
    StartLine,
    /// The Request-URI has a character that no URI holds, or header parts (RFC 3261 table 1).
    #[error("malformed Request-URI")]
    RequestUri,
    /// A protocol version other than SIP/2.0.
    #[error("unknown protocol version")]
    Version,
    /// More octets than [`Limits::message`](crate::Limits::message).
    #[error("message too large")]
    TooLarge,
    /// More fields than [`Limits::fields`](crate::Limits::fields).
    #[error("too many header fields")]
    TooManyFields,
    /// A field longer than [`Limits::line`](crate::Limits::line).
    #[error("header field too long")]
    LineTooLong,
    /// A carriage return or a line feed that stands alone.
    #[error("bare CR or LF")]
    LineEnd,
    /// A header line that is not `name: value`.
    #[error("malformed header line")]
    FieldLine,
    /// A header field that is not UTF-8.
    #[error("header field is not UTF-8")]
    NotUtf8,
    /// The empty line after the header is missing.
    #[error("header does not end")]
    Unterminated,
    /// Content-Length is not a decimal number within the limit.
    #[error("malformed Content-Length")]
    ContentLength,
    /// Content-Length stands there twice.
    #[error("repeated Content-Length")]
    RepeatedContentLength,
    /// Fewer octets follow than Content-Length says.
    #[error("body shorter than Content-Length")]
    BodyTooShort,
    /// A field without which the request means nothing.
    #[error("missing {0}")]
    Missing(Name),
    /// A field that may stand there once stands there twice.
    #[error("repeated {0}")]
    Repeated(Name),
    /// A field whose value does not follow its grammar.
    #[error("malformed {0}")]
    Malformed(Name),
    /// CSeq names another method than the request line (RFC 3261 section 8.1.1.5).
    #[error("method differs from CSeq")]
    MethodMismatch,
    /// A multipart body that does not follow RFC 2046 section 5.1.
    #[error("malformed multipart body")]
    Multipart,
}

impl Defect {
    /// The status of the refusal.
    pub fn status(self) -> Status {
        match self {
            Defect::Version => Status::VERSION_NOT_SUPPORTED,
            Defect::TooLarge => Status::MESSAGE_TOO_LARGE,
            _ => Status::BAD_REQUEST,
        }
    }
}
