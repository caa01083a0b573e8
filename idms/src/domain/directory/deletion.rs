//! Deleting a user.

use csc_store::departure::{self, KEEPERS};
use csc_store::{Change, Key, Record};
use csc_types::{McpttId, Partition, Revision};

use super::{ATTEMPTS, Directory, DirectoryError, Mode};
use crate::domain::fault::Fault;
use crate::domain::user::{Deleted, User};
use crate::records::{self, Stored as _, deleted_key, user_key, without_user};

/// What a deletion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The user was there.
    Deleted,
    /// It was not.
    Absent,
}

/// A name, and the version of the claim to it.
type Claimed = (McpttId, Revision);

/// What there is of a user: the versions of its record and of the note of an unfinished deletion, where they exist, and
/// the UserUris that either names.
struct Present {
    user: Option<Revision>,
    note: Option<Revision>,
    uris: Vec<McpttId>,
}

impl Directory {
    /// Deletes a user. Its record, its public account record and the log entry that announces it are one commit, after
    /// which every code and refresh token of it is worth nothing, also when a user of this name is made again. The same
    /// commit has the services that keep something of users remove it, and until they have nobody gets the name. Then
    /// its claims are released; the commit notes them, so that a deletion that was cut off is finished by the next one.
    pub async fn delete_user(&self, id: &McpttId, mode: Mode) -> Result<Deletion, DirectoryError> {
        for _ in 0..ATTEMPTS {
            let present = self.present(id).await?;
            let deletion = present.user.map_or(Deletion::Absent, |_| Deletion::Deleted);
            if mode == Mode::DryRun {
                return Ok(deletion);
            }
            // Looked at in front of the commit: who makes the user again meanwhile claims its names anew.
            let mut claims: Vec<Claimed> = Vec::new();
            for uri in &present.uris {
                claims.extend(self.own_claim(uri, id).await?.map(|version| (uri.clone(), version)));
            }
            let Some(note) = self.remove(id, &present, &claims).await? else { continue };
            for (uri, version) in &claims {
                self.release(uri, *version).await?;
            }
            if let Some(note) = note {
                self.finished(id, note).await?;
            }
            return Ok(deletion);
        }
        Err(Fault::Contended.into())
    }

    async fn present(&self, id: &McpttId) -> Result<Present, Fault> {
        let keys = [user_key(id), deleted_key(id)];
        let found = self.records.store().get(Partition::of(id.as_str()), &keys).await?;
        let [user_version, note_version] = versions(&found);
        let user: Option<User> = records::read(&keys[0], &found[0])?;
        let note: Option<Deleted> = records::read(&keys[1], &found[1])?;
        let mut uris = user.map(|user| user.profile.user_uris).unwrap_or_default();
        uris.extend(note.map(|note| note.user_uris).unwrap_or_default());
        uris.sort_unstable();
        uris.dedup();
        Ok(Present { user: user_version, note: note_version, uris })
    }

    /// Removes the user if it is still as `present` says, and notes its `claims`. Returns the version of the note, if
    /// there is one now; nothing, if somebody else was faster.
    async fn remove(
        &self,
        id: &McpttId,
        present: &Present,
        claims: &[Claimed],
    ) -> Result<Option<Option<Revision>>, DirectoryError> {
        let mut keys = vec![user_key(id), deleted_key(id)];
        keys.extend(KEEPERS.map(|keeper| keeper.role.owner_key()));
        let change = |found: &[Record]| {
            if versions(found) != [present.user, present.note] {
                return Ok::<_, DirectoryError>(Change::nothing(false));
            }
            let mut change = Change::nothing(true);
            if present.user.is_some() {
                change = without_user(change, id, self.noted_until());
                change = departing(id, found)
                    .into_iter()
                    .fold(change, |change, key| change.put(key, departure::pending()));
            }
            Ok(if claims.is_empty() {
                if present.note.is_some() { change.delete(keys[1].clone()) } else { change }
            } else if present.user.is_some() {
                let user_uris = claims.iter().map(|(uri, _)| uri.clone()).collect();
                change.put(keys[1].clone(), Deleted { user_uris }.encode())
            } else {
                change
            })
        };
        let updated = self.records.update(Partition::of(id.as_str()), &keys, change).await;
        let updated = updated.map_err(super::rejected)?;
        let note = if claims.is_empty() { None } else { updated.revision.or(present.note) };
        Ok(updated.outcome.then_some(note))
    }

    /// Removes the note of this version: nothing is left to do.
    async fn finished(&self, id: &McpttId, version: Revision) -> Result<(), Fault> {
        let key = deleted_key(id);
        let change = |found: &[Record]| {
            let same = found[0].version == version;
            Ok::<_, Fault>(if same { Change::nothing(()).delete(key.clone()) } else { Change::nothing(()) })
        };
        let partition = Partition::of(id.as_str());
        self.records.update(partition, std::slice::from_ref(&key), change).await?;
        Ok(())
    }
}

/// The departures of `id` for the keepers that have ever been at work in its partition: of `found` the last records say
/// who has been.
fn departing(id: &McpttId, found: &[Record]) -> Vec<Key> {
    let owners = &found[found.len() - KEEPERS.len()..];
    let at_work = KEEPERS.iter().zip(owners).filter(|(_, owner)| owner.value.is_some());
    at_work.map(|(keeper, _)| keeper.departure_key(id)).collect()
}

/// The versions of the first two records, where they exist.
fn versions(found: &[Record]) -> [Option<Revision>; 2] {
    [0, 1].map(|n| found[n].value.is_some().then_some(found[n].version))
}
