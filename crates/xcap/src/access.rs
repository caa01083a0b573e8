//! Who may read and write what: one table, one pure function.
//!
//! | document | read | write | delete |
//! | --- | --- | --- | --- |
//! | of a user: profiles, UE configuration | the user, administrators, servers | administrators | administrators |
//! | a user's own: lists, presence rules, pictures | the user, administrators, servers | the user, administrators | the user, administrators |
//! | the default profile that an initial configuration names, where a setting opens it | everybody | administrators | administrators |
//! | of a terminal | users who have it, of whatever organisation, administrators, servers; where a setting says so every known user | administrators | administrators |
//! | initial configuration of a terminal | everybody | – | – |
//! | of an organisation: service configuration, templates | its users, administrators, servers | administrators | administrators |
//! | view of it in a user's tree | the user, administrators, servers | – | – |
//! | directory | the user, administrators, servers | – | – |
//! | capabilities | whoever is known | – | – |
//! | group, also in the caller's own tree | members, creator, commanders, servers | commanders, listed authorized users | commanders |
//! | group in another's tree | commanders, servers | – | – |
//!
//! Administrators, commanders (dispatchers and administrators), authorized users and servers count within the
//! organisation that the document belongs to; platform administrators count everywhere.
//!
//! Whoever may not is answered in this order. Nobody known: 401. Below another organisation's XCAP root nothing exists
//! but what everybody may read: 404. Elsewhere whoever may not read gets 403, whether the document exists or not; whoever
//! may read but not do what it asks gets 405. A platform administrator is told by 404 that there is no such user.

use csc_types::{Caller, OrgId, Role, User};

use crate::document::{Document, Place};
use crate::usage::{Keeper, USER_PROFILE};

/// What a caller wants to do with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// GET, HEAD, SUBSCRIBE.
    Read,
    /// PUT.
    Write,
    /// DELETE.
    Delete,
}

/// What the decision depends on beside caller and document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The organisation that the document belongs to: of a user's tree the organisation of the user's account, of a group
    /// view that of the group. `None` if there is no such user, group or document.
    pub organisation: Option<OrgId>,
    /// What the caller is to the group, for a group or a view of one.
    pub membership: Membership,
    /// The organisation of the XCAP root that the request came by, if it came by one.
    pub root: Option<OrgId>,
    /// Setting: every known user may read the documents of terminals.
    pub open_terminals: bool,
    /// It is the default profile that an initial configuration of terminals names, and a setting opens such profiles.
    pub open_profile: bool,
}

/// What a caller is to a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// Nothing.
    #[default]
    Outsider,
    /// It sees the group: its creator; also whoever has a view of it, where no more is known.
    Viewer,
    /// The group's `<list>` names it.
    Listed,
}

/// What a caller may do with a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// It may read.
    pub read: bool,
    /// It may create and replace.
    pub write: bool,
    /// It may delete.
    pub delete: bool,
}

impl Rights {
    const NONE: Self = Self { read: false, write: false, delete: false };
    const ALL: Self = Self { read: true, write: true, delete: true };

    /// Reading, if `may`.
    const fn reading(may: bool) -> Self {
        Self { read: may, ..Self::NONE }
    }

    /// Everything if `commands`, else reading if `reads`.
    const fn commanding(commands: bool, reads: bool) -> Self {
        if commands { Self::ALL } else { Self::reading(reads) }
    }

    /// Whether they include `operation`.
    pub const fn allow(self, operation: Operation) -> bool {
        match operation {
            Operation::Read => self.read,
            Operation::Write => self.write,
            Operation::Delete => self.delete,
        }
    }
}

/// The answer of the access table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on; a document that does not exist is still 404.
    Allow,
    /// Nobody known may: 401.
    Unauthenticated,
    /// For this caller there is nothing here: 404.
    NotFound,
    /// 403.
    Forbidden,
    /// The caller may do this much here, but not what it asks for: 405.
    NotAllowed(Rights),
}

