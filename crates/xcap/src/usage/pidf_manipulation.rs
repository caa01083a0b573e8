//! Presence that is set for longer than a terminal is reachable (RFC 4827; OMA presence XDM: `perm-presence`).

use super::{Form, Keeper, Request, Usage, of_user, schemas, unconstrained};
use crate::document::Place;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";

/// `pidf-manipulation`
pub static PIDF_MANIPULATION: Usage = Usage {
    auid: "pidf-manipulation",
    media_type: "application/pidf+xml",
    other_media_types: &[],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "presence"),
    schema: Some(|| &schemas::PIDF),
    keeper: Keeper::User,
    resolve,
    constraints: unconstrained,
};

/// RFC 4827 section 9 has one document, `index`; OMA calls it `perm-presence`.
fn resolve(request: &Request<'_>) -> Option<Place> {
    of_user(request).filter(|_| matches!(request.names, [_, "index" | "perm-presence"]))
}
