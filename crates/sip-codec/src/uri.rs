//! SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966), and the shape of any other.

use crate::grammar::number;

/// A URI, borrowed from the message that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uri<'a> {
    /// `sip:` or `sips:`.
    Sip(SipUri<'a>),
    /// `tel:`.
    Tel(TelUri<'a>),
    /// Any other scheme, with the whole URI.
    Other(&'a str),
}

/// A `sip:` or `sips:` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipUri<'a> {
    text: &'a str,
    /// Whether the scheme is `sips`.
    pub secure: bool,
    /// The part before `@`, with its parameters and without a password, still percent-encoded.
    pub user: Option<&'a str>,
    /// A host name or an address; IPv6 in brackets.
    pub host: &'a str,
    /// The port, where one is written.
    pub port: Option<u16>,
    params: &'a str,
    /// The part behind `?`.
    pub headers: Option<&'a str>,
}

/// A `tel:` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelUri<'a> {
    text: &'a str,
    /// The number with its visual separators, `+` first where it is global.
    pub number: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a URI that fills `text`. `None` where it has a character that no URI holds or breaks
    /// the grammar of its scheme.
    pub fn parse(text: &'a str) -> Option<Uri<'a>> {
        let (scheme, rest) = text.split_once(':')?;
        let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if !scheme_ok || rest.is_empty() || !text.bytes().all(in_uri) {
            return None;
        }
        if scheme.eq_ignore_ascii_case("sip") {
            return sip(text, rest, false).map(Uri::Sip);
        }
        if scheme.eq_ignore_ascii_case("sips") {
            return sip(text, rest, true).map(Uri::Sip);
        }
        if scheme.eq_ignore_ascii_case("tel") {
            return tel(text, rest).map(Uri::Tel);
        }
        Some(Uri::Other(text))
    }

    /// The whole URI as it is written.
    pub fn as_str(&self) -> &'a str {
        match self {
            Uri::Sip(uri) => uri.text,
            Uri::Tel(uri) => uri.text,
            Uri::Other(text) => text,
        }
    }

    /// The URI if its scheme is `sip` or `sips`.
    pub fn sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Uri::Sip(uri) => Some(uri),
            _ => None,
        }
    }
}

impl<'a> SipUri<'a> {
    /// Each parameter, in order: its name, and its value where it has one, still percent-encoded.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.params.split(';').filter(|part| !part.is_empty()).map(|part| match part.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (part, None),
        })
    }

    /// The first parameter called `name`, whatever its case; `Some(None)` for one without a value.
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        self.params().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether this is a loose router (RFC 3261 section 19.1.1, `lr`).
    pub fn is_loose_router(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The URI without its parameters and header parts: scheme, user and host with port.
    pub fn base(&self) -> &'a str {
        let end = self.text.len() - self.headers.map_or(0, |h| h.len() + 1);
        let end = end - if self.params.is_empty() { 0 } else { self.params.len() + 1 };
        &self.text[..end]
    }
}

/// Visible ASCII that may stand in a URI.
fn in_uri(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"<>\"".contains(&byte)
}

fn sip<'a>(text: &'a str, rest: &'a str, secure: bool) -> Option<SipUri<'a>> {
    // A raw `@` stands only behind the userinfo, which may itself hold `;`, `?`, `/` and `,`.
    let (userinfo, rest) = match rest.split_once('@') {
        Some((userinfo, rest)) => (Some(userinfo), rest),
        None => (None, rest),
    };
    let user = userinfo.map(|info| info.split_once(':').map_or(info, |(user, _)| user));
    if user == Some("") || rest.contains('@') {
        return None;
    }
    let (rest, headers) = match rest.split_once('?') {
        Some((rest, headers)) => (rest, Some(headers)),
        None => (rest, None),
    };
    let (hostport, params) = rest.split_once(';').unwrap_or((rest, ""));
    if rest.len() > hostport.len() && params.split(';').any(|p| p.is_empty() || p.starts_with('=')) {
        return None;
    }
    let (host, port) = host_port(hostport)?;
    Some(SipUri { text, secure, user, host, port, params, headers })
}

fn tel<'a>(text: &'a str, rest: &'a str) -> Option<TelUri<'a>> {
    let number = rest.split_once(';').map_or(rest, |(number, _)| number);
    let digits = number.strip_prefix('+').unwrap_or(number);
    let valid = digits.bytes().any(|b| b.is_ascii_hexdigit() || b"*#".contains(&b))
        && digits.bytes().all(|b| b.is_ascii_hexdigit() || b"*#-.()".contains(&b));
    valid.then_some(TelUri { text, number })
}

/// `host [ ":" port ]`; port 0 is refused, it can be no destination.
pub(crate) fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') {
        let end = text.find(']')? + 1;
        text.get(1..end - 1)?.parse::<std::net::Ipv6Addr>().ok()?;
        end
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(end);
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if host.is_empty() || !(host.starts_with('[') || named) {
        return None;
    }
    if rest.is_empty() {
        return Some((host, None));
    }
    let port = number(rest.strip_prefix(':')?, u64::from(u16::MAX))?;
    let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
    Some((host, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(text: &str) -> SipUri<'_> {
        *Uri::parse(text).unwrap().sip().unwrap()
    }

    #[test]
    fn sip_uris_split() {
        let uri = sip("sip:gms_psi@ptt.example.org;auid=org.example.groups;lr?a=b");
        assert_eq!((uri.user, uri.host, uri.port), (Some("gms_psi"), "ptt.example.org", None));
        assert_eq!(uri.param("AUID"), Some(Some("org.example.groups")));
        assert!(uri.is_loose_router());
        assert_eq!(uri.headers, Some("a=b"));
        assert_eq!(uri.base(), "sip:gms_psi@ptt.example.org");

        let uri = sip("SIPS:alex:secret@[2001:db8::1]:5061");
        assert_eq!((uri.secure, uri.user, uri.host), (true, Some("alex"), "[2001:db8::1]"));
        assert_eq!((uri.port, uri.base()), (Some(5061), "SIPS:alex:secret@[2001:db8::1]:5061"));

        let uri = sip("sip:user;par=u%40example.net@example.com");
        assert_eq!(uri.user, Some("user;par=u%40example.net"));
        assert_eq!(sip("sip:example.com").user, None);
    }

    #[test]
    fn tel_and_foreign_uris() {
        let Some(Uri::Tel(tel)) = Uri::parse("tel:+82-57-100;isub=1") else { panic!("tel") };
        assert_eq!(tel.number, "+82-57-100");
        assert_eq!(Uri::parse("isbn:2983792873"), Some(Uri::Other("isbn:2983792873")));
        assert_eq!(Uri::parse("http://h/x").unwrap().as_str(), "http://h/x");
    }

    #[test]
    fn broken_uris_are_refused() {
        for bad in [
            "",
            ":",
            "sip:",
            "sip",
            "sip:@h",
            "sip:a@",
            "sip:a@b@c",
            "sip:h:0",
            "sip:h:65536",
            "sip:h:",
            "sip:h;",
            "sip:h;;a",
            "sip:h;=a",
            "sip:[::1",
            "sip:[x]",
            "sip:[::1]x",
            "sip:a b",
            "sip:a<b",
            "tel:",
            "tel:+",
            "tel:x y",
            "tel:+82x",
            "1a:b",
            "sip:h\"",
            "sip:é",
            "tel:;a=b",
        ] {
            assert_eq!(Uri::parse(bad), None, "{bad:?}");
        }
    }
}
