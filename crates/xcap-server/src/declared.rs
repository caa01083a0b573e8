//! What the header fields of a request declare about its body.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use crate::refusal::Refusal;

/// Whether a PUT carries all of what it names. A part by `Content-Range` would take the place of the whole (RFC 9110
/// 14.5); parts of documents have names of their own here.
///
/// # Errors
/// [`Refusal::Partial`].
pub fn whole(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(CONTENT_RANGE) { Err(Refusal::Partial) } else { Ok(()) }
}

/// The media type of a body that is not compressed, with its parameters.
///
/// # Errors
/// [`Refusal::ContentCoding`] where it is encoded (RFC 9110 8.4), [`Refusal::MediaType`] where there is no one media
/// type.
pub fn media_type(headers: &HeaderMap) -> Result<&str, Refusal> {
    if headers.get_all(CONTENT_ENCODING).iter().any(is_coded) {
        return Err(Refusal::ContentCoding);
    }
    let mut declared = headers.get_all(CONTENT_TYPE).iter();
    match (declared.next().map(HeaderValue::to_str), declared.next()) {
        (Some(Ok(media_type)), None) => Ok(media_type),
        _ => Err(Refusal::MediaType),
    }
}

/// Whether a body of `content_type` is one of `media_type`, whatever its parameters.
pub fn is(content_type: &str, media_type: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}

/// Whether a value of `Content-Encoding` names more than nothing.
fn is_coded(value: &HeaderValue) -> bool {
    let is_nothing = |coding: &str| coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    value.to_str().map_or(true, |codings| !codings.split(',').map(str::trim).all(is_nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn one_media_type() {
        let plain = ("content-type", "text/plain; charset=utf-8");
        assert_eq!(media_type(&headers(&[plain])).unwrap(), "text/plain; charset=utf-8");
        for wrong in [&[][..], &[plain, plain], &[("content-type", "téxt")]] {
            assert!(matches!(media_type(&headers(wrong)), Err(Refusal::MediaType)), "{wrong:?}");
        }
        assert!(is("Text/PLAIN ;a=b", "text/plain") && !is("text/plainer", "text/plain"));
    }

    #[test]
    fn no_coding() {
        let with = |value: &str| {
            let headers = headers(&[("content-type", "text/plain"), ("content-encoding", value)]);
            media_type(&headers).map(str::to_owned)
        };
        for nothing in ["identity", "Identity", "identity, identity", "", " "] {
            assert!(with(nothing).is_ok(), "{nothing}");
        }
        for coding in ["gzip", "identity, gzip", "deflate,identity", "x", "é"] {
            assert!(matches!(with(coding), Err(Refusal::ContentCoding)), "{coding}");
        }
        let twice = [("content-encoding", "identity"), ("content-encoding", "br")];
        assert!(matches!(media_type(&headers(&twice)), Err(Refusal::ContentCoding)));
    }
}
