//! Which document: a selector resolved to what it means, with one canonical path for all its spellings.

use std::fmt;

use csc_types::{GroupId, McpttId, OrgId, Partition, UeId};

use crate::usage::Usage;

/// A document of an application usage. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its application usage.
    pub usage: &'static Usage,
    /// Where it lives.
    pub place: Place,
}

/// Where a document lives and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Stored in the tree of a user: `users/<xui>/<name>`.
    User {
        /// The owner.
        user: McpttId,
        /// The canonical name.
        name: String,
    },
    /// Stored for a terminal: `users/<UE ID>/<UE ID>`.
    Ue(UeId),
    /// Generated for a terminal from a template of an organisation: `users/<UE ID>/<UE ID>` of its initial
    /// configuration.
    InitialConfig {
        /// The terminal.
        ue: UeId,
        /// Whose templates are meant.
        organisation: OrgId,
    },
    /// Stored for an organisation: `global/<org>/service-config.xml`.
    Organisation(OrgId),
    /// Stored for an organisation under a name that it chose: `global/<org>/<name>`.
    Global {
        /// The organisation.
        organisation: OrgId,
        /// The name.
        name: String,
    },
    /// A group: `global/byGroupID/<gid>`.
    Group(GroupId),
    /// A group as a member sees it: `users/<member>/<gid>`.
    GroupView {
        /// In whose tree.
        member: McpttId,
        /// Which group.
        group: GroupId,
    },
    /// The service configuration of a user's organisation under another name: `users/<xui>/service-config`. Read only.
    ServiceConfigView(McpttId),
    /// Generated: `users/<xui>/directory.xml`.
    Directory(McpttId),
    /// Generated: `xcap-caps/global/index`.
    Capabilities,
}

impl Document {
    /// The canonical path below the XCAP root, decoded: the name of the document in the index and in log entries.
    pub fn path(&self) -> String {
        format!("{}/{}", self.usage.auid, self.place)
    }

    /// The partition that holds its index entry, and for all but a group view the document itself. A view without an
    /// index entry of its own (service configuration) counts to its user.
    pub fn partition(&self) -> Partition {
        match &self.place {
            Place::User { user, .. } | Place::ServiceConfigView(user) | Place::Directory(user) => {
                Partition::of(user.as_str())
            }
            Place::GroupView { member, .. } => Partition::of(member.as_str()),
            Place::Ue(ue) => Partition::of(ue.as_str()),
            Place::Organisation(organisation)
            | Place::Global { organisation, .. }
            | Place::InitialConfig { organisation, .. } => Partition::of(organisation.as_str()),
            Place::Group(group) => Partition::of(group.as_str()),
            Place::Capabilities => Partition::INSTALLATION,
        }
    }

    /// In whose tree it stands; `None` for global documents and for those of a terminal.
    pub fn user(&self) -> Option<&McpttId> {
        match &self.place {
            Place::User { user, .. } | Place::ServiceConfigView(user) | Place::Directory(user) => Some(user),
            Place::GroupView { member, .. } => Some(member),
            Place::Ue(_)
            | Place::InitialConfig { .. }
            | Place::Organisation(_)
            | Place::Global { .. }
            | Place::Group(_)
            | Place::Capabilities => None,
        }
    }

    /// The group, for a group and for a view of it.
    pub fn group(&self) -> Option<&GroupId> {
        match &self.place {
            Place::Group(group) | Place::GroupView { group, .. } => Some(group),
            _ => None,
        }
    }

    /// The organisation that it belongs to by its place.
    pub fn organisation(&self) -> Option<&OrgId> {
        match &self.place {
            Place::Organisation(organisation)
            | Place::Global { organisation, .. }
            | Place::InitialConfig { organisation, .. } => Some(organisation),
            _ => None,
        }
    }

    /// Whether it is made when asked for, and so has no index entry and no notifications.
    pub const fn is_generated(&self) -> bool {
        matches!(self.place, Place::InitialConfig { .. } | Place::Directory(_) | Place::Capabilities)
    }

    /// Whether it is stored under this place: it is neither generated nor a view of another document.
    pub const fn is_stored(&self) -> bool {
        !self.is_generated() && !matches!(self.place, Place::GroupView { .. } | Place::ServiceConfigView(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { user, name } => write!(f, "users/{user}/{name}"),
            Self::Ue(ue) | Self::InitialConfig { ue, .. } => write!(f, "users/{ue}/{ue}"),
            Self::Organisation(org) => write!(f, "global/{org}/service-config.xml"),
            Self::Global { organisation, name } => write!(f, "global/{organisation}/{name}"),
            Self::Group(group) => write!(f, "global/byGroupID/{group}"),
            Self::GroupView { member, group } => write!(f, "users/{member}/{group}"),
            Self::ServiceConfigView(user) => write!(f, "users/{user}/service-config"),
            Self::Directory(user) => write!(f, "users/{user}/directory.xml"),
            Self::Capabilities => f.write_str("global/index"),
        }
    }
}

/// All documents of a usage in one user's tree: what a subscription to a collection means (RFC 5875 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// The application usage.
    pub usage: &'static Usage,
    /// In whose tree.
    pub user: McpttId,
}

impl Collection {
    /// What the canonical path of every document in it begins with.
    pub fn prefix(&self) -> String {
        format!("{}/users/{}/", self.usage.auid, self.user)
    }

    /// The partition of the index entries.
    pub fn partition(&self) -> Partition {
        Partition::of(self.user.as_str())
    }
}
