//! Slows down whoever guesses passwords.
//!
//! Only failed logins count. They are counted for each pair of user and address, so that nobody can lock a user out from
//! elsewhere, and for each address over all users. A count leaks away evenly: `limit` failures may come at once, then one
//! more per `window / limit`. A login under way counts like a failure until its outcome is known, so that guesses sent at
//! once are not more than guesses in turn; one that is given up by its sender counts as failed.
//!
//! The memory is fixed: a count-min sketch, four rows of cells, each the time at which its count will have leaked away. A
//! key reads the least of its four cells, so a flood of other keys can neither evict it nor, short of filling all four,
//! pass for it. Which cells are whose depends on a random salt. Logins under way are counted in a second such sketch.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    sketches: Mutex<Sketches>,
}

/// Row after row.
struct Sketches {
    /// Microseconds of the monotonic clock.
    leaked_at: Vec<u64>,
    /// Logins.
    under_way: Vec<u32>,
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
        let sketches = Sketches { leaked_at: vec![0; ROWS * CELLS], under_way: vec![0; ROWS * CELLS] };
        Self { limits, salt, sketches: Mutex::new(sketches) }
    }

    /// Begins an attempt, unless it has to wait: the error says how long. It counts as failed unless it is forgiven.
    pub fn begin(&self, attempt: Attempt<'_>, now: Duration) -> Result<Begun<'_>, Duration> {
        let counts = self.counts(attempt);
        let mut sketches = self.sketches();
        let wait = |(limit, places): &(u32, Places)| {
            // One more failure, and those that may be under way, must fit below `now + window`.
            let more = u64::from(least(&sketches.under_way, places)).saturating_add(1);
            let full_at = least(&sketches.leaked_at, places)
                .max(micros(now))
                .saturating_add(self.interval(*limit).saturating_mul(more));
            full_at.checked_sub(micros(now.saturating_add(self.limits.window))).filter(|wait| *wait > 0)
        };
        if let Some(wait) = counts.iter().flatten().filter_map(wait).max() {
            return Err(Duration::from_micros(wait));
        }
        for (_, places) in counts.iter().flatten() {
            places.iter().for_each(|place| sketches.under_way[*place] += 1);
        }
        Ok(Begun { throttle: self, counts, at: now, failed: true })
    }

    /// An attempt is over.
    fn end(&self, begun: &Begun<'_>) {
        let mut sketches = self.sketches();
        for (limit, places) in begun.counts.iter().flatten() {
            places.iter().for_each(|place| sketches.under_way[*place] -= 1);
            if begun.failed {
                let until = least(&sketches.leaked_at, places)
                    .max(micros(begun.at))
                    .saturating_add(self.interval(*limit));
                for place in places {
                    sketches.leaked_at[*place] = sketches.leaked_at[*place].max(until);
                }
            }
        }
    }

    fn sketches(&self) -> MutexGuard<'_, Sketches> {
        self.sketches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn interval(&self, limit: u32) -> u64 {
        (micros(self.limits.window) / u64::from(limit.max(1))).max(1)
    }

    /// The counts that an attempt has a part in, each with its limit.
    fn counts(&self, attempt: Attempt<'_>) -> [Option<(u32, Places)>; 2] {
        let address = attempt.address.map_or([0; 16], network);
        let user = attempt
            .user
            .map(|user| (self.limits.per_user, self.places(&[b"user", &address, user.as_str().as_bytes()])));
        let address = attempt.address.map(|_| (self.limits.per_address, self.places(&[b"addr", &address])));
        [user, address].map(|count| count.filter(|(limit, _)| *limit > 0))
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

/// An attempt under way. Dropped, it counts as failed.
pub struct Begun<'a> {
    throttle: &'a Throttle,
    counts: [Option<(u32, Places)>; 2],
    at: Duration,
    failed: bool,
}

impl Begun<'_> {
    /// It succeeded, or was no guess: it does not count.
    pub fn forgive(mut self) {
        self.failed = false;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.throttle.end(self);
    }
}

/// The cells of a key, one in each row.
type Places = [usize; ROWS];

