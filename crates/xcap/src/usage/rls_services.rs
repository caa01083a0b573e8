//! Lists as resources of their own (RFC 4826 section 4): whoever subscribes to a service's URI subscribes to its list.
//!
//! A service's URI is its own over the whole installation; that only the server of the documents can see to.

use std::collections::BTreeSet;

use csc_xml::{Node, attribute, child, children};

use super::{Form, Keeper, Request, Usage, of_user, resource_lists, schemas};
use crate::document::{Document, Place};
use crate::error::{Conflict, Exists};
use crate::names::Names;
use crate::uri::{Roots, Target};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:rls-services";
/// Services of one document: each is claimed by itself.
pub const MOST_SERVICES: usize = 64;
/// Longest URI of a service.
const LONGEST: usize = 512;

/// `rls-services`
pub static RLS_SERVICES: Usage = Usage {
    auid: "rls-services",
    media_type: "application/rls-services+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "rls-services"),
    schema: Some(|| &schemas::RLS_SERVICES),
    keeper: Keeper::User,
    resolve,
    constraints,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    of_user(request)
}

/// The lists inside services are lists as elsewhere.
fn constraints(_: &Document, root: Node<'_, '_>) -> Result<(), Conflict> {
    for (position, service) in (1..).zip(children(root, NAMESPACE, "service")) {
        if let Some(list) = child(service, NAMESPACE, "list") {
            let path = format!("rls-services/service%5B{position}%5D/list");
            let query = format!("?xmlns(rl={})", resource_lists::NAMESPACE);
            resource_lists::check(list, &path, "rl:", &query)?;
        }
    }
    Ok(())
}

/// The URIs of the services of a document, canonical, in its order.
///
/// # Errors
/// A URI twice in the document, too many or too long ones, and a `resource-list` that is not a list of the tree that the
/// document stands in (RFC 4826 4.4.5).
pub fn services(document: &Document, root: Node<'_, '_>, names: &Names) -> Result<Vec<String>, Conflict> {
    let failure = |why: String| Conflict::ConstraintFailure(why);
    let (mut found, mut seen, mut twice) = (Vec::new(), BTreeSet::new(), Vec::new());
    for (position, service) in (1..).zip(children(root, NAMESPACE, "service")) {
        if position > MOST_SERVICES {
            return Err(failure(format!("a document holds at most {MOST_SERVICES} services")));
        }
        let uri = canonical(attribute(service, "uri").unwrap_or_default());
        let uri =
            uri.ok_or_else(|| failure(format!("service {position} has no uri of at most {LONGEST} octets")))?;
        if seen.insert(uri.clone()) {
            found.push(uri);
        } else {
            twice.push(Exists { field: field(position), alt_values: Vec::new() });
        }
        for list in children(service, NAMESPACE, "resource-list") {
            if !is_own_list(list.text().unwrap_or_default(), document, names) {
                return Err(failure(format!(
                    "the resource-list of service {position} is not a list in the tree of this document"
                )));
            }
        }
    }
    if twice.is_empty() { Ok(found) } else { Err(Conflict::UniquenessFailure(twice)) }
}

/// The node selector of the URI of the service at `position`, which counts from one.
pub fn field(position: usize) -> String {
    format!("rls-services/service%5B{position}%5D/@uri")
}

/// One text for all spellings of a URI: scheme and host in lower case (RFC 4826 section 5).
fn canonical(uri: &str) -> Option<String> {
    let uri = uri.trim();
    let (scheme, rest) = uri.split_once(':')?;
    let bad = |c: char| c.is_control() || c.is_whitespace();
    if scheme.is_empty() || rest.is_empty() || uri.len() > LONGEST || uri.contains(bad) {
        return None;
    }
    let (user, host) = rest.rsplit_once('@').map_or(("", rest), |(user, host)| (user, host));
    let (host, parameters) = host.split_at(host.find([';', '?']).unwrap_or(host.len()));
    let at = if rest.contains('@') { "@" } else { "" };
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    Some(format!("{scheme}:{user}{at}{host}{parameters}"))
}

