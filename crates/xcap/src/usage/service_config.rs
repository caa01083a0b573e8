//! Service configuration (TS 24.484 clause 8.4): one document of each organisation, which every user of it sees as
//! `users/<xui>/service-config`.
//!
//! What is absent has a meaning: without `signalling-protection`, or without one of its two elements, confidentiality and
//! integrity protection of signalling are on (TS 24.484 8.4.2.7). Nothing here adds what is absent.

use super::{Form, Keeper, Request, Tree, Usage, schemas, unconstrained};
use crate::document::Place;

const NAMESPACE: &str = "urn:3gpp:ns:mcpttServiceConfig:1.0";

/// `org.3gpp.mcptt.service-config`
pub static SERVICE_CONFIG: Usage = Usage {
    auid: "org.3gpp.mcptt.service-config",
    media_type: "application/vnd.3gpp.mcptt-service-config+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "service-configuration-info"),
    schema: Some(|| &schemas::SERVICE_CONFIG),
    keeper: Keeper::Administrators,
    resolve,
    constraints: unconstrained,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Global, ["service-config.xml"]) => Some(Place::Organisation(request.whose().clone())),
        (Tree::Global, [organisation, "service-config.xml"]) => {
            Some(Place::Organisation(organisation.parse().ok()?))
        }
        (Tree::Users, [user, "service-config"]) => {
            Some(Place::ServiceConfigView(request.resolver.user(user).ok()?))
        }
        _ => None,
    }
}
