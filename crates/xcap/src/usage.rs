//! Application usages (RFC 4825 section 5): data and two functions each, one file each.

mod capabilities;
mod directory;
pub mod groups;
mod service_config;
mod ue_config;
mod user_profile;

use std::fmt;

use csc_types::OrgId;
use csc_xml::namespace;

use crate::document::{Document, Place};
use crate::error::Conflict;
use crate::names::Names;

pub use capabilities::CAPABILITIES;
pub use directory::DIRECTORY;
pub use groups::GROUPS;
pub use service_config::SERVICE_CONFIG;
pub use ue_config::UE_CONFIG;
pub use user_profile::USER_PROFILE;

/// All usages there are.
pub static USAGES: [&Usage; 6] =
    [&UE_CONFIG, &USER_PROFILE, &SERVICE_CONFIG, &GROUPS, &DIRECTORY, &CAPABILITIES];

/// An application usage.
pub struct Usage {
    /// The application unique id: the first path segment.
    pub auid: &'static str,
    /// The registered media type of its documents.
    pub media_type: &'static str,
    /// Other media types that are accepted on PUT, because the field sends them.
    pub other_media_types: &'static [&'static str],
    /// The namespace of unprefixed element names in selectors, and of the root element.
    pub namespace: &'static str,
    /// The local name of the root element.
    pub root: &'static str,
    /// Which document the names behind the tree mean; `None`: there is no such name.
    pub resolve: fn(&Request<'_>) -> Option<Place>,
    /// Constraints beyond the root element.
    pub constraints: fn(&Document, csc_xml::Node<'_, '_>) -> Result<(), Conflict>,
}

impl Usage {
    /// Whether a PUT may carry this `Content-Type`. Parameters do not matter, nor does case.
    pub fn accepts(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        std::iter::once(&self.media_type)
            .chain(self.other_media_types)
            .any(|known| known.eq_ignore_ascii_case(essence))
    }

    /// Whether `content` may be stored as `document`: root element, namespace, and the usage's own constraints.
    pub fn check(&self, document: &Document, content: &csc_xml::Document<'_>) -> Result<(), Conflict> {
        let root = content.root_element();
        if namespace(root) != Some(self.namespace) || root.tag_name().name() != self.root {
            return Err(Conflict::SchemaValidationError(format!(
                "the root element is not {} in the namespace {}",
                self.root, self.namespace
            )));
        }
        (self.constraints)(document, root)
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.auid)
    }
}

impl PartialEq for Usage {
    fn eq(&self, other: &Self) -> bool {
        self.auid == other.auid
    }
}

impl Eq for Usage {}

/// One of the two trees of a usage (RFC 4825 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// `users/<xui>/…`
    Users,
    /// `global/…`
    Global,
}

/// What a usage resolves.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The tree.
    pub tree: Tree,
    /// The decoded segments behind it.
    pub names: &'a [&'a str],
    /// Canonical users.
    pub resolver: &'a Names,
    /// The organisation of the XCAP root that the request came by.
    pub organisation: Option<&'a OrgId>,
}

/// Generated documents and views are never stored, so nothing is ever checked.
fn never_stored(_: &Document, _: csc_xml::Node<'_, '_>) -> Result<(), Conflict> {
    Err(Conflict::ConstraintFailure("this document is generated".to_owned()))
}

#[cfg(test)]
mod tests {
    use csc_test_support::shared;
    use csc_xml::{Limits, parse};

    use super::*;

    fn check(path: &str, content: &[u8]) -> Result<(), Conflict> {
        let document = Names::of("default".parse().unwrap()).document_at(path).unwrap();
        document.usage.check(&document, &parse(content, &Limits::DEFAULT).unwrap())
    }

    #[test]
    fn the_examples_are_accepted() {
        for (file, path) in [
            ("group-24481-conformant.xml", "org.openmobilealliance.groups/global/byGroupID/tel:g101"),
            ("seed-group-quotes-fixed.xml", "org.openmobilealliance.groups/users/tel:+1/tel:+8293315310133"),
            (
                "mcptt-user-profile-conformant.xml",
                "org.3gpp.mcptt.user-profile/users/tel:+1/mcptt-user-profile-1.xml",
            ),
            ("mcptt-user-profile-conformant.xml", "org.3gpp.mcptt.user-profile/users/tel:+1/user-profile"),
            ("service-config-conformant.xml", "org.3gpp.mcptt.service-config/global/service-config.xml"),
            ("ue-config-conformant.xml", "org.3gpp.mcptt.ue-config/users/tel:+1/ue-config"),
        ] {
            let Some(file) = shared("the_examples_are_accepted", &format!("examples/{file}")) else { return };
            assert_eq!(check(path, &std::fs::read(&file).unwrap()), Ok(()), "{path} {}", file.display());
        }
    }

    #[test]
    fn wrong_roots_and_names_are_refused() {
        let group = "org.openmobilealliance.groups/global/byGroupID/tel:g1";
        let profile = "org.3gpp.mcptt.user-profile/users/tel:+1/user-profile-1.xml";
        for (path, content) in [
            (group, "<group/>"),
            (group, "<groups xmlns='urn:oma:xml:poc:list-service'/>"),
            (group, "<group xmlns='urn:oma:xml:poc:list-services'/>"),
            (profile, "<mcptt-user-profile/>"),
            (
                "org.3gpp.mcptt.service-config/global/service-config.xml",
                "<service-configuration-info xmlns='u'/>",
            ),
        ] {
            let refused = check(path, content.as_bytes());
            assert!(matches!(refused, Err(Conflict::SchemaValidationError(_))), "{content} {refused:?}");
        }
        let user_profile = |attributes: &str| {
            let content =
                format!("<mcptt-user-profile xmlns='urn:3gpp:mcptt:user-profile:1.0' {attributes}/>");
            check(profile, content.as_bytes())
        };
        assert_eq!(user_profile("XUI-URI='sip:a@b' user-profile-index='1'"), Ok(()));
        for attributes in [
            "XUI-URI='sip:a@b'",
            "user-profile-index='1'",
            "XUI-URI='a' user-profile-index='1'",
            "XUI-URI='sip:a@b' user-profile-index='2'",
            "XUI-URI='sip:a@b' user-profile-index='x'",
        ] {
            assert!(matches!(user_profile(attributes), Err(Conflict::ConstraintFailure(_))), "{attributes}");
        }
    }

    #[test]
    fn media_types() {
        assert!(USER_PROFILE.accepts("application/vnd.3gpp.mcptt-user-profile+xml"));
        assert!(USER_PROFILE.accepts("application/org.3gpp.mcptt.user-profile+xml; charset=\"utf-8\""));
        assert!(USER_PROFILE.accepts("Application/VND.3gpp.mcptt-User-profile+xml ;x=y"));
        assert!(!USER_PROFILE.accepts("application/xml"));
        assert!(!USER_PROFILE.accepts(""));
    }
}
