//! What this service keeps in the store, all of it in the partition of the group but the views' index entries.
//!
//! | collection | name | value |
//! | --- | --- | --- |
//! | `gms.document` | canonical path | the document; its index entry lies beside it |
//! | `gms.group` | group id | [`GroupRecord`], written with every change and deletion of the group: its version is the group's revision |
//! | `gms.members` | group id | the members that the `<list>` names |
//! | `gms.projected` | group id | [`ProjectedRecord`]: the revision that all views have seen |
//! | `gms.reach` | group id | everybody who may have a live view, now or from a projection that was cut off |
//!
//! In the partition of a member: index entries of views, `org.openmobilealliance.groups/users/<member>/<gid>`.

use csc_store::{Key, Record, StoreError, shared};
use csc_types::{GroupId, McpttId, OrgId, Partition, Revision};
use csc_xcap::usage::GROUPS;
use csc_xcap::{Document, Place};
use csc_xcap_server::{Shelf, Stored};
use prost::Message;

use crate::domain::Members;

pub(crate) const SHELF: Shelf = Shelf { collection: "gms.document" };

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
}

/// How far the views of a group are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProjectedRecord {
    /// The last revision that every view has seen.
    #[prost(uint64, tag = "1")]
    pub(crate) revision: u64,
}

/// A group as its records say.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) organisation: OrgId,
    pub(crate) creator: Option<McpttId>,
    pub(crate) members: Members,
    pub(crate) stored: Stored,
}

impl Group {
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

pub(crate) fn projected_key(group: &GroupId) -> Key {
    Key::new("gms.projected", group.as_str())
}

pub(crate) fn reach_key(group: &GroupId) -> Key {
    Key::new("gms.reach", group.as_str())
}

/// The canonical document of a group.
pub(crate) fn canonical(group: &GroupId) -> Document {
    Document { usage: &GROUPS, place: Place::Group(group.clone()) }
}

/// The group as `member` sees it.
pub(crate) fn view(member: &McpttId, group: &GroupId) -> Document {
    Document { usage: &GROUPS, place: Place::GroupView { member: member.clone(), group: group.clone() } }
}

pub(crate) fn partition(group: &GroupId) -> Partition {
    Partition::of(group.as_str())
}

/// The records that make a group, for [`read_group`].
pub(crate) fn group_keys(group: &GroupId) -> Vec<Key> {
    let shelf = SHELF.keys(&canonical(group).path());
    shelf.into_iter().chain([group_key(group), members_key(group)]).collect()
}

/// What the records of [`group_keys`] say; `None` if there is no such group.
pub(crate) fn read_group(records: &[Record]) -> Result<Option<Group>, StoreError> {
    let [content, index, group, members] = records else {
        return Err(StoreError::Damaged("no answer for a key".to_owned()));
    };
    let Some((stored, organisation)) = SHELF.read(content, index)? else { return Ok(None) };
    let group: GroupRecord = decode(group)?.ok_or_else(|| damaged("a document without its group"))?;
    let creator = group.creator.map(|creator| creator.parse().map_err(|_| damaged("creator"))).transpose()?;
    Ok(Some(Group { organisation, creator, members: read_members(members)?, stored }))
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

/// Where the index entry of `member`'s view lies.
pub(crate) fn view_key(member: &McpttId, group: &GroupId) -> Key {
    shared::index_key(&view(member, group).path())
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
        };
        assert_eq!(hex::encode(group.encode_to_vec()), "0a0466697265120674656c3a2b311801");
        let octets = hex::decode("0a0466697265120674656c3a2b311801").unwrap();
        assert_eq!(GroupRecord::decode(&*octets), Ok(group));
        let projected = ProjectedRecord { revision: 300 };
        assert_eq!(hex::encode(projected.encode_to_vec()), "08ac02");
        assert_eq!(ProjectedRecord::decode(&[0x08, 0xac, 0x02][..]), Ok(projected));
        let ids: Vec<McpttId> = ["tel:+2", "sip:a@b"].iter().map(|id| id.parse().unwrap()).collect();
        assert_eq!(ids.iter().collect::<Members>().octets(), &b"sip:a@b\ntel:+2\n"[..]);
    }
}
