//! The directory of a user's documents (OMA XDM 2.1 core, clause 5.6.1): generated, `users/<xui>/directory.xml`.

use super::{Form, Keeper, Request, Tree, Usage, never_stored, schemas};
use crate::document::Place;

const NAMESPACE: &str = "urn:oma:xml:xdm:xcap-directory";

/// `org.openmobilealliance.xcap-directory`
pub static DIRECTORY: Usage = Usage {
    auid: "org.openmobilealliance.xcap-directory",
    media_type: "application/vnd.oma.xcap-directory+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "xcap-directory"),
    schema: Some(|| &schemas::DIRECTORY),
    keeper: Keeper::Administrators,
    resolve,
    constraints: never_stored,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Users, [user, "directory.xml"]) => Some(Place::Directory(request.resolver.user(user).ok()?)),
        _ => None,
    }
}
