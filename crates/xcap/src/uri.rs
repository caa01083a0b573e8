//! Request targets (RFC 4825 section 6): root, document selector, node selector, namespace bindings.
//!
//! The path is split at the first `~~` segment before anything is decoded, and each segment is decoded after, so that
//! a name or a predicate value may hold any character.

mod bindings;
mod decode;
mod roots;

pub use bindings::Bindings;
pub(crate) use bindings::XML_NAMESPACE;
use decode::decode_node_segment;
pub use decode::decode_segment;
pub(crate) use decode::encode;
pub use roots::{Root, RootError, Roots};

use crate::select::{NodeSelector, SelectorError};

/// Most octets of a decoded segment of a document selector: those of the longest identity, with the `sip:` that terminals
/// put in front of a UE id.
const LONGEST: usize = 255 + 4;

/// The request target is no XCAP URI at all: answer 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// The target is not a path.
    #[error("the request target is not an absolute path")]
    NotAPath,
    /// `%` without two hex digits, octets that are no UTF-8, or a control character.
    #[error("the request target holds a broken or forbidden percent-encoding")]
    Encoding,
    /// A segment of the document selector is longer than any name.
    #[error("the request target holds a name that is too long")]
    TooLong,
    /// The node selector uses a prefix that no `xmlns()` of the query binds.
    #[error("the node selector uses a prefix that the query does not bind")]
    UnboundPrefix,
}

/// A request target, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The configured root that it stands below; `None`: the server's own `/`.
    pub root: Option<Root>,
    /// Which document.
    pub document: DocumentSelector,
    /// Which node of it, if not all of it.
    pub node: Option<Node>,
}

/// The part of a target behind `~~`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A selector.
    Selector(NodeSelector),
    /// Nothing that the grammar of RFC 4825 6.3 knows; it selects nothing: 404.
    Malformed,
}

impl Target {
    /// Takes the target of a request, path and query as they were sent.
    pub fn parse(target: &str, roots: &Roots) -> Result<Self, BadTarget> {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let path = path.strip_prefix('/').ok_or(BadTarget::NotAPath)?;
        let (selector, node) = split_at_separator(path);
        let segments = selector.split('/').map(decode_segment).collect::<Result<Vec<_>, _>>()?;
        if segments.iter().any(|segment| segment.len() > LONGEST) {
            return Err(BadTarget::TooLong);
        }
        let (root, below) = roots.split(&segments);
        let document = DocumentSelector(below.to_vec());
        let node = match node {
            Some(node) => Some(parse_node(node, query)?),
            None => None,
        };
        Ok(Self { root, document, node })
    }

    /// Takes a `uri` of a subscription's resource list: relative to the XCAP root or absolute, percent-encoded or not,
    /// with blanks around it (RFC 5875 4.3; spec: accepted forms).
    pub fn parse_entry(uri: &str, roots: &Roots) -> Result<Self, BadTarget> {
        let uri = uri.trim();
        let path = ["https://", "http://"]
            .iter()
            .find_map(|scheme| uri.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)))
            .map_or(uri, |scheme| uri[scheme.len()..].split_once('/').map_or("", |(_authority, path)| path));
        Self::parse(&format!("/{}", path.strip_prefix('/').unwrap_or(path)), roots)
    }
}

/// A document selector (RFC 4825 6.2): the decoded segments below the XCAP root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSelector(Vec<String>);

impl DocumentSelector {
    /// A path that was never encoded, such as [`crate::Document::path`] gives.
    pub fn from_decoded(path: &str) -> Self {
        Self(path.strip_prefix('/').unwrap_or(path).split('/').map(str::to_owned).collect())
    }

