//! Groups (TS 24.481; OMA PoC group usage). The canonical document is `global/byGroupID/<gid>`; a member sees it as
//! `users/<member>/<gid>`; `global/byGroup/<gid>` is an alias that a fielded client uses.
//!
//! What is absent has a meaning (TS 24.481 7.2.8), and some of it bites. Documents are kept as they are put; nothing here
//! adds what is absent:
//!
//! | absent | means |
//! | --- | --- |
//! | `list` | nobody is a member |
//! | `on-network-max-participant-count` | 0: nobody may take part |
//! | `protect-media`, `protect-floor-control-signalling` | true: calls need the group's keys |
//! | an action of a rule, such as `allow-MCPTT-emergency-call` | false |
//!
//! `on-network-invite-members` tells the two kinds of groups apart: `true`, pre-arranged, whose members the server
//! invites; `false`, a chat group, that its members join. Both are stored and seen alike.
//!
//! `supported-services/service@enabler` is `urn:urn-7:3gpp-service.ims.icsi.mcptt`; the field writes `example.mcptt`.
//! Both are accepted, as is anything else: a service that is not known here is not ours to refuse.

use std::collections::BTreeSet;

use csc_types::{GroupId, McpttId};
use csc_xml::{Node, attribute, children};

use super::{Form, Keeper, Request, Tree, Usage, schemas};
use crate::document::{Document, Place};
use crate::error::{Conflict, Exists};
use crate::names::Names;

const NAMESPACE: &str = "urn:oma:xml:poc:list-service";
/// Of the elements that TS 24.481 adds.
pub const GROUP_INFO: &str = "urn:3gpp:ns:mcpttGroupInfo:1.0";
/// The list of constituents in a description of a regrouping.
pub const CONSTITUENTS: &str = "constituent-MCPTT-group-IDs";
/// Groups that are regrouped into one: each is looked at with every request for the temporary group.
pub const MOST_CONSTITUENTS: usize = 32;

/// `org.openmobilealliance.groups`
pub static GROUPS: Usage = Usage {
    auid: "org.openmobilealliance.groups",
    media_type: "application/vnd.oma.poc.groups+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "group"),
    schema: Some(|| &schemas::GROUPS),
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

/// What a group document says that the server acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The users that its `<list>` names, canonical.
    pub members: BTreeSet<McpttId>,
    /// The groups that are regrouped into this one, if it is a temporary group; else none.
    pub constituents: BTreeSet<GroupId>,
    /// The temporary group that this one is regrouped into.
    pub regrouped_into: Option<GroupId>,
    /// See [`display_name`].
    pub name: String,
}

impl Contents {
    /// Reads a document that passed the checks of [`GROUPS`].
    ///
    /// # Errors
    /// An entry without a `uri`, or whose `uri` is no MCPTT ID; a user who is named twice, however spelled; more than
    /// `limit` entries; constituents, or a temporary group, that are no group, or named twice.
    pub fn read(root: Node<'_, '_>, names: &Names, limit: usize) -> Result<Self, Conflict> {
        Ok(Self {
            members: members(root, names, limit)?,
            constituents: constituents(root)?,
            regrouped_into: regrouped_into(root)?,
            name: display_name(root),
        })
    }
}

/// The first display name, white space around it left out, 1024 octets of it at most; empty if there is none.
pub fn display_name(root: Node<'_, '_>) -> String {
    let name = children(root, NAMESPACE, "list-service")
        .find_map(|service| children(service, NAMESPACE, "display-name").next())
        .and_then(|name| name.text());
    let name = name.unwrap_or_default().trim();
    name[..name.floor_char_boundary(1024)].to_owned()
}

/// The lists of members.
pub fn lists<'a, 'input: 'a>(root: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    children(root, NAMESPACE, "list-service").flat_map(|service| children(service, NAMESPACE, "list"))
}

/// The entries of all lists, in document order.
pub fn entries<'a, 'input: 'a>(root: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    lists(root).flat_map(|list| children(list, NAMESPACE, "entry"))
}

