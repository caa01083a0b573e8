//! A replica that has the store for itself.

use std::time::Duration;

use csc_types::Partition;
use tokio::sync::mpsc;

use super::{Fence, Ownership, Shift, claim};

/// How long a store that does not answer is left alone.
const PAUSE: Duration = Duration::from_millis(500);

impl Ownership {
    /// Takes everything, keeps it, and lets it go when `stop` resolves.
    pub(super) async fn run_alone(&self, shifts: &mpsc::Sender<Shift>, stop: impl Future<Output = ()>) {
        let gain = async {
            let claims = Partition::all().map(|partition| async move {
                let fence = self.claim_patiently(partition).await;
                shifts.send(Shift::Gained(partition, fence)).await.is_ok()
            });
            futures::future::join_all(claims).await;
            shifts.closed().await;
        };
        tokio::select! {
            () = gain => {}
            () = stop => {}
        }
        // A claim that was cut off is told as lost, too: the holder releases it at once.
        let losses = Partition::all().map(|partition| async move {
            let (lost, released) = Shift::lost(partition);
            if shifts.send(lost).await.is_ok() {
                let _ = released.await;
            }
        });
        futures::future::join_all(losses).await;
    }

    async fn claim_patiently(&self, partition: Partition) -> Fence {
        loop {
            match claim(&self.records, partition, self.role.owners, &self.replica).await {
                Ok(fence) => return fence,
                Err(error) => {
                    let (role, partition) = (self.role.owners, partition.number());
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        role,
                        partition,
                        "not claimed yet"
                    );
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
