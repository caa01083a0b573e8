//! The entries of a list: which documents they mean, what a NOTIFY calls them, and which log entries wake them.

use csc_types::{McpttId, OrgId};
use csc_xcap::uri::{Roots, Target as XcapUri, split_at_separator};
use csc_xcap::usage::{CAPABILITIES, DIRECTORY, GROUPS, SERVICE_CONFIG, Usage};
use csc_xcap::{Collection, Document, Names, Place};

/// How the installation names documents; the same as in the services that store them.
#[derive(Debug, Clone)]
pub struct Naming {
    /// Users and organisations.
    pub names: Names,
    /// XCAP roots of organisations.
    pub roots: Roots,
    /// The server's own XCAP root, an absolute URL that ends with a slash: `xcap-root` of every NOTIFY.
    pub root_uri: String,
    /// Every known user may read the documents of terminals.
    pub open_terminals: bool,
}

/// What one entry means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// What a NOTIFY calls it: the entry as it was written, without the XCAP root; for a collection with a slash behind,
    /// and in front of the document's name.
    pub(crate) sel: String,
    /// The organisation of the XCAP root the entry was written below.
    pub(crate) root: Option<OrgId>,
    /// The documents.
    pub(crate) scope: Scope,
}

/// Which documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One.
    Document(Document),
    /// All of a usage in one user's tree, those not yet there included.
    Collection(Collection),
    /// All of a usage in these organisations: what a server subscribes to (TS 24.484 6.2.4.1).
    Usage(&'static Usage, Vec<OrgId>),
}

/// Which log entries concern a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Wake {
    /// Those that name exactly this path.
    At(String),
    /// Those that name a path below this prefix, which ends with a slash.
    Below(String),
}

impl Target {
    /// The target of `uri`. `None` where the entry is to be ignored: it is no XCAP URI, no usage knows it, or it names
    /// what is generated anew for each reader and so never changes.
    ///
    /// A node of a document stands for its document: without its content nothing more can be said about it than that it
    /// may have changed. Blanks around a segment of the path mean nothing: fielded terminals send them.
    pub(crate) fn parse(uri: &str, naming: &Naming) -> Option<Target> {
        let meant = uri.split('/').map(str::trim).collect::<Vec<_>>().join("/");
        let parsed = XcapUri::parse_entry(&meant, &naming.roots).ok()?;
        let root = parsed.root.map(|root| root.organisation);
        let mut sel = below_root(uri).to_owned();
        if parsed.node.is_some() {
            sel.truncate(split_at_separator(&sel).0.len());
        } else if let Some(collection) = naming.names.collection(&parsed.document) {
            if !sel.ends_with('/') {
                sel.push('/');
            }
            return Some(Target::collection(collection, sel, root));
        }
        let document = naming.names.document(&parsed.document, root.as_ref())?;
        (!document.is_generated()).then_some(Target { sel, root, scope: Scope::Document(document) })
    }

    /// All documents of the usage `auid` in `orgs`.
    pub(crate) fn usage(auid: &str, orgs: Vec<OrgId>) -> Option<Target> {
        let served = |usage: &&&Usage| ![DIRECTORY.auid, CAPABILITIES.auid].contains(&usage.auid);
        let usage = csc_xcap::usage::USAGES.iter().filter(served).find(|usage| usage.auid == auid)?;
        Some(Target { sel: String::new(), root: None, scope: Scope::Usage(usage, orgs) })
    }

    fn collection(collection: Collection, sel: String, root: Option<OrgId>) -> Target {
        if collection.usage == &SERVICE_CONFIG {
            // Its only document has no index entry of its own.
            let document =
                Document { usage: &SERVICE_CONFIG, place: Place::ServiceConfigView(collection.user) };
            return Target { sel: sel + "service-config", root, scope: Scope::Document(document) };
        }
        Target { sel, root, scope: Scope::Collection(collection) }
    }