/// The user that an entry names.
pub fn entry_user(entry: Node<'_, '_>, names: &Names) -> Option<McpttId> {
    names.user(attribute(entry, "uri")?.trim()).ok()
}

/// See [`Contents::members`].
///
/// # Errors
/// See [`Contents::read`].
pub fn members(root: Node<'_, '_>, names: &Names, limit: usize) -> Result<BTreeSet<McpttId>, Conflict> {
    let mut members = BTreeSet::new();
    for (position, entry) in (1..).zip(entries(root)) {
        if position > limit {
            return Err(Conflict::ConstraintFailure(format!("a group holds at most {limit} entries")));
        }
        let member = entry_user(entry, names).ok_or_else(|| {
            Conflict::ConstraintFailure(format!("entry {position} has no uri that is an MCPTT ID"))
        })?;
        if !members.insert(member) {
            let field = format!("group/list-service/list/entry%5B{position}%5D/@uri");
            return Err(Conflict::UniquenessFailure(vec![Exists { field, alt_values: Vec::new() }]));
        }
    }
    Ok(members)
}

/// The children of `list-service` called `name` that describe a regrouping.
pub fn regrouping<'a, 'input: 'a>(
    root: Node<'a, 'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    children(root, NAMESPACE, "list-service").flat_map(move |service| children(service, GROUP_INFO, name))
}

/// The groups that an `on-network-temporary` or `on-network-regrouped` names as constituents; `None`: one that is none.
pub fn constituent_ids<'a, 'input: 'a>(
    description: Node<'a, 'input>,
) -> impl Iterator<Item = Option<GroupId>> {
    children(description, GROUP_INFO, CONSTITUENTS)
        .flat_map(|list| children(list, GROUP_INFO, "constituent-MCPTT-group-ID"))
        .map(|id| id.text().and_then(|text| text.trim().parse().ok()))
}

/// The temporary group that an `on-network-regrouped` names.
pub fn temporary_group(regrouped: Node<'_, '_>) -> Option<GroupId> {
    attribute(regrouped, "temporary-MCPTT-group-ID")?.trim().parse().ok()
}

fn regrouped_into(root: Node<'_, '_>) -> Result<Option<GroupId>, Conflict> {
    let failure = |why: &str| Conflict::ConstraintFailure(why.to_owned());
    let mut regrouped = regrouping(root, "on-network-regrouped");
    let Some(first) = regrouped.next() else { return Ok(None) };
    if regrouped.next().is_some() {
        return Err(failure("a group is regrouped into one temporary group at most"));
    }
    let into = temporary_group(first).ok_or_else(|| failure("on-network-regrouped names no group"))?;
    Ok(Some(into))
}

