//! Request targets of the dialect: `/<root>/<AUID>/<tree>/…`, its AUIDs in any case.

use csc_xcap::uri::{BadTarget, DocumentSelector, Node, Roots, Target as Xcap, decode_segment};
use csc_xcap::usage::GROUPS;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A document of the standard usage: the request target that means it there.
    Groups(String),
    /// All groups: what is searched.
    Search,
    /// Multicast information.
    Multicast(Part),
    /// A group association.
    Association(Part),
}

/// A document of a usage of the dialect alone, or a node of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its segments, the AUID first.
    pub(super) document: DocumentSelector,
    pub(super) node: Option<Node>,
}

impl Target {
    /// Takes a request target, path and query as they were sent. `Ok(None)`: there is nothing of the dialect.
    pub(super) fn parse(target: &str, root: &str) -> Result<Option<Self>, BadTarget> {
        let rest = target.strip_prefix('/').ok_or(BadTarget::NotAPath)?;
        let (first, rest) = segment(rest);
        if decode_segment(first)? != root {
            return Ok(None);
        }
        let (auid, rest) = segment(rest.strip_prefix('/').unwrap_or(rest));
        let auid = decode_segment(auid)?.to_ascii_lowercase();
        if auid == GROUPS.auid {
            let path = rest.split('?').next().unwrap_or_default();
            let path = path.strip_suffix('/').unwrap_or(path);
            return Ok(Some(match path {
                "" | "/users" | "/global" | "/global/index" => Self::Search,
                _ => Self::Groups(format!("/{auid}{rest}")),
            }));
        }
        let own: fn(Part) -> Self = match auid.as_str() {
            "multicast-info" => Self::Multicast,
            "group-association" => Self::Association,
            _ => return Ok(None),
        };
        let Xcap { document, node, .. } = Xcap::parse(&format!("/{auid}{rest}"), &Roots::default())?;
        Ok(Some(own(Part { document, node })))
    }
}

/// The first segment, and what stands behind it with the slash or question mark in front.
fn segment(text: &str) -> (&str, &str) {
    text.split_at(text.find(['/', '?']).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(target: &str) -> Option<Target> {
        Target::parse(target, "glms-services").unwrap()
    }

    #[test]
    fn auids_in_any_case() {
        for auid in [
            "ORG.OPENMOBILEALLIANCE.GROUPS",
            "org.OpenMobileAlliance.groups",
            "ORG%2eOPENMOBILEALLIANCE.GROUPS",
        ] {
            assert_eq!(
                parse(&format!("/glms-services/{auid}/users/tel:+1/tel:g%2F1/~~/group/@A?xmlns(a=B)")),
                Some(Target::Groups(
                    "/org.openmobilealliance.groups/users/tel:+1/tel:g%2F1/~~/group/@A?xmlns(a=B)".to_owned()
                )),
            );
        }
        for (auid, association) in [
            ("MULTICAST-INFO", false),
            ("multicast-info", false),
            ("Group-Association", true),
            ("GROUP-ASSOCIATION", true),
        ] {
            let part = match parse(&format!("/glms%2Dservices/{auid}/users/tel%3A%2B1/index")) {
                Some(Target::Association(part)) if association => part,
                Some(Target::Multicast(part)) if !association => part,
                other => panic!("{auid} {other:?}"),
            };
            assert_eq!(part.document.segments()[1..], ["users", "tel:+1", "index"]);
            assert_eq!(part.node, None);
        }
    }

    #[test]
    fn what_is_searched() {
        for path in ["", "/", "/users", "/users/", "/global", "/global/index", "/global/index?x=1", "?x"] {
            assert_eq!(
                parse(&format!("/glms-services/ORG.OPENMOBILEALLIANCE.GROUPS{path}")),
                Some(Target::Search),
                "{path}"
            );
        }
        assert!(matches!(
            parse("/glms-services/ORG.OPENMOBILEALLIANCE.GROUPS/global/byGroupID/tel:g"),
            Some(Target::Groups(_))
        ));
    }

    #[test]
    fn what_is_not_there() {
        for target in [
            "/glms-services",
            "/glms-services/",
            "/glms-services/XCAP-CAPS/global/index",
            "/GLMS-services/MULTICAST-INFO/users/a/b",
            "/org/glms-services/MULTICAST-INFO/users/a/b",
        ] {
            assert_eq!(parse(target), None, "{target}");
        }
        for target in ["glms-services", "*", "/glms-services/%zz", "/glms-services/MULTICAST-INFO/%00"] {
            assert!(Target::parse(target, "glms-services").is_err(), "{target}");
        }
    }
}
