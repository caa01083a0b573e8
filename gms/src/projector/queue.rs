//! Which group is projected next: first come, first served, and none twice at a time.

use std::collections::{HashMap, HashSet, VecDeque};

use csc_service::trace::Cause;
use csc_types::{GroupId, Partition};

/// The groups that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// In the order they are served; not those that are busy.
    line: VecDeque<GroupId>,
    /// Everybody who waits, and what changed the group last.
    waiting: HashMap<GroupId, Cause>,
    /// Projected now, or resting after a failure.
    busy: HashSet<GroupId>,
}

impl Queue {
    /// `group` changed. If it waits already it keeps its place; if it is busy it comes again afterwards.
    pub(super) fn push(&mut self, group: GroupId, cause: Cause) {
        if self.waiting.insert(group.clone(), cause).is_none() && !self.busy.contains(&group) {
            self.line.push_back(group);
        }
    }

    /// Whose turn it is; it is busy until [`done`](Self::done).
    pub(super) fn next(&mut self) -> Option<(GroupId, Cause)> {
        let group = self.line.pop_front()?;
        let cause = self.waiting.remove(&group).unwrap_or_default();
        self.busy.insert(group.clone());
        Some((group, cause))
    }

    /// `group` is not busy any more.
    pub(super) fn done(&mut self, group: &GroupId) {
        if self.busy.remove(group) && self.waiting.contains_key(group) {
            self.line.push_back(group.clone());
        }
    }

    /// The groups of `partition` are no longer ours.
    pub(super) fn forget(&mut self, partition: Partition) {
        let elsewhere = |group: &GroupId| Partition::of(group.as_str()) != partition;
        self.line.retain(elsewhere);
        self.waiting.retain(|group, _| elsewhere(group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: usize) -> GroupId {
        format!("tel:+{number}").parse().unwrap()
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
        assert_eq!(queue.next(), None);
        queue.done(&first);
        assert_eq!(queue.next(), Some((group(1), Cause::NONE)));
        queue.done(&first);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn a_lost_partition_is_forgotten() {
        let mut queue = Queue::default();
        let lost = Partition::of(group(1).as_str());
        let other = (2..).map(group).find(|other| Partition::of(other.as_str()) != lost).unwrap();
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
