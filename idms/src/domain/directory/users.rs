//! Putting a user.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use csc_store::departure::{KEEPERS, Leaving};
use csc_store::shared::account_key;
use csc_store::{Change, Key, Record};
use csc_types::{McpttId, Partition, Revision, Timestamp};

use super::{ATTEMPTS, Directory, DirectoryError, Mode, Outcome, outcome};
use crate::domain::claim::{Claim, WRITE_WITHIN};
use crate::domain::fault::Fault;
use crate::domain::password::Proof;
use crate::domain::user::{Profile, User};
use crate::records::{self, claim_key, user_key, with_user};

/// How long a resource server may take a token that has expired, and how far its clock may be behind: twice what the
/// verifier of tokens allows.
const LEEWAY: Duration = Duration::from_secs(60);

/// A user as administration wants it.
pub struct NewUser {
    /// The MCPTT ID.
    pub id: McpttId,
    /// Everything but the password.
    pub profile: Profile,
    /// What proves its password; `None`: an existing one stays.
    pub proof: Option<Proof>,
}

/// Somebody else changed the user in between.
struct Overtaken;

impl Directory {
    /// Creates or changes a user. The public account record and the log entry that announces it are part of the same
    /// commit. Grants made before a new password, or before the account was disabled, are worth nothing afterwards. Nobody
    /// is made under the name of a deleted user of whom something is left.
    pub async fn put_user(&self, mut wanted: NewUser, mode: Mode) -> Result<Outcome, DirectoryError> {
        self.require_organisation(&wanted.profile.organisation, mode).await?;
        // The MCPTT ID is the user's own without being listed.
        wanted.profile.user_uris.retain(|uri| *uri != wanted.id);
        for _ in 0..ATTEMPTS {
            let before = self.user(&wanted.id).await?;
            if before.is_none() && mode == Mode::Apply {
                // The commit looks again; here it is told before a password is hashed and names are claimed.
                let departures = departure_keys(&wanted.id);
                let partition = Partition::of(wanted.id.as_str());
                require_gone(&wanted.id, &self.records.store().get(partition, &departures).await?)?;
            }
            let after = self.decide(&wanted, before.as_ref().map(|(user, _)| user)).await?;
            let outcome = outcome(before.as_ref().map(|(user, _)| user), &after);
            if mode == Mode::DryRun {
                return self
                    .check_names(before.as_ref().map(|(user, _)| user), &after)
                    .await
                    .map(|()| outcome);
            }
            if self.write(before, &after).await?.is_ok() {
                return Ok(outcome);
            }
        }
        Err(Fault::Contended.into())
    }

    /// The user as it is to be.
    async fn decide(&self, wanted: &NewUser, before: Option<&User>) -> Result<User, DirectoryError> {
        let kept = match (before, &wanted.proof) {
            (Some(before), Some(proof)) => {
                let same = self.hasher.matches(Some(&before.password), Some(proof.clone())).await;
                same.map_err(Fault::from)?.then(|| before.password.clone())
            }
            (Some(before), None) => Some(before.password.clone()),
            (None, _) => None,
        };
        let new_password = kept.is_none();
        let password = match (kept, &wanted.proof) {
            (Some(kept), _) => kept,
            (None, Some(proof)) => self.hasher.hash(proof.clone()).await.map_err(Fault::from)?,
            (None, None) => return Err(DirectoryError::PasswordMissing),
        };
        let disabled_now = before.is_some_and(|before| before.profile.enabled) && !wanted.profile.enabled;
        let epoch = before.map_or_else(|| self.first_epoch(), |before| before.session_epoch);
        Ok(User {
            id: wanted.id.clone(),
            profile: wanted.profile.clone(),
            subject: before.map_or_else(|| self.new_subject(), |before| before.subject.clone()),
            password,
            session_epoch: epoch
                .saturating_add(u64::from(before.is_some() && (new_password || disabled_now))),
        })
    }

