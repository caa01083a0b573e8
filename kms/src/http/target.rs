//! The path of a request: `init`, `keyprov`, `keyprov/{user URI}`, `keyprov/{user URI}/{NTP timestamp}`.

use percent_encoding::percent_decode_str;

use crate::domain::refusal::Refusal;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The certificate.
    Init,
    /// Keys.
    KeyProv {
        /// The user, as written in the path.
        user: Option<String>,
        /// The NTP timestamp, as written in the path.
        timestamp: Option<String>,
    },
}

impl Target {
    /// Reads an undecoded path. `None`: there is nothing at that path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let decoded =
            |segment: &str| percent_decode_str(segment).decode_utf8().map(|text| text.into_owned()).ok();
        let mut segments = path.strip_prefix('/')?.split('/');
        for expected in ["keymanagement", "identity", "v1"] {
            if decoded(segments.next()?)? != expected {
                return None;
            }
        }
        let operation = decoded(segments.next()?)?;
        let rest: Vec<String> = segments.map(str::to_owned).collect();
        match (operation.as_str(), rest.as_slice()) {
            ("init", []) => Some(Self::Init),
            ("keyprov", []) => Some(Self::KeyProv { user: None, timestamp: None }),
            ("keyprov", [user]) if !user.is_empty() => {
                Some(Self::KeyProv { user: Some(user.clone()), timestamp: None })
            }
            ("keyprov", [user, timestamp]) if !user.is_empty() && !timestamp.is_empty() => {
                Some(Self::KeyProv { user: Some(user.clone()), timestamp: Some(timestamp.clone()) })
            }
            _ => None,
        }
    }

    /// Its name in metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::KeyProv { .. } => "keyprov",
        }
    }

    /// The user the path names. Raw and percent-encoded are the same, and a plus is a plus.
    pub(crate) fn user(&self) -> Result<Option<String>, Refusal> {
        let Self::KeyProv { user: Some(user), .. } = self else { return Ok(None) };
        let decoded = percent_decode_str(user).decode_utf8();
        decoded.map(|user| Some(user.into_owned())).map_err(|_| Refusal::Malformed("the path is no UTF-8"))
    }
}

/// Reads an NTP timestamp: 16 hexadecimal digits in either case.
pub(crate) fn ntp_timestamp(text: &str) -> Result<u64, Refusal> {
    let fits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let timestamp = u64::from_str_radix(text, 16).ok().filter(|_| fits);
    timestamp.ok_or(Refusal::Malformed("the time in the path is no NTP timestamp of 16 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(path: &str) -> Result<Option<String>, Refusal> {
        Target::parse(&format!("/keymanagement/identity/v1/{path}")).unwrap().user()
    }

    #[test]
    fn raw_and_encoded_are_one() {
        for path in
            ["keyprov/tel:+82571009990", "keyprov/tel%3A%2b82571009990", "keyprov/tel:%2B82571009990/00"]
        {
            assert_eq!(user(path), Ok(Some("tel:+82571009990".to_owned())), "{path}");
        }
        assert_eq!(user("keyprov"), Ok(None));
        assert_eq!(user("init"), Ok(None));
        assert_eq!(user("%6beyprov/sip:a%2Fb@c"), Ok(Some("sip:a/b@c".to_owned())));
        assert!(matches!(user("keyprov/%ff"), Err(Refusal::Malformed(_))));
    }

    #[test]
    fn everything_else_is_not_found() {
        for path in [
            "",
            "/",
            "/keymanagement",
            "/keymanagement/identity/v1",
            "/keymanagement/identity/v1/",
            "/keymanagement/identity/v2/init",
            "/keymanagement/identity/v1/init/",
            "/keymanagement/identity/v1/init/tel:+1",
            "/keymanagement/identity/v1/certcache",
            "/keymanagement/identity/v1/keyprov/",
            "/keymanagement/identity/v1/keyprov//0000000000000000",
            "/keymanagement/identity/v1/keyprov/tel:+1/",
            "/keymanagement/identity/v1/keyprov/tel:+1/0/0",
            "/MissionCriticalOrg/keymanagement/identity/v1/init",
            "/keymanagement//identity/v1/init",
            "/keymanagement%2Fidentity/v1/init",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }

    #[test]
    fn timestamps() {
        assert_eq!(ntp_timestamp("DC91ba3580000000"), Ok(0xdc91_ba35_8000_0000));
        for text in ["", "0", "+C91ba3580000000", "dc91ba35800000000", "dc91ba358000000g"] {
            assert!(ntp_timestamp(text).is_err(), "{text}");
        }
    }
}