    /// What a NOTIFY calls the document at `path`, which lies in this collection or usage.
    pub(crate) fn sel_of(&self, path: &str) -> String {
        let name = match &self.scope {
            Scope::Collection(collection) => path.strip_prefix(&collection.prefix()).unwrap_or(path),
            Scope::Document(_) | Scope::Usage(..) => path,
        };
        format!("{}{}", self.sel, encode(name))
    }

    /// The log entries that concern this target when `watcher` watches it.
    pub(crate) fn wakes(&self, watcher: Option<&McpttId>) -> Vec<Wake> {
        match &self.scope {
            Scope::Usage(usage, _) => vec![Wake::Below(usage_prefix(usage))],
            Scope::Collection(collection) => vec![Wake::Below(collection.prefix())],
            Scope::Document(document) => match (&document.place, watcher) {
                // Whose organisation's document it is may change with the account.
                (Place::ServiceConfigView(_), _) => {
                    vec![Wake::Below(format!("{}/global/", SERVICE_CONFIG.auid))]
                }
                // Membership, and with it the right to read, shows in the watcher's own view.
                (Place::Group(group), Some(member)) => {
                    let place = Place::GroupView { member: member.clone(), group: group.clone() };
                    let view = Document { usage: &GROUPS, place };
                    vec![Wake::At(document.path()), Wake::At(view.path())]
                }
                _ => vec![Wake::At(document.path())],
            },
        }
    }
}

impl Wake {
    /// Whether an entry that names `path` counts.
    pub(crate) fn covers(&self, path: &str) -> bool {
        match self {
            Wake::At(at) => at == path,
            Wake::Below(prefix) => path.starts_with(prefix),
        }
    }
}

/// Below which the documents of `usage` lie that a server watches. The views of groups, which are as many as there are
/// members, only repeat the groups.
pub(crate) fn usage_prefix(usage: &Usage) -> String {
    let tree = if usage == &GROUPS { "global/" } else { "" };
    format!("{}/{tree}", usage.auid)
}

