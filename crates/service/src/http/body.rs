//! Request bodies, bounded in size and in time.

use bytes::Bytes;
use http::StatusCode;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::Body;

/// Why a request body could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is, or says it is, larger than the limit.
    #[error("request body too large")]
    TooLarge,
    /// It did not arrive in time.
    #[error("request body too slow")]
    TooSlow,
    /// It ended early or is not framed as HTTP wants.
    #[error("request body incomplete")]
    Incomplete,
}

impl BodyError {
    /// The status to answer with. The listener closes the connection behind 408 and 413.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Incomplete => StatusCode::BAD_REQUEST,
        }
    }
}

/// The whole body, if it has at most `limit` octets. A body that announces more is refused before any of it is read.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLarge);
    }
    let collected = Limited::new(body, limit).collect().await;
    collected.map(|body| body.to_bytes()).map_err(|error| {
        if error.is::<LengthLimitError>() {
            return BodyError::TooLarge;
        }
        // The listener's own errors come wrapped.
        let mut cause = Some(&*error as &(dyn std::error::Error + 'static));
        while let Some(error) = cause {
            if let Some(known) = error.downcast_ref::<BodyError>() {
                return *known;
            }
            cause = error.source();
        }
        BodyError::Incomplete
    })
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn limits() {
        assert_eq!(read_body(Body::from("12345"), 5).await.as_deref(), Ok(&b"12345"[..]));
        assert_eq!(read_body(Body::from("123456"), 5).await, Err(BodyError::TooLarge));
        assert_eq!(read_body(Body::empty(), 0).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_limited_too() {
        let pieces = || stream::iter([Ok::<_, BodyError>("123"), Ok("456")]);
        assert_eq!(read_body(Body::from_stream(pieces()), 5).await, Err(BodyError::TooLarge));
        assert_eq!(read_body(Body::from_stream(pieces()), 6).await.as_deref(), Ok(&b"123456"[..]));
    }

    #[tokio::test]
    async fn errors_keep_their_meaning() {
        let slow = Body::from_stream(stream::iter([Ok("123"), Err(BodyError::TooSlow)]));
        assert_eq!(read_body(slow, 5).await, Err(BodyError::TooSlow));
        let broken = Body::from_stream(stream::iter([Ok("123"), Err(std::io::Error::other("reset"))]));
        assert_eq!(read_body(broken, 5).await, Err(BodyError::Incomplete));
    }
}
