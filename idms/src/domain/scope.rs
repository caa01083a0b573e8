//! The scopes of TS 33.180 annex B: those of Rel-13 and of Rel-14 onwards, and `openid`.

/// Every scope there is. A set is a bit per entry, so entries are only ever appended.
const KNOWN: [&str; 18] = [
    "openid",
    "3gpp:mcptt:ptt_server",
    "3gpp:mcptt:key_management_server",
    "3gpp:mcptt:config_management_server",
    "3gpp:mcptt:group_management_server",
    "3gpp:mc:ptt_service",
    "3gpp:mc:ptt_group_management_service",
    "3gpp:mc:ptt_config_management_service",
    "3gpp:mc:ptt_key_management_service",
    "3gpp:mc:video_service",
    "3gpp:mc:video_group_management_service",
    "3gpp:mc:video_config_management_service",
    "3gpp:mc:video_key_management_service",
    "3gpp:mc:data_service",
    "3gpp:mc:data_group_management_service",
    "3gpp:mc:data_config_management_service",
    "3gpp:mc:data_key_management_service",
    "3gpp:mc:location_management_service",
];

/// Longest scope parameter that is looked at, in octets.
const MAX_PARAMETER: usize = 1024;

/// A set of known scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

/// Why a scope parameter names no set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It is empty or too long.
    #[error("a scope parameter names 1 or more scopes in at most 1024 octets")]
    Malformed,
    /// It names a scope that does not exist.
    #[error("unknown scope")]
    Unknown,
}

impl Scopes {
    /// `openid` alone; with it a grant carries an id_token.
    pub const OPENID: Self = Self(1);

    /// The set that a `scope` parameter names, once form-decoded. Terminals in the field encode the list twice, so that
    /// a literal `%20` still stands between the scopes: what is left of the second encoding is undone here. No scope
    /// contains a percent sign, so this cannot change the meaning of a list that was encoded once.
    pub fn from_parameter(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_PARAMETER {
            return Err(ScopeError::Malformed);
        }
        let decoded =
            percent_encoding::percent_decode_str(text).decode_utf8().map_err(|_| ScopeError::Unknown)?;
        let set = Self::from_names(decoded.split(' ').filter(|name| !name.is_empty()))?;
        if set.is_empty() { Err(ScopeError::Malformed) } else { Ok(set) }
    }

    /// The set of these names; every one must be known.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopeError> {
        names.into_iter().try_fold(Self::default(), |set, name| {
            let bit = KNOWN.iter().position(|known| *known == name).ok_or(ScopeError::Unknown)?;
            Ok(Self(set.0 | 1 << bit))
        })
    }

    /// Whether every scope of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether there is no scope in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes in it, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        KNOWN.into_iter().enumerate().filter(move |(bit, _)| self.0 & 1 << bit != 0).map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_encoded_once_or_twice_are_one_set() {
        let expected = Scopes::from_names(["openid", "3gpp:mcptt:ptt_server"]);
        for text in [
            "openid 3gpp:mcptt:ptt_server",
            "openid%203gpp:mcptt:ptt_server",
            "openid%203gpp%3Amcptt%3Aptt_server",
            " 3gpp:mcptt:ptt_server  openid openid ",
        ] {
            assert_eq!(Scopes::from_parameter(text), expected, "{text}");
        }
    }

    #[test]
    fn refused() {
        for (text, error) in [
            ("", ScopeError::Malformed),
            ("  ", ScopeError::Malformed),
            ("openid email", ScopeError::Unknown),
            ("OPENID", ScopeError::Unknown),
            ("openid,3gpp:mcptt:ptt_server", ScopeError::Unknown),
            ("openid%25203gpp:mcptt:ptt_server", ScopeError::Unknown),
            ("%ff", ScopeError::Unknown),
        ] {
            assert_eq!(Scopes::from_parameter(text), Err(error), "{text:?}");
        }
        assert_eq!(Scopes::from_parameter(&"openid ".repeat(200)), Err(ScopeError::Malformed));
    }

    #[test]
    fn names_round_trip_and_contain_themselves() {
        let all = Scopes::from_names(KNOWN).unwrap();
        assert_eq!(all.names().collect::<Vec<_>>(), KNOWN);
        let two = Scopes::from_names(["openid", "3gpp:mc:ptt_service"]).unwrap();
        assert!(all.contains(two) && two.contains(two) && !two.contains(all));
    }
}
