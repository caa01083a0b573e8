//! The groups.

use std::sync::Arc;

use async_trait::async_trait;
use csc_store::{Change as Commit, Records, StoreError};
use csc_types::{Caller, Entropy, Etag, GroupId, McpttId, OrgId, Revision, Role};
use csc_xcap::access::Membership;
use csc_xcap::error::{Conflict, Exists};
use csc_xcap::uri::Root;
use csc_xcap::usage::groups::Contents;
use csc_xcap::{Document, Names, Place};
use csc_xcap_server::{
    Change, Decide, Entry, Judge, Library, New, Question, Refusal, Revised, Snapshot, Stored, Volume, Written,
};
use prost::Message;

use crate::domain::{GMOP, Members, alternative};
use crate::records::{
    Group, GroupRecord, SHELF, canonical, changed, damaged, group_key, group_keys, members_key,
    members_of_constituent, multicast_key, partition, read_group, with_history, write_group,
};

/// Group documents, by their canonical names and in their members' trees.
pub(crate) struct GroupLibrary {
    records: Records,
    entropy: Arc<dyn Entropy>,
    names: Names,
    /// Most entries of a group's list.
    entries: usize,
}

/// What is stored beside a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Digest {
    /// What it says; its members are left out.
    contents: Contents,
    /// Whom its list names.
    members: Members,
}

impl GroupLibrary {
    pub(crate) fn new(records: Records, entropy: Arc<dyn Entropy>, names: Names, entries: usize) -> Self {
        Self { records, entropy, names, entries }
    }

    /// What `caller` finds at `document`, where `group` is. In somebody else's tree there are only groups that this
    /// somebody sees; `others` are the members of a temporary group's constituents, who see it, too.
    fn snapshot(
        &self,
        document: &Document,
        caller: &Caller,
        group: Option<Group>,
        others: &[Members],
    ) -> Snapshot {
        let Some(group) = group else { return Snapshot::default() };
        let sees =
            |user: &McpttId| group.is_seen_by(user) || others.iter().any(|members| members.contains(user));
        let user = caller.user().map(|user| &user.id);
        let membership = match user {
            Some(user) if group.members.contains(user) => Membership::Listed,
            Some(user) if sees(user) => Membership::Viewer,
            _ => Membership::Outsider,
        };
        let visible = match &document.place {
            Place::GroupView { member, .. } => user == Some(member) || sees(member),
            _ => true,
        };
        let taken = self.taken(document, caller, membership, &group.organisation);
        let current = visible.then_some(group.stored);
        Snapshot { organisation: Some(group.organisation), membership, current, taken, ..Snapshot::default() }
    }

    /// What is answered to whoever may make groups, but not see the one of another organisation that has the name
    /// already: that it is taken, and one that is not (TS 24.481 6.3.2, RFC 4825 11).
    fn taken(
        &self,
        document: &Document,
        caller: &Caller,
        membership: Membership,
        organisation: &OrgId,
    ) -> Option<Conflict> {
        let user = caller.user()?;
        let makes_groups = [Role::Dispatcher, Role::Administrator].iter().any(|role| user.roles.has(*role));
        let stranger = makes_groups && user.org != *organisation && membership == Membership::Outsider;
        let elsewhere = matches!(&document.place, Place::GroupView { member, .. } if *member != user.id);
        let group = document.group().filter(|_| stranger && !elsewhere)?;
        let alt_values = alternative(group, self.entropy.next_u64()).into_iter().collect();
        let field = "group/list-service/@uri".to_owned();
        Some(Conflict::UniquenessFailure(vec![Exists { field, alt_values }]))
    }

    /// Whether `caller` may make `contents` those of `group`, as far as other groups matter (TS 24.481 6.3.14).
    async fn agree(
        &self,
        caller: &Caller,
        group: &GroupId,
        existing: Option<&Group>,
        organisation: &OrgId,
        contents: &Contents,
    ) -> Result<(), Refusal> {
        if existing.is_some_and(|existing| existing.regrouped_into != contents.regrouped_into) {
            self.is_free(group, existing).await?;
        }
        let before = existing.map(|existing| existing.constituents.clone()).unwrap_or_default();
        if before != contents.constituents && !commands(caller, organisation) {
            return Err(Refusal::Forbidden);
        }
        for constituent in contents.constituents.difference(&before) {
            let record = self.records.get(partition(constituent), &group_key(constituent)).await?;
            let fits = match GroupRecord::read(&record)? {
                Some(theirs) => {
                    let elsewhere = theirs.temporary()?.is_some_and(|into| into != *group);
                    let here = !theirs.deleted && theirs.organisation == organisation.as_str();
                    here && !elsewhere && theirs.constituents.is_empty() && constituent != group
                }
                None => false,
            };
            if !fits {
                return Err(failure(format!(
                    "{constituent} is no group of this organisation that can be regrouped"
                )));
            }
        }
        Ok(())
    }

    /// Refuses what would take `group` away from the temporary group that it is regrouped into.
    async fn is_free(&self, group: &GroupId, existing: Option<&Group>) -> Result<(), Refusal> {
        let Some(existing) = existing else { return Ok(()) };
        let Some(into) = &existing.regrouped_into else { return Ok(()) };
        let record = self.records.get(partition(into), &group_key(into)).await?;
        let holds = match GroupRecord::read(&record)? {
            Some(temporary) => {
                let here = !temporary.deleted && temporary.organisation == existing.organisation.as_str();
                here && temporary.regrouped()?.contains(group)
            }
            None => false,
        };
        if holds {
            return Err(failure(format!("the group is regrouped into {into} until that is deleted")));
        }
        Ok(())
    }
}

