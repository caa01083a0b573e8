//! How often one user may be given keys: a fixed number in each minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use csc_types::McpttId;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts what each user was given in the current minute. Nobody is counted who has no good token, so that the table
/// is never larger than the number of users.
pub(crate) struct Limit {
    per_minute: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    minute: u64,
    counts: HashMap<McpttId, u32>,
}

impl Limit {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, state: Mutex::default() }
    }

    /// Counts one more for `user` at `now` on the monotonic clock.
    ///
    /// # Errors
    /// When this user had the whole number: how long until the next minute.
    pub(crate) fn count(&self, user: &McpttId, now: Duration) -> Result<(), Duration> {
        let minute = now.as_secs() / MINUTE.as_secs();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.minute != minute {
            *state = State { minute, counts: HashMap::new() };
        }
        let count = state.counts.entry(user.clone()).or_default();
        if *count >= self.per_minute {
            return Err(MINUTE * (u32::try_from(minute).unwrap_or(u32::MAX).saturating_add(1)) - now);
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_number_per_minute() {
        let (alex, kim) = ("sip:alex@example.org".parse().unwrap(), "sip:kim@example.org".parse().unwrap());
        let at = Duration::from_secs;
        let limit = Limit::new(2);
        assert_eq!(limit.count(&alex, at(10)), Ok(()));
        assert_eq!(limit.count(&alex, at(20)), Ok(()));
        assert_eq!(limit.count(&alex, at(30)), Err(at(30)));
        assert_eq!(limit.count(&kim, at(59)), Ok(()));
        assert_eq!(limit.count(&alex, at(60)), Ok(()));
    }
}
