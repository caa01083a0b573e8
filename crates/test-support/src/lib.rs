//! What tests of several crates share. A dev-dependency only; nothing of the product links it.

#[cfg(feature = "collector")]
pub mod collector;
pub mod redis;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use csc_types::{Clock, Entropy, Timestamp};
use sha2::{Digest, Sha256};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    unix: AtomicU64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `seconds` of Unix time.
    pub fn at(seconds: u64) -> Self {
        Self { unix: AtomicU64::new(seconds * 1_000_000), monotonic: AtomicU64::new(0) }
    }

    /// Lets `span` pass.
    pub fn advance(&self, span: Duration) {
        let micros = span.as_micros() as u64;
        self.unix.fetch_add(micros, Ordering::SeqCst);
        self.monotonic.fetch_add(micros, Ordering::SeqCst);
    }

    /// Steps the calendar to `seconds` of Unix time, back or forth; timers do not notice.
    pub fn step_to(&self, seconds: u64) {
        self.unix.store(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.unix.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.monotonic.load(Ordering::SeqCst))
    }
}

/// Repeatable octets: SHA-256 over the seed and a counter. Never for anything but tests.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: AtomicU64,
}

impl SeededEntropy {
    /// The stream that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let counter = self.counter.fetch_add(1, Ordering::SeqCst);
            let block = Sha256::digest([self.seed.to_be_bytes(), counter.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// Whether a missing tool or missing data fails the test instead of skipping it (`CSC_REQUIRE_ALL=1`).
pub fn require_all() -> bool {
    std::env::var_os("CSC_REQUIRE_ALL").is_some_and(|value| value == "1")
}

/// Says that `test` is skipped because `what` is missing; with `CSC_REQUIRE_ALL=1` it fails instead.
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
pub fn skip(test: &str, what: &str) {
    assert!(!require_all(), "{test}: {what} is missing and CSC_REQUIRE_ALL=1");
    println!("skipped: {test}: {what} is missing");
}

/// The path of `relative` among the shared test data (`$CSC_SHARED`, by default `../shared` beside the
/// workspace), or `None` after [`skip`].
pub fn shared(test: &str, relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CSC_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    skip(test, &path.display().to_string());
    None
}

#[cfg(test)]
mod tests;
