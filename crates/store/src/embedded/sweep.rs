//! Takes expired records away.
//!
//! That rides along in transactions that are made anyway; only an idle store makes one for it alone.

use std::time::Duration;

use csc_types::Timestamp;
use redb::StorageError;

use super::layout::Tables;

/// How long an expired record keeps its version, so that a change decided just before its end is still checked
/// against it.
const GRACE: Duration = Duration::from_secs(60);

/// Removes `limit` records at most. How many it were.
pub(super) fn sweep(tables: &mut Tables<'_>, now: Timestamp, limit: usize) -> Result<usize, StorageError> {
    let end = now.micros().saturating_sub(u64::try_from(GRACE.as_micros()).unwrap_or(u64::MAX));
    let mut swept = 0;
    for entry in tables.expiry.extract_from_if(..(end, 0, "", ""), |_, ()| true)?.take(limit) {
        let (key, _) = entry?;
        let (_, partition, collection, name) = key.value();
        tables.records.remove((partition, collection, name))?;
        swept += 1;
    }
    Ok(swept)
}