/// An entry without scheme, authority and the slash of the root.
fn below_root(uri: &str) -> &str {
    let uri = uri.trim();
    let scheme = ["https://", "http://"]
        .iter()
        .find(|scheme| uri.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    let path = match scheme {
        Some(scheme) => uri[scheme.len()..].split_once('/').map_or("", |(_authority, path)| path),
        None => uri,
    };
    path.strip_prefix('/').unwrap_or(path)
}

/// A name as stored, made GETtable: what cannot stand in a path is percent-encoded.
fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming() -> Naming {
        let roots =
            Roots::new([("/MissionCriticalOrg/MCO-1/".to_owned(), "MCO-1".parse().unwrap())]).unwrap();
        Naming {
            names: Names::of("default".parse().unwrap()),
            roots,
            root_uri: "https://h/".to_owned(),
            open_terminals: false,
        }
    }

    fn target(uri: &str) -> Target {
        Target::parse(uri, &naming()).unwrap()
    }

    const GROUPS_OF: &str = "org.openmobilealliance.groups/users/tel:+8210/";

    #[test]
    fn an_entry_keeps_its_spelling_without_the_root() {
        let encoded = "org.3gpp.mcptt.user-profile/users/tel%3A%2B8210/user-profile";
        for (uri, sel) in [
            (encoded.to_owned(), encoded),
            (format!(" /{encoded} "), encoded),
            (format!("https://csc.example.org:4420/{encoded}"), encoded),
            (format!("{encoded}/~~/mcptt-user-profile/Name"), encoded),
            (format!("{encoded}/%7e~/mcptt-user-profile/Name"), encoded),
        ] {
            let found = target(&uri);
            assert_eq!(found.sel, sel, "{uri}");
            let Scope::Document(document) = found.scope else { panic!("a document") };
            assert_eq!(
                document.path(),
                "org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml"
            );
        }
        let rooted = target(
            "HTTPS://h/MissionCriticalOrg/MCO-1/org.3gpp.mcptt.service-config/global/service-config.xml",
        );
        assert_eq!(
            rooted.sel,
            "MissionCriticalOrg/MCO-1/org.3gpp.mcptt.service-config/global/service-config.xml"
        );
        assert_eq!(rooted.root, Some("MCO-1".parse().unwrap()));
    }

    #[test]
    fn blanks_around_a_segment_are_kept_and_mean_nothing() {
        let blank = target(" org.3gpp.mcptt.service-config /users/tel:+8210/service-config ");
        let plain = target("org.3gpp.mcptt.service-config/users/tel:+8210/service-config");
        assert_eq!(blank.scope, plain.scope);
        assert_eq!(blank.sel, "org.3gpp.mcptt.service-config /users/tel:+8210/service-config");
    }

    #[test]
    fn a_collection_names_its_documents() {
        for uri in ["org.openmobilealliance.groups/users/tel:+8210", GROUPS_OF] {
            let found = target(uri);
            assert_eq!(found.sel, GROUPS_OF);
            assert_eq!(found.sel_of(&format!("{GROUPS_OF}tel:+8299")), format!("{GROUPS_OF}tel:+8299"));
            assert_eq!(
                found.sel_of(&format!("{GROUPS_OF}sip:a%b c@h")),
                format!("{GROUPS_OF}sip:a%25b%20c@h")
            );
            assert_eq!(found.wakes(None), [Wake::Below(GROUPS_OF.to_owned())]);
        }
        let config = target("org.3gpp.mcptt.service-config/users/tel:+8210");
        assert_eq!(config.sel, "org.3gpp.mcptt.service-config/users/tel:+8210/service-config");
        assert!(matches!(config.scope, Scope::Document(_)));
    }

    #[test]
    fn wakes_match_on_segments() {
        let below = Wake::Below(GROUPS_OF.to_owned());
        assert!(below.covers(&format!("{GROUPS_OF}tel:+8299")));
        assert!(!below.covers("org.openmobilealliance.groups/users/tel:+82101/tel:+8299"));
        let config = target("org.3gpp.mcptt.service-config/users/tel:+8210/service-config").wakes(None);
        assert!(config[0].covers("org.3gpp.mcptt.service-config/global/default/service-config.xml"));
        let me = "tel:+8210".parse().unwrap();
        let group = target("org.openmobilealliance.groups/global/byGroupID/tel:+8299").wakes(Some(&me));
        assert!(group[1].covers(&format!("{GROUPS_OF}tel:+8299")));
    }

    #[test]
    fn what_is_ignored() {
        for uri in [
            "",
            "/",
            "https://h",
            "unknown/users/tel:+8210/x",
            "org.openmobilealliance.groups",
            "org.openmobilealliance.groups/users/%zz",
            "org.openmobilealliance.xcap-directory/users/tel:+8210/directory.xml",
            "xcap-caps/global/index",
            "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1",
        ] {
            assert_eq!(Target::parse(uri, &naming()), None, "{uri}");
        }
        // What a terminal's is made from is a document like others.
        let template = target("org.3gpp.mcptt.ue-init-config/global/default/all.xml").wakes(None);
        assert!(template[0].covers("org.3gpp.mcptt.ue-init-config/global/default/all.xml"));
        let groups = Target::usage("org.openmobilealliance.groups", Vec::new()).unwrap().wakes(None);
        assert!(groups[0].covers("org.openmobilealliance.groups/global/byGroupID/tel:+8251"));
        assert!(!groups[0].covers(&format!("{GROUPS_OF}tel:+8251")));
        let profiles = Target::usage("org.3gpp.mcptt.user-profile", Vec::new()).unwrap().wakes(None);
        assert!(profiles[0].covers("org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml"));
        assert_eq!(Target::usage("xcap-caps", Vec::new()), None);
    }
}
