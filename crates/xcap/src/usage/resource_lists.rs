//! Lists of resources (RFC 4826 section 3): buddies, granted and blocked contacts.

use std::collections::HashSet;

use csc_xml::{Node, attribute, children};

use super::{Form, Keeper, MOST_EXISTS, Request, Usage, of_user, schemas};
use crate::document::{Document, Place};
use crate::error::{Conflict, Exists};

/// The namespace of lists.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:resource-lists";

/// `resource-lists`
pub static RESOURCE_LISTS: Usage = Usage {
    auid: "resource-lists",
    media_type: "application/resource-lists+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "resource-lists"),
    schema: Some(|| &schemas::RESOURCE_LISTS),
    keeper: Keeper::User,
    resolve,
    constraints,
};

/// What must be unique among its siblings: elements and the attribute by which they are told apart.
const KEYS: [(&str, &str); 4] =
    [("list", "name"), ("entry", "uri"), ("entry-ref", "ref"), ("external", "anchor")];

fn resolve(request: &Request<'_>) -> Option<Place> {
    of_user(request)
}

fn constraints(_: &Document, root: Node<'_, '_>) -> Result<(), Conflict> {
    check(root, "resource-lists", "", "")
}

/// Checks what is inside `root` and the lists below it (RFC 4826 3.4.5). `path`: the node selector of `root`; `prefix`
/// stands in front of the names of elements in it, `query` declares that.
///
/// # Errors
/// The first values that are not unique, or the first reference that is not of its form.
pub(super) fn check(root: Node<'_, '_>, path: &str, prefix: &str, query: &str) -> Result<(), Conflict> {
    let mut twice = Vec::new();
    let mut open = vec![root];
    while let Some(parent) = open.pop() {
        let mut seen = HashSet::new();
        for child in parent.children() {
            let known = KEYS.iter().find(|(element, _)| child.has_tag_name((NAMESPACE, *element)));
            let Some(&(element, key)) = known else { continue };
            if element == "list" {
                open.push(child);
            }
            let Some(value) = attribute(child, key) else { continue };
            reference(element, value)?;
            if !seen.insert((element, value)) && twice.len() < MOST_EXISTS {
                let field = format!("{}/@{key}{query}", selector(child, root, path, prefix));
                let alt_values = if element == "list" { free_name(value, parent) } else { Vec::new() };
                twice.push(Exists { field, alt_values });
            }
        }
    }
    if twice.is_empty() { Ok(()) } else { Err(Conflict::UniquenessFailure(twice)) }
}

/// The node selector of `node`, to which lists lead from `root`.
fn selector(node: Node<'_, '_>, root: Node<'_, '_>, path: &str, prefix: &str) -> String {
    let steps: Vec<_> = node.ancestors().take_while(|step| *step != root).collect();
    steps.iter().rev().fold(path.to_owned(), |path, step| {
        let name = step.tag_name().name();
        let same = step.prev_siblings().filter(|sibling| sibling.has_tag_name((NAMESPACE, name)));
        format!("{path}/{prefix}{name}%5B{}%5D", same.count())
    })
}

/// A name like `taken` that no list in `parent` has, if there is an easy one.
fn free_name(taken: &str, parent: Node<'_, '_>) -> Vec<String> {
    let mut free: Vec<String> = (2..18).map(|number| format!("{taken}-{number}")).collect();
    for name in children(parent, NAMESPACE, "list").filter_map(|list| attribute(list, "name")) {
        free.retain(|one| one != name);
    }
    free.truncate(1);
    free
}

/// An `anchor` is an absolute HTTP URI, a `ref` a relative path.
fn reference(element: &str, value: &str) -> Result<(), Conflict> {
    let value = value.trim();
    let http = ["http://", "https://"].iter().any(|scheme| {
        value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && value.len() > scheme.len()
    });
    let refused = match element {
        "external" if !http => "external@anchor is not an absolute HTTP URI",
        "entry-ref" if value.is_empty() || value.starts_with('/') || has_scheme(value) => {
            "entry-ref@ref is not a relative path"
        }
        _ => return Ok(()),
    };
    Err(Conflict::ConstraintFailure(refused.to_owned()))
}

/// Whether a reference begins with a scheme: a relative path has no colon in its first segment (RFC 3986 4.2).
fn has_scheme(value: &str) -> bool {
    value.split('/').next().is_some_and(|first| first.contains(':'))
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn lists(inside: &str) -> Result<(), Conflict> {
        let content =
            format!("<resource-lists xmlns='{NAMESPACE}' xmlns:o='urn:o'>{inside}</resource-lists>");
        let document = parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        super::check(document.root_element(), "resource-lists", "", "")
    }

    fn exists(field: &str, alt_values: &[&str]) -> Exists {
        Exists {
            field: field.to_owned(),
            alt_values: alt_values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    #[test]
    fn what_must_be_unique_is() {
        let good = "<list name='a'><entry uri='sip:a@b'/><entry uri='sip:A@b'/><o:entry uri='sip:a@b'/>\
            <list name='a'><entry uri='sip:a@b'/></list><list/><list/>\
            <external anchor='https://x/resource-lists/users/a/index/~~/b'/><external/><external/>\
            <entry-ref ref='resource-lists/users/sip:a@b/index/~~/c'/></list><list name='b'/>";
        assert_eq!(lists(good), Ok(()));
        assert_eq!(
            lists("<list name='a'/><list name='a-2'/><list name='a'/>"),
            Err(Conflict::UniquenessFailure(vec![exists("resource-lists/list%5B3%5D/@name", &["a-3"])]))
        );
        let twice = "<list name='a'><list><entry uri='x'/><entry uri='x'/><external anchor='http://x'/>\
            <external anchor='http://x'/></list></list>";
        let inner = "resource-lists/list%5B1%5D/list%5B1%5D";
        assert_eq!(
            lists(twice),
            Err(Conflict::UniquenessFailure(vec![
                exists(&format!("{inner}/entry%5B2%5D/@uri"), &[]),
                exists(&format!("{inner}/external%5B2%5D/@anchor"), &[]),
            ]))
        );
    }

    #[test]
    fn only_the_first_mistakes_are_told() {
        // Many names that are taken, and all that would be offered in their place.
        let names: String = (0..20_000).map(|number| format!("<list name='a-{number}'/>")).collect();
        let again = "<list name='a'/>".repeat(20_000);
        let Err(Conflict::UniquenessFailure(told)) = lists(&(names + &again)) else { panic!("not refused") };
        let second = exists("resource-lists/list%5B20002%5D/@name", &[]);
        assert_eq!((told.len(), &told[0]), (MOST_EXISTS, &second));
    }

    #[test]
    fn references_have_their_forms() {
        for bad in [
            "<external anchor='ftp://x'/>",
            "<external anchor='/resource-lists/users/a/index'/>",
            "<external anchor='http://'/>",
            "<entry-ref ref='/resource-lists/users/a/index'/>",
            "<entry-ref ref='http://x/y'/>",
            "<entry-ref ref=''/>",
        ] {
            let refused = lists(&format!("<list>{bad}</list>"));
            assert!(matches!(refused, Err(Conflict::ConstraintFailure(_))), "{bad}");
        }
    }
}
