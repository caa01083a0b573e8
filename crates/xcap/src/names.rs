//! From selectors to documents: aliases and spellings end here.

use csc_types::{IdError, McpttId, OrgId};

use crate::document::{Collection, Document};
use crate::uri::DocumentSelector;
use crate::usage::{Request, Tree, USAGES, Usage};

/// How an installation names its users and organisations. Every service that resolves selectors needs the same one.
#[derive(Clone, Debug)]
pub struct Names {
    /// Whose documents the global ones are where no organisation is named.
    pub default_organisation: OrgId,
    /// Domains in which `sip:<number>@<domain>` is the user `tel:<number>`.
    pub number_domains: Vec<String>,
}

impl Names {
    /// Names of an installation with one organisation and no number domains.
    pub fn of(default_organisation: OrgId) -> Self {
        Self { default_organisation, number_domains: Vec::new() }
    }

    /// The user that `text`, already decoded, stands for.
    pub fn user(&self, text: &str) -> Result<McpttId, IdError> {
        let user: McpttId = text.parse()?;
        let number = user.as_str().strip_prefix("sip:").and_then(|rest| rest.split_once('@')).filter(
            |(name, host)| {
                let digits = name.strip_prefix('+').unwrap_or(name);
                !digits.is_empty()
                    && digits.bytes().all(|octet| octet.is_ascii_digit())
                    && self.number_domains.iter().any(|domain| domain.eq_ignore_ascii_case(host))
            },
        );
        match number {
            Some((number, _)) => format!("tel:{number}").parse(),
            None => Ok(user),
        }
    }

    /// The document that `selector` stands for below the root of `root`, or below the server's own root. `None` for an
    /// unknown AUID or tree, and for a name that the usage does not have: 404.
    pub fn document(&self, selector: &DocumentSelector, root: Option<&OrgId>) -> Option<Document> {
        let (usage, tree, names) = self.take_apart(selector)?;
        let request = Request { tree, names: &names, resolver: self, organisation: root };
        let place = (usage.resolve)(&request)?;
        Some(Document { usage, place })
    }

    /// The document with this canonical path, as index entries and log entries name it.
    pub fn document_at(&self, path: &str) -> Option<Document> {
        self.document(&DocumentSelector::from_decoded(path), None)
    }

    /// The collection that `selector` stands for: `<auid>/users/<xui>`, with or without a slash behind it.
    pub fn collection(&self, selector: &DocumentSelector) -> Option<Collection> {
        let segments = selector.segments();
        let [auid, "users", user] = segments.strip_suffix(&[""]).unwrap_or(&segments) else { return None };
        let usage = find_usage(auid)?;
        Some(Collection { usage, user: self.user(user).ok()? })
    }

    fn take_apart<'s>(&self, selector: &'s DocumentSelector) -> Option<(&'static Usage, Tree, Vec<&'s str>)> {
        let segments = selector.segments();
        let (auid, rest) = segments.split_first()?;
        let (tree, names) = rest.split_first()?;
        let tree = match *tree {
            "users" => Tree::Users,
            "global" => Tree::Global,
            _ => return None,
        };
        Some((find_usage(auid)?, tree, names.to_vec()))
    }
}

