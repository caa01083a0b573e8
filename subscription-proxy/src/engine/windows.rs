//! How many NOTIFYs may be under way at each next hop.
//!
//! A burst to thousands of watchers behind one CSCF would come back as a burst of answers and overrun a receive buffer. So
//! only so many leave, and each answer lets the next one go. One that is not answered within T1 counts no longer: it is
//! silence, not a queue, and must not hold up anybody else.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use csc_sip::T1;

use super::Tag;

/// The windows of all next hops.
#[derive(Debug)]
pub(super) struct Windows {
    limit: usize,
    hops: HashMap<SocketAddr, Window>,
    slots: HashMap<u64, SocketAddr>,
    /// When each slot counts no longer; always T1 ahead, so in order.
    queue: VecDeque<(Duration, u64)>,
    next: u64,
}

#[derive(Debug, Default)]
struct Window {
    taken: usize,
    waiting: VecDeque<Tag>,
}

impl Windows {
    /// Windows of this size.
    pub(super) fn new(limit: usize) -> Windows {
        Windows { limit, hops: HashMap::new(), slots: HashMap::new(), queue: VecDeque::new(), next: 0 }
    }

    /// A slot at `hop`; without one `tag` waits until it is admitted.
    pub(super) fn take(&mut self, hop: SocketAddr, tag: &Tag, now: Duration) -> Option<u64> {
        let window = self.hops.entry(hop).or_default();
        if window.taken >= self.limit {
            window.waiting.push_back(tag.clone());
            return None;
        }
        window.taken += 1;
        self.next += 1;
        self.slots.insert(self.next, hop);
        self.queue.push_back((now + T1, self.next));
        Some(self.next)
    }

    /// Gives a slot back.
    pub(super) fn release(&mut self, slot: u64) {
        let hop = self.slots.remove(&slot);
        if let Some(window) = hop.and_then(|hop| self.hops.get_mut(&hop)) {
            window.taken -= 1;
        }
    }

    /// Who may try again: as many as there are free slots at their hop. One that no longer wants to send leaves its slot to
    /// those behind it.
    pub(super) fn admit(&mut self) -> Vec<Tag> {
        let mut admitted = Vec::new();
        self.hops.retain(|_, window| {
            let free = self.limit - window.taken;
            admitted.extend(window.waiting.drain(..window.waiting.len().min(free)));
            window.taken > 0 || !window.waiting.is_empty()
        });
        admitted
    }

    /// Whether [`Windows::admit`] has something to do.
    pub(super) fn can_admit(&self) -> bool {
        self.hops.values().any(|window| window.taken < self.limit && !window.waiting.is_empty())
    }

    /// When [`Windows::expire`] next has something to do.
    pub(super) fn next_deadline(&mut self) -> Option<Duration> {
        while let Some((_, slot)) = self.queue.front()
            && !self.slots.contains_key(slot)
        {
            self.queue.pop_front();
        }
        self.queue.front().map(|(deadline, _)| *deadline)
    }

    /// Gives back the slots of silent subscribers.
    pub(super) fn expire(&mut self, now: Duration) {
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            let Some((_, slot)) = self.queue.pop_front() else { return };
            self.release(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_silence_let_the_next_one_go() {
        let (hop, other) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        let tag = |name: &str| Tag::from(name);
        let mut windows = Windows::new(2);
        let at = Duration::from_millis;
        let first = windows.take(hop, &tag("a"), at(0)).unwrap();
        windows.take(hop, &tag("b"), at(100)).unwrap();
        assert_eq!(windows.take(hop, &tag("c"), at(100)), None);
        assert_eq!(windows.take(hop, &tag("d"), at(100)), None);
        assert!(windows.take(other, &tag("e"), at(100)).is_some());
        assert!(!windows.can_admit());
        windows.release(first);
        windows.release(first);
        assert!(windows.can_admit());
        assert_eq!(windows.admit(), [tag("c")]);
        assert_eq!(windows.next_deadline(), Some(at(600)));
        windows.expire(at(599));
        // "c" left its slot unused.
        assert_eq!(windows.admit(), [tag("d")]);
        windows.expire(at(600));
        assert_eq!(windows.next_deadline(), None);
        assert!(windows.admit().is_empty());
        assert!(windows.hops.is_empty());
    }
}
