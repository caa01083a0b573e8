//! Time as it is written in answers and audit lines.

use csc_types::Timestamp;

/// A date and time of XML Schema, in UTC and whole seconds: `2026-11-20T00:00:00Z`.
pub(crate) fn date_time(at: Timestamp) -> String {
    // No clock shows a time beyond the year 9999, which is where these dates end.
    let seconds = i64::try_from(at.seconds()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}
