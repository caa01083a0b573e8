//! Who acts for a partition in a role: projector, notifier, rotation.
//!
//! One record per partition and role says which replica; it is changed only by comparing and setting. The record's
//! version is the fence: a commit made in that role checks it like any other version, so whoever lost the role can
//! write nothing more in it. A fence does not reach into other partitions; what is written there must bear repeating.
//!
//! [`Ownership::run`] works for one replica and one role. It tells the holder, the code that acts in the role, what it
//! [gains](Shift::Gained) and [loses](Shift::Lost). The holder answers a commit that is refused as
//! [`UpdateError::Stale`](crate::UpdateError::Stale) by dropping that partition at once; `Lost` may follow. Before it acts outside the store it
//! asks its [`Lease`].

mod alone;
mod lease;
mod peers;
mod plan;
mod records;
mod several;
mod spread;
mod tally;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use csc_types::{Clock, Partition};
use tokio::sync::{mpsc, oneshot};

pub use self::lease::Lease;
use self::records::Board;
pub use self::tally::Tally;
use crate::{Check, Key, Records};

/// A role that replicas share among them, partition by partition. Both collections begin with the service's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The collection of the owner records: `gms.projector`.
    pub owners: &'static str,
    /// The collection of the replicas' heartbeats, in [`Partition::INSTALLATION`]: `gms.replica`.
    pub replicas: &'static str,
}

impl Role {
    /// Where it is written who has the role in a partition. Whether or not somebody has it now, the record is there
    /// from the first time on.
    pub fn owner_key(&self) -> Key {
        Key::new(self.owners, "owner")
    }
}

/// Whether others may want the role, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// Nobody else opens this store: every partition is taken at once, whoever had it, and kept. No heartbeats.
    Alone,
    /// Replicas share the partitions.
    Several,
}

/// The proof of having the role, as long as nobody else claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence(Check);

impl Fence {
    /// What a commit made in the role must check.
    pub fn check(&self) -> Check {
        self.0.clone()
    }
}

/// What a replica is told about its partitions.
#[derive(Debug)]
pub enum Shift {
    /// It has the role for this partition from now on. Position in the log first, state second.
    Gained(Partition, Fence),
    /// It is to lose the partition, or has lost it. The holder stops acting for it, finishes or drops what is under
    /// way without waiting for the lease, and then drops [`Released`]; a partition it does not hold it releases at
    /// once.
    Lost(Partition, Released),
}

impl Shift {
    /// The loss of `partition`, and what resolves (with an error or not) when the holder has released it.
    pub fn lost(partition: Partition) -> (Self, oneshot::Receiver<()>) {
        let (sender, released) = oneshot::channel();
        (Self::Lost(partition, Released(sender)), released)
    }
}

/// Dropped by the holder when nothing acts for the partition any more.
#[derive(Debug)]
pub struct Released(#[allow(dead_code, reason = "its drop is the message")] oneshot::Sender<()>);

/// One replica's part in sharing a role.
pub struct Ownership {
    board: Board,
    clock: Arc<dyn Clock>,
    /// The name of this replica; no other process has had it.
    replica: String,
    replicas: Replicas,
    lease: Lease,
    tally: Tally,
}

impl Ownership {
    /// The part of `replica` in `role`; `clock` measures how long nothing was heard of others. The name must be one
    /// that no process has used before, such as a random one: the records of an earlier process must not speak for this
    /// one. Nothing is read or written before [`run`](Self::run).
    pub fn new(
        records: &Records,
        clock: Arc<dyn Clock>,
        role: Role,
        replica: impl Into<String>,
        replicas: Replicas,
    ) -> Self {
        let lease = Lease::new(Arc::clone(&clock), replicas);
        let board = Board::new(records, role);
        Self { board, clock, replica: replica.into(), replicas, lease, tally: Tally::default() }
    }

    /// Tells the holder whether it may still act.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// Counts what is held.
    pub fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// Takes, keeps and hands over partitions, and tells `shifts`, until `stop` resolves. Then everything that is held
    /// is lost, handed over and released, and this returns; while the store does not answer it goes on trying. A holder
    /// that is gone (its receiver is dropped) counts as a stop.
    ///
    /// A channel with room for a shift of each partition keeps this from waiting for the holder, and so from looking
    /// at the others.
    pub async fn run(self, shifts: mpsc::Sender<Shift>, stop: impl Future<Output = ()>) {
        match self.replicas {
            Replicas::Alone => self.run_alone(&shifts, stop).await,
            Replicas::Several => self.run_several(&shifts, stop).await,
        }
    }
}

/// For tests of holders: makes `replica` the owner of `partition` in the role whose owner records lie in `owners`, whoever
/// has been it.
///
/// # Errors
/// When the store does not answer.
#[cfg(any(test, feature = "testing"))]
pub async fn claim(
    records: &Records,
    partition: Partition,
    owners: &'static str,
    replica: &str,
) -> Result<Fence, crate::StoreError> {
    Board::new(records, Role { owners, replicas: owners }).seize(partition, replica).await
}