fn constituents(root: Node<'_, '_>) -> Result<BTreeSet<GroupId>, Conflict> {
    let failure = |why: &str| Conflict::ConstraintFailure(why.to_owned());
    let mut temporary = regrouping(root, "on-network-temporary");
    let Some(description) = temporary.next() else { return Ok(BTreeSet::new()) };
    if temporary.next().is_some() {
        return Err(failure("a group is described once as temporary"));
    }
    if regrouping(root, "on-network-regrouped").next().is_some() {
        return Err(failure("a temporary group is not regrouped itself"));
    }
    let mut found = BTreeSet::new();
    for group in constituent_ids(description) {
        if !found.insert(group.ok_or_else(|| failure("a constituent that is no group identity"))?) {
            return Err(failure("a constituent that is named twice"));
        }
    }
    match found.len() {
        0 => Err(failure("a temporary group has constituents")),
        1..=MOST_CONSTITUENTS => Ok(found),
        _ => Err(failure("a temporary group has too many constituents")),
    }
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
            "<list-service uri='sip:h@example.org'/>",
            "<list-service uri='g'/>",
            "<list-service uri='sip:g@example.org'/><list-service uri='sip:g@example.org'/>",
        ] {
            assert!(matches!(check(inside), Err(Conflict::ConstraintFailure(_))), "{inside}");
        }
        for inside in ["", "<list-service/>", "<list-service xmlns='u' uri='sip:g@example.org'/>"] {
            assert!(matches!(check(inside), Err(Conflict::SchemaValidationError(_))), "{inside}");
        }
    }

    fn read(inside: &str, limit: usize) -> Result<Contents, Conflict> {
        let mut names = Names::of("default".parse().unwrap());
        names.number_domains.push("example.org".to_owned());
        let content = group(&format!("<list-service uri='tel:1'>{inside}</list-service>"));
        let document = parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        Contents::read(document.root_element(), &names, limit)
    }

    fn list(entries: &str, limit: usize) -> Result<Vec<String>, Conflict> {
        let contents = read(&format!("<list>{entries}</list>"), limit)?;
        Ok(contents.members.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn members_are_canonical_and_counted() {
        let two = "<entry uri='sip:+2@example.org'/><entry uri=' tel:+1 '/><x xmlns='u'/>";
        assert_eq!(list(two, 2).unwrap(), ["tel:+1", "tel:+2"]);
        assert!(matches!(list(two, 1), Err(Conflict::ConstraintFailure(_))));
        assert!(matches!(list("<entry/>", 9), Err(Conflict::ConstraintFailure(_))));
        assert!(matches!(list("<entry uri='mailto:a@b'/>", 9), Err(Conflict::ConstraintFailure(_))));
        assert!(list("", 0).unwrap().is_empty());
        assert!(read("", 0).unwrap().members.is_empty());
        // Whoever reads the document reads every list of it.
        let second = "<entry uri='tel:+1'/></list><list><entry uri='tel:+2'/>";
        assert_eq!(list(second, 2).unwrap().len(), 2);
        assert!(list(second, 1).is_err());
    }

    #[test]
    fn a_user_is_named_once() {
        for again in ["tel:+2", "TEL:+2", "tel:%2B2", "tel:+-2", " tel:+2", "sip:+2@EXAMPLE.org"] {
            let entries = format!("<entry uri='tel:+1'/><entry uri='tel:+2'/><entry uri='{again}'/>");
            let Err(Conflict::UniquenessFailure(exists)) = list(&entries, 9) else { panic!("{again}") };
            assert_eq!(exists[0].field, "group/list-service/list/entry%5B3%5D/@uri", "{again}");
        }
    }

    #[test]
    fn constituents_of_a_temporary_group() {
        let temporary = |ids: &[&str]| {
            let ids: String = ids
                .iter()
                .map(|id| format!("<constituent-MCPTT-group-ID>{id}</constituent-MCPTT-group-ID>"))
                .collect();
            format!(
                "<on-network-temporary xmlns='{GROUP_INFO}'><constituent-MCPTT-group-IDs>{ids}\
                 </constituent-MCPTT-group-IDs></on-network-temporary>"
            )
        };
        let found = read(&temporary(&["tel:+9", " sip:g@EXAMPLE.org "]), 9).unwrap().constituents;
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["sip:g@example.org", "tel:+9"]);
        assert!(read("<list/>", 9).unwrap().constituents.is_empty());
        let many: Vec<String> = (0..=MOST_CONSTITUENTS).map(|n| format!("tel:+1{n:02}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(read(&temporary(&many[1..]), 9).is_ok());
        let regrouped =
            format!("<on-network-regrouped xmlns='{GROUP_INFO}' temporary-MCPTT-group-ID='tel:+7'/>");
        for refused in [
            temporary(&[]),
            temporary(&["g1"]),
            temporary(&["tel:+9", "tel:+-9"]),
            temporary(&many),
            temporary(&["tel:+9"]).repeat(2),
            temporary(&["tel:+9"]) + &regrouped,
        ] {
            assert!(matches!(read(&refused, 9), Err(Conflict::ConstraintFailure(_))), "{refused}");
        }
        let constituent = read(&regrouped, 9).unwrap();
        assert_eq!(constituent.regrouped_into.unwrap().as_str(), "tel:+7");
        assert!(read(&regrouped.repeat(2), 9).is_err());
        assert!(read(&regrouped.replace("tel:+7", "7"), 9).is_err());
    }
}
