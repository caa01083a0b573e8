//! Projecting one group.

use csc_proto::record::v1::IndexEntry;
use csc_store::owner::Fence;
use csc_store::{Change, Key, Record, Store, StoreError, UpdateError};
use csc_types::{GroupId, Partition, Revision};
use prost::Message;

use super::regroup::Regrouping;
use super::views::State;
use super::{ProjectError, Projector};
use crate::domain::Members;
use crate::records::{
    GROUP, GroupRecord, ProjectedRecord, canonical, damaged, decode, group_key, members_key, parsed,
    partition, projected_key, reach_key, read_members, read_projected, regrouped_key,
};

/// Groups that are looked at together.
const PAGE: usize = 256;

/// A group's records as the projector reads them.
pub(super) struct Target {
    /// What the views must say.
    pub(super) state: State,
    /// Who is to have a live view.
    audience: Members,
    /// They changed since the views were last up to date.
    members_changed: bool,
    /// What it has to do with other groups.
    pub(super) regrouping: Regrouping,
}

impl Projector {
    /// Carries the state of `group`, as it is now, to everybody concerned.
    ///
    /// It may change meanwhile. Nothing here but the end depends on that it has not: a group that never rests is brought
    /// to its members all the same, each time as it was at the beginning. Then it gives its place to others, and comes
    /// again with the log entry of what changed.
    pub(super) async fn project(&self, group: &GroupId, fence: &Fence) -> Result<(), ProjectError> {
        let Some(mut target) = self.target(group).await? else { return Ok(()) };
        self.tell_constituents(group, fence, &target).await?;
        let others = self.members_of(group, &target).await?;
        target.audience = target.audience.union(&others);
        let widened = self.widen(group, fence, &target.audience).await?;
        self.write_views(group, &target.state, &widened, &target.audience).await?;
        if target.members_changed && self.tell_temporary_group(group, &target.regrouping).await? {
            self.note_told(group, fence, &target).await?;
        }
        self.finish(group, fence, &target, &widened).await
    }

    /// What is to be projected; `None` if every view is up to date.
    async fn target(&self, group: &GroupId) -> Result<Option<Target>, ProjectError> {
        let index = csc_store::shared::index_key(&canonical(group).path());
        let keys = [group_key(group), members_key(group), index, projected_key(group), regrouped_key(group)];
        let found = self.records.store().get(partition(group), &keys).await?;
        let [record, members, index, projected, regrouped] = &found[..] else {
            return Err(damaged("no answer for a key").into());
        };
        let revision = record.version;
        let Some(group): Option<GroupRecord> = decode(record)? else { return Ok(None) };
        let projected: ProjectedRecord = decode(projected)?.unwrap_or_default();
        if projected.revision >= revision.number() {
            return Ok(None);
        }
        let mut audience = Members::default();
        let mut random = 0;
        if !group.deleted {
            let entry: IndexEntry =
                decode(index)?.ok_or_else(|| damaged("a group without its index entry"))?;
            random = entry.random;
            let creator = group.maker()?;
            audience = read_members(members)?.union(&creator.iter().collect());
        }
        let organisation = parsed(&group.organisation, "organisation of a group")?;
        let regrouping = Regrouping::read(&group, regrouped)?;
        let state = State { revision, named: members.version, random, organisation };
        Ok(Some(Target {
            state,
            audience,
            members_changed: members.version.number() != projected.members,
            regrouping,
        }))
    }

    /// Notes everybody in `audience` before they get a view. Returns who may have one now.
    async fn widen(
        &self,
        group: &GroupId,
        fence: &Fence,
        audience: &Members,
    ) -> Result<Members, ProjectError> {
        let keys = [reach_key(group)];
        let updated = self.records.update(partition(group), &keys, |found| {
            let reach = found.first().map(read_members).transpose()?.unwrap_or_default();
            let widened = audience.union(&reach);
            let octets = (widened != reach).then(|| widened.octets());
            let change = Change::nothing(widened).check(fence.check());
            Ok::<_, StoreError>(match octets {
                Some(octets) => change.put(reach_key(group), octets),
                None => change,
            })
        });
        Ok(updated.await?.outcome)
    }

    /// Notes that the temporary group knows the members, so that it is not told of the same ones in the next turn of a group
    /// that never rests.
    async fn note_told(&self, group: &GroupId, fence: &Fence, target: &Target) -> Result<(), ProjectError> {
        let keys = [projected_key(group)];
        let noted = self.records.update(partition(group), &keys, |found| {
            let before = found.first().map(read_projected).transpose()?.unwrap_or(Revision::ABSENT);
            let told = ProjectedRecord { revision: before.number(), members: target.state.named.number() };
            let change = Change::nothing(()).check(fence.check());
            Ok::<_, StoreError>(change.put(projected_key(group), told.encode_to_vec()))
        });
        noted.await?;
        Ok(())
    }

    /// Notes that every view has seen the revision, if the group still is at it. `widened`: who had a view until now.
    async fn finish(
        &self,
        group: &GroupId,
        fence: &Fence,
        target: &Target,
        widened: &Members,
    ) -> Result<(), ProjectError> {
        let projected = ProjectedRecord {
            revision: target.state.revision.number(),
            members: target.state.named.number(),
        };
        let keys = [group_key(group)];
        let finished = self.records.update(partition(group), &keys, |found| {
            let current = found.first().map(|record| record.version);
            if current != Some(target.state.revision) {
                return Ok::<_, StoreError>(Change::nothing(()));
            }
            let change = Change::nothing(()).check(fence.check());
            if target.regrouping.deleted {
                let gone = [group_key(group), projected_key(group), reach_key(group), regrouped_key(group)];
                return Ok(gone.into_iter().fold(change, Change::delete));
            }
            let mut change = change.put(projected_key(group), projected.encode_to_vec());
            if *widened != target.audience {
                change = change.put(reach_key(group), target.audience.octets());
            }
            Ok(target.regrouping.finish(group, change))
        });
        finished.await?;
        Ok(())
    }
}

impl From<UpdateError<StoreError>> for ProjectError {
    fn from(error: UpdateError<StoreError>) -> Self {
        match error {
            UpdateError::Rejected(error) | UpdateError::Store(error) => Self::Store(error),
            UpdateError::Stale => Self::Fenced,
            UpdateError::Contended => Self::Store(StoreError::Unavailable("contended".to_owned())),
        }
    }
}

/// The groups of `partition` with a revision that was not projected to its end. A group of which nobody can tell is among
/// them: it then fails by itself and holds nobody up.
pub(super) async fn unfinished(store: &dyn Store, partition: Partition) -> Result<Vec<GroupId>, StoreError> {
    let mut groups = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = store.scan(partition, GROUP, "", after.as_deref(), PAGE).await?;
        let names: Vec<(GroupId, Revision)> =
            page.iter().filter_map(|(name, record)| Some((name.parse().ok()?, record.version))).collect();
        let keys: Vec<Key> = names.iter().map(|(group, _)| projected_key(group)).collect();
        let projected: Vec<Record> =
            if keys.is_empty() { Vec::new() } else { store.get(partition, &keys).await? };
        for ((group, revision), record) in names.into_iter().zip(&projected) {
            if !read_projected(record).is_ok_and(|projected| projected >= revision) {
                groups.push(group);
            }
        }
        match page.into_iter().last() {
            Some((name, _)) => after = Some(name),
            None => return Ok(groups),
        }
    }
}
