//! A replica that has the store for itself.

use std::time::Duration;

use csc_types::Partition;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

use super::{Fence, Ownership, Shift};

/// How long a store that does not answer is left alone.
const PAUSE: Duration = Duration::from_millis(500);

impl Ownership {
    /// Takes everything, keeps it, and lets it go when `stop` resolves.
    pub(super) async fn run_alone(&self, shifts: &mpsc::Sender<Shift>, stop: impl Future<Output = ()>) {
        let hold = async {
            let mut held = 0;
            let seize = |partition| async move { (partition, self.seize_patiently(partition).await) };
            let mut seized: FuturesUnordered<_> = Partition::all().map(seize).collect();
            while let Some((partition, fence)) = seized.next().await {
                held += 1;
                self.tally.holds(held);
                if shifts.send(Shift::Gained(partition, fence)).await.is_err() {
                    return;
                }
            }
            shifts.closed().await;
        };
        tokio::select! {
            () = hold => {}
            () = stop => {}
        }
        // What the holder never got it releases at once.
        let losses = Partition::all().map(|partition| async move {
            let (lost, released) = Shift::lost(partition);
            if shifts.send(lost).await.is_ok() {
                let _ = released.await;
            }
        });
        join_all(losses).await;
        self.tally.holds(0);
    }

    async fn seize_patiently(&self, partition: Partition) -> Fence {
        loop {
            match self.board.seize(partition, &self.replica).await {
                Ok(fence) => return fence,
                Err(error) => {
                    let (role, partition) = (self.board.owners_in(), partition.number());
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
