//! Pictures that presence refers to (OMA presence content): `users/<xui>/oma_status-icon/<name>`.
//!
//! A picture is stored as its octets, or wrapped in XML as OMA has it. Which of the two it is, and so the media type of
//! the answer, is seen from the octets: what was declared is not kept, and nothing is ever served as what it is not.

use super::{Form, Keeper, Request, Tree, Usage, chosen_name, unconstrained};
use crate::document::Place;

/// The namespace of wrapped pictures.
const NAMESPACE: &str = "urn:oma:xml:prs:pres-content";

/// Media types of pictures and how those begin.
const PICTURES: [(&str, &[u8]); 4] = [
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/gif", b"GIF87a"),
    ("image/gif", b"GIF89a"),
];

/// `org.openmobilealliance.pres-content`
pub static PRES_CONTENT: Usage = Usage {
    auid: "org.openmobilealliance.pres-content",
    media_type: "application/vnd.oma.pres-content+xml",
    other_media_types: &["image/jpeg", "image/png", "image/gif"],
    namespace: NAMESPACE,
    form: Form::Pictures,
    schema: None,
    keeper: Keeper::User,
    resolve,
    constraints: unconstrained,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    let (Tree::Users, [user, "oma_status-icon", name]) = (request.tree, request.names) else { return None };
    let name = format!("oma_status-icon/{}", chosen_name(name)?);
    Some(Place::User { user: request.resolver.user(user).ok()?, name })
}

/// The media type of a picture by its first octets; `None`: it is none that we know.
pub(super) fn picture(octets: &[u8]) -> Option<&'static str> {
    PICTURES.iter().find(|(_, magic)| octets.starts_with(magic)).map(|(media_type, _)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_tell_what_they_are() {
        assert_eq!(picture(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(picture(b"\x89PNG\r\n\x1a\n\0"), Some("image/png"));
        assert_eq!(picture(b"GIF89a"), Some("image/gif"));
        for other in [&b""[..], b"GIF", b"<svg/>", b"<html>"] {
            assert_eq!(picture(other), None);
        }
    }
}