    /// Its segments, AUID first.
    pub fn segments(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

/// A path, not decoded, before the first segment that is `~~`, and what stands behind that. An encoded tilde is the same (RFC
/// 4825 6): a proxy may rewrite one as the other.
pub fn split_at_separator(path: &str) -> (&str, Option<&str>) {
    let mut start = 0;
    for segment in path.split('/') {
        let end = start + segment.len();
        if start > 0 && is_separator(segment) {
            return (&path[..start - 1], Some(path.get(end + 1..).unwrap_or_default()));
        }
        start = end + 1;
    }
    (path, None)
}

fn is_separator(segment: &str) -> bool {
    segment.starts_with(['~', '%']) && segment.len() <= 6 && decode_segment(segment).as_deref() == Ok("~~")
}

fn parse_node(node: &str, query: Option<&str>) -> Result<Node, BadTarget> {
    let segments = node.split('/').map(decode_node_segment).collect::<Result<Vec<_>, _>>()?;
    let bindings = Bindings::parse(query.unwrap_or_default())?;
    match NodeSelector::parse(&segments, &bindings) {
        Ok(selector) => Ok(Node::Selector(selector)),
        Err(SelectorError::Malformed) => Ok(Node::Malformed),
        Err(SelectorError::UnboundPrefix) => Err(BadTarget::UnboundPrefix),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(target: &str) -> Result<Target, BadTarget> {
        let roots = Roots::new([("/MissionCriticalOrg/MCO-12345/".to_owned(), "MCO-12345".parse().unwrap())])
            .unwrap();
        Target::parse(target, &roots)
    }

    fn segments(target: &str) -> Vec<String> {
        parse(target).unwrap().document.0
    }

    #[test]
    fn segments_are_decoded_after_the_split() {
        let raw = segments("/org.openmobilealliance.groups/users/tel:+8210/tel:+8220");
        assert_eq!(raw, segments("/org.openmobilealliance.groups/users/tel%3A%2B8210/tel%3a%2b8220"));
        assert_eq!(segments("/a/users/..%2fb"), ["a", "users", "../b"]);
        assert_eq!(segments("/a/users/x/"), ["a", "users", "x", ""]);
        assert_eq!(segments("/a/%EA%B7%B8"), ["a", "그"]);
    }

    #[test]
    fn the_first_separator_counts() {
        let target = parse("/a/users/x/~~/b/~~/c").unwrap();
        assert_eq!(target.document.0, ["a", "users", "x"]);
        assert_eq!(target.node, Some(Node::Malformed));
        for separator in ["%7E%7E", "%7e%7e", "~%7E", "%7e~"] {
            assert_eq!(parse(&format!("/a/x/{separator}/b/~~")), parse("/a/x/~~/b/~~"), "{separator}");
        }
        for name in ["/a/x%2F~~/b", "/a/x/~~%2Fb", "/a/x/~~~/b", "/a/x/~/~/b", "/a/x/%257E~/b", "/~~/b"] {
            assert_eq!(parse(name).unwrap().node, None, "{name}");
        }
        assert_eq!(parse("/a/users/x/~~").unwrap().node, Some(Node::Malformed));
        assert_eq!(parse("/a/users/x/~~/").unwrap().node, Some(Node::Malformed));
        assert!(matches!(parse("/a/x/~~/b?anything").unwrap().node, Some(Node::Selector(_))));
    }

    #[test]
    fn broken_targets() {
        for (target, error) in [
            ("a/b", BadTarget::NotAPath),
            ("*", BadTarget::NotAPath),
            ("/a/%00", BadTarget::Encoding),
            ("/a/%zz", BadTarget::Encoding),
            ("/a/%4", BadTarget::Encoding),
            ("/a/%C0%AF", BadTarget::Encoding),
            ("/a/%ff", BadTarget::Encoding),
            ("/a/x/~~/b%00", BadTarget::Encoding),
            ("/a/x/~~/p:b", BadTarget::UnboundPrefix),
            ("/a/x/~~/b/@p:c?xmlns(q=urn:q)", BadTarget::UnboundPrefix),
        ] {
            assert_eq!(parse(target), Err(error), "{target}");
        }
    }

    #[test]
    fn names_have_an_end() {
        let longest = "%EA%B7%B8".repeat(LONGEST / 3);
        assert!(parse(&format!("/a/users/{longest}/b")).is_ok());
        assert_eq!(parse(&format!("/a/users/{longest}xx/b")), Err(BadTarget::TooLong));
        assert_eq!(parse(&format!("/{}", "x".repeat(LONGEST + 1))), Err(BadTarget::TooLong));
        assert!(parse(&format!("/a/users/b/c/~~/d[@e='{}']", "x".repeat(9_000))).is_ok());
    }

    #[test]
    fn a_root_names_an_organisation() {
        let target = parse("/MissionCriticalOrg/MCO-12345/a/global/x").unwrap();
        assert_eq!(target.document.0, ["a", "global", "x"]);
        assert_eq!(target.root.unwrap().organisation.as_str(), "MCO-12345");
        assert_eq!(parse("/MissionCriticalOrg/MCO-123456/a").unwrap().root, None);
    }

    #[test]
    fn subscription_entries() {
        let plain = parse("/a/users/tel:+8210/x").unwrap();
        for uri in [
            "a/users/tel:+8210/x",
            " /a/users/tel%3A%2B8210/x \n",
            "https://csc.example.org:4420/a/users/tel:+8210/x",
            "HTTP://csc.example.org/a/users/tel:+8210/x",
        ] {
            assert_eq!(Target::parse_entry(uri, &Roots::default()).unwrap(), plain, "{uri}");
        }
        assert_eq!(Target::parse_entry("https://csc", &Roots::default()).unwrap().document.0, [""]);
    }

    proptest! {
        #[test]
        fn never_panics(target in "/?([a-z~/%:@?='\"\\[\\]()*1&;+.]|~~|/~~/|%[0-9a-f]{2}|xmlns){0,60}") {
            let _ = parse(&target);
            let _ = Target::parse_entry(&target, &Roots::default());
        }
    }
}
