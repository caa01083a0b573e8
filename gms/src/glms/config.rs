//! Settings of the dialect: section `[glms]`.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use csc_service::config::{Section, Settings};
use http::HeaderName;

use super::gsk::Secret;

/// What the key file is for.
const KEY: &str = "Key from which those of multicast groups and terminals follow: 64 hexadecimal digits (csc gms keys create).\n\
                   Required of gms when the dialect is served. Whoever loses it loses the multicast keys of all groups.";
const KEY_FILE: &str = "secrets/glms.key";

/// Where the dialect is served, for whoever routes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first path segment.
    pub root: String,
}

/// How the dialect is served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where.
    pub place: Place,
    /// The rules.
    pub rules: Rules,
    /// What protects group session keys.
    pub(crate) key: Secret,
}

/// What can be set of the dialect.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The header field with the version of the client. Default: `GLMSClientVersion`.
    pub version_header: HeaderName,
    /// The header field with the identity of the client. Default: `ClientID`.
    pub identity_header: HeaderName,
    /// How long a PUT of a group may wait until its members see it. Default: 1 s.
    pub accept_after: Duration,
    /// Most results of a search. Default: 100.
    pub search_results: usize,
    /// Most groups that a search looks at. Default: 20 000.
    pub search_groups: usize,
    /// Most groups of a group association. Default: 256.
    pub association_groups: usize,
    /// From a new group session key to its use. Default: 60 s.
    pub gsk_lead: Duration,
}

impl Place {
    /// Reads where the dialect is served, for an edge; `None` if it is not. The edge may be given the whole section and
    /// opens no key file.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let mut section = section(settings);
        let place = Self::of(&mut section);
        Rules::of(&mut section);
        section.optional_path("key_file", KEY_FILE, KEY);
        place
    }

    fn of(section: &mut Section<'_>) -> Option<Self> {
        let enabled = section.flag(
            "enabled",
            false,
            "Whether the dialect is served. With an edge in front, this and root stand in its configuration, too.",
        );
        let root: Segment =
            section.value("root", "/glms-services", "The XCAP root of the dialect: one path segment.");
        enabled.then_some(Self { root: root.0 })
    }
}

impl Config {
    /// Reads the section `[glms]`; `None` if the dialect is not served.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let mut section = section(settings);
        let place = Place::of(&mut section);
        let rules = Rules::of(&mut section);
        let file = section.optional_secret_file("key_file", KEY_FILE, KEY);
        let place = place?;
        let problem = match file.map(|file| Secret::from_key_file(file.expose())) {
            Some(Some(key)) => return Some(Self { place, rules, key }),
            Some(None) => "a key file holds 64 hexadecimal digits",
            None => "is required when glms.enabled is true",
        };
        section.mistake("key_file", problem);
        None
    }
}

impl Rules {
    fn of(section: &mut Section<'_>) -> Self {
        let version_header: Field = section.value(
            "version_header",
            "GLMSClientVersion",
            "The header field with the version of the dialect, 11.01, that every request must carry.",
        );
        let identity_header: Field = section.value(
            "identity_header",
            "ClientID",
            "The header field with the user, believed from the peers of xcap.trusted_addresses and xcap.trusted_names\n\
             alone, and only where a request carries no access token.",
        );
        Self {
            version_header: version_header.0,
            identity_header: identity_header.0,
            accept_after: section.duration(
                "accept_after",
                "1s",
                ("0s", "30s"),
                "How long the PUT of a group waits until every member sees the change; then the answer is 202.",
            ),
            search_results: section.number("search_results", 100, 1..=10_000, "Most results of a search."),
            search_groups: section.number(
                "search_groups",
                20_000,
                1..=1_000_000,
                "Most groups that one search looks at; the answer says when there are more.",
            ),
            association_groups: section.number(
                "association_groups",
                256,
                1..=10_000,
                "Most groups that a group association names; it says when there are more.",
            ),
            gsk_lead: section.duration(
                "gsk_lead",
                "60s",
                ("0s", "1h"),
                "How long the old group session key of a multicast group goes on when a new one was made: as long as terminals\n\
                 take to fetch it.",
            ),
        }
    }
}

fn section(settings: &mut Settings) -> Section<'_> {
    settings.section("glms", "The GLMS dialect of group management (fielded terminals of one make).")
}

/// `/<segment>`, or without the slash.
struct Segment(String);

impl FromStr for Segment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let segment = text.trim_matches('/');
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
        if !segment.is_empty() && segment.bytes().all(plain) && segment != "~~" {
            Ok(Self(segment.to_owned()))
        } else {
            Err("must be one path segment such as /glms-services")
        }
    }
}

/// The name of a header field.
struct Field(HeaderName);

impl FromStr for Field {
    type Err = NoField;

    fn from_str(text: &str) -> Result<Self, NoField> {
        text.parse().map(Self).map_err(|_| NoField)
    }
}

struct NoField;

impl Display for NoField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("must be the name of a header field")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<Option<Config>, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::load(None, environment);
        let config = Config::read(&mut settings);
        settings.finish().map(|()| config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn off_by_default() {
        assert!(read(&[]).unwrap().is_none());
        let mut settings = Settings::load(None, []);
        assert_eq!(Place::read(&mut settings), None);
    }

    #[test]
    fn a_key_file_is_needed() {
        let mistakes = read(&[("CSC_GLMS_ENABLED", "true")]).err().unwrap();
        assert!(mistakes.contains("glms.key_file"), "{mistakes}");
    }

    /// An edge may get the section of gms as it is, and has not its key.
    #[test]
    fn an_edge_takes_the_whole_section() {
        let given =
            [("CSC_GLMS_ENABLED", "true"), ("CSC_GLMS_KEY_FILE", "/nowhere"), ("CSC_GLMS_GSK_LEAD", "5s")];
        let mut settings =
            Settings::load(None, given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(Place::read(&mut settings).is_some());
        settings.finish().unwrap();
    }

    #[test]
    fn names_are_checked() {
        for (name, value) in [("ROOT", "/a/b"), ("ROOT", "/"), ("ROOT", "a b"), ("VERSION_HEADER", "a b")] {
            assert!(read(&[(&format!("CSC_GLMS_{name}"), value)]).is_err(), "{name} {value}");
        }
        for root in ["a", "/a", "/a/"] {
            let on = [("CSC_GLMS_ENABLED", "true"), ("CSC_GLMS_ROOT", root)];
            let mut settings =
                Settings::load(None, on.map(|(name, value)| (name.to_owned(), value.to_owned())));
            assert_eq!(Place::read(&mut settings), Some(Place { root: "a".to_owned() }));
            settings.finish().unwrap();
        }
    }
}
