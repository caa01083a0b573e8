//! The token of a 3GPP SUBSCRIBE: `application/vnd.3gpp.mcptt-info+xml` (TS 24.379 annex F.1).

use csc_xml::{Limits, attribute, child, parse};
use zeroize::Zeroizing;

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.3gpp.mcptt-info+xml";

const NAMESPACE: &str = "urn:3gpp:ns:mcpttInfo:1.0";

/// An access token. It wipes itself and cannot be printed.
pub(crate) struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// The token's characters, for whoever verifies it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Why the part is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadInfo {
    /// It is no mcptt-info document: 400.
    Malformed,
    /// The token is encrypted (`type="Encrypted"`), and nobody here can open it: 403.
    Encrypted,
}

/// The access token in `body`; `None` where there is none.
pub(crate) fn access_token(body: &[u8]) -> Result<Option<AccessToken>, BadInfo> {
    let document = parse(body, &Limits::with_octets(64 << 10)).map_err(|_| BadInfo::Malformed)?;
    let root = document.root_element();
    if !root.has_tag_name((NAMESPACE, "mcpttinfo")) {
        return Err(BadInfo::Malformed);
    }
    let params = child(root, NAMESPACE, "mcptt-Params").ok_or(BadInfo::Malformed)?;
    let Some(token) = child(params, NAMESPACE, "mcptt-access-token") else {
        return Ok(None);
    };
    if attribute(token, "type").is_some_and(|kind| kind != "Normal") {
        return Err(BadInfo::Encrypted);
    }
    // The schema puts the value into <mcpttString>; older clients write it directly.
    let holder = child(token, NAMESPACE, "mcpttString").unwrap_or(token);
    let text = holder.text().unwrap_or_default().trim();
    if text.is_empty() {
        return Err(BadInfo::Malformed);
    }
    Ok(Some(AccessToken(Zeroizing::new(text.to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(inside: &str) -> Result<Option<String>, BadInfo> {
        let text =
            format!("<mcpttinfo xmlns='{NAMESPACE}'><mcptt-Params>{inside}</mcptt-Params></mcpttinfo>");
        Ok(access_token(text.as_bytes())?.map(|token| token.expose().to_owned()))
    }

    #[test]
    fn tokens_are_found() {
        let inside = "<mcptt-request-uri type='Normal'><mcpttURI>sip:cms_psi@example.org</mcpttURI></mcptt-request-uri>\
                      <mcptt-access-token type='Normal'><mcpttString> a.b.c </mcpttString></mcptt-access-token>";
        assert_eq!(token(inside), Ok(Some("a.b.c".to_owned())));
        assert_eq!(token("<mcptt-access-token>a.b.c</mcptt-access-token>"), Ok(Some("a.b.c".to_owned())));
        assert_eq!(token(""), Ok(None));
    }

    #[test]
    fn what_cannot_be_used() {
        assert_eq!(
            token("<mcptt-access-token type='Encrypted'>x</mcptt-access-token>"),
            Err(BadInfo::Encrypted)
        );
        assert_eq!(token("<mcptt-access-token type='Normal'/>"), Err(BadInfo::Malformed));
        for text in ["", "<mcpttinfo/>", "<mcpttinfo xmlns='urn:3gpp:ns:mcpttInfo:1.0'/>"] {
            assert!(matches!(access_token(text.as_bytes()), Err(BadInfo::Malformed)), "{text}");
        }
    }
}
