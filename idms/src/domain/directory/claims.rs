//! Claiming, confirming and releasing names; see [`crate::domain::claim`].

use csc_store::{Change, Key, Record};
use csc_types::{McpttId, Partition, Revision};

use super::{Directory, DirectoryError};
use crate::domain::claim::{Claim, LEFT_OVER};
use crate::domain::fault::Fault;
use crate::domain::user::User;
use crate::records::{self, Stored as _, claim_key, user_key};

/// What a claim was when it was looked at.
struct Seen {
    claim: Claim,
    version: Revision,
}

impl Directory {
    /// Claims `uri` for `owner`, before it is written into the owner's record.
    pub(super) async fn claim(&self, uri: &McpttId, owner: &McpttId) -> Result<(), DirectoryError> {
        self.clear_left_over(uri, owner).await?;
        let keys = [claim_key(uri), user_key(uri)];
        let claim = Claim { owner: owner.clone(), since: self.clock.now(), confirmed: false };
        let change = |found: &[Record]| {
            let present: Option<Claim> = records::read(&keys[0], &found[0])?;
            let other_owner = present.is_some_and(|present| present.owner != *owner);
            // The URI may also be the MCPTT ID of another user, who needs no claim to it.
            if other_owner || found[1].value.is_some() {
                return Err(DirectoryError::NameTaken(uri.clone()));
            }
            // An own claim is claimed anew as well: its date tells others to keep off.
            Ok(Change::nothing(()).put(keys[0].clone(), claim.encode()))
        };
        let updated = self.records.update(Partition::of(uri.as_str()), &keys, change).await;
        updated.map(|_| ()).map_err(super::rejected)
    }

    /// Confirms the claim of `owner` to `uri`, which its record holds now.
    pub(super) async fn confirm(&self, uri: &McpttId, owner: &McpttId) -> Result<(), DirectoryError> {
        let keys = [claim_key(uri), user_key(uri)];
        let now = self.clock.now();
        let change = |found: &[Record]| {
            if found[1].value.is_some() {
                return Err(DirectoryError::NameTaken(uri.clone()));
            }
            let claim = match records::read(&keys[0], &found[0])? {
                Some(Claim { owner: other, .. }) if other != *owner => {
                    return Err(DirectoryError::NameTaken(uri.clone()));
                }
                Some(Claim { confirmed: true, .. }) => return Ok(Change::nothing(())),
                Some(claim) => Claim { confirmed: true, ..claim },
                None => Claim { owner: owner.clone(), since: now, confirmed: true },
            };
            Ok(Change::nothing(()).put(keys[0].clone(), claim.encode()))
        };
        let updated = self.records.update(Partition::of(uri.as_str()), &keys, change).await;
        updated.map(|_| ()).map_err(super::rejected)
    }

    /// The version of the claim of `owner` to `uri`, to be released once its record does not hold the name any more.
    pub(super) async fn own_claim(
        &self,
        uri: &McpttId,
        owner: &McpttId,
    ) -> Result<Option<Revision>, DirectoryError> {
        let seen = self.seen(uri).await?.filter(|seen| seen.claim.owner == *owner);
        Ok(seen.map(|seen| seen.version))
    }

    /// Removes the claim to `uri` if it is still the one of that `version`.
    pub(super) async fn release(&self, uri: &McpttId, version: Revision) -> Result<(), DirectoryError> {
        let key = claim_key(uri);
        let change = |found: &[Record]| {
            let same = found[0].version == version;
            Ok(if same { Change::nothing(()).delete(key.clone()) } else { Change::nothing(()) })
        };
        let partition = Partition::of(uri.as_str());
        let updated = self.records.update(partition, std::slice::from_ref(&key), change).await;
        updated.map(|_| ()).map_err(super::rejected)
    }

    /// Whether `owner` may have `uri`, without claiming it.
    pub(super) async fn check_free(&self, uri: &McpttId, owner: &McpttId) -> Result<(), DirectoryError> {
        let user = self.records.get(Partition::of(uri.as_str()), &user_key(uri)).await?;
        if user.value.is_some() && uri != owner {
            return Err(DirectoryError::NameTaken(uri.clone()));
        }
        self.left_over(uri, owner).await.map(|_| ())
    }

    /// Removes a left-over claim of somebody else to `uri`; an error if it is a good one.
    pub(super) async fn clear_left_over(&self, uri: &McpttId, owner: &McpttId) -> Result<(), DirectoryError> {
        match self.left_over(uri, owner).await? {
            Some(version) => self.release(uri, version).await,
            None => Ok(()),
        }
    }

    /// The version of a left-over claim of somebody else to `uri`; `None` if nobody else has one.
    async fn left_over(&self, uri: &McpttId, owner: &McpttId) -> Result<Option<Revision>, DirectoryError> {
        let Some(Seen { claim, version }) = self.seen(uri).await?.filter(|seen| seen.claim.owner != *owner)
        else {
            return Ok(None);
        };
        let held =
            self.user(&claim.owner).await?.is_some_and(|(user, _)| user.profile.user_uris.contains(uri));
        if held || self.clock.now().since(claim.since) < LEFT_OVER {
            return Err(DirectoryError::NameTaken(uri.clone()));
        }
        tracing::info!(%uri, owner = %claim.owner, "a claim that was never finished is taken over");
        Ok(Some(version))
    }

    async fn seen(&self, uri: &McpttId) -> Result<Option<Seen>, DirectoryError> {
        let key = claim_key(uri);
        let record = self.records.get(Partition::of(uri.as_str()), &key).await?;
        let claim = records::read(&key, &record)?;
        Ok(claim.map(|claim| Seen { claim, version: record.version }))
    }

    /// A user and the version of its record.
    pub(super) async fn user(&self, id: &McpttId) -> Result<Option<(User, Revision)>, Fault> {
        let key: Key = user_key(id);
        let record = self.records.get(Partition::of(id.as_str()), &key).await?;
        Ok(records::read(&key, &record)?.map(|user| (user, record.version)))
    }
}
