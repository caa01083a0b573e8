//! Users that are gone: nothing of them stays in any group.
//!
//! When idms has removed an account, its user's entries go from the list of every group, as ordinary changes of those
//! groups with new ETags and notifications. The groups are found through the user's views. `gms.user` remembers which
//! accounts were there, so that one that went while nobody watched is noticed, and which have left, so that a view that
//! comes later is seen to be too late. Members who never had an account are nobody's mistake and stay.

use csc_store::owner::Fence;
use csc_store::{Change, Key, Record, StoreError, UpdateError, shared};
use csc_types::{GroupId, McpttId, Partition};
use csc_xcap::usage::GROUPS;
use prost::Message;

use super::due::Due;
use super::views::TOMBSTONE;
use super::{ProjectError, Projector, group};
use crate::domain::Edit;
use crate::records::{USER, UserRecord, UserState, user_key};

/// Records that are looked at together.
const PAGE: usize = 256;

impl Projector {
    /// What is unfinished in `partition`. Accounts that were not known yet are, from now on.
    pub(super) async fn unfinished(
        &self,
        partition: Partition,
        fence: &Fence,
    ) -> Result<Vec<Due>, StoreError> {
        let groups = group::unfinished(self.records.store(), partition).await?;
        self.note_accounts(partition, fence).await?;
        let accounts = self.unsettled_accounts(partition).await?;
        Ok(groups.into_iter().map(Due::Group).chain(accounts.into_iter().map(Due::Account)).collect())
    }

    /// Brings what is known of the account of `user` up to date; if it is gone, so is the user.
    pub(super) async fn follow_account(&self, user: &McpttId, fence: &Fence) -> Result<(), ProjectError> {
        if !self.is_leaving(user, fence).await? {
            return Ok(());
        }
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
                    // Whatever becomes of one group, the user goes from the others. It has left when the last view is
                    // gone: until then somebody may put it back, and its view would not be that of a newcomer.
                    match self.remove(user, &group).await {
                        Err(error) => left = Err(error.into()),
                        Ok(()) => left = left.and(Err(ProjectError::Unfinished)),
                    }
                }
            }
            match page.into_iter().last() {
                Some((path, ..)) => after = Some(path),
                None => break,
            }
        }
        left?;
        self.note_left(user, fence).await
    }

    /// Those of `newcomers` to `group` whose accounts had gone before their views came go at once.
    pub(super) async fn turn_away(
        &self,
        partition: Partition,
        group: &GroupId,
        newcomers: &[McpttId],
    ) -> Result<(), ProjectError> {
        if newcomers.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = newcomers.iter().map(user_key).collect();
        let found = self.records.store().get(partition, &keys).await?;
        for (user, record) in newcomers.iter().zip(&found) {
            let left = UserRecord::read(record)?.is_some_and(|user| user.state() != UserState::Present);
            if left && shared::account(self.records.store(), user).await?.is_none() {
                self.remove(user, group).await?;
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

    /// Whether `user` is to be removed from its groups; noted before it is begun.
    async fn is_leaving(&self, user: &McpttId, fence: &Fence) -> Result<bool, ProjectError> {
        let keys = [user_key(user), shared::account_key(user)];
        let updated = self.records.update(Partition::of(user.as_str()), &keys, |found| {
            let [known, account] = found else {
                return Err(StoreError::Damaged("no answer for a key".to_owned()));
            };
            let known = UserRecord::read(known)?.map(|user| user.state());
            let note = |state: UserState, leaving| {
                let record = UserRecord { state: state.into() };
                Change::nothing(leaving).put(user_key(user), record.encode_to_vec()).check(fence.check())
            };
            Ok(match (account.value.is_some(), known) {
                (true, Some(UserState::Present)) | (false, Some(UserState::Left)) => Change::nothing(false),
                (true, _) => note(UserState::Present, false),
                (false, Some(UserState::Leaving)) => Change::nothing(true),
                (false, _) => note(UserState::Leaving, true),
            })
        });
        Ok(updated.await?.outcome)
    }

    /// Notes that no group that was there names `user` any more.
    async fn note_left(&self, user: &McpttId, fence: &Fence) -> Result<(), ProjectError> {
        let keys = [user_key(user), shared::account_key(user)];
        let until = self.clock.now().plus(TOMBSTONE);
        let left = self.records.update(Partition::of(user.as_str()), &keys, |found| {
            let back = found.get(1).is_some_and(|account| account.value.is_some());
            let record = UserRecord { state: UserState::Left.into() };
            Ok::<_, StoreError>(if back {
                Change::nothing(())
            } else {
                let change = Change::nothing(()).check(fence.check());
                change.put_until(user_key(user), record.encode_to_vec(), until)
            })
        });
        left.await?;
        Ok(())
    }

    /// Notes every account of `partition`.
    async fn note_accounts(&self, partition: Partition, fence: &Fence) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let page = shared::account_names(self.records.store(), partition, after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            let keys: Vec<Key> = page.iter().map(|name| Key::new(USER, name)).collect();
            let noted = self.records.update(partition, &keys, |found| {
                let mut change = Change::nothing(());
                for (key, record) in keys.iter().zip(found) {
                    if record.value.is_none() {
                        let present = UserRecord { state: UserState::Present.into() };
                        change = change.put(key.clone(), present.encode_to_vec());
                    }
                }
                Ok::<_, StoreError>(change.check(fence.check()))
            });
            match noted.await {
                // Somebody else has the role by now, and does the same.
                Ok(_) | Err(UpdateError::Stale) => {}
                Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => return Err(error),
                Err(UpdateError::Contended) => {
                    return Err(StoreError::Unavailable("contended".to_owned()));
                }
            }
        }
    }

    /// The users of `partition` whose accounts went, or came back, while nobody watched.
    async fn unsettled_accounts(&self, partition: Partition) -> Result<Vec<McpttId>, StoreError> {
        let store = self.records.store();
        let mut due = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = store.scan(partition, USER, "", after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(due) };
            after = Some(last.clone());
            let users: Vec<(McpttId, &Record)> =
                page.iter().filter_map(|(name, record)| Some((name.parse().ok()?, record))).collect();
            let keys: Vec<Key> = users.iter().map(|(user, _)| shared::account_key(user)).collect();
            let accounts = store.get(partition, &keys).await?;
            for ((user, record), account) in users.into_iter().zip(&accounts) {
                let there = account.value.is_some();
                let settled = match UserRecord::read(record)?.map(|user| user.state()) {
                    Some(UserState::Present) => there,
                    Some(UserState::Left) => !there,
                    Some(UserState::Leaving) | None => false,
                };
                if !settled {
                    due.push(user);
                }
            }
        }
    }
}
