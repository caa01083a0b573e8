//! The reason phrase of an answer, for a dialect whose clients read it. HTTP/2 has none: from a service behind the edge it
//! travels in a header field, which the edge turns back into a phrase.

use http::header::HeaderName;
use http::{HeaderValue, Response};
use hyper::ext::ReasonPhrase;

/// The reason phrase on its way to the edge.
pub const REASON: HeaderName = HeaderName::from_static("csc-reason");

/// Gives `response` this reason phrase, which holds visible ASCII and blanks.
pub fn with_reason<B>(response: &mut Response<B>, phrase: &'static str) {
    response.extensions_mut().insert(ReasonPhrase::from_static(phrase.as_bytes()));
}

/// Whether `response` has a reason phrase of its own.
pub fn has_reason<B>(response: &Response<B>) -> bool {
    response.extensions().get::<ReasonPhrase>().is_some()
}

/// In a service: puts the phrase into the field, for the edge.
pub(super) fn to_edge<B>(response: &mut Response<B>) {
    let phrase = response.extensions_mut().remove::<ReasonPhrase>();
    if let Some(phrase) = phrase.and_then(|phrase| HeaderValue::from_bytes(phrase.as_bytes()).ok()) {
        response.headers_mut().insert(REASON, phrase);
    }
}

/// In the edge: takes the phrase out of the field of a service's answer.
pub fn from_service<B>(response: &mut Response<B>) {
    let field = response.headers_mut().remove(REASON);
    if let Some(phrase) = field.and_then(|field| ReasonPhrase::try_from(field.as_bytes()).ok()) {
        response.extensions_mut().insert(phrase);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn through_an_edge() {
        let mut response = Response::new(());
        assert!(!has_reason(&response));
        with_reason(&mut response, "Forbidden. The feature is locked.");
        to_edge(&mut response);
        assert!(!has_reason(&response));
        assert_eq!(response.headers()[REASON], "Forbidden. The feature is locked.");
        from_service(&mut response);
        assert!(has_reason(&response) && response.headers().is_empty());
    }
}