/// Whether `uri` is an absolute URI of something in `resource-lists/users/<owner of document>`, below whatever root.
fn is_own_list(uri: &str, document: &Document, names: &Names) -> bool {
    let uri = uri.trim();
    if !["http://", "https://"].iter().any(|scheme| uri.to_ascii_lowercase().starts_with(scheme)) {
        return false;
    }
    let Ok(target) = Target::parse_entry(uri, &Roots::default()) else { return false };
    let segments = target.document.segments();
    segments.windows(3).any(|window| match window {
        ["resource-lists", "users", owner] => names.user(owner).ok().as_ref() == document.user(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;

    fn read(inside: &str) -> Result<Vec<String>, Conflict> {
        let names =
            Names { default_organisation: "o".parse().unwrap(), number_domains: vec!["n.org".to_owned()] };
        let document = names.document_at("rls-services/users/sip:Alex@example.org/index").unwrap();
        let content = format!("<rls-services xmlns='{NAMESPACE}'>{inside}</rls-services>");
        let content = parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        RLS_SERVICES.check(&document, &content)?;
        services(&document, content.root_element(), &names)
    }

    #[test]
    fn uris_have_one_spelling() {
        let service = |uri: &str| format!("<service uri='{uri}'><list/></service>");
        let two = service("sip:Alex@Example.ORG;pres-list=rcs") + &service("SIP:b@example.org");
        assert_eq!(read(&two).unwrap(), ["sip:Alex@example.org;pres-list=rcs", "sip:b@example.org"]);
        let twice = service("sip:b@example.org") + &service("SIP:b@example.org");
        let exists = Exists { field: field(2), alt_values: Vec::new() };
        assert_eq!(read(&twice), Err(Conflict::UniquenessFailure(vec![exists])));
        for bad in ["", "b", "sip:", "sip:a b"] {
            assert!(read(&service(bad)).is_err(), "{bad}");
        }
        let many =
            |count: usize| (0..count).map(|number| service(&format!("sip:{number}@x"))).collect::<String>();
        assert_eq!(read(&many(MOST_SERVICES)).map(|found| found.len()), Ok(MOST_SERVICES));
        assert!(read(&many(MOST_SERVICES + 1)).is_err());
    }

    #[test]
    fn lists_are_the_users_own() {
        let with = |list: &str| {
            read(&format!("<service uri='sip:s@x'><resource-list>{list}</resource-list></service>")).is_ok()
        };
        for good in [
            "http://192.0.2.1:8080/resource-lists/users/sip%3AAlex%40Example.org/index/~~/resource-lists/list%5B@name=%22rcs%22%5D",
            " https://x/Org/A/resource-lists/users/sip:Alex@example.org/index/~~/resource-lists/list ",
        ] {
            assert!(with(good), "{good}");
        }
        for bad in [
            "",
            "/resource-lists/users/sip:Alex@example.org/index",
            "https://x/resource-lists/users/sip:other@example.org/index",
            "https://x/pres-rules/users/sip:Alex@example.org/index",
            "https://x/index/~~/resource-lists/users/sip:Alex@example.org",
            "https://x/resource-lists/users/%zz/index",
        ] {
            assert!(!with(bad), "{bad}");
        }
    }

    #[test]
    fn lists_inside_services_are_lists() {
        let inside = "<service uri='sip:s@x'><list xmlns:rl='urn:ietf:params:xml:ns:resource-lists'>\
            <rl:entry uri='a'/><rl:entry uri='a'/></list></service>";
        let field = "rls-services/service%5B1%5D/list/rl:entry%5B2%5D/@uri?xmlns(rl=urn:ietf:params:xml:ns:resource-lists)";
        let exists = Exists { field: field.to_owned(), alt_values: Vec::new() };
        assert_eq!(read(inside), Err(Conflict::UniquenessFailure(vec![exists])));
    }
}
