//! Service configuration (TS 24.484 clause 8.4): one document of each organisation, which every user of it sees as
//! `users/<xui>/service-config`.

use super::{Request, Tree, Usage};
use crate::document::{Document, Place};
use crate::error::Conflict;

/// `org.3gpp.mcptt.service-config`
pub static SERVICE_CONFIG: Usage = Usage {
    auid: "org.3gpp.mcptt.service-config",
    media_type: "application/vnd.3gpp.mcptt-service-config+xml",
    other_media_types: &[],
    namespace: "urn:3gpp:ns:mcpttServiceConfig:1.0",
    root: "service-configuration-info",
    resolve,
    constraints,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Global, ["service-config.xml"]) => {
            let organisation = request.organisation.unwrap_or(&request.resolver.default_organisation);
            Some(Place::Organisation(organisation.clone()))
        }
        (Tree::Global, [organisation, "service-config.xml"]) => {
            Some(Place::Organisation(organisation.parse().ok()?))
        }
        (Tree::Users, [user, "service-config"]) => {
            Some(Place::ServiceConfigView(request.resolver.user(user).ok()?))
        }
        _ => None,
    }
}

/// Nothing beyond root element and namespace.
fn constraints(_: &Document, _: csc_xml::Node<'_, '_>) -> Result<(), Conflict> {
    Ok(())
}
