//! What a batch of subscriptions will ask for, so that it can be read at once. Whatever is not foreseen here is read when it
//! is asked for: this saves round trips and decides nothing.

use csc_types::{Caller, McpttId, Partition};
use csc_xcap::usage::GROUPS;
use csc_xcap::{Document, Place};

use super::Look;
use super::cache::Wanted;
use crate::domain::target::{Scope, Target, usage_prefix};

/// One subscription of the batch.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'b> {
    /// Everything of `targets`, for this user, or for a server.
    All(Option<&'b McpttId>, &'b [Target]),
    /// What log entries with these paths may have changed.
    At(&'b Caller, &'b [Target], &'b [String]),
}

impl Look<'_> {
    /// Reads ahead for a batch.
    pub(crate) async fn ahead(&mut self, batch: &[Asked<'_>]) {
        let mut wanted = Wanted::default();
        for asked in batch {
            match *asked {
                Asked::All(watcher, targets) => {
                    wanted.accounts.extend(watcher.cloned());
                    for target in targets {
                        self.want(&mut wanted, watcher, target);
                    }
                }
                Asked::At(caller, targets, paths) => {
                    let watcher = caller.user().map(|user| &user.id);
                    for path in paths {
                        self.want_at(&mut wanted, watcher, targets, path);
                    }
                }
            }
        }
        self.cache.gather(wanted).await;

        // The service configuration lies where the accounts say.
        let mut wanted = Wanted::default();
        for asked in batch {
            let (Asked::All(_, targets) | Asked::At(_, targets, _)) = *asked;
            for target in targets {
                if let Scope::Document(document) = &target.scope
                    && let Place::ServiceConfigView(user) = &document.place
                    && let Some(organisation) = self.cache.organisation(user)
                {
                    let place = Place::Organisation(organisation);
                    want_document(&mut wanted, &Document { usage: document.usage, place });
                }
            }
        }
        self.cache.gather(wanted).await;
    }

    fn want(&self, wanted: &mut Wanted, watcher: Option<&McpttId>, target: &Target) {
        match &target.scope {
            Scope::Document(document) => self.want_all_of(wanted, watcher, document),
            Scope::Collection(collection) => {
                wanted.accounts.insert(collection.user.clone());
                wanted.below.insert((collection.partition(), collection.prefix()));
            }
            Scope::Usage(usage, _) => {
                wanted.below.extend(Partition::all().map(|partition| (partition, usage_prefix(usage))));
            }
        }
    }

    fn want_at(&self, wanted: &mut Wanted, watcher: Option<&McpttId>, targets: &[Target], path: &str) {
        for target in targets {
            if !target.wakes(watcher).iter().any(|wake| wake.covers(path)) {
                continue;
            }
            if let Scope::Document(document) = &target.scope {
                self.want_all_of(wanted, watcher, document);
            } else if let Some(document) = self.naming.names.document_at(path) {
                self.want_all_of(wanted, watcher, &document);
            }
        }
    }

    /// A document, and what the access table asks about it.
    fn want_all_of(&self, wanted: &mut Wanted, watcher: Option<&McpttId>, document: &Document) {
        if let Some(user) = document.user()
            && watcher != Some(user)
        {
            wanted.accounts.insert(user.clone());
        }
        if let (Some(group), Some(watcher)) = (document.group(), watcher) {
            let place = Place::GroupView { member: watcher.clone(), group: group.clone() };
            want_document(wanted, &Document { usage: &GROUPS, place });
        }
        if !matches!(document.place, Place::ServiceConfigView(_)) {
            want_document(wanted, document);
        }
    }
}

fn want_document(wanted: &mut Wanted, document: &Document) {
    wanted.entries.insert((document.partition(), document.path()));
}
