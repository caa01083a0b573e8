//! Groups (TS 24.481; OMA PoC group usage). The canonical document is `global/byGroupID/<gid>`; a member sees it as
//! `users/<member>/<gid>`; `global/byGroup/<gid>` is an alias that a fielded client uses.

use std::collections::BTreeSet;

use csc_types::{GroupId, McpttId};
use csc_xml::{Node, attribute, children};

use super::{Form, Keeper, Request, Tree, Usage};
use crate::document::{Document, Place};
use crate::error::Conflict;
use crate::names::Names;

const NAMESPACE: &str = "urn:oma:xml:poc:list-service";

/// `org.openmobilealliance.groups`
pub static GROUPS: Usage = Usage {
    auid: "org.openmobilealliance.groups",
    media_type: "application/vnd.oma.poc.groups+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "group"),
    schema: None,
    keeper: Keeper::Administrators,
    resolve,
    constraints,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Global, ["byGroupID" | "byGroup", group]) => Some(Place::Group(group.parse().ok()?)),
        (Tree::Users, [member, group]) => {
            Some(Place::GroupView { member: request.resolver.user(member).ok()?, group: group.parse().ok()? })
        }
        _ => None,
    }
}

/// One `list-service`, and its `uri` is the name of the document (TS 24.481 7.2.5).
fn constraints(document: &Document, root: Node<'_, '_>) -> Result<(), Conflict> {
    let mut services = children(root, NAMESPACE, "list-service");
    let (Some(service), None) = (services.next(), services.next()) else {
        return Err(Conflict::ConstraintFailure("a group holds exactly one list-service".to_owned()));
    };
    let uri = attribute(service, "uri").and_then(|uri| uri.trim().parse::<GroupId>().ok());
    if uri.is_none() || uri.as_ref() != document.group() {
        return Err(Conflict::ConstraintFailure(
            "list-service@uri is not the name of the document".to_owned(),
        ));
    }
    Ok(())
}

/// The members that a group document names in its `<list>`, each once, in order.
///
/// # Errors
/// An entry without a `uri`, or whose `uri` is no MCPTT ID, and more than `limit` entries.
pub fn members(root: Node<'_, '_>, names: &Names, limit: usize) -> Result<BTreeSet<McpttId>, Conflict> {
    let lists =
        children(root, NAMESPACE, "list-service").flat_map(|service| children(service, NAMESPACE, "list"));
    let mut members = BTreeSet::new();
    for (count, entry) in lists.flat_map(|list| children(list, NAMESPACE, "entry")).enumerate() {
        if count == limit {
            return Err(Conflict::ConstraintFailure(format!("a group holds at most {limit} entries")));
        }
        let member = attribute(entry, "uri").and_then(|uri| names.user(uri.trim()).ok());
        let refused =
            || Conflict::ConstraintFailure(format!("entry {} has no uri that is an MCPTT ID", count + 1));
        members.insert(member.ok_or_else(refused)?);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn group(inside: &str) -> String {
        format!("<group xmlns='{NAMESPACE}'>{inside}</group>")
    }

    fn check(inside: &str) -> Result<(), Conflict> {
        let names = Names::of("default".parse().unwrap());
        let document =
            names.document_at("org.openmobilealliance.groups/users/tel:+1/sip:g@example.org").unwrap();
        let content = group(inside);
        GROUPS.check(&document, &parse(content.as_bytes(), &Limits::DEFAULT).unwrap())
    }

    #[test]
    fn the_uri_is_the_name() {
        assert_eq!(check("<list-service uri='sip:g@EXAMPLE.org'/>"), Ok(()));
        for inside in [
            "",
            "<list-service/>",
            "<list-service uri='sip:h@example.org'/>",
            "<list-service uri='g'/>",
            "<list-service uri='sip:g@example.org'/><list-service uri='sip:g@example.org'/>",
            "<list-service xmlns='u' uri='sip:g@example.org'/>",
        ] {
            assert!(matches!(check(inside), Err(Conflict::ConstraintFailure(_))), "{inside}");
        }
    }

    #[test]
    fn members_are_canonical_and_counted() {
        let mut names = Names::of("default".parse().unwrap());
        names.number_domains.push("example.org".to_owned());
        let list = |entries: &str, limit: usize| {
            let content = group(&format!("<list-service uri='tel:1'><list>{entries}</list></list-service>"));
            let document = parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
            members(document.root_element(), &names, limit)
        };
        let two =
            "<entry uri='tel:+2'/><entry uri='sip:+2@example.org'/><entry uri=' tel:+1 '/><x xmlns='u'/>";
        let found: Vec<_> = list(two, 3).unwrap().into_iter().map(|member| member.to_string()).collect();
        assert_eq!(found, ["tel:+1", "tel:+2"]);
        assert!(list(two, 2).is_err());
        assert!(list("<entry/>", 9).is_err());
        assert!(list("<entry uri='mailto:a@b'/>", 9).is_err());
        assert!(list("", 0).unwrap().is_empty());
        // Whoever reads the document reads every list of it.
        let second = "<entry uri='tel:+1'/></list><list><entry uri='tel:+2'/>";
        assert_eq!(list(second, 2).unwrap().len(), 2);
        assert!(list(second, 1).is_err());
    }
}
