//! What is done next: first come, first served, and nothing twice at a time.

use std::collections::{HashMap, HashSet, VecDeque};

use csc_service::trace::Cause;
use csc_types::Partition;

use super::due::Due;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order they are served; not those that are busy.
    line: VecDeque<Due>,
    /// Everything that waits, and what changed it last.
    waiting: HashMap<Due, Cause>,
    /// Under way now, or resting after a failure.
    busy: HashSet<Due>,
}

impl Queue {
    /// `due` changed. If it waits already it keeps its place; if it is busy it comes again afterwards.
    pub(super) fn push(&mut self, due: Due, cause: Cause) {
        if self.waiting.insert(due.clone(), cause).is_none() && !self.busy.contains(&due) {
            self.line.push_back(due);
        }
    }

    /// Whose turn it is; it is busy until [`done`](Self::done).
    pub(super) fn next(&mut self) -> Option<(Due, Cause)> {
        let due = self.line.pop_front()?;
        let cause = self.waiting.remove(&due).unwrap_or_default();
        self.busy.insert(due.clone());
        Some((due, cause))
    }

    /// How much waits: groups and accounts, not their changes.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// `due` is not busy any more.
    pub(super) fn done(&mut self, due: &Due) {
        if self.busy.remove(due) && self.waiting.contains_key(due) {
            self.line.push_back(due.clone());
        }
    }

    /// What is due in `partition` is no longer ours.
    pub(super) fn forget(&mut self, partition: Partition) {
        let elsewhere = |due: &Due| due.partition() != partition;
        self.line.retain(elsewhere);
        self.waiting.retain(|due, _| elsewhere(due));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: usize) -> Due {
        Due::Group(format!("tel:+{number}").parse().unwrap())
    }

    #[test]
    fn everybody_has_a_turn() {
        let mut queue = Queue::default();
        queue.push(group(9), Cause::NONE);
        let mut served = Vec::new();
        // Others with lower names come again and again.
        for number in [1, 2, 1, 2] {
            queue.push(group(number), Cause::NONE);
            let (next, _) = queue.next().unwrap();
            queue.done(&next);
            served.push(next);
        }
        assert_eq!(served, [group(9), group(1), group(2), group(1)]);
    }

    #[test]
    fn who_is_busy_waits_outside_the_line() {
        let mut queue = Queue::default();
        queue.push(group(1), Cause::NONE);
        queue.push(group(1), Cause::NONE);
        let (first, _) = queue.next().unwrap();
        queue.push(group(1), Cause::NONE);
        assert_eq!((queue.next(), queue.waiting()), (None, 1));
        queue.done(&first);
        assert_eq!(queue.next(), Some((group(1), Cause::NONE)));
        queue.done(&first);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn a_lost_partition_is_forgotten() {
        let mut queue = Queue::default();
        let lost = group(1).partition();
        let other = (2..).map(group).find(|other| other.partition() != lost).unwrap();
        queue.push(group(1), Cause::NONE);
        let (busy, _) = queue.next().unwrap();
        queue.push(group(1), Cause::NONE);
        queue.push(other.clone(), Cause::NONE);
        queue.forget(lost);
        queue.done(&busy);
        assert_eq!(queue.next(), Some((other, Cause::NONE)));
        assert_eq!(queue.next(), None);
    }
}
