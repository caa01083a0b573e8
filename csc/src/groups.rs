//! `groups.v1` of a process that holds gms beside other services: passed on to it.

use csc_proto::groups::v1::groups_client::GroupsClient;
use csc_proto::groups::v1::groups_server::{Groups, GroupsServer};
use csc_proto::groups::v1::{ListGroupsRequest, ListGroupsResponse, ListMembersRequest, ListMembersResponse};
use csc_service::bus;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// `groups.v1` in front of the one behind `gms`.
pub(crate) fn front(gms: Channel) -> GroupsServer<impl Groups> {
    GroupsServer::new(Front(GroupsClient::new(gms)))
}

struct Front(GroupsClient<Channel>);

#[tonic::async_trait]
impl Groups for Front {
    async fn list_groups(
        &self,
        request: Request<ListGroupsRequest>,
    ) -> Result<Response<ListGroupsResponse>, Status> {
        self.0.clone().list_groups(bus::pass_on(request)).await
    }

    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        self.0.clone().list_members(bus::pass_on(request)).await
    }
}
