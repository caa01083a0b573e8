//! User profiles (TS 24.484 clause 8.3): `users/<xui>/mcptt-user-profile-<n>.xml`.
//!
//! The default profile has the number 0. It is also reached as `user-profile` and `mcptt-user-profile.xml`, and by
//! those names fielded clients store whatever index they use: for it alone the index need not be the number.
//!
//! What is absent has a meaning: an `allow-…` action of a rule is false (TS 24.484 8.3.2.7), and a user with one profile
//! begins with that, whatever it says. Documents are kept as they are put; nothing here adds what is absent.

use csc_types::McpttId;
use csc_xml::{Node, attribute, child};

use super::{Form, Keeper, Request, Tree, Usage, schemas};
use crate::document::{Document, Place};
use crate::error::Conflict;

const DEFAULT_NAME: &str = "mcptt-user-profile-0.xml";

const NAMESPACE: &str = "urn:3gpp:mcptt:user-profile:1.0";

/// `org.3gpp.mcptt.user-profile`
pub static USER_PROFILE: Usage = Usage {
    auid: "org.3gpp.mcptt.user-profile",
    media_type: "application/vnd.3gpp.mcptt-user-profile+xml",
    other_media_types: &["application/org.3gpp.mcptt.user-profile+xml"],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, ROOT),
    schema: Some(|| &schemas::USER_PROFILE),
    keeper: Keeper::Administrators,
    resolve,
    constraints,
};

/// Whether a profile says that it is the one to begin with (TS 24.484: `Pre-selected-indication`). Of a user's profiles
/// one may say so.
pub fn is_preselected(root: Node<'_, '_>) -> bool {
    child(root, NAMESPACE, PRESELECTED).is_some()
}

/// The root element.
pub const ROOT: &str = "mcptt-user-profile";

/// The element of [`is_preselected`].
pub const PRESELECTED: &str = "Pre-selected-indication";

/// The attribute that holds a profile's number, here and where a profile is referred to.
pub const INDEX: &str = "user-profile-index";

/// The number of the profile that is stored under `name`, a canonical one.
pub fn index_of(name: &str) -> Option<u8> {
    number(name)
}

fn resolve(request: &Request<'_>) -> Option<Place> {
    let (Tree::Users, [user, name]) = (request.tree, request.names) else { return None };
    let number = match *name {
        "user-profile" | "mcptt-user-profile.xml" => 0,
        name => number(name)?,
    };
    let name = format!("mcptt-user-profile-{number}.xml");
    Some(Place::User { user: request.resolver.user(user).ok()?, name })
}

/// The number in `user-profile-<n>.xml` or `mcptt-user-profile-<n>.xml`, written in the one way that is canonical.
fn number(name: &str) -> Option<u8> {
    let name = name.strip_prefix("mcptt-").unwrap_or(name);
    let digits = name.strip_prefix("user-profile-")?.strip_suffix(".xml")?;
    let number: u8 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn constraints(document: &Document, root: Node<'_, '_>) -> Result<(), Conflict> {
    let owner: Option<McpttId> = attribute(root, "XUI-URI").and_then(|uri| uri.trim().parse().ok());
    if owner.is_none() {
        return Err(Conflict::ConstraintFailure("XUI-URI is not an MCPTT ID".to_owned()));
    }
    let index: Option<u8> = attribute(root, INDEX).and_then(|index| index.trim().parse().ok());
    let Some(index) = index else {
        return Err(Conflict::ConstraintFailure("user-profile-index is not a number up to 255".to_owned()));
    };
    match &document.place {
        Place::User { name, .. } if name == DEFAULT_NAME || number(name) == Some(index) => Ok(()),
        _ => Err(Conflict::ConstraintFailure("user-profile-index is not the number in the name".to_owned())),
    }
}