#[async_trait]
impl Library for GroupLibrary {
    type Digest = Digest;

    fn digest(&self, _: &Document, content: &csc_xml::Document<'_>) -> Result<Digest, Conflict> {
        let mut contents = Contents::read(content.root_element(), &self.names, self.entries)?;
        // Large groups are read on another thread, and what takes long with so many members belongs there.
        let members = std::mem::take(&mut contents.members).iter().collect();
        Ok(Digest { contents, members })
    }

    async fn look(&self, document: &Document, caller: &Caller) -> Result<Snapshot, StoreError> {
        let Some(id) = document.group() else { return Ok(Snapshot::default()) };
        let store = self.records.store();
        let group = read_group(&store.get(partition(id), &group_keys(id)).await?)?;
        let mut others = Vec::new();
        let organisation = group.as_ref().map_or("", |group| group.organisation.as_str());
        for constituent in group.iter().flat_map(|group| &group.constituents) {
            others.push(members_of_constituent(store, constituent, id, organisation).await?);
        }
        Ok(self.snapshot(document, caller, group, &others))
    }

    async fn generate(&self, _: &Document, _: Option<&Root>) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    async fn put(&self, change: Change<'_>, decide: &dyn Decide<Digest>) -> Result<Written, Refusal> {
        let Change { document, caller, .. } = change;
        let group = group_of(document)?;
        let path = canonical(group).path();
        let updated = self
            .records
            .update_async(partition(group), &changed(group, &path), |found| {
                let path = &path;
                async move {
                    let (found, history) = with_history(&found)?;
                    let existing = read_group(found)?;
                    let snapshot = self.snapshot(document, caller, existing.clone(), &[]);
                    let New { content, digest, created, dry_run } = decide.decide(&snapshot).await?;
                    let organisation =
                        existing.as_ref().map_or(change.organisation, |existing| &existing.organisation);
                    let Digest { contents, members } = digest;
                    self.agree(caller, group, existing.as_ref(), organisation, &contents).await?;
                    if dry_run {
                        return Ok(Commit::nothing((created, 0)));
                    }
                    let creator = match &existing {
                        Some(existing) => existing.creator.as_ref(),
                        None => change.creator,
                    };
                    let random = self.entropy.next_u64();
                    let record = GroupRecord::of(organisation, creator, &contents);
                    let written = Commit::nothing((created, random));
                    let before = existing.as_ref().map(|existing| &existing.members);
                    let written = write_group(written, group, &record, &members, before);
                    let entry = Entry { path, organisation, author: change.author, history };
                    Ok::<_, Refusal>(SHELF.put(written, &entry, Volume { random, content })?)
                }
            })
            .await
            .map_err(Refusal::from)?;
        let (created, random) = updated.outcome;
        let revision = updated.revision.unwrap_or(Revision::ABSENT);
        Ok(Written { created, etag: Etag::of(revision, random) })
    }

    async fn delete(&self, change: Change<'_>, judge: Judge<'_>) -> Result<(), Refusal> {
        let Change { document, caller, .. } = change;
        let group = group_of(document)?;
        let path = canonical(group).path();
        self.records
            .update_async(partition(group), &changed(group, &path), |found| {
                let path = &path;
                async move {
                    let (found, history) = with_history(&found)?;
                    let existing = read_group(found)?;
                    judge(&self.snapshot(document, caller, existing.clone(), &[]))?;
                    self.is_free(group, existing.as_ref()).await?;
                    let organisation = existing.ok_or(Refusal::NotFound)?.organisation;
                    let gone = Commit::nothing(())
                        .put(group_key(group), GroupRecord::gone(&organisation).encode_to_vec())
                        .delete(members_key(group))
                        .delete(multicast_key(group));
                    let entry = Entry { path, organisation: &organisation, author: change.author, history };
                    Ok::<_, Refusal>(SHELF.delete(gone, &entry)?)
                }
            })
            .await
            .map_err(Refusal::from)?;
        Ok(())
    }

    async fn history(&self, document: &Document) -> Result<Vec<Revised>, StoreError> {
        let group = group_of(document)?;
        let key = SHELF.history_key(&canonical(group).path());
        SHELF.history(&self.records.get(partition(group), &key).await?)
    }

    fn question(&self, document: &Document) -> Option<&'static Question> {
        matches!(document.place, Place::Group(_)).then_some(&GMOP)
    }
}

fn group_of(document: &Document) -> Result<&GroupId, StoreError> {
    document.group().ok_or_else(|| damaged("a document that is no group"))
}

/// Whether `caller` has a say in all groups of `organisation`: regrouping changes groups that it may not be in.
fn commands(caller: &Caller, organisation: &OrgId) -> bool {
    match caller {
        Caller::Anonymous => false,
        // Over the bus, and permitted there.
        Caller::Server(_) => true,
        Caller::User(user) => {
            let here = user.org == *organisation
                && [Role::Dispatcher, Role::Administrator].iter().any(|role| user.roles.has(*role));
            here || user.roles.has(Role::PlatformAdministrator)
        }
    }
}

fn failure(why: String) -> Refusal {
    Refusal::Conflict(Conflict::ConstraintFailure(why))
}
