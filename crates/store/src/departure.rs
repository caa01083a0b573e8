//! Typed access to the collection `departure`: which services still keep something of a deleted user.
//!
//! idms removes an account and writes a departure for each [`Keeper`] in one commit. Each keeper removes what it has, in as
//! many commits as that takes, and says so; only then is the name somebody's again. All of it lies in the partition of the
//! user, so whether a name is free is decided by the commit that takes it.

use csc_proto::record::v1::Departure;
use csc_types::{McpttId, Partition, Revision};
use prost::Message;

use crate::owner::Role;
use crate::{Key, Record, Store, StoreError};

const DEPARTURE: &str = "departure";

/// A service that keeps something of users.
#[derive(Clone, Copy, Debug)]
pub struct Keeper {
    /// The service.
    pub name: &'static str,
    /// The role in which it removes what it keeps. Where nobody has ever had it, the service has never been at work.
    pub role: Role,
}

/// Documents.
pub const CMS: Keeper = Keeper { name: "cms", role: Role { owners: "cms.remover", replicas: "cms.replica" } };
/// Places in groups.
pub const GMS: Keeper =
    Keeper { name: "gms", role: Role { owners: "gms.projector", replicas: "gms.replica" } };
/// All of them.
pub const KEEPERS: [Keeper; 2] = [CMS, GMS];

impl Keeper {
    /// Where the departure of `user` lies for this keeper, in the partition of the user.
    pub fn departure_key(&self, user: &McpttId) -> Key {
        Key::new(DEPARTURE, format!("{}/{user}", self.name))
    }

    /// The users of `partition` of whom this keeper may still have something.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pending(&self, store: &dyn Store, partition: Partition) -> Result<Vec<McpttId>, StoreError> {
        let departures = self.departures(store, partition).await?;
        let pending = departures.into_iter().filter(|(_, leaving)| matches!(leaving, Leaving::Pending(_)));
        Ok(pending.map(|(user, _)| user).collect())
    }

    /// The departures of `partition` for this keeper, cleared or not. One that cannot be read is logged and left out: it
    /// must not keep the others.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn departures(
        &self,
        store: &dyn Store,
        partition: Partition,
    ) -> Result<Vec<(McpttId, Leaving)>, StoreError> {
        const PAGE: usize = 256;
        let prefix = format!("{}/", self.name);
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = store.scan(partition, DEPARTURE, &prefix, after.as_deref(), PAGE).await?;
            let full = page.len() == PAGE;
            for (name, record) in page {
                match (name[prefix.len()..].parse(), Leaving::read(&record)) {
                    (Ok(user), Ok(Some(leaving))) => found.push((user, leaving)),
                    _ => tracing::error!(%name, "damaged departure"),
                }
                after = Some(name);
            }
            if !full {
                return Ok(found);
            }
        }
    }
}

/// A departure as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The keeper may still have something. The account was deleted at this revision.
    Pending(Revision),
    /// It has nothing any more that is older than this revision, at which the account was deleted.
    Cleared(Revision),
}

impl Leaving {
    /// What the record of a [`Keeper::departure_key`] says; `None`: nobody of this name was deleted, or nothing is left
    /// of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(record: &Record) -> Result<Option<Self>, StoreError> {
        let Some(value) = record.value.as_deref() else { return Ok(None) };
        let damaged = |error: prost::DecodeError| StoreError::Damaged(format!("{DEPARTURE}: {error}"));
        Ok(Some(match Departure::decode(value).map_err(damaged)?.cleared {
            0 => Self::Pending(record.version),
            revision => Self::Cleared(Revision::new(revision)),
        }))
    }
}

/// The value of a record that begins: the deletion is the commit that writes it.
pub fn pending() -> Vec<u8> {
    Departure::default().encode_to_vec()
}

/// The value of a record that has ended; `since`: what [`Leaving::Pending`] said.
pub fn cleared(since: Revision) -> Vec<u8> {
    Departure { cleared: since.number() }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use csc_test_support::{ManualClock, SeededEntropy};

    use super::*;
    use crate::{Change, Embedded, Records};

    #[tokio::test]
    async fn each_keeper_has_its_own_and_one_that_is_damaged_keeps_no_other() {
        let entropy = Arc::new(SeededEntropy::new(1));
        let store = Embedded::in_memory(Arc::new(ManualClock::at(1_800_000_000)), &*entropy).unwrap();
        let records = Records::new(Arc::new(store), entropy);
        let user: McpttId = "tel:+1".parse().unwrap();
        let partition = Partition::of(user.as_str());
        let damaged = Key::new(DEPARTURE, "cms/nobody");
        let written = records.update(partition, &[], |_| {
            let change = Change::nothing(()).put(CMS.departure_key(&user), pending());
            let change = change.put(GMS.departure_key(&user), cleared(Revision::new(7)));
            Ok::<_, StoreError>(change.put(damaged.clone(), pending()))
        });
        let revision = written.await.unwrap().revision.unwrap();
        let store = records.store();
        let kept = [
            CMS.departures(store, partition).await.unwrap(),
            GMS.departures(store, partition).await.unwrap(),
        ];
        let wanted = [Leaving::Pending(revision), Leaving::Cleared(Revision::new(7))];
        assert_eq!(kept, wanted.map(|leaving| vec![(user.clone(), leaving)]));
        assert_eq!(CMS.pending(store, partition).await.unwrap(), [user]);
        assert_eq!(GMS.pending(store, partition).await.unwrap(), []);
        let record = |value: &'static [u8]| Record { version: revision, value: Some(value.into()) };
        assert!(Leaving::read(&record(b"\xff")).is_err());
        assert_eq!(Leaving::read(&Record::default()).unwrap(), None);
    }
}
