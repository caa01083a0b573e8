//! Identities. One canonical form each, so that two spellings of one user never are two keys.

use std::fmt;
use std::str::FromStr;

/// Longest identity that is accepted, in octets.
const MAX: usize = 255;

/// Why a text is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It is empty or longer than 255 octets.
    #[error("an identity has 1 to 255 octets")]
    Length,
    /// It holds a control character, white space or a character that no URI may hold.
    #[error("an identity holds no white space, control character, quote or angle bracket")]
    Character,
    /// It is not a `tel:`, `sip:` or `sips:` URI with something behind the scheme.
    #[error("not a tel:, sip: or sips: URI")]
    Scheme,
}

/// Characters that would let one identity stand for two, or break out of a header, a path or a log field.
fn check_characters(text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > MAX {
        return Err(IdError::Length);
    }
    let bad = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '/' | '?' | '#')
    };
    if text.chars().any(bad) { Err(IdError::Character) } else { Ok(()) }
}

/// Scheme in lower case; the host of a sip URI in lower case; the user part as it is (RFC 3261 19.1.4); a number
/// without its visual separators (RFC 3966 section 4); no escapes of what needs none. A `%` that escapes nothing is
/// refused (RFC 3986 2.1): with what stands behind it, it could become an escape, and the identity another one.
fn canonical_uri(text: &str) -> Result<String, IdError> {
    check_characters(text)?;
    let (scheme, rest) = text.split_once(':').ok_or(IdError::Scheme)?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = without_needless_escapes(rest, if scheme == "tel" { "+" } else { "" })?;
    let rest = rest.as_str();
    match scheme.as_str() {
        "tel" => {
            let (number, parameters) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
            let number: String = number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect();
            if !number.bytes().any(|octet| octet.is_ascii_digit()) {
                return Err(IdError::Scheme);
            }
            Ok(format!("tel:{number}{parameters}").to_ascii_lowercase())
        }
        "sip" | "sips" => {
            let (user, host) = match rest.rsplit_once('@') {
                Some((user, host)) if !user.is_empty() => (Some(user), host),
                Some(_) => return Err(IdError::Scheme),
                None => (None, rest),
            };
            if host.is_empty() {
                return Err(IdError::Scheme);
            }
            let host = host.to_ascii_lowercase();
            Ok(match user {
                Some(user) => format!("{scheme}:{user}@{host}"),
                None => format!("{scheme}:{host}"),
            })
        }
        _ => Err(IdError::Scheme),
    }
}

/// `text` with each escape of an unreserved character (RFC 3261 section 25.1), or of one in `also`, undone, and the
/// digits of all other escapes in upper case. What comes out stays as it is when it comes in again.
fn without_needless_escapes(text: &str, also: &str) -> Result<String, IdError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let digits = rest.get(1..3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let digits = digits.ok_or(IdError::Character)?;
        let octet = u8::from_str_radix(digits, 16).map_err(|_| IdError::Character)?;
        let meant = char::from(octet);
        if meant.is_ascii_alphanumeric() || "-_.!~*'()".contains(meant) || also.contains(meant) {
            out.push(meant);
        } else {
            out.push('%');
            out.push_str(&digits.to_ascii_uppercase());
        }
        rest = &rest[3..];
    }
    out.push_str(rest);
    Ok(out)
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $canonical:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The canonical text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Takes the decoded text (percent-encoding already undone) and brings it into canonical form.
            fn from_str(text: &str) -> Result<Self, IdError> {
                $canonical(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn plain(text: &str) -> Result<String, IdError> {
    check_characters(text)?;
    Ok(text.to_owned())
}

fn organisation(text: &str) -> Result<String, IdError> {
    let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    match () {
        () if text.is_empty() || text.len() > 64 => Err(IdError::Length),
        () if !fits || text.starts_with('.') => Err(IdError::Character),
        () => Ok(text.to_owned()),
    }
}

identity! {
    /// An MCPTT ID: the `tel:` or `sip:` URI of a user, and the XUI under which its documents live.
    McpttId, canonical_uri
}
identity! {
    /// An MCPTT group identity: the `tel:` or `sip:` URI of a group.
    GroupId, canonical_uri
}
identity! {
    /// The identity of a terminal (TS 24.484 MCPTT UE ID): an Instance-ID URN or IMEI, compared octet for octet.
    UeId, plain
}
identity! {
    /// The identifier of an OAuth client, compared octet for octet (RFC 6749 2.2).
    ClientId, plain
}
identity! {
    /// The short name of an organisation: letters, digits, `-`, `_` and `.`; at most 64.
    OrgId, organisation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_canonical_form() {
        let same = |a: &str, b: &str| assert_eq!(a.parse::<McpttId>(), b.parse::<McpttId>(), "{a} {b}");
        same("sip:Alex@Example.ORG", "sip:Alex@example.org");
        same("TEL:+82571009990", "tel:+82571009990");
        same("tel:+82-(57).100-9990", "tel:+82571009990");
        same("tel:%2B82571009990", "tel:+82571009990");
        same("tel:+1;phone-context=A-B.org", "tel:+1;phone-context=a-b.org");
        same("sip:%41lex%2dk@Example.org", "sip:Alex-k@example.org");
        same("sip:a%3ab@example.org", "sip:a%3Ab@example.org");
        for (one, other) in [
            ("sip:Alex@example.org", "sip:alex@example.org"),
            ("sip:a%3Ab@example.org", "sip:a:b@example.org"),
            ("sip:a%2Bb@example.org", "sip:a+b@example.org"),
            ("sip:%2561@example.org", "sip:a@example.org"),
            ("sip:1-2@example.org", "sip:12@example.org"),
        ] {
            assert_ne!(one.parse::<McpttId>(), other.parse::<McpttId>());
        }
    }

    #[test]
    fn canonical_forms_are_their_own() {
        for text in [
            "tel:+1-2;ext=%2A%2F3",
            "sip:%2541%41%ff@H%41.org",
            "sip:가%EA%B0%80@h",
            "tel:%2525%2b1",
            "SIPS:%40@h",
        ] {
            let id: McpttId = text.parse().unwrap();
            assert_eq!(id.as_str().parse(), Ok(id.clone()), "{text}");
        }
    }

    #[test]
    fn refused() {
        for (text, error) in [
            ("", IdError::Length),
            ("tel:", IdError::Scheme),
            ("tel:-();ext=1", IdError::Scheme),
            ("sip:@host", IdError::Scheme),
            ("sip:user@", IdError::Scheme),
            ("http:host", IdError::Scheme),
            ("tel:+82 57", IdError::Character),
            ("tel:4%2-a", IdError::Character),
            ("sip:%%341@host", IdError::Character),
            ("sip:a%zz@host", IdError::Character),
            ("sip:a@host%4", IdError::Character),
            ("sip:a/../b@host", IdError::Character),
            ("sip:a\r\n@host", IdError::Character),
        ] {
            assert_eq!(text.parse::<McpttId>(), Err(error), "{text:?}");
        }
        assert_eq!(format!("tel:{}", "1".repeat(255)).parse::<GroupId>(), Err(IdError::Length));
    }

    #[test]
    fn organisation_names_are_path_segments() {
        assert!("MCO-12345".parse::<OrgId>().is_ok());
        for bad in ["", ".", "a/b", "a b", "..", &"x".repeat(65)] {
            assert!(bad.parse::<OrgId>().is_err(), "{bad:?}");
        }
    }
}
