//! Who holds a name. A UserUri is unique over all users, who live in different partitions; no one commit could see to
//! that. So a name is claimed in its own partition, then written into the user's record, then the claim is confirmed. A
//! claim whose owner does not hold the name is left over from a change that was never finished: after a while it may be
//! taken over.

use std::time::Duration;

use csc_types::{McpttId, Timestamp};

/// How old a claim must be before it counts as left over: longer than any change may take between claiming and writing.
pub const LEFT_OVER: Duration = Duration::from_secs(60);

/// How long after its first claim a change may still write. The rest of [`LEFT_OVER`] is for the commit itself.
pub const WRITE_WITHIN: Duration = Duration::from_secs(20);

/// A claim to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who claims it.
    pub owner: McpttId,
    /// Since when.
    pub since: Timestamp,
    /// Whether the owner's record held the name afterwards.
    pub confirmed: bool,
}
