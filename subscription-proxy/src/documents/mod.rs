//! What there is now of the documents that a subscriber watches, as far as it may read them.
//!
//! Reads go to the index, which holds the ETag of every document and of every group view beside its path, and to the
//! account records; no service is asked. A reader that also follows the log takes its position first and reads second.

mod ahead;
mod cache;

use std::collections::HashSet;

use csc_proto::record::v1::{Account, account::Status};
use csc_store::{Store, StoreError};
use csc_types::{Caller, Etag, GroupId, McpttId, OrgId, Partition, User};
use csc_xcap::access::{Decision, Facts, Membership, Operation, decide};
use csc_xcap::usage::GROUPS;
use csc_xcap::{Document, Place};

pub(crate) use self::ahead::Asked;

use self::cache::Cache;
use crate::domain::subscription::State;
use crate::domain::target::{Naming, Scope, Target, usage_prefix};

/// Documents of one subscription; what is beyond is not watched.
const MAX_DOCUMENTS: usize = 10_000;

/// One look at the store. What it read once it does not read again, so that many watchers of one document cost one read;
/// it is made anew for each batch of work.
pub(crate) struct Look<'a> {
    naming: &'a Naming,
    cache: Cache<'a>,
}

impl<'a> Look<'a> {
    /// A first look.
    pub(crate) fn new(store: &'a dyn Store, naming: &'a Naming) -> Look<'a> {
        Look { naming, cache: Cache::new(store) }
    }

    /// How documents are named.
    pub(crate) fn naming(&self) -> &Naming {
        self.naming
    }

    /// The user `id` as its account record knows it; `None` if there is no such account or it is disabled.
    pub(crate) async fn user(&mut self, id: &McpttId) -> Result<Option<User>, StoreError> {
        let Some(account) = self.cache.account(id).await? else { return Ok(None) };
        if account.status() != Status::Enabled {
            return Ok(None);
        }
        let damaged = |what: &str| StoreError::Damaged(format!("account {id}: {what}"));
        Ok(Some(User {
            id: id.clone(),
            org: account.organisation.parse().map_err(|_| damaged("organisation"))?,
            roles: account.roles.iter().filter_map(|role| role.parse().ok()).collect(),
            ue_ids: account.ue_ids.iter().filter_map(|ue| ue.parse().ok()).collect(),
        }))
    }

    /// The same, if the account is the one with this `subject`: another one is somebody else's who has the MCPTT ID now.
    /// Where one of the two is empty nobody can tell.
    pub(crate) async fn user_of(&mut self, id: &McpttId, subject: &str) -> Result<Option<User>, StoreError> {
        let account = self.cache.account(id).await?;
        let now = account.map(|account| account.subject).unwrap_or_default();
        let other = !subject.is_empty() && !now.is_empty() && now != subject;
        if other { Ok(None) } else { self.user(id).await }
    }

    /// The account of `id`, whatever its status.
    pub(crate) async fn account(&mut self, id: &McpttId) -> Result<Option<Account>, StoreError> {
        self.cache.account(id).await
    }

    /// Whether `caller` may watch `target`: it may read what is there or may come to be. In its own tree it may always
    /// wait; what is not readable there yet is not mentioned.
    pub(crate) async fn may_watch(&mut self, caller: &Caller, target: &Target) -> Result<bool, StoreError> {
        let document = match &target.scope {
            Scope::Usage(..) => return Ok(matches!(caller, Caller::Server(_))),
            Scope::Document(document) => document.clone(),
            Scope::Collection(collection) => {
                let user = collection.user.clone();
                let place = if collection.usage == &GROUPS {
                    let group: GroupId = "tel:0".parse().expect("a group identity");
                    Place::GroupView { member: user, group }
                } else {
                    Place::User { user, name: String::new() }
                };
                Document { usage: collection.usage, place }
            }
        };
        let mut facts = self.facts(caller, &document, target.root.as_ref()).await?;
        if let Some(owner) = document.user() {
            // Of a view that is not there only the tree is known: its owner, and his organisation.
            if facts.organisation.is_none() {
                facts.organisation = self.organisation_of(caller, owner).await?;
            }
            if caller.user().is_some_and(|user| user.id == *owner) {
                facts.membership = Membership::Viewer;
            }
        }
        Ok(decide(caller, Operation::Read, &document, &facts) == Decision::Allow)
    }

    /// Everything of `targets` that `caller` may read.
    pub(crate) async fn all(&mut self, caller: &Caller, targets: &[Target]) -> Result<State, StoreError> {
        let mut state = State::new();
        let named = named(targets);
        for target in targets {
            match &target.scope {
                Scope::Document(document) => {
                    if let Some(etag) = self.etag(caller, document, target.root.as_ref()).await? {
                        state.insert(target.sel.clone(), etag);
                    }
                }
                Scope::Collection(collection) => {
                    let prefix = collection.prefix();
                    self.below(caller, &named, target, collection.partition(), &prefix, &mut state).await?;
                }
                Scope::Usage(usage, _) => {
                    let prefix = usage_prefix(usage);
                    for partition in Partition::all() {
                        self.below(caller, &named, target, partition, &prefix, &mut state).await?;
                    }
                }
            }
        }
        Ok(state)
    }

    /// What a log entry that names `path` may have changed for `caller`: each name and what stands there now.
    pub(crate) async fn at(
        &mut self,
        caller: &Caller,
        targets: &[Target],
        path: &str,
    ) -> Result<Vec<(String, Option<Etag>)>, StoreError> {
        let mut found = Vec::new();
        let watcher = caller.user().map(|user| user.id.clone());
        let named = named(targets).contains(path);
        for target in targets {
            if !target.wakes(watcher.as_ref()).iter().any(|wake| wake.covers(path)) {
                continue;
            }
            let root = target.root.as_ref();
            if let Scope::Document(document) = &target.scope {
                let etag = self.etag(caller, document, root).await?;
                found.push((target.sel.clone(), etag));
            } else if !named && let Some(document) = self.naming.names.document_at(path) {
                let etag = match self.counts(target, &document).await? {
                    true => self.etag(caller, &document, root).await?,
                    false => None,
                };
                found.push((target.sel_of(path), etag));
            }
        }
        Ok(found)
    }

    /// Adds what `caller` may read of the documents of `target` in `partition` whose paths begin with `prefix`.
    async fn below(
        &mut self,
        caller: &Caller,
        named: &HashSet<String>,
        target: &Target,
        partition: Partition,
        prefix: &str,
        state: &mut State,
    ) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let (page, more) = self.cache.below(partition, prefix, after.as_deref()).await?;
            for path in &page {
                let Some(document) = self.naming.names.document_at(path).filter(|_| !named.contains(path))
                else {
                    continue;
                };
                if !self.counts(target, &document).await? {
                    continue;
                }
                if let Some(etag) = self.etag(caller, &document, target.root.as_ref()).await? {
                    if state.len() == MAX_DOCUMENTS {
                        return Ok(());
                    }
                    state.insert(target.sel_of(path), etag);
                }
            }
            if !more {
                return Ok(());
            }
            after = page.into_iter().next_back();
        }
    }

    /// Whether a document below a target's prefix belongs to it: a server watches documents of its organisations.
    async fn counts(&mut self, target: &Target, document: &Document) -> Result<bool, StoreError> {
        let Scope::Usage(_, organisations) = &target.scope else { return Ok(true) };
        let entry = self.cache.entry(document.partition(), &document.path()).await?;
        Ok(entry.is_some_and(|entry| organisations.contains(&entry.organisation)))
    }

    /// The ETag of `document`, if it is there and `caller` may read it.
    async fn etag(
        &mut self,
        caller: &Caller,
        document: &Document,
        root: Option<&OrgId>,
    ) -> Result<Option<Etag>, StoreError> {
        let stored = match &document.place {
            // The document of the user's organisation under another name.
            Place::ServiceConfigView(user) => match self.organisation_of(caller, user).await? {
                Some(organisation) => {
                    Document { usage: document.usage, place: Place::Organisation(organisation) }
                }
                None => return Ok(None),
            },
            _ => document.clone(),
        };
        let Some(entry) = self.cache.entry(stored.partition(), &stored.path()).await? else {
            return Ok(None);
        };
        let facts = self.facts(caller, document, root).await?;
        let may = decide(caller, Operation::Read, document, &facts) == Decision::Allow;
        Ok(may.then_some(entry.etag))
    }

    /// What the access table asks about a document.
    async fn facts(
        &mut self,
        caller: &Caller,
        document: &Document,
        root: Option<&OrgId>,
    ) -> Result<Facts, StoreError> {
        let open_terminals = self.naming.open_terminals;
        let mut facts = Facts { root: root.cloned(), open_terminals, ..Facts::default() };
        facts.organisation = match &document.place {
            Place::User { user, .. } | Place::ServiceConfigView(user) | Place::Directory(user) => {
                self.organisation_of(caller, user).await?
            }
            Place::Organisation(organisation)
            | Place::Global { organisation, .. }
            | Place::InitialConfig { organisation, .. } => Some(organisation.clone()),
            Place::Ue(_) | Place::Group(_) | Place::GroupView { .. } | Place::Capabilities => {
                let entry = self.cache.entry(document.partition(), &document.path()).await?;
                entry.map(|entry| entry.organisation)
            }
        };
        if let (Some(group), Some(user)) = (document.group(), caller.user()) {
            // Whoever has a view of the group may read it; the projector keeps the views.
            let place = Place::GroupView { member: user.id.clone(), group: group.clone() };
            let view = Document { usage: &GROUPS, place };
            if self.cache.entry(view.partition(), &view.path()).await?.is_some() {
                facts.membership = Membership::Viewer;
            }
        }
        Ok(facts)
    }

    async fn organisation_of(
        &mut self,
        caller: &Caller,
        user: &McpttId,
    ) -> Result<Option<OrgId>, StoreError> {
        if let Some(own) = caller.user().filter(|own| own.id == *user) {
            return Ok(Some(own.org.clone()));
        }
        let account = self.cache.account(user).await?;
        Ok(account.and_then(|account| account.organisation.parse().ok()))
    }
}

/// The documents that the list names itself, so that a collection of the same list does not repeat them (RFC 5875
/// section 4.7).
fn named(targets: &[Target]) -> HashSet<String> {
    let documents = targets.iter().filter_map(|target| match &target.scope {
        Scope::Document(document) => Some(document.path()),
        Scope::Collection(_) | Scope::Usage(..) => None,
    });
    documents.collect()
}
