//! `xs:anyURI`: a URI reference (RFC 3986) in which characters that URIs escape may stand as they are, spaces included.
//! Where no hierarchy begins behind the scheme, square brackets may stand too (RFC 2396 with RFC 2732, which the type
//! refers to): `sip:a@[2001:db8::1]` is one.

/// Whether `text` is an `xs:anyURI`.
pub(crate) fn is_any_uri(text: &str) -> bool {
    let (rest, fragment) = split(text, '#');
    if !fragment.is_none_or(|fragment| all(fragment, |octet| is_path(octet) || matches!(octet, b'/' | b'?')))
    {
        return false;
    }
    let (rest, query) = split(rest, '?');
    if !query.is_none_or(|query| all(query, |octet| is_path(octet) || matches!(octet, b'/' | b'?'))) {
        return false;
    }
    match rest.split_once(':') {
        Some((scheme, behind)) if is_scheme(scheme) && behind.starts_with('/') => is_hierarchical(behind),
        Some((scheme, behind)) if is_scheme(scheme) => is_opaque(behind),
        // Without a scheme the first segment of a path holds no colon.
        Some((before, _)) if !before.contains('/') => false,
        _ => is_hierarchical(rest),
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn is_scheme(text: &str) -> bool {
    let mut octets = text.bytes();
    octets.next().is_some_and(|octet| octet.is_ascii_alphabetic())
        && octets.all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'))
}

/// `//authority/path`, or a path.
fn is_hierarchical(text: &str) -> bool {
    let Some(behind) = text.strip_prefix("//") else { return is_all_path(text) };
    let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    is_authority(authority) && is_all_path(path)
}

fn is_opaque(text: &str) -> bool {
    all(text, |octet| is_path(octet) || matches!(octet, b'/' | b'[' | b']'))
}

fn is_all_path(text: &str) -> bool {
    all(text, |octet| is_path(octet) || octet == b'/')
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').map_or((None, text), |(user, host)| (Some(user), host));
    if !user.is_none_or(|user| all(user, |octet| is_name(octet) || octet == b':')) {
        return false;
    }
    let port = if let Some(literal) = host.strip_prefix('[') {
        let Some((address, behind)) = literal.split_once(']') else { return false };
        if address.is_empty() || !address.bytes().all(|octet| is_name(octet) || octet == b':') {
            return false;
        }
        behind
    } else {
        let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
        if !all(name, is_name) {
            return false;
        }
        port
    };
    port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.len() <= 5 && port.bytes().all(|o| o.is_ascii_digit()))
}

/// Whether every octet fits and every `%` begins an escape.
fn all(text: &str, fits: impl Fn(u8) -> bool) -> bool {
    let octets = text.as_bytes();
    let mut at = 0;
    while let Some(octet) = octets.get(at) {
        if *octet == b'%' {
            if !octets.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                return false;
            }
            at += 3;
        } else if fits(*octet) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

/// `unreserved / sub-delims`, and what XLink (section 5.4) escapes when a URI is made of it.
fn is_name(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || octet <= 0x20
        || octet >= 0x7F
        || b"-._~!$&'()*+,;=<>\"{}|\\^`".contains(&octet)
}

/// The same, and what a path segment holds besides.
fn is_path(octet: u8) -> bool {
    is_name(octet) || matches!(octet, b':' | b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for text in [
            "",
            "a",
            "sip:a@b;c=d",
            "tel:+82571009990",
            "http://h:1/%5B@n=%22r%22%5D?q=/?#f",
            "//h/p",
            "urn:a:b",
            "http://[::1]:80/",
            "http://u:p@h",
            "a/b:c",
            "#",
            "?",
            "한글",
            "mcptt.example.org",
            "http://h/{x}|`",
            "a b",
            "sip:그룹@b",
            "sip:a@[2001:db8::1]:5060;c=d",
        ] {
            assert!(is_any_uri(text), "{text:?}");
        }
        for text in [
            ":a",
            "1a:b",
            "%zz",
            "http://[::1",
            "http://h:x/",
            "a#b#c",
            "%4",
            "http://a[b",
            "//u@[]/",
            "a[b]",
            "a:/b[c]",
            "sip:a@[::1]#[",
            "한:b",
        ] {
            assert!(!is_any_uri(text), "{text:?}");
        }
    }
}
