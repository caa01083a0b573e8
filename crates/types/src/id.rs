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
    let bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '<' | '>' | '\\' | '/' | '?' | '#');
    if text.chars().any(bad) { Err(IdError::Character) } else { Ok(()) }
}

/// Scheme in lower case; the host of a sip URI in lower case; the user part as it is (RFC 3261 19.1.4).
fn canonical_uri(text: &str) -> Result<String, IdError> {
    check_characters(text)?;
    let (scheme, rest) = text.split_once(':').ok_or(IdError::Scheme)?;
    let scheme = scheme.to_ascii_lowercase();
    match scheme.as_str() {
        "tel" if rest.bytes().any(|b| b.is_ascii_digit()) => Ok(format!("tel:{}", rest.to_ascii_lowercase())),
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
        assert_ne!("sip:Alex@example.org".parse::<McpttId>(), "sip:alex@example.org".parse::<McpttId>());
    }

    #[test]
    fn refused() {
        for (text, error) in [
            ("", IdError::Length),
            ("tel:", IdError::Scheme),
            ("sip:@host", IdError::Scheme),
            ("sip:user@", IdError::Scheme),
            ("http:host", IdError::Scheme),
            ("tel:+82 57", IdError::Character),
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
