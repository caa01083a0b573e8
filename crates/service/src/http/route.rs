//! Which service answers a path: a configured XCAP root prefix is passed over, then the first segment decides.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use super::{HttpService, Mount};

/// The mounts of all services of a process.
pub(crate) struct Router {
    /// Decoded segments of each root prefix, the longest first.
    roots: Vec<Vec<String>>,
    mounts: BTreeMap<String, Route>,
    /// Answers what is nobody's.
    fallback: Option<Route>,
}

/// A service, by name.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) service: HttpService,
}

impl Router {
    /// A router without mounts. `roots` are XCAP root prefixes such as `/MissionCriticalOrg/MCO-12345/`.
    pub(crate) fn new(roots: &[String]) -> Self {
        let decoded = |root: &String| {
            let segments = root.split('/').filter(|segment| !segment.is_empty());
            segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
        };
        let mut roots: Vec<Vec<String>> = roots.iter().map(decoded).collect();
        roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        Self { roots, mounts: BTreeMap::new(), fallback: None }
    }

    /// Adds a mount of the service `name`.
    ///
    /// # Errors
    /// The segment that is taken already.
    pub(crate) fn add(&mut self, name: &'static str, mount: Mount) -> Result<(), String> {
        for segment in mount.segments {
            let route = Route { name, service: mount.service.clone() };
            if self.mounts.insert(segment.clone(), route).is_some() {
                return Err(segment);
            }
        }
        Ok(())
    }

    /// Lets the service `name` answer paths that are nobody's.
    ///
    /// # Errors
    /// The service that does so already.
    pub(crate) fn fall_back(&mut self, name: &'static str, service: HttpService) -> Result<(), &'static str> {
        match &self.fallback {
            Some(taken) => Err(taken.name),
            None => {
                self.fallback = Some(Route { name, service });
                Ok(())
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    /// The service for the undecoded `path`; `None` if it is nobody's and there is no fallback.
    pub(crate) fn route(&self, path: &str) -> Option<&Route> {
        self.mounted(path).or(self.fallback.as_ref())
    }

    fn mounted(&self, path: &str) -> Option<&Route> {
        let mut segments = path.strip_prefix('/')?.split('/').map(decode);
        let root = self.roots.iter().find(|root| {
            let mut segments = segments.clone();
            root.iter().all(|wanted| segments.next().flatten().is_some_and(|segment| segment == *wanted))
        });
        let first = segments.nth(root.map_or(0, Vec::len))??;
        self.mounts.get(first.as_ref())
    }
}

/// The segment without percent-encoding; `None` when that is no UTF-8.
fn decode(segment: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::super::Body;
    use super::*;

    fn router(roots: &[&str]) -> Router {
        let service =
            || tower::service_fn(|_| async { Ok::<_, Infallible>(http::Response::new(Body::empty())) });
        let mut router = Router::new(&roots.iter().map(|root| (*root).to_owned()).collect::<Vec<_>>());
        router.add("idms", Mount::new(["idms"], service())).unwrap();
        router.add("gms", Mount::new(["org.openmobilealliance.groups"], service())).unwrap();
        assert_eq!(router.add("cms", Mount::new(["idms"], service())), Err("idms".to_owned()));
        router
    }

    #[test]
    fn the_first_segment_decides() {
        let router = router(&[]);
        let name = |path| router.route(path).map(|route| route.name);
        assert_eq!(name("/org.openmobilealliance.groups/users/a/b/~~/c"), Some("gms"));
        assert_eq!(name("/org%2Eopenmobilealliance.groups"), Some("gms"));
        for path in ["", "*", "/", "//idms", "idms", "/idm", "/idmsx", "/%", "/%ff", "/x/idms", "/idms%2f"] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn one_service_answers_what_is_nobodys() {
        let mut router = router(&[]);
        let service = || {
            HttpService::new(tower::service_fn(|_| async {
                Ok::<_, Infallible>(http::Response::new(Body::empty()))
            }))
        };
        assert_eq!(router.fall_back("cms", service()), Ok(()));
        assert_eq!(router.fall_back("gms", service()), Err("cms"));
        let name = |path| router.route(path).map(|route| route.name);
        for path in ["/", "/unknown/x", "/%00", "/%"] {
            assert_eq!(name(path), Some("cms"), "{path}");
        }
        assert_eq!(name("/org.openmobilealliance.groups/x"), Some("gms"));
    }

    #[test]
    fn the_longest_root_prefix_is_passed_over() {
        let router = router(&["/org/", "/org/MCO-1/"]);
        let name = |path| router.route(path).map(|route| route.name);
        assert_eq!(name("/org/MCO-1/org.openmobilealliance.groups/x"), Some("gms"));
        assert_eq!(name("/org/MCO%2d1/org.openmobilealliance.groups/x"), Some("gms"));
        assert_eq!(name("/org/org.openmobilealliance.groups/x"), Some("gms"));
        assert_eq!(name("/org.openmobilealliance.groups/x"), Some("gms"));
        assert_eq!(name("/org/MCO-2/org.openmobilealliance.groups/x"), None);
        assert_eq!(name("/org/MCO-1"), None);
    }
}
