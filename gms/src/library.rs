//! The groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use csc_store::{Change as Commit, Record, Records, StoreError};
use csc_types::{Caller, Entropy, Etag, GroupId, McpttId, Revision};
use csc_xcap::access::Membership;
use csc_xcap::error::Conflict;
use csc_xcap::uri::Root;
use csc_xcap::usage::groups;
use csc_xcap::{Document, Names, Place};
use csc_xcap_server::{Change, Judge, Library, Refusal, Snapshot, Stored, Written};
use prost::Message;

use crate::domain::Members;
use crate::records::{
    GroupRecord, SHELF, canonical, damaged, group_key, group_keys, members_key, partition, read_group,
};

/// Group documents, by their canonical names and in their members' trees.
pub(crate) struct GroupLibrary {
    records: Records,
    entropy: Arc<dyn Entropy>,
    names: Names,
    /// Most entries of a group's list.
    entries: usize,
}

impl GroupLibrary {
    pub(crate) fn new(records: Records, entropy: Arc<dyn Entropy>, names: Names, entries: usize) -> Self {
        Self { records, entropy, names, entries }
    }
}

#[async_trait]
impl Library for GroupLibrary {
    type Digest = BTreeSet<McpttId>;

    fn digest(&self, _: &Document, content: &csc_xml::Document<'_>) -> Result<Self::Digest, Conflict> {
        groups::members(content.root_element(), &self.names, self.entries)
    }

    async fn look(&self, document: &Document, caller: &Caller) -> Result<Snapshot, StoreError> {
        let Some(group) = document.group() else { return Ok(Snapshot::default()) };
        let found = self.records.store().get(partition(group), &group_keys(group)).await?;
        snapshot(document, caller, &found)
    }

    async fn generate(&self, _: &Document, _: Option<&Root>) -> Result<Option<Stored>, StoreError> {
        Ok(None)
    }

    async fn put(&self, change: Change<'_, Self::Digest>, judge: Judge<'_>) -> Result<Written, Refusal> {
        let Change { document, caller, content, digest, organisation, creator } = change;
        let group = group_of(document)?;
        let path = canonical(group).path();
        let members: Members = digest.iter().collect();
        let updated = self
            .records
            .update(partition(group), &group_keys(group), |found| {
                judge(&snapshot(document, caller, found)?)?;
                let existing = read_group(found)?;
                let created = existing.is_none();
                let (belongs_to, creator) = match existing {
                    Some(existing) => (existing.organisation, existing.creator),
                    None => (organisation.clone(), creator.clone()),
                };
                let record = GroupRecord {
                    organisation: belongs_to.to_string(),
                    creator: creator.map(|creator| creator.to_string()),
                    deleted: false,
                };
                let random = self.entropy.next_u64();
                let written = Commit::nothing((created, random))
                    .put(group_key(group), record.encode_to_vec())
                    .put(members_key(group), members.octets());
                Ok(SHELF.put(written, &path, &belongs_to, random, content.clone()))
            })
            .await
            .map_err(Refusal::from)?;
        let (created, random) = updated.outcome;
        let revision = updated.revision.unwrap_or(Revision::ABSENT);
        Ok(Written { created, etag: Etag::of(revision, random) })
    }

    async fn delete(&self, document: &Document, caller: &Caller, judge: Judge<'_>) -> Result<(), Refusal> {
        let group = group_of(document)?;
        let path = canonical(group).path();
        self.records
            .update(partition(group), &group_keys(group), |found| {
                judge(&snapshot(document, caller, found)?)?;
                let Some(existing) = read_group(found)? else { return Err(Refusal::NotFound) };
                let organisation = existing.organisation;
                let record =
                    GroupRecord { organisation: organisation.to_string(), creator: None, deleted: true };
                let gone = Commit::nothing(())
                    .put(group_key(group), record.encode_to_vec())
                    .delete(members_key(group));
                Ok(SHELF.delete(gone, &path, &organisation))
            })
            .await
            .map_err(Refusal::from)?;
        Ok(())
    }
}

fn group_of(document: &Document) -> Result<&GroupId, StoreError> {
    document.group().ok_or_else(|| damaged("a document that is no group"))
}

/// What `caller` finds at `document`. In somebody else's tree there are only groups that this somebody sees.
fn snapshot(document: &Document, caller: &Caller, found: &[Record]) -> Result<Snapshot, StoreError> {
    let Some(group) = read_group(found)? else { return Ok(Snapshot::default()) };
    let user = caller.user().map(|user| &user.id);
    let membership = match user {
        Some(user) if group.members.contains(user) => Membership::Listed,
        Some(user) if group.is_seen_by(user) => Membership::Viewer,
        _ => Membership::Outsider,
    };
    let visible = match &document.place {
        Place::GroupView { member, .. } => user == Some(member) || group.is_seen_by(member),
        _ => true,
    };
    let current = visible.then_some(group.stored);
    Ok(Snapshot { organisation: Some(group.organisation), membership, current, ..Snapshot::default() })
}
