//! What this service keeps in the store, all of it in the partition of the group but the views' index entries.
//!
//! | collection | name | value |
//! | --- | --- | --- |
//! | `gms.document` | canonical path | the document; its index entry lies beside it |
//! | `gms.history` | canonical path | its last revisions |
//! | `gms.group` | group id | [`GroupRecord`], written with every change and deletion of the group: its version is the group's revision |
//! | `gms.members` | group id | the members that the `<list>` names; written only when they change |
//! | `gms.multicast` | group id | multicast address and sealed keys, where the GLMS dialect has set them |
//! | `gms.projected` | group id | [`ProjectedRecord`]: the revision that all views have seen |
//! | `gms.reach` | group id | everybody who may have a live view, now or from a projection that was cut off |
//! | `gms.regrouped` | id of a temporary group | [`RegroupedRecord`]: the groups that may say that they are regrouped into it |
//!
//! In the partition of a user: index entries of views, `org.openmobilealliance.groups/users/<member>/<gid>`; and of a
//! deleted user the departure that idms has written (`csc_store::departure`), cleared for a day when no group names it.

use std::collections::BTreeSet;
use std::str::FromStr;

use csc_store::departure::{GMS, Leaving};
use csc_store::shared::account_key;
use csc_store::{Change, Key, Record, Store, StoreError};
use csc_types::{GroupId, McpttId, OrgId, Partition, Revision};
use csc_xcap::usage::GROUPS;
use csc_xcap::usage::groups::Contents;
use csc_xcap::{Document, Place};
use csc_xcap_server::{Shelf, Stored};
use prost::Message;

use crate::domain::Members;

pub(crate) const SHELF: Shelf = Shelf { documents: "gms.document", history: "gms.history" };

/// The collection of [`GroupRecord`]s, to be scanned.
pub(crate) const GROUP: &str = "gms.group";

/// Whose group it is. A deleted group keeps its record until every view has gone.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GroupRecord {
    /// The organisation.
    #[prost(string, tag = "1")]
    pub(crate) organisation: String,
    /// Who made it; none for a group that was provisioned.
    #[prost(string, optional, tag = "2")]
    pub(crate) creator: Option<String>,
    /// There is no such group any more.
    #[prost(bool, tag = "3")]
    pub(crate) deleted: bool,
    /// What its document calls it; empty if it has no name. None in records from before it was kept here.
    #[prost(string, optional, tag = "4")]
    pub(crate) display_name: Option<String>,
    /// The groups that are regrouped into it.
    #[prost(string, repeated, tag = "5")]
    pub(crate) constituents: Vec<String>,
    /// The temporary group that it is regrouped into.
    #[prost(string, optional, tag = "6")]
    pub(crate) regrouped_into: Option<String>,
}

impl GroupRecord {
    /// Of a group whose document holds `contents`.
    pub(crate) fn of(organisation: &OrgId, creator: Option<&McpttId>, contents: &Contents) -> Self {
        Self {
            organisation: organisation.to_string(),
            creator: creator.map(ToString::to_string),
            deleted: false,
            display_name: Some(contents.name.clone()),
            constituents: contents.constituents.iter().map(ToString::to_string).collect(),
            regrouped_into: contents.regrouped_into.as_ref().map(ToString::to_string),
        }
    }

    /// Of a group that was deleted.
    pub(crate) fn gone(organisation: &OrgId) -> Self {
        Self { organisation: organisation.to_string(), deleted: true, ..Self::default() }
    }

    pub(crate) fn read(record: &Record) -> Result<Option<Self>, StoreError> {
        decode(record)
    }

    pub(crate) fn maker(&self) -> Result<Option<McpttId>, StoreError> {
        self.creator.as_deref().map(|creator| parsed(creator, "creator")).transpose()
    }

    pub(crate) fn regrouped(&self) -> Result<BTreeSet<GroupId>, StoreError> {
        self.constituents.iter().map(|group| parsed(group, "constituent")).collect()
    }

    pub(crate) fn temporary(&self) -> Result<Option<GroupId>, StoreError> {
        self.regrouped_into.as_deref().map(|group| parsed(group, "temporary group")).transpose()
    }
}

/// Which groups may say that they are regrouped into one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RegroupedRecord {
    #[prost(string, repeated, tag = "1")]
    groups: Vec<String>,
    /// Who they say has made it. None while some may not say so, or not the same of each other.
    #[prost(string, optional, tag = "2")]
    requestor: Option<String>,
}

impl RegroupedRecord {
    pub(crate) fn of(groups: &BTreeSet<GroupId>, requestor: Option<&McpttId>) -> Self {
        Self {
            groups: groups.iter().map(ToString::to_string).collect(),
            requestor: requestor.map(ToString::to_string),
        }
    }

    /// The groups, and whom they all name as the one who made it.
    pub(crate) fn read(record: &Record) -> Result<(BTreeSet<GroupId>, Option<McpttId>), StoreError> {
        let Self { groups, requestor } = decode(record)?.unwrap_or_default();
        let groups = groups.iter().map(|group| parsed(group, "regrouped group")).collect::<Result<_, _>>()?;
        let requestor = requestor.map(|requestor| parsed(&requestor, "requestor")).transpose()?;
        Ok((groups, requestor))
    }
}

