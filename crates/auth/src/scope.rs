//! Scopes: the names of TS 33.180 annex B in both releases, and how they are written in a token.

use std::fmt;

use percent_encoding::percent_decode_str;

/// What a token may be used for. Old and new names of one thing are one scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names in NAMES say it")]
pub enum Scope {
    OpenId,
    Ptt,
    PttKeys,
    PttConfiguration,
    PttGroups,
    Video,
    VideoKeys,
    VideoConfiguration,
    VideoGroups,
    Data,
    DataKeys,
    DataConfiguration,
    DataGroups,
    Location,
}

/// Release 13 names first, where there is one.
const NAMES: [(&str, Scope); 18] = [
    ("openid", Scope::OpenId),
    ("3gpp:mcptt:ptt_server", Scope::Ptt),
    ("3gpp:mcptt:key_management_server", Scope::PttKeys),
    ("3gpp:mcptt:config_management_server", Scope::PttConfiguration),
    ("3gpp:mcptt:group_management_server", Scope::PttGroups),
    ("3gpp:mc:ptt_service", Scope::Ptt),
    ("3gpp:mc:ptt_key_management_service", Scope::PttKeys),
    ("3gpp:mc:ptt_config_management_service", Scope::PttConfiguration),
    ("3gpp:mc:ptt_group_management_service", Scope::PttGroups),
    ("3gpp:mc:video_service", Scope::Video),
    ("3gpp:mc:video_key_management_service", Scope::VideoKeys),
    ("3gpp:mc:video_config_management_service", Scope::VideoConfiguration),
    ("3gpp:mc:video_group_management_service", Scope::VideoGroups),
    ("3gpp:mc:data_service", Scope::Data),
    ("3gpp:mc:data_key_management_service", Scope::DataKeys),
    ("3gpp:mc:data_config_management_service", Scope::DataConfiguration),
    ("3gpp:mc:data_group_management_service", Scope::DataGroups),
    ("3gpp:mc:location_management_service", Scope::Location),
];

impl Scope {
    /// The scope with this name, in either release's spelling; `None` if it is not known.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, scope)| *scope)
    }
}

/// A set of known scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// Whether `scope` is in the set.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u16) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The known names of `text`, which holds names with white space between them, perhaps percent-encoded once or
    /// twice: fielded terminals ask for `openid%203gpp:…`, and their IdMS stores it so.
    pub(crate) fn parse(text: &str) -> Self {
        let once = percent_decode_str(text).decode_utf8_lossy();
        let twice = percent_decode_str(&once).decode_utf8_lossy();
        twice.split_whitespace().filter_map(Scope::named).collect()
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u16))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each scope once, under its first name.
        let has = |(name, scope): &(&'static str, Scope)| {
            let first = NAMES.iter().find(|(_, other)| other == scope);
            (self.has(*scope) && first.is_some_and(|(first, _)| first == name)).then_some(*name)
        };
        f.debug_set().entries(NAMES.iter().filter_map(has)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_releases_name_one_scope() {
        assert_eq!(Scope::named("3gpp:mcptt:ptt_server"), Scope::named("3gpp:mc:ptt_service"));
        assert_eq!(Scope::named("3gpp:mcptt:ptt_server "), None);
        assert_eq!(Scope::named("OPENID"), None);
    }

    #[test]
    fn every_way_of_writing_them() {
        let expected: Scopes = [Scope::OpenId, Scope::Ptt].into_iter().collect();
        for text in [
            "openid 3gpp:mcptt:ptt_server",
            "openid%203gpp:mcptt:ptt_server",
            "openid%203gpp%3Amcptt%3Aptt_server",
            "openid%25203gpp%253Amcptt%253Aptt_server",
            "  openid\t3gpp:mc:ptt_service unknown ",
        ] {
            assert_eq!(Scopes::parse(text), expected, "{text}");
        }
        assert!(Scopes::parse("").is_empty());
        assert!(Scopes::parse("profile %ff%00 %").is_empty());
        assert_eq!(format!("{expected:?}"), r#"{"openid", "3gpp:mcptt:ptt_server"}"#);
    }
}
