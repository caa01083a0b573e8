//! Slows down whoever guesses passwords.
//!
//! Only failed logins count. They are counted for each pair of user and address, so that nobody can lock a user out from
//! elsewhere, and for each address over all users. A count leaks away evenly: `limit` failures may come at once, then one
//! more per `window / limit`.
//!
//! The memory is fixed: a count-min sketch, four rows of cells, each the time at which its count will have leaked away. A
//! key reads the least of its four cells, so a flood of other keys can neither evict it nor, short of filling all four,
//! pass for it. Which cells are whose depends on a random salt.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use csc_types::{Entropy, McpttId};
use sha2::{Digest, Sha256};

const ROWS: usize = 4;
const CELLS: usize = 1 << 14;

/// How many failed logins are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one user from one address, within `window`; 0: no limit.
    pub per_user: u32,
    /// From one address, within `window`; 0: no limit.
    pub per_address: u32,
    /// The time in which a full count leaks away.
    pub window: Duration,
}

/// Counts failed logins.
pub struct Throttle {
    limits: Limits,
    salt: [u8; 32],
    /// Microseconds of the monotonic clock, row after row.
    cells: Mutex<Vec<u64>>,
}

/// Who tries to log in.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The name that was given, which need not be that of a user.
    pub user: Option<&'a McpttId>,
    /// The peer, where one is known.
    pub address: Option<IpAddr>,
}

impl Throttle {
    /// A throttle that has seen no failure.
    pub fn new(limits: Limits, entropy: &dyn Entropy) -> Self {
        let mut salt = [0; 32];
        entropy.fill(&mut salt);
        Self { limits, salt, cells: Mutex::new(vec![0; ROWS * CELLS]) }
    }

    /// How long this attempt has to wait; `None`: it may go on.
    pub fn wait(&self, attempt: Attempt<'_>, now: Duration) -> Option<Duration> {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = |(limit, places): (u32, Places)| {
            // One more failure must fit below `now + window`.
            let full_at = least(&cells, places).saturating_add(self.interval(limit));
            full_at.checked_sub(micros(now.saturating_add(self.limits.window))).filter(|wait| *wait > 0)
        };
        self.counts(attempt).filter_map(wait).max().map(Duration::from_micros)
    }

    /// Counts a failure.
    pub fn failed(&self, attempt: Attempt<'_>, now: Duration) {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        for (limit, places) in self.counts(attempt) {
            let until = least(&cells, places).max(micros(now)).saturating_add(self.interval(limit));
            for place in places {
                cells[place] = cells[place].max(until);
            }
        }
    }

    fn interval(&self, limit: u32) -> u64 {
        (micros(self.limits.window) / u64::from(limit.max(1))).max(1)
    }

    /// The counts that an attempt has a part in, each with its limit.
    fn counts(&self, attempt: Attempt<'_>) -> impl Iterator<Item = (u32, Places)> {
        let address = attempt.address.map_or([0; 16], network);
        let user = attempt
            .user
            .map(|user| (self.limits.per_user, self.places(&[b"user", &address, user.as_str().as_bytes()])));
        let address = attempt.address.map(|_| (self.limits.per_address, self.places(&[b"addr", &address])));
        [user, address].into_iter().flatten().filter(|(limit, _)| *limit > 0)
    }

    fn places(&self, key: &[&[u8]]) -> Places {
        let mut hash = Sha256::new();
        hash.update(self.salt);
        key.iter().for_each(|part| hash.update(part));
        let digest = hash.finalize();
        std::array::from_fn(|row| {
            let index = u16::from_be_bytes([digest[2 * row], digest[2 * row + 1]]);
            row * CELLS + usize::from(index) % CELLS
        })
    }
}

/// The cells of a key, one in each row.
type Places = [usize; ROWS];

fn least(cells: &[u64], places: Places) -> u64 {
    places.into_iter().map(|place| cells[place]).min().unwrap_or(0)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The address, or for IPv6 the /64 it is in: whoever has one address there has them all.
fn network(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => (u128::from(v6) >> 64 << 64).to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    const LIMITS: Limits = Limits { per_user: 3, per_address: 10, window: Duration::from_secs(30) };

    fn user(n: u32) -> McpttId {
        format!("tel:+8257100{n:04}").parse().unwrap()
    }

    fn from<'a>(user: &'a McpttId, address: &str) -> Attempt<'a> {
        Attempt { user: Some(user), address: Some(address.parse().unwrap()) }
    }

    fn throttle(limits: Limits) -> Throttle {
        Throttle::new(limits, &SeededEntropy::new(1))
    }

    #[test]
    fn a_burst_then_one_per_interval() {
        let (throttle, alex, now) = (throttle(LIMITS), user(1), Duration::from_secs(100));
        let attempt = from(&alex, "192.0.2.1");
        for _ in 0..3 {
            assert_eq!(throttle.wait(attempt, now), None);
            throttle.failed(attempt, now);
        }
        assert_eq!(throttle.wait(attempt, now), Some(Duration::from_secs(10)));
        assert_eq!(throttle.wait(attempt, now + Duration::from_secs(10)), None);
        throttle.failed(attempt, now + Duration::from_secs(10));
        assert_eq!(throttle.wait(attempt, now + Duration::from_secs(10)), Some(Duration::from_secs(10)));
        assert_eq!(throttle.wait(attempt, now + Duration::from_secs(50)), None);
    }

    #[test]
    fn nobody_is_locked_out_from_elsewhere() {
        let (throttle, alex, now) = (throttle(LIMITS), user(1), Duration::ZERO);
        (0..5).for_each(|_| throttle.failed(from(&alex, "192.0.2.1"), now));
        assert!(throttle.wait(from(&alex, "192.0.2.1"), now).is_some());
        assert_eq!(throttle.wait(from(&alex, "192.0.2.2"), now), None);
        assert_eq!(throttle.wait(from(&user(2), "192.0.2.1"), now), None);
    }

    #[test]
    fn an_address_is_limited_over_all_users() {
        let (throttle, now) = (throttle(LIMITS), Duration::ZERO);
        (0..10).for_each(|n| throttle.failed(from(&user(n), "2001:db8::1"), now));
        assert!(throttle.wait(from(&user(99), "2001:db8::ffff"), now).is_some(), "the same /64");
        assert!(throttle.wait(Attempt { user: None, ..from(&user(1), "2001:db8::1") }, now).is_some());
        assert_eq!(throttle.wait(from(&user(99), "2001:db8:0:1::1"), now), None);
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let throttle = throttle(Limits { per_user: 0, per_address: 0, ..LIMITS });
        let alex = user(1);
        (0..100).for_each(|_| throttle.failed(from(&alex, "192.0.2.1"), Duration::ZERO));
        assert_eq!(throttle.wait(from(&alex, "192.0.2.1"), Duration::ZERO), None);
    }

    #[test]
    fn a_flood_of_others_neither_evicts_nor_blocks() {
        let (throttle, alex, now) = (throttle(LIMITS), user(0), Duration::ZERO);
        (0..3).for_each(|_| throttle.failed(from(&alex, "192.0.2.1"), now));
        for n in 0..2000_u32 {
            let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let victim = user(n);
            (0..3).for_each(|_| {
                throttle.failed(Attempt { user: Some(&victim), address: Some(address) }, now);
            });
        }
        assert!(throttle.wait(from(&alex, "192.0.2.1"), now).is_some());
        let free =
            (3000..4000).filter(|n| throttle.wait(from(&user(*n), "198.51.100.7"), now).is_none()).count();
        assert!(free >= 999, "{free} of 1000");
    }
}
