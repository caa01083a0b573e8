//! UE configuration (TS 24.484 clause 8.2): `users/<xui>/ue-config` of a user, `users/<UE ID>/<UE ID>` of a terminal.

use csc_types::McpttId;
use csc_xml::{Node, attribute};

use super::{Form, Keeper, Request, Tree, Usage, schemas, stands_in_a_path};
use crate::document::{Document, Place};
use crate::error::Conflict;

const NAMESPACE: &str = "urn:3gpp:mcptt:mcpttUEConfig:1.0";

/// `org.3gpp.mcptt.ue-config`
pub static UE_CONFIG: Usage = Usage {
    auid: "org.3gpp.mcptt.ue-config",
    media_type: "application/vnd.3gpp.mcptt-ue-config+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "mcptt-UE-configuration"),
    schema: Some(|| &schemas::UE_CONFIG),
    keeper: Keeper::Administrators,
    resolve,
    constraints,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Users, [user, "ue-config"]) => {
            Some(Place::User { user: request.resolver.user(user).ok()?, name: "ue-config".to_owned() })
        }
        // What names a user names no terminal: it would stand in the user's tree.
        (Tree::Users, [ue, name]) if ue == name && stands_in_a_path(ue) && ue.parse::<McpttId>().is_err() => {
            Some(Place::Ue(ue.parse().ok()?))
        }
        _ => None,
    }
}

/// What the document says of whose it is must be so.
fn constraints(document: &Document, root: Node<'_, '_>) -> Result<(), Conflict> {
    let says = |name: &str| attribute(root, name).map(str::trim);
    if let (Place::Ue(ue), Some(said)) = (&document.place, says("Instance-ID-URN"))
        && said != ue.as_str()
    {
        return Err(Conflict::ConstraintFailure(
            "Instance-ID-URN is not the terminal of the name".to_owned(),
        ));
    }
    match says("XUI-URI").map(str::parse::<McpttId>) {
        Some(Err(_)) => Err(Conflict::ConstraintFailure("XUI-URI is not an MCPTT ID".to_owned())),
        Some(Ok(_)) | None => Ok(()),
    }
}