/// How far the views of a group are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProjectedRecord {
    /// The last revision that every view has seen.
    #[prost(uint64, tag = "1")]
    pub(crate) revision: u64,
    /// The revision of the member set that they were written for.
    #[prost(uint64, tag = "2")]
    pub(crate) members: u64,
}

/// A group as its records say.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) organisation: OrgId,
    pub(crate) creator: Option<McpttId>,
    pub(crate) members: Members,
    /// See [`GroupRecord::display_name`].
    pub(crate) display_name: Option<String>,
    pub(crate) constituents: BTreeSet<GroupId>,
    pub(crate) regrouped_into: Option<GroupId>,
    pub(crate) stored: Stored,
}

impl Group {
    /// Its record.
    pub(crate) fn record(&self) -> GroupRecord {
        GroupRecord {
            organisation: self.organisation.to_string(),
            creator: self.creator.as_ref().map(ToString::to_string),
            deleted: false,
            display_name: self.display_name.clone(),
            constituents: self.constituents.iter().map(ToString::to_string).collect(),
            regrouped_into: self.regrouped_into.as_ref().map(ToString::to_string),
        }
    }

    /// Whether `user` sees the group in its tree: members, and the creator.
    pub(crate) fn is_seen_by(&self, user: &McpttId) -> bool {
        self.creator.as_ref() == Some(user) || self.members.contains(user)
    }
}

pub(crate) fn group_key(group: &GroupId) -> Key {
    Key::new(GROUP, group.as_str())
}

pub(crate) fn members_key(group: &GroupId) -> Key {
    Key::new("gms.members", group.as_str())
}

/// The multicast information of a group.
pub(crate) fn multicast_key(group: &GroupId) -> Key {
    Key::new("gms.multicast", group.as_str())
}

pub(crate) fn projected_key(group: &GroupId) -> Key {
    Key::new("gms.projected", group.as_str())
}

pub(crate) fn reach_key(group: &GroupId) -> Key {
    Key::new("gms.reach", group.as_str())
}

pub(crate) fn regrouped_key(group: &GroupId) -> Key {
    Key::new("gms.regrouped", group.as_str())
}

/// The canonical document of a group.
pub(crate) fn canonical(group: &GroupId) -> Document {
    Document { usage: &GROUPS, place: Place::Group(group.clone()) }
}

/// The group as `member` sees it.
pub(crate) fn view(member: &McpttId, group: &GroupId) -> Document {
    Document { usage: &GROUPS, place: Place::GroupView { member: member.clone(), group: group.clone() } }
}

/// The canonical path of the group as `member`, a canonical MCPTT ID, sees it.
pub(crate) fn view_path(member: &str, group: &GroupId) -> String {
    format!("{}/users/{member}/{group}", GROUPS.auid)
}

pub(crate) fn partition(group: &GroupId) -> Partition {
    Partition::of(group.as_str())
}

/// The records that make a group, for [`read_group`].
pub(crate) fn group_keys(group: &GroupId) -> Vec<Key> {
    let shelf = SHELF.keys(&canonical(group).path());
    shelf.into_iter().chain([group_key(group), members_key(group)]).collect()
}

/// The records that whoever changes a group reads, for [`with_history`]; `path`: that of its document.
pub(crate) fn changed(group: &GroupId, path: &str) -> Vec<Key> {
    let mut keys = group_keys(group);
    keys.push(SHELF.history_key(path));
    keys
}

/// The records of [`changed`]: those that make the group, and the history of its document.
pub(crate) fn with_history(found: &[Record]) -> Result<(&[Record], &Record), StoreError> {
    let (history, found) = found.split_last().ok_or_else(|| damaged("no answer for a key"))?;
    Ok((found, history))
}

/// Adds to `change` that the group becomes `record` with `members`; `before`: the member set as it is. The document comes
/// beside it.
pub(crate) fn write_group<T>(
    change: Change<T>,
    group: &GroupId,
    record: &GroupRecord,
    members: &Members,
    before: Option<&Members>,
) -> Change<T> {
    let change = change.put(group_key(group), record.encode_to_vec());
    if before == Some(members) { change } else { change.put(members_key(group), members.octets()) }
}

/// What the records of [`group_keys`] say; `None` if there is no such group.
pub(crate) fn read_group(records: &[Record]) -> Result<Option<Group>, StoreError> {
    let [content, index, group, members] = records else {
        return Err(StoreError::Damaged("no answer for a key".to_owned()));
    };
    let Some((stored, organisation)) = SHELF.read(content, index)? else { return Ok(None) };
    let group: GroupRecord = decode(group)?.ok_or_else(|| damaged("a document without its group"))?;
    Ok(Some(Group {
        organisation,
        creator: group.maker()?,
        members: read_members(members)?,
        constituents: group.regrouped()?,
        regrouped_into: group.temporary()?,
        display_name: group.display_name,
        stored,
    }))
}

