//! UE configuration (TS 24.484 clause 8.2): `users/<xui>/ue-config` of a user, `users/<UE ID>/<UE ID>` of a terminal.

use super::{Request, Tree, Usage};
use crate::document::{Document, Place};
use crate::error::Conflict;

/// `org.3gpp.mcptt.ue-config`
pub static UE_CONFIG: Usage = Usage {
    auid: "org.3gpp.mcptt.ue-config",
    media_type: "application/vnd.3gpp.mcptt-ue-config+xml",
    other_media_types: &[],
    namespace: "urn:3gpp:mcptt:mcpttUEConfig:1.0",
    root: "mcptt-UE-configuration",
    resolve,
    constraints,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Users, [user, "ue-config"]) => {
            Some(Place::User { user: request.resolver.user(user).ok()?, name: "ue-config".to_owned() })
        }
        (Tree::Users, [ue, name]) if ue == name => Some(Place::Ue(ue.parse().ok()?)),
        _ => None,
    }
}

/// Nothing beyond root element and namespace.
fn constraints(_: &Document, _: csc_xml::Node<'_, '_>) -> Result<(), Conflict> {
    Ok(())
}
