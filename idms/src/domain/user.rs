//! Users.

use csc_types::{McpttId, OrgId, Roles, UeId};

use super::password::PasswordHash;
use super::scope::Scopes;

/// A user, as the identity service knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The MCPTT ID.
    pub id: McpttId,
    /// What administration decides.
    pub profile: Profile,
    /// The `sub` of its tokens (OpenID Connect 8): random, made once, and telling nothing.
    pub subject: String,
    /// Its password.
    pub password: PasswordHash,
    /// Counts the events after which older grants are worth nothing: a new password, a disabled account. A grant holds
    /// the number of its time. It begins at random: grants of a user who had this name before are worth nothing, either.
    pub session_epoch: u64,
}

/// What administration decides about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The organisation it belongs to.
    pub organisation: OrgId,
    /// Its roles; a plain user has none.
    pub roles: Roles,
    /// Its terminals.
    pub ue_ids: Vec<UeId>,
    /// Other URIs bound to it. No two users hold the same one.
    pub user_uris: Vec<McpttId>,
    /// Its only KMS; `None`: any.
    pub kms_uri: Option<String>,
    /// Whether it may log in and refresh.
    pub enabled: bool,
    /// What it may be granted; `None`: whatever its client may.
    pub scopes: Option<Scopes>,
}

impl Profile {
    /// Whether the user may be granted all of `scopes`.
    pub fn permits(&self, scopes: Scopes) -> bool {
        self.scopes.is_none_or(|permitted| permitted.contains(scopes))
    }
}

/// What is left to do for a user that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The UserUris whose claims are to be released.
    pub user_uris: Vec<McpttId>,
}