fn find_usage(auid: &str) -> Option<&'static Usage> {
    USAGES.iter().copied().find(|usage| usage.auid == auid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uri::{Roots, Target};

    fn names() -> Names {
        Names {
            default_organisation: "default".parse().unwrap(),
            number_domains: vec!["ptt.example.org".to_owned()],
        }
    }

    fn path(target: &str) -> Option<String> {
        let target = Target::parse(target, &Roots::default()).unwrap();
        names().document(&target.document, None).map(|document| document.path())
    }

    #[test]
    fn one_path_for_all_spellings() {
        let profile = "org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml";
        let group = "org.openmobilealliance.groups/global/byGroupID/sip:Fire@example.org";
        let view = "org.openmobilealliance.groups/users/tel:+8210/tel:+8220";
        let config = "org.3gpp.mcptt.service-config/global/default/service-config.xml";
        let init = "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1";
        for (target, canonical) in [
            ("/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile", profile),
            ("/org.3gpp.mcptt.user-profile/users/tel%3A%2B8210/user-profile-0.xml", profile),
            ("/org.3gpp.mcptt.user-profile/users/TEL:+8210/mcptt-user-profile.xml", profile),
            (
                "/org.3gpp.mcptt.user-profile/users/sip:+8210@PTT.example.org/mcptt-user-profile-0.xml",
                profile,
            ),
            ("/org.openmobilealliance.groups/global/byGroupID/sip:Fire@EXAMPLE.org", group),
            ("/org.openmobilealliance.groups/global/byGroup/sip%3aFire%40example.org", group),
            ("/org.openmobilealliance.groups/users/tel:+8210/tel:+8220", view),
            ("/org.3gpp.mcptt.service-config/global/service-config.xml", config),
            ("/org.3gpp.mcptt.service-config/global/default/service-config.xml", config),
            ("/org.3gpp.mcptt.ue-init-config/users/SIP:urn%3Aue%3A1/urn:ue:1", init),
            ("/org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn%3aue:1", init),
            (
                "/org.3gpp.mcptt.ue-init-config/global/all.xml",
                "org.3gpp.mcptt.ue-init-config/global/default/all.xml",
            ),
        ] {
            assert_eq!(path(target).as_deref(), Some(canonical), "{target}");
            assert_eq!(names().document_at(canonical).unwrap().path(), canonical);
        }
        for canonical in [
            "org.3gpp.mcptt.service-config/users/tel:+8210/service-config",
            "org.3gpp.mcptt.ue-config/users/tel:+8210/ue-config",
            "org.3gpp.mcptt.ue-config/users/urn:gsma:imei:1/urn:gsma:imei:1",
            "org.3gpp.mcptt.ue-init-config/users/urn:gsma:imei:1/urn:gsma:imei:1",
            "org.3gpp.mcptt.ue-init-config/global/fire/all.xml",
            "resource-lists/users/tel:+8210/My lists",
            "rls-services/users/tel:+8210/index",
            "pres-rules/users/tel:+8210/index",
            "org.openmobilealliance.pres-rules/users/tel:+8210/pres-rules",
            "org.openmobilealliance.pres-content/users/tel:+8210/oma_status-icon/icon",
            "pidf-manipulation/users/tel:+8210/perm-presence",
            "test-app/users/tel:+8210/index",
            "test-app/global/fire/index",
            "org.openmobilealliance.xcap-directory/users/tel:+8210/directory.xml",
            "xcap-caps/global/index",
        ] {
            assert_eq!(names().document_at(canonical).unwrap().path(), canonical);
        }
    }

    #[test]
    fn unknown_names() {
        for target in [
            "/",
            "//",
            "/unknown/users/tel:+8210/x",
            "/org.3gpp.mcptt.user-profile",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile/",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile/x",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile-.xml",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile-00.xml",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile-256.xml",
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/..%2fuser-profile",
            "/org.3gpp.mcptt.user-profile/users/..%2fx/user-profile",
            "/org.3gpp.mcptt.user-profile/users/8210/user-profile",
            "/org.3gpp.mcptt.user-profile/global/user-profile",
            "/org.3gpp.mcptt.user-profile/elsewhere/tel:+8210/user-profile",
            "/ORG.3GPP.mcptt.user-profile/users/tel:+8210/user-profile",
            "/org.openmobilealliance.groups/users/tel:+8210/x",
            "/org.openmobilealliance.groups/global/byGroupID",
            "/org.openmobilealliance.groups/global/byName/tel:+8220",
            "/org.3gpp.mcptt.ue-config/users/urn:a/urn:b",
            "/org.3gpp.mcptt.ue-config/users/tel:+8210/tel:+8210",
            "/org.3gpp.mcptt.ue-config/users/sip:a@b/sip:a@b",
            "/org.3gpp.mcptt.ue-init-config/users/urn:a/urn:b",
            "/org.3gpp.mcptt.ue-init-config/users/tel:urn:a/urn:a",
            "/org.3gpp.mcptt.ue-init-config/global/a/b/c",
            "/resource-lists/users/tel:+8210/..",
            "/resource-lists/users/tel:+8210/a%2fb",
            "/resource-lists/users/tel:+8210/",
            "/resource-lists/users/tel:+8210/..",
            "/org.3gpp.mcptt.ue-config/users/../..",
            "/org.3gpp.mcptt.ue-init-config/users/./.",
            "/org.3gpp.mcptt.ue-init-config/users/sip:../..",
            "/resource-lists/users/tel:+8210/index/",
            "/resource-lists/users/8210/index",
            "/resource-lists/global/index",
            "/pidf-manipulation/users/tel:+8210/other",
            "/org.openmobilealliance.pres-content/users/tel:+8210/icon",
            "/org.openmobilealliance.pres-content/users/tel:+8210/oma_status-icon/..",
            "/org.openmobilealliance.pres-content/users/tel:+8210/other/icon",
            "/org.3gpp.mcptt.service-config/global/a%2fb/service-config.xml",
            "/xcap-caps/global/other",
        ] {
            assert_eq!(path(target), None, "{target}");
        }
    }

    /// Over HTTP a segment of two tildes never reaches a usage.
    #[test]
    fn a_name_is_one_segment() {
        for path in [
            "resource-lists/users/tel:+8210/~~",
            "test-app/global/default/~~",
            "org.openmobilealliance.pres-content/users/tel:+8210/oma_status-icon/~~",
            "org.3gpp.mcptt.ue-config/users/~~/~~",
            "org.3gpp.mcptt.ue-init-config/users/~~/~~",
        ] {
            assert_eq!(names().document_at(path), None, "{path}");
        }
        assert!(names().document_at("resource-lists/users/tel:+8210/~~~").is_some());
    }

    #[test]
    fn a_root_names_whose_global_documents_are_meant() {
        let selector =
            DocumentSelector::from_decoded("org.3gpp.mcptt.service-config/global/service-config.xml");
        let root = "MCO-12345".parse().unwrap();
        assert_eq!(
            names().document(&selector, Some(&root)).unwrap().path(),
            "org.3gpp.mcptt.service-config/global/MCO-12345/service-config.xml"
        );
    }

    #[test]
    fn collections_end_with_or_without_a_slash() {
        for path in [
            "org.openmobilealliance.groups/users/tel:+8210",
            "org.openmobilealliance.groups/users/tel:+8210/",
        ] {
            let collection = names().collection(&DocumentSelector::from_decoded(path)).unwrap();
            assert_eq!(collection.prefix(), "org.openmobilealliance.groups/users/tel:+8210/");
        }
        for path in [
            "org.openmobilealliance.groups/users",
            "a/users/tel:+8210",
            "org.openmobilealliance.groups/users/x",
        ] {
            assert_eq!(names().collection(&DocumentSelector::from_decoded(path)), None, "{path}");
        }
    }
}
