//! Which document holds the URI of a service. It is unique over all users, who live in different partitions; so it is
//! claimed in its own partition before the document that holds it is written.
//!
//! A claim is good while the document that made it holds the URI, and for a while without: then its commit may still be
//! under way. Any other is left over from a change that was never made, and may be taken over.

use std::sync::Arc;
use std::time::Duration;

use csc_store::{Change, Key, Record, Records, StoreError, UpdateError, shared};
use csc_types::{Clock, Partition, Revision, Timestamp};
use csc_xcap::error::{Conflict, Exists};
use csc_xcap::usage::{GROUPS, rls_services};
use csc_xcap::{Document, Names, Place};
use csc_xcap_server::Refusal;
use prost::Message;

use crate::records::{damaged, decode};

/// How old a claim must be before it counts as left over: longer than any commit may take.
const LEFT_OVER: Duration = Duration::from_secs(60);
/// How long after its first claim a change may still be sent to the store.
const WRITE_WITHIN: Duration = Duration::from_secs(20);
/// Other names that are offered for one that is taken, at most.
const OFFERED: usize = 3;

/// Who holds a URI.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClaimRecord {
    /// The partition of the document.
    #[prost(uint32, tag = "1")]
    pub(crate) partition: u32,
    /// Its canonical path.
    #[prost(string, tag = "2")]
    pub(crate) path: String,
    /// When it was claimed: microseconds of Unix time.
    #[prost(uint64, tag = "3")]
    pub(crate) since: u64,
}

/// The URIs that a document holds.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeldRecord {
    /// Canonical, in the order of the document.
    #[prost(string, repeated, tag = "1")]
    pub(crate) uris: Vec<String>,
}

/// A claim to be released once the commit is made, if it still is the one of this version.
pub(crate) type Release = (String, Revision);

/// What became of the wish for a URI.
enum Claim {
    /// Somebody else has it.
    Taken,
    /// It is claimed, by a claim of this version that the document did not have before; `None` in a dry run.
    New(Option<Revision>),
    /// Another change of the same document has claimed it, too.
    Shared,
}

/// Where the claim to a URI lies, in the partition of the URI.
fn claim_key(uri: &str) -> Key {
    Key::new("cms.claim", uri)
}

/// Where it lies which URIs the document at `path` holds, in the partition of the document.
pub(crate) fn held_key(path: &str) -> Key {
    Key::new("cms.held", path)
}

/// The URIs that a record of [`held_key`] names.
pub(crate) fn held(record: &Record) -> Result<Vec<String>, StoreError> {
    Ok(decode::<HeldRecord>(record)?.unwrap_or_default().uris)
}

/// Claims and releases URIs.
pub(crate) struct Claims {
    records: Records,
    names: Names,
    clock: Arc<dyn Clock>,
}

impl Claims {
    pub(crate) fn new(records: &Records, names: Names, clock: Arc<dyn Clock>) -> Self {
        // What it reads lies in other partitions than what is written by it: no commit checks that.
        Self { records: records.settled(), names, clock }
    }

    /// Claims `uris` for `document`, all of which it is about to hold, but for those it has `held` so far: as long as it
    /// does nobody takes their claims over. In a dry run it is only found out whether it could.
    ///
    /// # Errors
    /// [`Conflict::UniquenessFailure`] with all that are taken, and with others that are free.
    pub(crate) async fn claim(
        &self,
        document: &Document,
        uris: &[String],
        held: &[String],
        dry_run: bool,
    ) -> Result<Timestamp, Refusal> {
        let started = self.clock.now();
        let (mut claimed, mut taken) = (Vec::new(), Vec::new());
        for (position, uri) in (1..).zip(uris).filter(|(_, uri)| !held.contains(uri)) {
            match self.claim_one(document, uri, dry_run).await? {
                Claim::Taken => taken.push((position, uri)),
                Claim::New(version) => claimed.extend(version.map(|version| (uri.clone(), version))),
                Claim::Shared => {}
            }
        }
        if taken.is_empty() {
            return Ok(started);
        }
        self.release(claimed).await;
        let mut exists = Vec::new();
        for (position, uri) in taken {
            let alt_values = self.free_like(uri, uris).await?;
            exists.push(Exists { field: rls_services::field(position), alt_values });
        }
        Err(Conflict::UniquenessFailure(exists).into())
    }

    /// Whether what was claimed at `started` may still be written.
    pub(crate) fn in_time(&self, started: Timestamp) -> Result<(), Refusal> {
        let late = self.clock.now().since(started) > WRITE_WITHIN;
        if late { Err(Refusal::Contended) } else { Ok(()) }
    }

    /// The claims of the document at `path` to `uris`, as they are now.
    pub(crate) async fn to_release(&self, path: &str, uris: &[String]) -> Result<Vec<Release>, StoreError> {
        let mut found = Vec::new();
        for uri in uris {
            let record = self.records.get(Partition::of(uri), &claim_key(uri)).await?;
            let claim: Option<ClaimRecord> = decode(&record)?;
            if claim.is_some_and(|claim| claim.path == path) {
                found.push((uri.clone(), record.version));
            }
        }
        Ok(found)
    }

