//! Application usages (RFC 4825 section 5): data and two functions each, one file each.

mod capabilities;
mod directory;
pub mod groups;
mod pidf_manipulation;
mod pres_content;
mod pres_rules;
pub mod resource_lists;
pub mod rls_services;
mod schemas;
mod service_config;
mod test_app;
mod ue_config;
mod ue_init_config;
pub mod user_profile;

use std::fmt;

use csc_types::OrgId;
use csc_xml::namespace;

use crate::document::{Document, Place};
use crate::error::Conflict;
use crate::names::Names;

pub use capabilities::CAPABILITIES;
pub use directory::DIRECTORY;
pub use groups::GROUPS;
pub use pidf_manipulation::PIDF_MANIPULATION;
pub use pres_content::PRES_CONTENT;
pub use pres_rules::{OMA_PRES_RULES, PRES_RULES};
pub use resource_lists::RESOURCE_LISTS;
pub use rls_services::RLS_SERVICES;
pub use service_config::SERVICE_CONFIG;
pub use test_app::TEST_APP;
pub use ue_config::UE_CONFIG;
pub use ue_init_config::UE_INIT_CONFIG;
pub use user_profile::USER_PROFILE;

/// All usages there are, in the order in which a directory lists them.
pub static USAGES: [&Usage; 14] = [
    &UE_INIT_CONFIG,
    &UE_CONFIG,
    &USER_PROFILE,
    &SERVICE_CONFIG,
    &GROUPS,
    &RLS_SERVICES,
    &RESOURCE_LISTS,
    &PRES_RULES,
    &OMA_PRES_RULES,
    &PRES_CONTENT,
    &PIDF_MANIPULATION,
    &TEST_APP,
    &DIRECTORY,
    &CAPABILITIES,
];

/// An application usage.
pub struct Usage {
    /// The application unique id: the first path segment.
    pub auid: &'static str,
    /// The registered media type of its documents.
    pub media_type: &'static str,
    /// Other media types that are accepted on PUT, because the field sends them.
    pub other_media_types: &'static [&'static str],
    /// The namespace of unprefixed element names in selectors.
    pub namespace: &'static str,
    /// What its documents are made of.
    pub form: Form,
    /// The schema of its documents; `None`: they may hold anything. Those that are generated follow theirs, as tests see to.
    pub schema: Option<fn() -> &'static csc_xsd::Schema>,
    /// Whose documents those in a user's tree are.
    pub keeper: Keeper,
    /// Which document the names behind the tree mean; `None`: there is no such name.
    pub resolve: fn(&Request<'_>) -> Option<Place>,
    /// Constraints beyond root element and schema.
    pub constraints: fn(&Document, csc_xml::Node<'_, '_>) -> Result<(), Conflict>,
}

/// What documents are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// XML with this root element: namespace and local name.
    Element(&'static str, &'static str),
    /// Any well-formed XML.
    AnyXml,
    /// Pictures, bare or wrapped in an element `content`. Bare ones have no nodes, and their octets say of which media
    /// type they are.
    Pictures,
}

/// Whose the documents in a user's tree are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The administrators': the user reads them.
    Administrators,
    /// The user's own.
    User,
}

impl Usage {
    /// Whether a PUT may carry this `Content-Type`. Parameters do not matter, nor does case.
    pub fn accepts(&self, content_type: &str) -> bool {
        let essence = essence(content_type);
        std::iter::once(&self.media_type)
            .chain(self.other_media_types)
            .any(|known| known.eq_ignore_ascii_case(essence))
    }

    /// Whether `content` may be stored as `document`: root element, namespace, schema, and the usage's own constraints.
    ///
    /// # Errors
    /// The condition of RFC 4825 section 11 that is not met.
    pub fn check(&self, document: &Document, content: &csc_xml::Document<'_>) -> Result<(), Conflict> {
        let root = content.root_element();
        let wanted = match self.form {
            Form::Element(namespace, name) => Some((namespace, name)),
            Form::Pictures => Some((self.namespace, "content")),
            Form::AnyXml => None,
        };
        if let Some((root_namespace, name)) = wanted
            && (namespace(root) != Some(root_namespace) || root.tag_name().name() != name)
        {
            return Err(Conflict::SchemaValidationError(format!(
                "the root element is not {name} in the namespace {root_namespace}"
            )));
        }
        if let Some(schema) = self.schema {
            let valid = schema().validate(content);
            valid.map_err(|invalid| Conflict::SchemaValidationError(invalid.to_string()))?;
        }
        (self.constraints)(document, root)
    }
}

impl Usage {
    /// What `octets` are, to be stored or stored under this usage.
    pub fn content(&self, octets: &[u8]) -> Content {
        let picture = if self.form == Form::Pictures { pres_content::picture(octets) } else { None };
        picture.map_or(Content::Xml, Content::Picture)
    }

