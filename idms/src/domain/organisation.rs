//! Organisations: whose users, clients, groups and documents they are.

use csc_types::OrgId;

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its short name.
    pub id: OrgId,
    /// Its name for people; may be empty.
    pub display_name: String,
}
