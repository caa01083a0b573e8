//! A queue per record, in process: writers of one record take turns instead of running into each other's conflicts.
//! It only saves work; what keeps writers apart is the check in the commit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use csc_types::Partition;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::Key;

type Place = (Partition, Key);

/// The queues that somebody stands in.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Place, Queue>>);

#[derive(Debug, Default)]
struct Queue {
    turn: Arc<Turn<()>>,
    /// Those who wait and the one whose turn it is; the last one takes the queue away.
    members: usize,
}

impl Turns {
    /// Waits until it is the caller's turn with this record; first come, first served.
    pub(crate) async fn take(self: &Arc<Self>, partition: Partition, key: &Key) -> Taken {
        let place = (partition, key.clone());
        let turn = {
            let mut queues = self.queues();
            let queue = queues.entry(place.clone()).or_default();
            queue.members += 1;
            Arc::clone(&queue.turn)
        };
        // Made before the wait: a caller that gives up while waiting leaves the queue, too.
        let member = Member { turns: Arc::clone(self), place };
        Taken { _turn: turn.lock_owned().await, _member: member }
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<Place, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's turn; it ends when this is dropped.
pub(crate) struct Taken {
    _turn: OwnedMutexGuard<()>,
    _member: Member,
}

struct Member {
    turns: Arc<Turns>,
    place: Place,
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        if let Some(queue) = queues.get_mut(&self.place) {
            queue.members -= 1;
            if queue.members == 0 {
                queues.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_left_behind() {
        let turns = Arc::new(Turns::default());
        let (a, b) = (Key::new("test", "a"), Key::new("test", "b"));
        let partition = Partition::INSTALLATION;

        let first = turns.take(partition, &a).await;
        let mut second = Box::pin(turns.take(partition, &a));
        let mut third = Box::pin(turns.take(partition, &a));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        assert!(turns.take(partition, &b).now_or_never().is_some(), "another record has its own queue");

        drop(second); // gives up
        drop(first);
        drop(third.await);
        assert!(turns.queues().is_empty());
    }
}
