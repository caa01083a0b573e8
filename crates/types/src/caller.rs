//! Who asks. Every resource handler decides over a [`Caller`], never over a token or a header.

use std::fmt;
use std::str::FromStr;

use crate::{McpttId, OrgId, UeId};

/// A role of a user. A plain user has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Changes the groups of its organisation.
    Dispatcher,
    /// Manages its organisation: users, documents, groups.
    Administrator,
    /// May change a group it is a member of (TS 24.481).
    AuthorizedUser,
    /// Manages all organisations.
    PlatformAdministrator,
}

impl Role {
    const ALL: [Self; 4] =
        [Self::Dispatcher, Self::Administrator, Self::AuthorizedUser, Self::PlatformAdministrator];

    /// The word for it in tokens, records and provisioning files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispatcher => "dispatcher",
            Self::Administrator => "administrator",
            Self::AuthorizedUser => "authorized-user",
            Self::PlatformAdministrator => "platform-administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No role has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown role; known are dispatcher, administrator, authorized-user, platform-administrator")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Whether `role` is in the set.
    pub const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// The roles in it, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | 1 << role as u8))
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody known. Only where the access table has a row for it.
    Anonymous,
    /// A user, known by a token or asserted by a trusted peer.
    User(User),
    /// A server of the system with role `service`, such as the MCPTT server.
    Server(Server),
}

/// A user as the account record knows it now; the record overrides what an older token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The MCPTT ID.
    pub id: McpttId,
    /// The organisation of the account.
    pub org: OrgId,
    /// The roles of the account.
    pub roles: Roles,
    /// The terminals of the account.
    pub ue_ids: Vec<UeId>,
}

/// A server with role `service`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its identity: a PSI or a client id.
    pub name: String,
    /// The organisations whose documents it may read.
    pub orgs: Vec<OrgId>,
}

impl Caller {
    /// The user, if it is one.
    pub const fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Anonymous | Self::Server(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let roles: Roles = [Role::Dispatcher, Role::AuthorizedUser].into_iter().collect();
        assert_eq!(roles.iter().collect::<Vec<_>>(), [Role::Dispatcher, Role::AuthorizedUser]);
        assert!(!roles.has(Role::Administrator));
    }
}
