//! The timers of RFC 3261 table 4, for an unreliable transport.

use std::time::Duration;

/// T1, the round-trip estimate.
pub const T1: Duration = Duration::from_millis(500);
/// T2, the largest interval between copies of a request.
pub const T2: Duration = Duration::from_secs(4);
/// 64 T1: timer F of a client, after which nobody answers any more, and timer J of a server, after
/// which nobody repeats the request.
pub const TRANSACTION: Duration = Duration::from_secs(32);