    /// Removes claims whose document does not hold the URIs any more. One that stays because of an error is left over, and
    /// is taken over by whoever wants the URI.
    pub(crate) async fn release(&self, claims: Vec<Release>) {
        for (uri, version) in claims {
            let key = claim_key(&uri);
            let change = |found: &[Record]| {
                let same = found.first().is_some_and(|record| record.version == version);
                let nothing = Change::nothing(());
                Ok::<_, StoreError>(if same { nothing.delete(key.clone()) } else { nothing })
            };
            let released = self.records.update(Partition::of(&uri), std::slice::from_ref(&key), change).await;
            if let Err(error) = released {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "claim to a service's uri not released"
                );
            }
        }
    }

    /// Claims one URI.
    async fn claim_one(&self, document: &Document, uri: &str, dry_run: bool) -> Result<Claim, Refusal> {
        if self.exists(uri).await? {
            return Ok(Claim::Taken);
        }
        let key = claim_key(uri);
        let path = document.path();
        let mine = ClaimRecord {
            partition: document.partition().number().into(),
            path: path.clone(),
            since: self.clock.now().micros(),
        };
        let change = |found: Vec<Record>| {
            let (key, path, mine) = (key.clone(), &path, mine.clone());
            async move {
                let present: Option<ClaimRecord> = found.first().map(decode).transpose()?.flatten();
                let outcome = match present {
                    Some(present) if present.path == *path => Claim::Shared,
                    Some(present) if self.is_good(&present, uri).await? => {
                        return Ok(Change::nothing(Claim::Taken));
                    }
                    _ => Claim::New(None),
                };
                if dry_run {
                    return Ok(Change::nothing(outcome));
                }
                // An own claim is claimed anew as well: its date tells others to keep off, its version that it is wanted.
                Ok::<_, StoreError>(Change::nothing(outcome).put(key, mine.encode_to_vec()))
            }
        };
        let updated = self.records.update_async(Partition::of(uri), std::slice::from_ref(&key), change).await;
        match updated {
            Ok(updated) => Ok(match updated.outcome {
                Claim::New(_) => Claim::New(updated.revision),
                other => other,
            }),
            Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => Err(error.into()),
            Err(UpdateError::Stale | UpdateError::Contended) => Err(Refusal::Contended),
        }
    }

    /// Whether a claim is young, or its document holds the URI.
    async fn is_good(&self, claim: &ClaimRecord, uri: &str) -> Result<bool, StoreError> {
        if self.clock.now().since(Timestamp::from_micros(claim.since)) < LEFT_OVER {
            return Ok(true);
        }
        let partition = u16::try_from(claim.partition).ok().and_then(Partition::new);
        let partition = partition.ok_or_else(|| damaged("partition in a claim"))?;
        let record = self.records.get(partition, &held_key(&claim.path)).await?;
        Ok(held(&record)?.iter().any(|held| held == uri))
    }

    /// RFC 4826 4.4.5: a service may not be what exists in the domain already, such as a user or a group.
    async fn exists(&self, uri: &str) -> Result<bool, StoreError> {
        let store = self.records.store();
        if let Ok(user) = self.names.user(uri)
            && shared::account(store, &user).await?.is_some()
        {
            return Ok(true);
        }
        let Ok(group) = uri.parse() else { return Ok(false) };
        let group = Document { usage: &GROUPS, place: Place::Group(group) };
        Ok(shared::index_entry(store, group.partition(), &group.path()).await?.is_some())
    }

    /// A few URIs like `taken` that nobody has, and that are not `wanted` themselves.
    async fn free_like(&self, taken: &str, wanted: &[String]) -> Result<Vec<String>, StoreError> {
        let mut free = Vec::new();
        let Some((user, host)) = taken.rsplit_once('@') else { return Ok(free) };
        for number in 2..2 + 2 * OFFERED {
            let uri = format!("{user}-{number}@{host}");
            let claimed = self.records.get(Partition::of(&uri), &claim_key(&uri)).await?.value.is_some();
            if !claimed && !wanted.contains(&uri) && !self.exists(&uri).await? {
                free.push(uri);
            }
            if free.len() == OFFERED {
                break;
            }
        }
        Ok(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored data of version 1. It must decode for ever.
    #[test]
    fn golden() {
        let claim =
            ClaimRecord { partition: 7, path: "rls-services/users/tel:+1/index".to_owned(), since: 300 };
        let octets = "0807121f726c732d73657276696365732f75736572732f74656c3a2b312f696e64657818ac02";
        assert_eq!(hex::encode(claim.encode_to_vec()), octets);
        assert_eq!(ClaimRecord::decode(&*hex::decode(octets).unwrap()), Ok(claim));
        let held = HeldRecord { uris: vec!["sip:a@b".to_owned()] };
        let octets = "0a077369703a614062";
        assert_eq!(hex::encode(held.encode_to_vec()), octets);
        assert_eq!(HeldRecord::decode(&*hex::decode(octets).unwrap()), Ok(held));
    }
}
