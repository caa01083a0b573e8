//! The server's capabilities (RFC 4825 section 12): generated, `global/index`.

use super::{Form, Keeper, Request, Tree, Usage, never_stored, schemas};
use crate::document::Place;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:xcap-caps";

/// `xcap-caps`
pub static CAPABILITIES: Usage = Usage {
    auid: "xcap-caps",
    media_type: "application/xcap-caps+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "xcap-caps"),
    schema: Some(|| &schemas::CAPABILITIES),
    keeper: Keeper::Administrators,
    resolve,
    constraints: never_stored,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    matches!((request.tree, request.names), (Tree::Global, ["index"])).then_some(Place::Capabilities)
}
