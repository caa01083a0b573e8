//! XCAP roots: path prefixes that name an organisation.

use csc_types::OrgId;

use super::decode_segment;

/// A configured XCAP root, such as `/MissionCriticalOrg/MCO-12345/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The prefix as configured, with a slash at both ends.
    pub prefix: String,
    /// The organisation whose documents stand below it.
    pub organisation: OrgId,
}

/// All configured roots. The server's `/` needs no entry; it belongs to nobody.
#[derive(Clone, Debug, Default)]
pub struct Roots(Vec<(Vec<String>, Root)>);

/// A root that cannot be configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// It is no path prefix.
    #[error("XCAP root {0:?} is not a path such as /MissionCriticalOrg/MCO-12345/")]
    NotAPath(String),
    /// Another root has the same segments.
    #[error("XCAP root {0:?} is configured twice")]
    Twice(String),
}

impl Roots {
    /// The roots with these prefixes; a missing slash at the end is added.
    pub fn new(roots: impl IntoIterator<Item = (String, OrgId)>) -> Result<Self, RootError> {
        let mut all: Vec<(Vec<String>, Root)> = Vec::new();
        for (prefix, organisation) in roots {
            let bare = prefix.strip_suffix('/').unwrap_or(&prefix);
            let segments = match bare.strip_prefix('/') {
                Some(bare) => bare.split('/').map(decode_segment).collect::<Result<Vec<_>, _>>(),
                None => return Err(RootError::NotAPath(prefix)),
            };
            match segments {
                Ok(segments) if !segments.iter().any(String::is_empty) => {
                    if all.iter().any(|(other, _)| *other == segments) {
                        return Err(RootError::Twice(prefix));
                    }
                    all.push((segments, Root { prefix: format!("{bare}/"), organisation }));
                }
                _ => return Err(RootError::NotAPath(prefix)),
            }
        }
        all.sort_by_key(|(segments, _)| std::cmp::Reverse(segments.len()));
        Ok(Self(all))
    }

    /// The prefixes, as they are to be passed over by whoever routes requests.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, root)| root.prefix.as_str())
    }

    /// The longest root that `segments` stand below, and the segments below it.
    pub(super) fn split<'s>(&self, segments: &'s [String]) -> (Option<Root>, &'s [String]) {
        let found =
            self.0.iter().find_map(|(prefix, root)| Some((root, segments.strip_prefix(prefix.as_slice())?)));
        match found {
            Some((root, below)) => (Some(root.clone()), below),
            None => (None, segments),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_checked() {
        let org: OrgId = "a".parse().unwrap();
        let new = |prefixes: &[&str]| {
            Roots::new(prefixes.iter().map(|p| ((*p).to_owned(), org.clone()))).map(|_| ())
        };
        assert_eq!(new(&["/a/b", "/a/"]), Ok(()));
        assert_eq!(new(&["/a/b", "/a/b/"]), Err(RootError::Twice("/a/b/".to_owned())));
        for bad in ["", "/", "a", "//a", "/a//b", "/%zz"] {
            assert_eq!(new(&[bad]), Err(RootError::NotAPath(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn the_longest_root_wins() {
        let org = |name: &str| name.parse::<OrgId>().unwrap();
        let roots = Roots::new([("/x/".to_owned(), org("short")), ("/x/y".to_owned(), org("long"))]).unwrap();
        let segments = ["x", "y", "z"].map(str::to_owned);
        let (root, below) = roots.split(&segments);
        assert_eq!(root.map(|root| root.organisation), Some(org("long")));
        assert_eq!(below, ["z"]);
    }
}
