//! Settings that every service which speaks of documents shares: section `[xcap]`.

use std::fmt;
use std::str::FromStr;

use csc_service::config::Settings;
use csc_service::http::TrustedPeers;
use csc_types::OrgId;
use csc_xcap::Names;
use csc_xcap::uri::Roots;

/// How documents are named, by whom they are reached, and who may see those of terminals.
#[derive(Clone, Debug)]
pub struct Config {
    /// The XCAP root as clients reach it.
    pub url: RootUrl,
    /// Further roots, each of one organisation.
    pub roots: Roots,
    /// Canonical names.
    pub names: Names,
    /// Every known user may read the documents of terminals.
    pub open_terminals: bool,
    /// Gateways that may name their users without a token.
    pub trusted: TrustedPeers,
    /// The default profile that an initial configuration of terminals names is readable by everybody.
    pub open_profiles: bool,
    /// The usage `test-app`, whose documents have no schema, is served.
    pub test_app: bool,
    /// Revisions in the history of a document. Default: 16.
    pub history: usize,
}

impl Config {
    /// Reads the section `[xcap]`.
    pub fn read(settings: &mut Settings) -> Self {
        let doc = "Documents as XCAP names them: what cms, gms and the subscription proxy have in common.";
        let mut section = settings.section("xcap", doc);
        let url = section.value(
            "url",
            "https://127.0.0.1:4420/",
            "The XCAP root as clients reach it: in directories and notifications.",
        );
        let roots: Vec<RootSetting> = section.list(
            "roots",
            &[],
            "Further XCAP roots, each of one organisation: \"/MissionCriticalOrg/MCO-12345/ = MCO-12345\".",
        );
        let roots = Roots::new(roots.into_iter().map(|root| (root.prefix, root.organisation)))
            .unwrap_or_else(|error| {
                section.mistake("roots", error.to_string());
                Roots::default()
            });
        let names = Names {
            default_organisation: section.value(
                "default_organisation",
                "default",
                "The organisation whose global documents are meant where no root names one.",
            ),
            number_domains: section.list(
                "number_domains",
                &[],
                "Domains in which sip:<number>@<domain> is the user tel:<number>.",
            ),
        };
        let trusted = TrustedPeers::read(&mut section, "who their users are, without an access token");
        let open_terminals =
            section.flag("open_terminals", false, "Lets every known user read the documents of terminals.");
        let open_profiles = section.flag(
            "open_profiles",
            false,
            "Lets everybody, known or not, read the default profiles that initial configurations of terminals name.",
        );
        let test_app = section.flag(
            "test_app",
            false,
            "Serves the application usage test-app, whose documents may hold anything: for conformance suites.",
        );
        let history = section.number(
            "history",
            16,
            0..=256,
            "Revisions of a document whose author, time and size are kept; 0 keeps none. When it is lowered, the older ones go\n\
             with the next change of the document.",
        );
        Self { url, roots, names, open_terminals, trusted, open_profiles, test_app, history }
    }

    /// The prefixes of the roots, for routing.
    pub fn prefixes(&self) -> Vec<String> {
        self.roots.prefixes().map(str::to_owned).collect()
    }
}

/// An absolute URL of an XCAP root; it ends with a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootUrl(String);

impl RootUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of what stands at `prefix` (with a slash at both ends, or nothing) and `path` below this root; what a
    /// path may not hold is percent-encoded.
    pub fn join(&self, prefix: &str, path: &str) -> String {
        let mut url = self.0.clone();
        url.push_str(prefix.trim_start_matches('/'));
        for octet in path.bytes() {
            // pchar of RFC 3986, and the slash.
            if octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&octet) {
                url.push(char::from(octet));
            } else {
                url.push_str(&format!("%{octet:02X}"));
            }
        }
        url
    }
}

impl fmt::Display for RootUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no URL of an XCAP root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL such as https://csc.example.org:4420/")]
pub struct BadRootUrl;

impl FromStr for RootUrl {
    type Err = BadRootUrl;

    fn from_str(text: &str) -> Result<Self, BadRootUrl> {
        let uri: ::http::Uri = text.parse().map_err(|_| BadRootUrl)?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "https" | "http"));
        if scheme.is_none() || uri.authority().is_none() || uri.query().is_some() {
            return Err(BadRootUrl);
        }
        Ok(Self(if text.ends_with('/') { text.to_owned() } else { format!("{text}/") }))
    }
}

/// One entry of `roots`.
struct RootSetting {
    prefix: String,
    organisation: OrgId,
}

impl FromStr for RootSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, organisation) = text.rsplit_once('=').ok_or("must be \"<prefix> = <organisation>\"")?;
        let organisation = organisation.trim().parse().map_err(|error| format!("organisation: {error}"))?;
        Ok(Self { prefix: prefix.trim().to_owned(), organisation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::load(None, environment);
        let config = Config::read(&mut settings);
        settings.finish().map(|()| config).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn roots_and_names() {
        let config = read(&[
            ("CSC_XCAP_URL", "https://csc.example.org:4420"),
            ("CSC_XCAP_ROOTS", "/Org/A/ = a, /Org/B = b"),
            ("CSC_XCAP_NUMBER_DOMAINS", "ptt.example.org"),
        ])
        .unwrap();
        assert_eq!(config.url.as_str(), "https://csc.example.org:4420/");
        assert_eq!(
            config.url.join("/Org/A/", "x/users/tel:+1/a b\"&é"),
            "https://csc.example.org:4420/Org/A/x/users/tel:+1/a%20b%22&%C3%A9"
        );
        assert_eq!(config.names.user("sip:+1@ptt.example.org").unwrap().as_str(), "tel:+1");
        assert_eq!(config.names.default_organisation.as_str(), "default");
    }

    #[test]
    fn mistakes_are_named() {
        let mistakes = read(&[("CSC_XCAP_URL", "csc"), ("CSC_XCAP_ROOTS", "/a/=x,/a=y")]).err().unwrap();
        assert!(mistakes.contains("url") && mistakes.contains("configured twice"), "{mistakes}");
        assert!(read(&[("CSC_XCAP_ROOTS", "/a/")]).is_err());
        assert!(read(&[("CSC_XCAP_ROOTS", "/a/=b/c")]).is_err());
    }
}
