//! The records of ownership. In each partition, in the collection of the role's owners:
//!
//! | name | value |
//! | --- | --- |
//! | `owner` | `csc.record.v1.Owner`: whose it is. The version is the fence |
//! | `confirmed` | empty. The owner writes it after a gap in its heartbeats; who takes over checks that it did not |
//!
//! In the partition of the installation, in the collection of the role's replicas, `csc.record.v1.Heartbeat` by the
//! replica's name.

use std::collections::BTreeMap;

use bytes::Bytes;
use csc_proto::record::v1::{Heartbeat, Owner};
use csc_types::{Partition, Revision};
use futures::future::try_join_all;
use prost::Message;

use super::plan::Seen;
use super::{Fence, Role};
use crate::{Change, Check, Key, Record, Records, StoreError, UpdateError};

/// Heartbeats read at once.
const PAGE: usize = 256;

/// Reads and writes the records of one role.
pub(super) struct Board {
    records: Records,
    role: Role,
}

/// A heartbeat, and the version of its record.
pub(super) type Beat = (Heartbeat, Revision);

impl Board {
    /// On a store whose answers are settled.
    pub(super) fn new(records: &Records, role: Role) -> Self {
        Self { records: records.settled(), role }
    }

    /// Writes the heartbeat of `replica`. It does not expire: a reader whose calendar is wrong would miss it, and take the
    /// replica for dead. Others clear it away.
    pub(super) async fn beat(&self, replica: &str, heartbeat: Heartbeat) -> Result<(), StoreError> {
        let put = Change::nothing(()).put(self.heartbeat_key(replica), heartbeat.encode_to_vec());
        self.write(Partition::INSTALLATION, put).await.map(|_| ()).map_err(unavailable)
    }

    /// All heartbeats.
    pub(super) async fn beats(&self) -> Result<BTreeMap<String, Beat>, StoreError> {
        let mut beats = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let store = self.records.store();
            let at = Partition::INSTALLATION;
            let page = store.scan(at, self.role.replicas, "", after.as_deref(), PAGE).await?;
            after = page.last().map(|(name, _)| name.clone());
            let full = page.len() == PAGE;
            beats.extend(page.into_iter().map(|(name, record)| (name, (decode(&record), record.version))));
            if !full {
                return Ok(beats);
            }
        }
    }

    /// Takes the heartbeat of `replica` away; if `version` is given, only if it is still that one.
    pub(super) async fn forget(&self, replica: &str, version: Option<Revision>) -> Result<(), StoreError> {
        let key = self.heartbeat_key(replica);
        let mut change = Change::nothing(()).delete(key.clone());
        if let Some(version) = version {
            change = change.check(Check { key, version });
        }
        self.write(Partition::INSTALLATION, change).await.map(|_| ()).map_err(unavailable)
    }

    /// The owner records of `partitions`.
    pub(super) async fn owners(
        &self,
        partitions: impl IntoIterator<Item = Partition>,
    ) -> Result<Vec<(Partition, Seen)>, StoreError> {
        let keys = [self.owner_key(), self.confirmed_key()];
        let read = async |partition| {
            let found = self.records.store().get(partition, &keys).await?;
            let [owner, confirmed] = &found[..] else {
                return Err(StoreError::Damaged("no answer for a key".to_owned()));
            };
            let Owner { replica } = decode(owner);
            Ok((partition, Seen { replica, version: owner.version, confirmed: confirmed.version }))
        };
        try_join_all(partitions.into_iter().map(read)).await
    }

    /// Makes `replica` the owner if everything still is as it was `seen`.
    pub(super) async fn take(
        &self,
        partition: Partition,
        seen: &Seen,
        replica: &str,
    ) -> Result<Revision, UpdateError<StoreError>> {
        let confirmed = Check { key: self.confirmed_key(), version: seen.confirmed };
        self.write(partition, self.named(seen.version, replica).check(confirmed)).await
    }

    /// Writes the heir's name, or nobody's (empty), into the record that names us.
    pub(super) async fn pass(
        &self,
        partition: Partition,
        version: Revision,
        heir: &str,
    ) -> Result<Revision, UpdateError<StoreError>> {
        self.write(partition, self.named(version, heir)).await
    }

    /// Tells those who are about to take over that the owner is back. If it is too late, this is refused as stale.
    pub(super) async fn confirm(
        &self,
        partition: Partition,
        fence: &Fence,
    ) -> Result<Revision, UpdateError<StoreError>> {
        let put = Change::nothing(()).check(fence.check()).put(self.confirmed_key(), Bytes::new());
        self.write(partition, put).await
    }

    /// Makes `replica` the owner, whoever has been it.
    pub(super) async fn seize(&self, partition: Partition, replica: &str) -> Result<Fence, StoreError> {
        let owner = Owner { replica: replica.to_owned() }.encode_to_vec();
        let put = Change::nothing(()).put(self.owner_key(), owner);
        Ok(self.fence(self.write(partition, put).await.map_err(unavailable)?))
    }

    /// The proof of being the owner that the record of this version names.
    pub(super) fn fence(&self, version: Revision) -> Fence {
        Fence(Check { key: self.owner_key(), version })
    }

    /// The collection of the owner records, to name the role in logs.
    pub(super) fn owners_in(&self) -> &'static str {
        self.role.owners
    }

    fn named(&self, version: Revision, replica: &str) -> Change<()> {
        let owner = Owner { replica: replica.to_owned() }.encode_to_vec();
        let check = Check { key: self.owner_key(), version };
        Change::nothing(()).check(check).put(self.owner_key(), owner)
    }

    /// Commits `change`, which has the checks it needs.
    async fn write(
        &self,
        partition: Partition,
        change: Change<()>,
    ) -> Result<Revision, UpdateError<StoreError>> {
        let updated = self.records.update(partition, &[], |_| Ok(change.clone())).await?;
        Ok(updated.revision.unwrap_or(Revision::ABSENT))
    }

    fn owner_key(&self) -> Key {
        self.role.owner_key()
    }

    fn confirmed_key(&self) -> Key {
        Key::new(self.role.owners, "confirmed")
    }

    fn heartbeat_key(&self, replica: &str) -> Key {
        Key::new(self.role.replicas, replica)
    }
}

/// A record as a message. One that cannot be read says nothing: it names nobody, and its beat never rises.
fn decode<M: Message + Default>(record: &Record) -> M {
    record.value.as_deref().and_then(|value| M::decode(value).ok()).unwrap_or_default()
}

/// For writes that somebody else's can only delay.
fn unavailable(error: UpdateError<StoreError>) -> StoreError {
    match error {
        UpdateError::Rejected(error) | UpdateError::Store(error) => error,
        UpdateError::Stale | UpdateError::Contended => {
            StoreError::Unavailable("others were faster".to_owned())
        }
    }
}
