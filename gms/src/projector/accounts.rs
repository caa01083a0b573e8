//! Users that are gone: nothing of them stays in any group.
//!
//! When idms has removed an account, its user's entries go from the list of every group, as ordinary changes of those
//! groups with new ETags and notifications. The groups are found through the user's views. The departure that idms has
//! written stays until the last view is gone, and nobody gets the name before; cleared, it stays for a day, so that a view
//! that comes later is seen to be too late. Members who never had an account are nobody's mistake and stay.

use csc_store::departure::{self, GMS, Leaving};
use csc_store::owner::Fence;
use csc_store::{Change, StoreError, shared};
use csc_types::{GroupId, McpttId, Partition, Revision};
use csc_xcap::usage::GROUPS;

use super::due::Due;
use super::views::TOMBSTONE;
use super::{ProjectError, Projector, group};
use crate::domain::Edit;
use crate::records::{damaged, has_left};

/// Views that are looked at together.
const PAGE: usize = 256;

impl Projector {
    /// What is unfinished in `partition`.
    pub(super) async fn unfinished(&self, partition: Partition) -> Result<Vec<Due>, StoreError> {
        let groups = group::unfinished(self.records.store(), partition).await?;
        let pending = GMS.pending(self.records.store(), partition).await?;
        Ok(groups.into_iter().map(Due::Group).chain(pending.into_iter().map(Due::Account)).collect())
    }

    /// If `user` is gone, so it is from all groups; then says so.
    pub(super) async fn follow_account(&self, user: &McpttId, fence: &Fence) -> Result<(), ProjectError> {
        let partition = Partition::of(user.as_str());
        let departure = self.records.get(partition, &GMS.departure_key(user)).await?;
        let Some(Leaving::Pending(since)) = Leaving::read(&departure)? else { return Ok(()) };
        if has_left(self.records.store(), user, since).await? {
            self.leave_all(user).await?;
        }
        self.clear(user, fence).await
    }

    /// Removes `user` from the groups that it has views of. It has left when the last view is gone.
    async fn leave_all(&self, user: &McpttId) -> Result<(), ProjectError> {
        let partition = Partition::of(user.as_str());
        let prefix = format!("{}/users/{user}/", GROUPS.auid);
        let mut after: Option<String> = None;
        let mut left: Result<(), ProjectError> = Ok(());
        loop {
            let page =
                shared::index_scan(self.records.store(), partition, &prefix, after.as_deref(), PAGE).await?;
            for (path, entry, _) in &page {
                let group: Option<GroupId> = path.strip_prefix(&prefix).and_then(|name| name.parse().ok());
                if let Some(group) = group.filter(|_| !entry.removed) {
                    // Whatever becomes of one group, the user goes from the others.
                    match self.remove(user, &group).await {
                        Err(error) => left = Err(error.into()),
                        Ok(()) => left = left.and(Err(ProjectError::Unfinished)),
                    }
                }
            }
            match page.into_iter().last() {
                Some((path, ..)) => after = Some(path),
                None => return left,
            }
        }
    }

    /// Of the users of `partition` with a `live` view of `group`, whose members are `named` since that revision, those who
    /// have left go again. It is looked at behind the commit of the views, and each time until the group is projected to
    /// its end: whoever leaves before that commit is seen here, and whoever leaves after it finds the view.
    pub(super) async fn turn_away(
        &self,
        partition: Partition,
        group: &GroupId,
        named: Revision,
        live: impl Fn(&McpttId) -> bool,
    ) -> Result<(), ProjectError> {
        for (user, _) in GMS.departures(self.records.store(), partition).await? {
            if live(&user) && has_left(self.records.store(), &user, named).await? {
                self.remove(&user, group).await?;
            }
        }
        Ok(())
    }

    async fn remove(&self, user: &McpttId, group: &GroupId) -> Result<(), StoreError> {
        if self.editor.edit(group, &Edit::Remove(user.clone())).await? {
            self.metrics.departures.inc();
        }
        Ok(())
    }

    /// Says that no group that was there names `user` any more.
    async fn clear(&self, user: &McpttId, fence: &Fence) -> Result<(), ProjectError> {
        let key = GMS.departure_key(user);
        let until = self.clock.now().plus(TOMBSTONE);
        let partition = Partition::of(user.as_str());
        let cleared = self.records.update(partition, std::slice::from_ref(&key), |found| {
            let record = found.first().ok_or_else(|| damaged("no answer for a key"))?;
            let change = Change::nothing(());
            Ok::<_, StoreError>(match Leaving::read(record)? {
                Some(Leaving::Pending(since)) => {
                    let change = change.put_until(key.clone(), departure::cleared(since), until);
                    change.check(fence.check())
                }
                _ => change,
            })
        });
        cleared.await?;
        Ok(())
    }
}
