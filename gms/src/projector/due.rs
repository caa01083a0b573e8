//! What the projector brings up to date.

use csc_types::{GroupId, McpttId, Partition};

/// Something that changed. What is to be done follows from comparing states, so it may be named too often.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Due {
    /// A group: its views are to show it.
    Group(GroupId),
    /// An account: if it is gone, so is the user from all groups.
    Account(McpttId),
}

impl Due {
    /// The partition whose holder does it.
    pub(super) fn partition(&self) -> Partition {
        match self {
            Self::Group(group) => Partition::of(group.as_str()),
            Self::Account(user) => Partition::of(user.as_str()),
        }
    }
}
