//! `groups.v1`: the groups of a member, the members of a group.

use csc_proto::groups::v1::groups_server::{Groups, GroupsServer};
use csc_proto::groups::v1::{
    Group, ListGroupsRequest, ListGroupsResponse, ListMembersRequest, ListMembersResponse,
};
use csc_proto::record::v1::IndexEntry;
use csc_store::{Records, StoreError, shared};
use csc_types::{GroupId, IdError, McpttId, Partition};
use csc_xcap::Names;
use csc_xcap::usage::GROUPS;
use tonic::{Request, Response, Status};

use crate::records::{
    GroupRecord, canonical, damaged, decode, group_key, members_key, partition, read_members,
};

/// The largest page, and the one of whoever does not care. Each item takes some hundred octets at most.
const PAGE: usize = 1000;

/// Answers from the records of the groups.
pub(crate) struct GroupsService {
    records: Records,
    names: Names,
}

impl GroupsService {
    pub(crate) fn service(records: Records, names: Names) -> GroupsServer<Self> {
        GroupsServer::new(Self { records, names })
    }

    async fn groups_of(
        &self,
        member: &McpttId,
        token: String,
        size: usize,
    ) -> Result<ListGroupsResponse, StoreError> {
        let partition = Partition::of(member.as_str());
        let prefix = format!("{}/users/{member}/", GROUPS.auid);
        let mut after = Some(token).filter(|token| !token.is_empty()).map(|token| format!("{prefix}{token}"));
        let mut groups: Vec<Group> = Vec::new();
        loop {
            let store = self.records.store();
            let page = shared::index_scan(store, partition, &prefix, after.as_deref(), PAGE).await?;
            let whole = page.len() == PAGE;
            for (path, entry, version) in page {
                // Views that went stay for a while as tombstones.
                if !entry.removed {
                    if groups.len() == size {
                        let last = groups.last().map(|group| group.group_id.clone());
                        return Ok(ListGroupsResponse { groups, next_page_token: last.unwrap_or_default() });
                    }
                    groups.push(Group {
                        group_id: path.strip_prefix(&prefix).unwrap_or_default().to_owned(),
                        etag: shared::etag(&entry, version).to_string(),
                        organisation: entry.organisation,
                    });
                }
                after = Some(path);
            }
            if !whole {
                return Ok(ListGroupsResponse { groups, next_page_token: String::new() });
            }
        }
    }

    async fn members_of(
        &self,
        id: &GroupId,
        token: &str,
        size: usize,
    ) -> Result<Option<ListMembersResponse>, StoreError> {
        // Not the document, which may be large and is of no use for any page.
        let keys = [shared::index_key(&canonical(id).path()), group_key(id), members_key(id)];
        let found = self.records.store().get(partition(id), &keys).await?;
        let [index, group, members] = &found[..] else { return Err(damaged("no answer for a key")) };
        let (Some(entry), Some(group)) = (decode::<IndexEntry>(index)?, GroupRecord::read(group)?) else {
            return Ok(None);
        };
        let members = read_members(members)?;
        let mut behind = members.behind(token).map(str::to_owned);
        let mcptt_ids: Vec<String> = behind.by_ref().take(size).collect();
        let more = behind.next().is_some();
        let last = mcptt_ids.last().filter(|_| more).cloned();
        Ok(Some(ListMembersResponse {
            next_page_token: last.unwrap_or_default(),
            mcptt_ids,
            member_count: u32::try_from(members.count()).unwrap_or(u32::MAX),
            creator: group.creator.unwrap_or_default(),
            constituents: group.constituents,
            regrouped_into: group.regrouped_into.unwrap_or_default(),
            group: Some(Group {
                group_id: id.to_string(),
                etag: shared::etag(&entry, index.version).to_string(),
                organisation: group.organisation,
            }),
        }))
    }
}

#[tonic::async_trait]
impl Groups for GroupsService {
    async fn list_groups(
        &self,
        request: Request<ListGroupsRequest>,
    ) -> Result<Response<ListGroupsResponse>, Status> {
        let ListGroupsRequest { mcptt_id, page_size, page_token } = request.into_inner();
        let member = self.names.user(&mcptt_id).map_err(|error| invalid("mcptt_id", error))?;
        let listed = self.groups_of(&member, page_token, size(page_size)).await;
        listed.map(Response::new).map_err(|error| unavailable(&error))
    }

    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        let ListMembersRequest { group_id, page_size, page_token } = request.into_inner();
        let group: GroupId = group_id.parse().map_err(|error| invalid("group_id", error))?;
        let listed = self.members_of(&group, &page_token, size(page_size)).await;
        match listed.map_err(|error| unavailable(&error))? {
            Some(listed) => Ok(Response::new(listed)),
            None => Err(Status::not_found("no such group")),
        }
    }
}

fn size(wanted: u32) -> usize {
    match wanted as usize {
        0 => PAGE,
        wanted => wanted.min(PAGE),
    }
}

fn invalid(field: &str, error: IdError) -> Status {
    Status::invalid_argument(format!("{field}: {error}"))
}

fn unavailable(error: &StoreError) -> Status {
    tracing::warn!(error = error as &dyn std::error::Error, "groups cannot be listed now");
    Status::unavailable("the store does not answer")
}
