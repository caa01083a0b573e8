//! The token in a request's headers, in either dialect, and the identity beside it.

use csc_types::McpttId;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::refused::{Reason, Refused};

/// How the token was presented, and so how errors are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// In the header `access_token`.
    Field,
    /// In `Authorization: Bearer`.
    Standard,
}

const FIELD_HEADER: HeaderName = HeaderName::from_static("access_token");
const IDENTITY_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-3gpp-asserted-identity"),
    HeaderName::from_static("x-3gpp-intended-identity"),
];

/// The token a request carries. Empty when its header is there but empty.
pub(crate) struct Presented<'a> {
    pub(crate) token: &'a str,
    pub(crate) dialect: Dialect,
}

/// Takes the token out of `headers`; `None` when there is none. With the same token in both headers the field dialect
/// answers. An `Authorization` header of another scheme is no token.
pub(crate) fn presented(headers: &HeaderMap) -> Result<Option<Presented<'_>>, Refused> {
    let field = headers.get_all(FIELD_HEADER).iter().map(|value| (text(value), Dialect::Field));
    let standard = headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(text(value)));
    let mut tokens = field.chain(standard.map(|token| (token, Dialect::Standard)));
    let Some((token, dialect)) = tokens.next() else { return Ok(None) };
    if tokens.any(|(other, _)| other != token) {
        return Err(Refused { reason: Reason::TwoTokens, dialect });
    }
    Ok(Some(Presented { token, dialect }))
}

/// Whether every identity header names the user of the token. It is only a claim: on its own it says nothing.
pub(crate) fn identity_agrees(headers: &HeaderMap, id: &McpttId) -> bool {
    let values = IDENTITY_HEADERS.into_iter().flat_map(|name| headers.get_all(name));
    // TS 24.109 puts the identity in quotes, the fielded terminals do not.
    let named = |value: &HeaderValue| {
        let text = text(value);
        let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        bare.parse::<McpttId>()
    };
    values.map(named).all(|named| named.as_ref() == Ok(id))
}

/// A value that is no visible ASCII is no token and no identity: it counts as an empty one.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default().trim()
}

/// The token behind `Bearer`; `None` for another scheme.
fn bearer(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ').unwrap_or((credentials, ""));
    (scheme.is_empty() || scheme.eq_ignore_ascii_case("Bearer")).then_some(token.trim())
}
