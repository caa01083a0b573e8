//! `documents.v1` of a process that holds both gms and cms: each call goes to the one that serves the usage.

use anyhow::Context;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::documents_server::{Documents, DocumentsServer};
use csc_proto::documents::v1::{
    DeleteRequest, DeleteResponse, GetRequest, GetResponse, HistoryRequest, HistoryResponse, ListRequest,
    ListResponse, PutRequest, PutResponse,
};
use csc_service::{ServiceParts, bus};
use csc_xcap::usage::GROUPS;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::groups;
use crate::provision::LARGEST;

/// One `documents.v1` in front of those of `gms` and `cms`, which no longer offer it themselves; the `groups.v1` of gms
/// beside it.
///
/// # Errors
/// If one of them offers nothing on the bus.
pub(crate) fn front(gms: &mut ServiceParts, cms: &mut ServiceParts) -> anyhow::Result<Routes> {
    let channel = |parts: &mut ServiceParts| {
        let routes =
            parts.grpc.take().with_context(|| format!("{} serves documents on the bus", parts.name))?;
        anyhow::Ok(bus::in_process(routes))
    };
    let client = |channel: Channel| {
        DocumentsClient::new(channel).max_encoding_message_size(LARGEST).max_decoding_message_size(LARGEST)
    };
    let (gms, cms) = (channel(gms)?, channel(cms)?);
    let front = Front { groups: client(gms.clone()), configuration: client(cms) };
    let documents = DocumentsServer::new(front).max_decoding_message_size(LARGEST);
    Ok(Routes::new(documents).add_service(groups::front(gms)))
}

struct Front {
    groups: DocumentsClient<Channel>,
    configuration: DocumentsClient<Channel>,
}

impl Front {
    /// Who serves the usage that `path` begins with.
    fn server(&self, path: &str) -> DocumentsClient<Channel> {
        let auid = path.trim_start_matches('/').split('/').next();
        if auid == Some(GROUPS.auid) { self.groups.clone() } else { self.configuration.clone() }
    }
}

#[tonic::async_trait]
impl Documents for Front {
    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        self.server(&request.get_ref().path).put(bus::pass_on(request)).await
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        self.server(&request.get_ref().path).get(bus::pass_on(request)).await
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Result<Response<DeleteResponse>, Status> {
        self.server(&request.get_ref().path).delete(bus::pass_on(request)).await
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        self.server(&request.get_ref().usage).list(bus::pass_on(request)).await
    }

    async fn history(&self, request: Request<HistoryRequest>) -> Result<Response<HistoryResponse>, Status> {
        self.server(&request.get_ref().path).history(bus::pass_on(request)).await
    }
}
