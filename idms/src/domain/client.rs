//! OAuth clients: the applications that users log in with.

use csc_types::{ClientId, OrgId};

use super::scope::Scopes;

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client_id.
    pub id: ClientId,
    /// The organisation it belongs to.
    pub organisation: OrgId,
    /// Where answers may be sent; compared octet for octet.
    pub redirect_uris: Vec<RedirectUri>,
    /// What its users may be granted.
    pub scopes: Scopes,
    /// How its id_tokens are signed.
    pub id_token: IdTokenAlgorithm,
    /// Its secret, sealed; with [`IdTokenAlgorithm::Hs256`] there is one.
    pub secret: Option<Sealed>,
    /// The `aud` of its access tokens; `None`: the server's default.
    pub audience: Option<String>,
}

impl Client {
    /// The registered redirect URI that equals `text` (RFC 9700 2.1: exact match); `None` if there is none.
    pub fn redirect_uri(&self, text: &str) -> Option<&RedirectUri> {
        self.redirect_uris.iter().find(|uri| uri.as_str() == text)
    }
}

/// How id_tokens are signed (OpenID Connect Core 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdTokenAlgorithm {
    /// With the client's secret.
    Hs256,
    /// With the server's key.
    Rs256,
}

/// A redirect URI that may be put into a header: an absolute URI without fragment (RFC 6749 3.1.2), in visible ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

/// The text is no such URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a redirect URI is an absolute URI of at most 512 visible ASCII characters, without fragment")]
pub struct RedirectUriError;

impl RedirectUri {
    /// The URI as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for RedirectUri {
    type Err = RedirectUriError;

    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        let visible =
            text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'<' | b'>' | b'\\'));
        let absolute = text.split_once(':').is_some_and(|(scheme, rest)| {
            let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(letters)
                && !rest.is_empty()
        });
        if visible && absolute && text.len() <= 512 {
            Ok(Self(text.to_owned()))
        } else {
            Err(RedirectUriError)
        }
    }
}

/// A client secret, encrypted. What it is encrypted with lies in a file, never in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        for good in ["http://mcptt_client/cb", "https://app.example.org/cb?x=1", "org.example.app:/cb"] {
            assert_eq!(good.parse::<RedirectUri>().unwrap().as_str(), good);
        }
        let long = format!("https://example.org/{}", "a".repeat(512));
        for bad in [
            "",
            "/cb",
            "//host/cb",
            "http:",
            ":x",
            "1a:b",
            "http://h/#f",
            "http://h/\r\nX: y",
            "http://h/ b",
            "http://é/",
            &long,
        ] {
            assert_eq!(bad.parse::<RedirectUri>(), Err(RedirectUriError), "{bad}");
        }
    }
}