    fn new_subject(&self) -> String {
        let mut octets = [0; 32];
        self.entropy.fill(&mut octets);
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// Far from the end, and from where anybody of this name was before.
    fn first_epoch(&self) -> u64 {
        let mut octets = [0; 8];
        self.entropy.fill(&mut octets);
        u64::from_be_bytes(octets) >> 1
    }

    /// What claiming would find, without claiming.
    async fn check_names(&self, before: Option<&User>, after: &User) -> Result<(), DirectoryError> {
        if before.is_none() {
            self.check_free(&after.id, &after.id).await?;
        }
        for uri in added(before, after) {
            self.check_free(uri, &after.id).await?;
        }
        Ok(())
    }

    /// Claim, write, confirm; and release what the user held before.
    async fn write(
        &self,
        before: Option<(User, Revision)>,
        after: &User,
    ) -> Result<Result<(), Overtaken>, DirectoryError> {
        let started = self.clock.now();
        let version = before.as_ref().map(|(_, version)| *version);
        let before = before.map(|(user, _)| user);
        let mut released = Vec::new();
        for uri in before.iter().flat_map(|before| added(Some(after), before)) {
            released.extend(self.own_claim(uri, &after.id).await?.map(|version| (uri.clone(), version)));
        }
        if before.is_none() {
            self.clear_left_over(&after.id, &after.id).await?;
        }
        for uri in added(before.as_ref(), after) {
            self.claim(uri, &after.id).await?;
        }
        if before.as_ref() != Some(after) && self.commit(version, after, started).await?.is_err() {
            return Ok(Err(Overtaken));
        }
        let mut lost = Vec::new();
        for uri in &after.profile.user_uris {
            match self.confirm(uri, &after.id).await {
                Err(DirectoryError::NameTaken(uri)) => lost.push(uri),
                confirmed => confirmed?,
            }
        }
        if let Some(first) = lost.first() {
            self.give_up(&lost, after).await?;
            return Err(DirectoryError::NameTaken(first.clone()));
        }
        for (uri, version) in released {
            self.release(&uri, version).await?;
        }
        Ok(Ok(()))
    }

    async fn commit(
        &self,
        version: Option<Revision>,
        after: &User,
        started: Timestamp,
    ) -> Result<Result<(), Overtaken>, DirectoryError> {
        let mut keys = vec![user_key(&after.id), account_key(&after.id), claim_key(&after.id)];
        keys.extend(departure_keys(&after.id));
        let change = |found: &[Record]| {
            let present = found[0].value.is_some().then_some(found[0].version);
            if present != version {
                return Ok(Change::nothing(Err(Overtaken)));
            }
            if version.is_none() {
                require_gone(&after.id, &found[3..])?;
            }
            // A new user's MCPTT ID may just have become somebody's UserUri.
            let claim: Option<Claim> = records::read(&keys[2], &found[2])?;
            if version.is_none() && claim.is_some_and(|claim| claim.owner != after.id) {
                return Err(DirectoryError::NameTaken(after.id.clone()));
            }
            if self.clock.now().since(started) > WRITE_WITHIN {
                return Err(Fault::Contended.into());
            }
            Ok(with_user(Change::nothing(Ok(())), after, self.noted_until()))
        };
        let updated = self.records.update(Partition::of(after.id.as_str()), &keys, change).await;
        Ok(updated.map_err(super::rejected)?.outcome)
    }

    /// Until when it is noted that an account changed now: until every token made before has expired, at the server whose
    /// clock is the slowest.
    pub(super) fn noted_until(&self) -> Timestamp {
        self.clock.now().plus(self.access_token).plus(LEEWAY)
    }

    /// Takes `lost`, whose claims were lost between claiming and confirming, out of the user's record again.
    async fn give_up(&self, lost: &[McpttId], after: &User) -> Result<(), Fault> {
        let keys = [user_key(&after.id), account_key(&after.id)];
        let change = |found: &[Record]| {
            let Some(mut user) = records::read::<User>(&keys[0], &found[0])? else {
                return Ok::<_, Fault>(Change::nothing(()));
            };
            user.profile.user_uris.retain(|held| !lost.contains(held));
            Ok(with_user(Change::nothing(()), &user, self.noted_until()))
        };
        self.records.update(Partition::of(after.id.as_str()), &keys, change).await?;
        Ok(())
    }
}

/// Where it is written whether something is left of a deleted user of this name.
fn departure_keys(id: &McpttId) -> [Key; KEEPERS.len()] {
    KEEPERS.map(|keeper| keeper.departure_key(id))
}

/// Refuses if one of `departures`, the records of [`departure_keys`], says so.
fn require_gone(id: &McpttId, departures: &[Record]) -> Result<(), DirectoryError> {
    let mut keepers = Vec::new();
    for (keeper, departure) in KEEPERS.iter().zip(departures) {
        if let Some(Leaving::Pending(_)) = Leaving::read(departure)? {
            keepers.push(keeper.name);
        }
    }
    if keepers.is_empty() { Ok(()) } else { Err(DirectoryError::Leaving(id.clone(), keepers.join(", "))) }
}

/// The UserUris of `after` that `before` does not hold.
fn added<'a>(before: Option<&'a User>, after: &'a User) -> impl Iterator<Item = &'a McpttId> {
    let held = before.map(|before| &before.profile.user_uris);
    after.profile.user_uris.iter().filter(move |uri| held.is_none_or(|held| !held.contains(uri)))
}