/// Of the records of [`group_keys`]: the revision that last changed whom the group names.
pub(crate) fn named(records: &[Record]) -> Revision {
    records.last().map_or(Revision::ABSENT, |members| members.version)
}

pub(crate) fn read_members(record: &Record) -> Result<Members, StoreError> {
    Members::stored(record.value.clone().unwrap_or_default()).map_err(|error| damaged(&error.to_string()))
}

/// The revision that all views of the group have seen.
pub(crate) fn read_projected(record: &Record) -> Result<Revision, StoreError> {
    let projected: Option<ProjectedRecord> = decode(record)?;
    Ok(Revision::new(projected.map_or(0, |projected| projected.revision)))
}

/// A record as a message; `None` if there is no record.
pub(crate) fn decode<M: Message + Default>(record: &Record) -> Result<Option<M>, StoreError> {
    let decoded = record.value.as_deref().map(M::decode).transpose();
    decoded.map_err(|error| damaged(&error.to_string()))
}

pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("gms: {what}"))
}

/// A stored text as the identity that it was.
pub(crate) fn parsed<T: FromStr>(text: &str, what: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| damaged(what))
}

/// The members of a group, if it is there and regrouped into `into`, a group of the same `organisation`; else nobody.
pub(crate) async fn members_of_constituent(
    store: &dyn Store,
    group: &GroupId,
    into: &GroupId,
    organisation: &str,
) -> Result<Members, StoreError> {
    let found = store.get(partition(group), &[group_key(group), members_key(group)]).await?;
    let [record, members] = &found[..] else { return Err(damaged("no answer for a key")) };
    let regrouped = match GroupRecord::read(record)? {
        Some(group) if !group.deleted && group.organisation == organisation => {
            group.temporary()?.is_some_and(|named| named == *into)
        }
        _ => false,
    };
    if regrouped { read_members(members) } else { Ok(Members::default()) }
}

/// Whether a member set of the revision `named` that holds `user` means one who was deleted. Somebody else may have the
/// name by now, whom older sets do not mean.
pub(crate) async fn has_left(store: &dyn Store, user: &McpttId, named: Revision) -> Result<bool, StoreError> {
    let keys = [GMS.departure_key(user), account_key(user)];
    let found = store.get(Partition::of(user.as_str()), &keys).await?;
    let [departure, account] = &found[..] else { return Err(damaged("no answer for a key")) };
    Ok(match (Leaving::read(departure)?, account.value.is_some()) {
        (None, _) | (Some(Leaving::Pending(_)), true) => false,
        (Some(_), false) => true,
        (Some(Leaving::Cleared(since)), true) => named < since,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored data of version 1. It must decode for ever.
    #[test]
    fn golden() {
        let group = GroupRecord {
            organisation: "fire".to_owned(),
            creator: Some("tel:+1".to_owned()),
            deleted: true,
            ..GroupRecord::default()
        };
        assert_eq!(hex::encode(group.encode_to_vec()), "0a0466697265120674656c3a2b311801");
        let octets = hex::decode("0a0466697265120674656c3a2b311801").unwrap();
        assert_eq!(GroupRecord::decode(&*octets), Ok(group));
        let temporary = GroupRecord {
            organisation: "fire".to_owned(),
            display_name: Some("Temp".to_owned()),
            constituents: vec!["tel:+8".to_owned()],
            regrouped_into: Some("tel:+7".to_owned()),
            ..GroupRecord::default()
        };
        let octets = "0a0466697265220454656d702a0674656c3a2b38320674656c3a2b37";
        assert_eq!(hex::encode(temporary.encode_to_vec()), octets);
        assert_eq!(GroupRecord::decode(&*hex::decode(octets).unwrap()), Ok(temporary));
        let groups = ["tel:+8".parse().unwrap()].into();
        let regrouped = RegroupedRecord::of(&groups, None);
        assert_eq!(hex::encode(regrouped.encode_to_vec()), "0a0674656c3a2b38");
        let regrouped = RegroupedRecord::of(&groups, Some(&"tel:+1".parse().unwrap()));
        assert_eq!(hex::encode(regrouped.encode_to_vec()), "0a0674656c3a2b38120674656c3a2b31");
        let projected = ProjectedRecord { revision: 300, members: 2 };
        assert_eq!(hex::encode(projected.encode_to_vec()), "08ac021002");
        let projected = ProjectedRecord { revision: 300, members: 0 };
        assert_eq!(hex::encode(projected.encode_to_vec()), "08ac02");
        assert_eq!(ProjectedRecord::decode(&[0x08, 0xac, 0x02][..]), Ok(projected));
        let ids: Vec<McpttId> = ["tel:+2", "sip:a@b"].iter().map(|id| id.parse().unwrap()).collect();
        assert_eq!(ids.iter().collect::<Members>().octets(), &b"sip:a@b\ntel:+2\n"[..]);
    }
}
