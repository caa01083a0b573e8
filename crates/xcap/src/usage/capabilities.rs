//! The server's capabilities (RFC 4825 section 12): generated, `global/index`.

use super::{Request, Tree, Usage, never_stored};
use crate::document::Place;

/// `xcap-caps`
pub static CAPABILITIES: Usage = Usage {
    auid: "xcap-caps",
    media_type: "application/xcap-caps+xml",
    other_media_types: &[],
    namespace: "urn:ietf:params:xml:ns:xcap-caps",
    root: "xcap-caps",
    resolve,
    constraints: never_stored,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    matches!((request.tree, request.names), (Tree::Global, ["index"])).then_some(Place::Capabilities)
}
