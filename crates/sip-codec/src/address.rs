//! `name-addr` and `addr-spec`: From, To, Contact, Route, Record-Route, P-Asserted-Identity
//! (RFC 3261 sections 20.10, 20.20, 20.39; RFC 3325 section 9.1).

use crate::Uri;
use crate::grammar::{is_token, quoted, trim};
use crate::params::Params;

/// A URI with a display name and header field parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// The display name as it is written, quotes included; empty where there is none.
    pub display: &'a str,
    /// The URI.
    pub uri: Uri<'a>,
    /// The parameters behind the URI.
    pub params: Params<'a>,
}

impl<'a> Address<'a> {
    /// Reads an address that fills `text`. Without angle brackets everything from the first
    /// semicolon on belongs to the header field, and the URI has neither comma nor question mark
    /// (RFC 3261 section 20).
    pub fn parse(text: &'a str) -> Option<Address<'a>> {
        if let Some(address) = Self::bracketed(text)? {
            return Some(address);
        }
        let text = trim(text);
        let (uri, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let uri = trim(uri);
        if uri.contains([',', '?']) {
            return None;
        }
        Some(Address { display: "", uri: Uri::parse(uri)?, params: Params::parse(params)? })
    }

    /// Reads a value of P-Asserted-Identity, which has no header field parameters: a bare URI
    /// keeps its own, so that `tel:100;phone-context=…` is not taken for `tel:100`.
    pub fn parse_asserted(text: &'a str) -> Option<Address<'a>> {
        if let Some(address) = Self::bracketed(text)? {
            return Some(address);
        }
        Some(Address { display: "", uri: Uri::parse(trim(text))?, params: Params::default() })
    }

    /// The `tag` parameter, a token.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag").filter(|tag| crate::grammar::token(tag))
    }

    /// `Some(None)` where there is no angle bracket outside a quoted display name.
    fn bracketed(text: &'a str) -> Option<Option<Address<'a>>> {
        let text = trim(text);
        let rest = if text.starts_with('"') { quoted(text)?.1 } else { text };
        let Some(open) = rest.find('<') else {
            return Some(None);
        };
        let (display, rest) = text.split_at(text.len() - rest.len() + open);
        let display = trim(display);
        // Unquoted, a display name is tokens and blanks; behind a quoted one stands nothing.
        let plain = |b: u8| is_token(b) || b == b' ' || b == b'\t';
        let valid = match quoted(display) {
            Some((_, behind)) => behind.is_empty(),
            None => display.bytes().all(plain),
        };
        let (uri, params) = rest.strip_prefix('<')?.split_once('>')?;
        if !valid {
            return None;
        }
        Some(Some(Address { display, uri: Uri::parse(uri)?, params: Params::parse(params)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_their_forms() {
        let a = Address::parse("\"Kim, \\\"Alex\\\"\" <sip:alex@example.org;lr?x=y>;tag=a1 ; q=0.3").unwrap();
        assert_eq!(a.display, "\"Kim, \\\"Alex\\\"\"");
        assert_eq!(a.uri.as_str(), "sip:alex@example.org;lr?x=y");
        assert_eq!((a.tag(), a.params.value("q")), (Some("a1"), Some("0.3")));

        let a = Address::parse(" sip:alex@example.org;tag=2").unwrap();
        assert_eq!((a.uri.as_str(), a.tag()), ("sip:alex@example.org", Some("2")));
        let a = Address::parse("caller<tel:+8251>").unwrap();
        assert_eq!((a.display, a.uri.as_str(), a.tag()), ("caller", "tel:+8251", None));
    }

    #[test]
    fn a_bare_asserted_uri_keeps_its_parameters() {
        let a = Address::parse_asserted("tel:100;phone-context=+82").unwrap();
        assert_eq!(a.uri.as_str(), "tel:100;phone-context=+82");
        assert_eq!(Address::parse_asserted("<tel:+8251>").unwrap().uri.as_str(), "tel:+8251");
    }

    #[test]
    fn broken_addresses_are_refused() {
        for bad in [
            "",
            "<>",
            "sip:a@b?x=y",
            "sip:a,b@c",
            "\"open <sip:a@b>",
            "\"a\" b <sip:a@b>",
            "a,b <sip:a@b>",
            "< sip:a@b >",
            "<sip:a@b",
            "<sip:a@b>x",
            "<sip:a@b>;",
            "<sip:a@b>;;",
            "alex",
            "sip:a@b tag=1",
            "\"a\" sip:a@b",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Address::parse_asserted("tel:+1 2"), None);
    }
}
