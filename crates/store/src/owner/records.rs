//! The records of ownership.

use csc_proto::record::v1::Owner;
use csc_types::{Partition, Revision};
use prost::Message;

use super::Fence;
use crate::{Change, Check, Key, Records, StoreError, UpdateError};

/// Makes `replica` the owner of `partition` in the role whose owner records lie in `owners`, whoever has been it.
///
/// # Errors
/// When the store does not answer, or other replicas claim the role at the same time and are always faster.
pub async fn claim(
    records: &Records,
    partition: Partition,
    owners: &'static str,
    replica: &str,
) -> Result<Fence, StoreError> {
    let key = Key::new(owners, "owner");
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
            Err(StoreError::Unavailable(format!("role {owners} is contended")))
        }
    }
}