    /// Whether a PUT that carries this `Content-Type`, which [`Usage::accepts`] it, carries that.
    pub fn declares(&self, content_type: &str, content: Content) -> bool {
        let picture = match content {
            Content::Picture(media_type) => Some(media_type),
            Content::Xml => None,
        };
        let essence = essence(content_type);
        self.form != Form::Pictures || picture.unwrap_or(self.media_type).eq_ignore_ascii_case(essence)
    }
}

/// What the octets of a document are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// XML, to be parsed and checked.
    Xml,
    /// A picture of this media type. It has no nodes.
    Picture(&'static str),
}

/// A media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
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

impl<'a> Request<'a> {
    /// Whose global documents are meant where the path names no organisation.
    fn whose(&self) -> &'a OrgId {
        self.organisation.unwrap_or(&self.resolver.default_organisation)
    }
}

/// The name of a document that its user chooses: one path segment that cannot be mistaken for a path.
fn chosen_name(name: &str) -> Option<String> {
    let fits = (1..=128).contains(&name.len())
        && stands_in_a_path(name)
        && !name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\'));
    fits.then(|| name.to_owned())
}

/// Whether `name` is one segment of a path for everybody: dots are taken away on the way (RFC 3986 6.2.2.3), and a double
/// tilde ends the selector of a document, encoded or not (RFC 4825 section 6).
fn stands_in_a_path(name: &str) -> bool {
    !matches!(name, "." | ".." | "~~")
}

/// A document with a name that its user chooses, in the user's tree.
fn of_user(request: &Request<'_>) -> Option<Place> {
    let (Tree::Users, [user, name]) = (request.tree, request.names) else { return None };
    Some(Place::User { user: request.resolver.user(user).ok()?, name: chosen_name(name)? })
}

/// A document of an organisation: `global/<org>/<name>`, or `global/<name>` for that of the root.
fn of_organisation(request: &Request<'_>) -> Option<Place> {
    let (organisation, name) = match (request.tree, request.names) {
        (Tree::Global, [name]) => (request.whose().clone(), name),
        (Tree::Global, [organisation, name]) => (organisation.parse().ok()?, name),
        _ => return None,
    };
    Some(Place::Global { organisation, name: chosen_name(name)? })
}

/// Values that are not unique and are told of: whoever makes one mistake a thousand times hears of the first few.
const MOST_EXISTS: usize = 8;

/// Nothing beyond root element and schema.
fn unconstrained(_: &Document, _: csc_xml::Node<'_, '_>) -> Result<(), Conflict> {
    Ok(())
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
            ("ue-config-conformant.xml", "org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1"),
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
        for attributes in ["XUI-URI='a' user-profile-index='1'", "XUI-URI='sip:a@b' user-profile-index='2'"] {
            assert!(matches!(user_profile(attributes), Err(Conflict::ConstraintFailure(_))), "{attributes}");
        }
        for attributes in
            ["XUI-URI='sip:a@b'", "user-profile-index='1'", "XUI-URI='sip:a@b' user-profile-index='x'"]
        {
            let refused = user_profile(attributes);
            assert!(matches!(refused, Err(Conflict::SchemaValidationError(_))), "{attributes}");
        }
    }

    #[test]
    fn media_types() {
        assert!(USER_PROFILE.accepts("application/vnd.3gpp.mcptt-user-profile+xml"));
        assert!(USER_PROFILE.accepts("application/org.3gpp.mcptt.user-profile+xml; charset=\"utf-8\""));
        assert!(USER_PROFILE.accepts("Application/VND.3gpp.mcptt-User-profile+xml ;x=y"));
        assert!(!USER_PROFILE.accepts("application/xml"));
        assert!(!USER_PROFILE.accepts(""));
        assert!(PRES_CONTENT.accepts("image/png") && !PRES_CONTENT.accepts("image/svg+xml"));
    }

    #[test]
    fn a_picture_is_what_its_octets_are() {
        let jpeg = PRES_CONTENT.content(b"\xff\xd8\xff\xe0");
        assert_eq!(jpeg, Content::Picture("image/jpeg"));
        assert!(PRES_CONTENT.declares("Image/JPEG; a=b", jpeg));
        assert!(!PRES_CONTENT.declares("image/png", jpeg));
        assert!(!PRES_CONTENT.declares(PRES_CONTENT.media_type, jpeg));
        let xml = PRES_CONTENT.content(b"<content/>");
        assert!(
            PRES_CONTENT.declares(PRES_CONTENT.media_type, xml) && !PRES_CONTENT.declares("image/gif", xml)
        );
        // Elsewhere everything is XML, or nothing.
        assert_eq!(RESOURCE_LISTS.content(b"GIF89a"), Content::Xml);
        assert!(USER_PROFILE.declares("application/org.3gpp.mcptt.user-profile+xml", Content::Xml));
        let path = "org.openmobilealliance.pres-content/users/tel:+1/oma_status-icon/a";
        assert_eq!(check(path, b"<c:content xmlns:c='urn:oma:xml:prs:pres-content'/>"), Ok(()));
        assert!(check(path, b"<content/>").is_err());
    }
}