/// Decides whether `caller` may do `operation` on `document`.
pub fn decide(caller: &Caller, operation: Operation, document: &Document, facts: &Facts) -> Decision {
    if is_for_everybody(document) && operation == Operation::Read {
        return Decision::Allow;
    }
    if *caller == Caller::Anonymous {
        let at_home = facts.root.is_none() || facts.root == facts.organisation;
        let open = at_home && rights(caller, document, facts).allow(operation);
        return if open { Decision::Allow } else { Decision::Unauthenticated };
    }
    if facts.root.as_ref().is_some_and(|root| !belongs_to(caller, root)) {
        return Decision::NotFound;
    }
    if facts.organisation.is_none() && document.user().is_some() && document.group().is_none() {
        // No such user. Only who would be told anyway learns that; a user's own tree always exists.
        return if is_platform_administrator(caller) { Decision::NotFound } else { Decision::Forbidden };
    }
    let rights = rights(caller, document, facts);
    match () {
        () if rights.allow(operation) => Decision::Allow,
        () if rights.read => Decision::NotAllowed(rights),
        () => Decision::Forbidden,
    }
}

/// Whether there are facts by which somebody unknown may do `operation` on `document`. If not, nothing need be looked up
/// for [`decide`] to refuse it. `open_profiles`: the setting that [`Facts::open_profile`] speaks of.
pub fn may_be_open(operation: Operation, document: &Document, open_profiles: bool) -> bool {
    operation == Operation::Read && (is_for_everybody(document) || open_profiles && is_profile(document))
}

fn is_profile(document: &Document) -> bool {
    document.usage == &USER_PROFILE && matches!(document.place, Place::User { .. })
}

/// A terminal asks for its initial configuration before anybody has logged in; it holds addresses, not secrets.
const fn is_for_everybody(document: &Document) -> bool {
    matches!(document.place, Place::InitialConfig { .. })
}

/// What `caller` may do with `document` at all.
pub fn rights(caller: &Caller, document: &Document, facts: &Facts) -> Rights {
    let organisation = facts.organisation.as_ref();
    let user = match caller {
        Caller::Anonymous => return Rights::reading(opened(document, facts)),
        Caller::Server(server) => {
            let here = organisation.is_none_or(|organisation| server.orgs.contains(organisation));
            return Rights::reading(here || is_for_all_known(document) || opened(document, facts));
        }
        Caller::User(user) => user,
    };
    // What is not there yet would become the caller's organisation's.
    let at_home = organisation.is_none_or(|organisation| *organisation == user.org);
    let platform = user.roles.has(Role::PlatformAdministrator);
    let administers = platform || at_home && user.roles.has(Role::Administrator);
    let commands = administers || at_home && user.roles.has(Role::Dispatcher);
    match &document.place {
        Place::User { user: owner, .. } => {
            let own = *owner == user.id;
            let keeps = administers || own && document.usage.keeper == Keeper::User;
            Rights::commanding(keeps, own || opened(document, facts))
        }
        Place::Ue(ue) => Rights::commanding(administers, facts.open_terminals || user.ue_ids.contains(ue)),
        Place::Organisation(_) | Place::Global { .. } => Rights::commanding(administers, at_home),
        Place::ServiceConfigView(owner) | Place::Directory(owner) => {
            Rights::reading(administers || *owner == user.id)
        }
        Place::Capabilities | Place::InitialConfig { .. } => Rights::reading(true),
        Place::GroupView { member, .. } if *member != user.id => Rights::reading(commands),
        Place::Group(_) | Place::GroupView { .. } => group_rights(user, commands, facts),
    }
}

/// Whether everybody may read `document`, known or not.
fn opened(document: &Document, facts: &Facts) -> bool {
    is_for_everybody(document) || facts.open_profile && is_profile(document)
}

const fn is_for_all_known(document: &Document) -> bool {
    matches!(document.place, Place::Capabilities)
}

fn group_rights(user: &User, commands: bool, facts: &Facts) -> Rights {
    if commands {
        return Rights::ALL;
    }
    let at_home = facts.organisation.as_ref() == Some(&user.org);
    let listed = facts.membership == Membership::Listed;
    Rights {
        read: facts.membership != Membership::Outsider,
        write: listed && at_home && user.roles.has(Role::AuthorizedUser),
        delete: false,
    }
}

fn belongs_to(caller: &Caller, root: &OrgId) -> bool {
    match caller {
        Caller::Anonymous => false,
        Caller::User(user) => user.org == *root || user.roles.has(Role::PlatformAdministrator),
        Caller::Server(server) => server.orgs.contains(root),
    }
}

fn is_platform_administrator(caller: &Caller) -> bool {
    caller.user().is_some_and(|user| user.roles.has(Role::PlatformAdministrator))
}

#[cfg(test)]
mod tests;
