//! Documents that conformance suites make up (RFC 4825 section 8.2.3 speaks of such): any well-formed XML under any name.
//! A server has this usage only where a setting says so.

use super::{Form, Keeper, Request, Tree, Usage, of_organisation, of_user, unconstrained};
use crate::document::Place;

/// `test-app`
pub static TEST_APP: Usage = Usage {
    auid: "test-app",
    media_type: "application/test-app+xml",
    other_media_types: &[],
    namespace: "test-app",
    form: Form::AnyXml,
    schema: None,
    keeper: Keeper::User,
    resolve,
    constraints: unconstrained,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match request.tree {
        Tree::Users => of_user(request),
        Tree::Global => of_organisation(request),
    }
}
