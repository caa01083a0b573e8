//! Who acts for a partition in a role: projector, notifier, rotation.
//!
//! One record per partition and role says which replica; it is changed only by comparing and setting. The record's
//! version is the fence: a commit made in that role checks it like any other version, so whoever lost the role can
//! write nothing more in it. A fence does not reach into other partitions; what is written there must bear repeating.

use csc_proto::record::v1::Owner;
use csc_types::{Partition, Revision};
use prost::Message;

use crate::{Change, Check, Key, Records, StoreError, UpdateError};

/// The proof of having the role, as long as nobody else claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence(Check);

impl Fence {
    /// What a commit made in the role must check.
    pub fn check(&self) -> Check {
        self.0.clone()
    }
}

/// Makes `replica` the owner of `partition` in `role`, whoever has been it.
///
/// `role` is the collection the owner record lies in and begins with the service's name: `gms.projector`.
///
/// # Errors
/// When the store does not answer, or other replicas claim the role at the same time and are always faster.
pub async fn claim(
    records: &Records,
    partition: Partition,
    role: &'static str,
    replica: &str,
) -> Result<Fence, StoreError> {
    let key = Key::new(role, "owner");
    let owner = Owner { replica: replica.to_owned() }.encode_to_vec();
    let claimed = records
        .update(partition, std::slice::from_ref(&key), |_| {
            Ok::<_, StoreError>(Change::nothing(()).put(key.clone(), owner.clone()))
        })
        .await;
    match claimed {
        Ok(updated) => {
            let version = updated.revision.unwrap_or(Revision::ABSENT);
            Ok(Fence(Check { key, version }))
        }
        Err(UpdateError::Rejected(error) | UpdateError::Store(error)) => Err(error),
        Err(UpdateError::Stale | UpdateError::Contended) => {
            Err(StoreError::Unavailable(format!("role {role} is contended")))
        }
    }
}