fn least<T: Copy + Default + Ord>(cells: &[T], places: &Places) -> T {
    places.iter().map(|place| cells[*place]).min().unwrap_or_default()
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

    fn fail(throttle: &Throttle, attempt: Attempt<'_>, now: Duration) {
        drop(throttle.begin(attempt, now));
    }

    fn wait(throttle: &Throttle, attempt: Attempt<'_>, now: Duration) -> Option<Duration> {
        throttle.begin(attempt, now).map(Begun::forgive).err()
    }

    #[test]
    fn a_burst_then_one_per_interval() {
        let (throttle, alex, now) = (throttle(LIMITS), user(1), Duration::from_secs(100));
        let attempt = from(&alex, "192.0.2.1");
        for _ in 0..3 {
            assert_eq!(wait(&throttle, attempt, now), None);
            fail(&throttle, attempt, now);
        }
        assert_eq!(wait(&throttle, attempt, now), Some(Duration::from_secs(10)));
        assert_eq!(wait(&throttle, attempt, now + Duration::from_secs(10)), None);
        fail(&throttle, attempt, now + Duration::from_secs(10));
        assert_eq!(wait(&throttle, attempt, now + Duration::from_secs(10)), Some(Duration::from_secs(10)));
        assert_eq!(wait(&throttle, attempt, now + Duration::from_secs(50)), None);
    }

    #[test]
    fn nobody_is_locked_out_from_elsewhere() {
        let (throttle, alex, now) = (throttle(LIMITS), user(1), Duration::ZERO);
        (0..5).for_each(|_| fail(&throttle, from(&alex, "192.0.2.1"), now));
        assert!(wait(&throttle, from(&alex, "192.0.2.1"), now).is_some());
        assert_eq!(wait(&throttle, from(&alex, "192.0.2.2"), now), None);
        assert_eq!(wait(&throttle, from(&user(2), "192.0.2.1"), now), None);
    }

    #[test]
    fn an_address_is_limited_over_all_users() {
        let (throttle, now) = (throttle(LIMITS), Duration::ZERO);
        (0..10).for_each(|n| fail(&throttle, from(&user(n), "2001:db8::1"), now));
        assert!(wait(&throttle, from(&user(99), "2001:db8::ffff"), now).is_some(), "the same /64");
        assert!(wait(&throttle, Attempt { user: None, ..from(&user(1), "2001:db8::1") }, now).is_some());
        assert_eq!(wait(&throttle, from(&user(99), "2001:db8:0:1::1"), now), None);
    }

    #[test]
    fn what_is_under_way_counts_until_it_is_forgiven() {
        let (throttle, alex, now) = (throttle(LIMITS), user(1), Duration::from_secs(100));
        let attempt = from(&alex, "192.0.2.1");
        let begun: Vec<_> = (0..3).map(|_| throttle.begin(attempt, now).ok().unwrap()).collect();
        assert_eq!(wait(&throttle, attempt, now), Some(Duration::from_secs(10)));
        assert_eq!(wait(&throttle, from(&alex, "192.0.2.2"), now), None);
        begun.into_iter().for_each(Begun::forgive);
        (0..3).for_each(|_| fail(&throttle, attempt, now));
        assert_eq!(wait(&throttle, attempt, now), Some(Duration::from_secs(10)));
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let throttle = throttle(Limits { per_user: 0, per_address: 0, ..LIMITS });
        let alex = user(1);
        (0..100).for_each(|_| fail(&throttle, from(&alex, "192.0.2.1"), Duration::ZERO));
        assert_eq!(wait(&throttle, from(&alex, "192.0.2.1"), Duration::ZERO), None);
    }

    #[test]
    fn a_flood_of_others_neither_evicts_nor_blocks() {
        let (throttle, alex, now) = (throttle(LIMITS), user(0), Duration::ZERO);
        (0..3).for_each(|_| fail(&throttle, from(&alex, "192.0.2.1"), now));
        for n in 0..2000_u32 {
            let address = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let victim = user(n);
            (0..3).for_each(|_| {
                fail(&throttle, Attempt { user: Some(&victim), address: Some(address) }, now);
            });
        }
        assert!(wait(&throttle, from(&alex, "192.0.2.1"), now).is_some());
        let free =
            (3000..4000).filter(|n| wait(&throttle, from(&user(*n), "198.51.100.7"), now).is_none()).count();
        assert!(free >= 999, "{free} of 1000");
    }
}
