//! Which subscriptions a log entry concerns.

use std::collections::{HashMap, HashSet};

use csc_types::McpttId;

use super::Tag;
use super::watch::Watch;
use crate::domain::target::{Scope, Wake};

/// Subscriptions by what wakes them.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    wakes: HashMap<Wake, HashSet<Tag>>,
    users: HashMap<McpttId, HashSet<Tag>>,
}

impl Watchers {
    /// From now on `tag` is woken for what `watch` names.
    pub(super) fn add(&mut self, tag: &Tag, watch: &Watch) {
        for wake in wakes(watch) {
            self.wakes.entry(wake).or_default().insert(tag.clone());
        }
        for user in users(watch) {
            self.users.entry(user).or_default().insert(tag.clone());
        }
    }

    /// Undoes [`Watchers::add`].
    pub(super) fn remove(&mut self, tag: &Tag, watch: &Watch) {
        for wake in wakes(watch) {
            if let Some(tags) = self.wakes.get_mut(&wake) {
                tags.remove(tag);
                if tags.is_empty() {
                    self.wakes.remove(&wake);
                }
            }
        }
        for user in users(watch) {
            if let Some(tags) = self.users.get_mut(&user) {
                tags.remove(tag);
                if tags.is_empty() {
                    self.users.remove(&user);
                }
            }
        }
    }

    /// Whom a change of the document at `path` concerns: those who watch it, and those who watch a collection above it.
    pub(super) fn of_document(&self, path: &str) -> Vec<Tag> {
        let above = path.match_indices('/').map(|(at, _)| Wake::Below(path[..=at].to_owned()));
        let mut found = HashSet::new();
        for wake in above.chain([Wake::At(path.to_owned())]) {
            found.extend(self.wakes.get(&wake).into_iter().flatten().cloned());
        }
        found.into_iter().collect()
    }

    /// Whom a change of this account concerns: the user's own subscriptions, and those to documents of the user.
    pub(super) fn of_user(&self, user: &McpttId) -> Vec<Tag> {
        self.users.get(user).into_iter().flatten().cloned().collect()
    }
}

fn wakes(watch: &Watch) -> impl Iterator<Item = Wake> {
    let user = watch.user();
    watch.targets.iter().flat_map(move |target| target.wakes(user))
}

fn users(watch: &Watch) -> impl Iterator<Item = McpttId> {
    let owners = watch.targets.iter().filter_map(|target| match &target.scope {
        Scope::Document(document) => document.user().cloned(),
        Scope::Collection(collection) => Some(collection.user.clone()),
        Scope::Usage(..) => None,
    });
    owners.chain([watch.subscriber.clone()])
}

#[cfg(test)]
mod tests {
    use csc_xcap::Names;
    use csc_xcap::uri::Roots;

    use super::*;
    use crate::domain::target::{Naming, Target};

    #[test]
    fn entries_find_their_watchers() {
        let naming = Naming {
            names: Names::of("default".parse().unwrap()),
            roots: Roots::default(),
            root_uri: String::new(),
            open_terminals: false,
        };
        let watch = |user: &str, uris: &[&str]| Watch {
            subscriber: user.parse().unwrap(),
            subject: String::new(),
            server: None,
            targets: uris.iter().map(|uri| Target::parse(uri, &naming).unwrap()).collect(),
        };
        let (a, b) = (Tag::from("a"), Tag::from("b"));
        let groups = "org.openmobilealliance.groups/users/tel:+1";
        let watch_a = watch("tel:+1", &[groups, "org.3gpp.mcptt.service-config/users/tel:+1/service-config"]);
        let watch_b = watch("tel:+2", &["org.openmobilealliance.groups/users/tel:+1/tel:+9"]);
        let mut watchers = Watchers::default();
        watchers.add(&a, &watch_a);
        watchers.add(&b, &watch_b);
        let mut both = watchers.of_document("org.openmobilealliance.groups/users/tel:+1/tel:+9");
        both.sort();
        assert_eq!(both, [a.clone(), b.clone()]);
        assert_eq!(
            watchers.of_document("org.openmobilealliance.groups/users/tel:+1/tel:+8"),
            std::slice::from_ref(&a)
        );
        assert!(watchers.of_document("org.openmobilealliance.groups/users/tel:+11/tel:+9").is_empty());
        let config = "org.3gpp.mcptt.service-config/global/default/service-config.xml";
        assert_eq!(watchers.of_document(config), std::slice::from_ref(&a));
        assert_eq!(watchers.of_user(&"tel:+1".parse().unwrap()).len(), 2);
        assert_eq!(watchers.of_user(&"tel:+2".parse().unwrap()), std::slice::from_ref(&b));
        watchers.remove(&a, &watch_a);
        watchers.remove(&b, &watch_b);
        assert!(watchers.wakes.is_empty() && watchers.users.is_empty());
    }
}
