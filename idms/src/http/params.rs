//! Parameters of a request, wherever they came: in the query, or in a form.

use bytes::Bytes;
use csc_service::http::{Body, BodyError, read_body};
use http::Request;
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// Largest form, in octets.
const MAX_FORM: usize = 16 * 1024;
/// Most parameters of one request. Ours have at most a dozen.
const MAX_PARAMETERS: usize = 64;

/// Decoded parameters. They hold passwords and tokens, so the values wipe themselves.
pub(crate) struct Params {
    pairs: Vec<(Zeroizing<String>, Zeroizing<String>)>,
    malformed: bool,
}

impl Params {
    /// Those of the query alone; a body, and what its type is said to be, does not matter.
    pub(crate) fn of_query(request: &Request<Body>) -> Self {
        Self::parse(request.uri().query(), b"")
    }

    /// Those of the query and of the form in the body together. Terminals send either. A body that is said to be
    /// something else than a form makes the request malformed.
    pub(crate) async fn of_query_and_form(request: Request<Body>) -> Result<Self, BodyError> {
        let (head, body) = request.into_parts();
        let form: Bytes = read_body(body, MAX_FORM).await?;
        let mut params = Self::parse(head.uri.query(), &form);
        let is_form = |value: &http::HeaderValue| {
            let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        params.malformed |= !form.is_empty() && !head.headers.get(CONTENT_TYPE).is_none_or(is_form);
        Ok(params)
    }

    fn parse(query: Option<&str>, form: &[u8]) -> Self {
        let query = query.unwrap_or_default().as_bytes();
        let given = [query, form].into_iter().flat_map(|list| list.split(|octet| *octet == b'&'));
        let mut malformed = false;
        let mut pairs = Vec::new();
        for given in given.filter(|given| !given.is_empty()).take(MAX_PARAMETERS + 1) {
            let at = given.iter().position(|octet| *octet == b'=').unwrap_or(given.len());
            let (name, value) = (decode(&given[..at]), decode(given.get(at + 1..).unwrap_or_default()));
            malformed |= name.is_none() || value.is_none();
            pairs.push((name.unwrap_or_default(), value.unwrap_or_default()));
        }
        let repeated = |at: usize| pairs[..at].iter().any(|(name, _)| *name == pairs[at].0);
        malformed |= pairs.len() > MAX_PARAMETERS || (0..pairs.len()).any(repeated);
        Self { pairs, malformed }
    }

    /// Whether a parameter came twice (RFC 6749 3.1) or is no text, or the whole is no list of parameters.
    pub(crate) const fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// The value of the parameter `name`, if it came exactly once, is not empty and has at most `most` octets. An
    /// empty one counts as omitted (RFC 6749 3.1).
    pub(crate) fn get(&self, name: &str, most: usize) -> Option<&str> {
        let mut found =
            self.pairs.iter().filter(|(given, _)| **given == name).map(|(_, value)| value.as_str());
        let value = found.next().filter(|value| (1..=most).contains(&value.len()))?;
        found.next().is_none().then_some(value)
    }

    /// Whether the parameter `name` came at all, with a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, value)| **given == name && !value.is_empty())
    }
}

/// Undoes the form encoding of a name or value. `None`: it is no UTF-8, and whatever stood for it would not be what was
/// sent.
fn decode(text: &[u8]) -> Option<Zeroizing<String>> {
    let blanks = Zeroizing::new(
        text.iter().map(|octet| if *octet == b'+' { b' ' } else { *octet }).collect::<Vec<_>>(),
    );
    // Never longer than what was encoded, so that no part of a secret is left behind in memory that grew.
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    decoded.extend(percent_decode(&blanks));
    std::str::from_utf8(&decoded).ok().map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(query: &str, content_type: Option<&str>, body: &str) -> Request<Body> {
        let builder = Request::post(format!("/idms/tokenreq?{query}"));
        let builder = match content_type {
            Some(value) => builder.header(CONTENT_TYPE, value),
            None => builder,
        };
        builder.body(Body::from(body.to_owned())).unwrap()
    }

    async fn read(query: &str, content_type: Option<&str>, body: &str) -> Params {
        Params::of_query_and_form(form(query, content_type, body)).await.unwrap()
    }

    #[tokio::test]
    async fn query_and_form_are_one_list() {
        let params = read("a=1", Some("Application/X-WWW-Form-URLencoded; charset=utf-8"), "b=2+%2B").await;
        assert_eq!(
            (params.get("a", 9), params.get("b", 9), params.get("c", 9)),
            (Some("1"), Some("2 +"), None)
        );
        assert!(!params.is_malformed());
        assert!(!read("a=1", None, "b=2").await.is_malformed());
    }

    #[tokio::test]
    async fn what_is_malformed() {
        let form = Some("application/x-www-form-urlencoded");
        assert!(read("a=1&a=1", form, "").await.is_malformed());
        assert!(read("a=1", form, "a=1").await.is_malformed());
        assert!(read("", Some("application/json"), "{}").await.is_malformed());
        assert!(!read("", Some("application/json"), "").await.is_malformed());
        assert!(read("a=%FF", form, "").await.is_malformed() && read("", form, "%C3=").await.is_malformed());
        let many: String = (0..65).map(|n| format!("p{n}=&")).collect();
        assert!(read(&many, form, "").await.is_malformed());
    }

    #[tokio::test]
    async fn a_value_is_there_once_and_fits() {
        let params = read("a=1&a=2&empty=&long=12345", None, "").await;
        assert_eq!(params.get("a", 9), None);
        assert_eq!(params.get("empty", 9), None);
        assert_eq!((params.get("long", 4), params.get("long", 5)), (None, Some("12345")));
        assert!(params.has("a") && params.has("long") && !params.has("empty"));
    }

    #[tokio::test]
    async fn what_browsers_read_is_read_alike() {
        for list in ["a=1&&b", "=x&a==", "a=%2", "a=%zz%41", "a+b=%2B+%20", "%61=%C3%A9", "&", "a=%00"] {
            let params = read(list, None, "").await;
            let read: Vec<_> =
                params.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let expected: Vec<_> = form_urlencoded::parse(list.as_bytes()).collect();
            assert_eq!(
                read,
                expected.iter().map(|(name, value)| (&**name, &**value)).collect::<Vec<_>>(),
                "{list}"
            );
        }
    }

    #[tokio::test]
    async fn a_form_is_bounded() {
        let body = "a".repeat(MAX_FORM + 1);
        let result = Params::of_query_and_form(form("", None, &body)).await;
        assert_eq!(result.err(), Some(BodyError::TooLarge));
    }
}
