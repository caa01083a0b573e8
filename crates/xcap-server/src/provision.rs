//! `documents.v1`: the documents for whoever administers the installation.
//!
//! The bus has checked who calls; here everything counts that counts over HTTP but the caller's rights.

mod list;
mod put;

use std::sync::Arc;

use csc_proto::documents::v1::documents_server::{Documents, DocumentsServer};
use csc_proto::documents::v1::revision::Action as Was;
use csc_proto::documents::v1::{
    DeleteRequest, DeleteResponse, GetRequest, GetResponse, HistoryRequest, HistoryResponse, ListRequest,
    ListResponse, PutRequest, PutResponse, Revision, delete_response,
};
use csc_service::bus;
use csc_types::{Caller, Etag, OrgId, Server};
use csc_xcap::Document;
use csc_xcap::uri::DocumentSelector;
use tonic::{Request, Response, Status};

use crate::history::{Action, Revised};
use crate::http::XcapServer;
use crate::library::{Change, Library, Snapshot};
use crate::refusal::Refusal;

/// Octets of a request beside the document.
const OVERHEAD: usize = 16 << 10;

/// Serves `documents.v1` for the documents of an [`XcapServer`].
pub struct Provisioning<L>(Arc<XcapServer<L>>);

impl<L: Library> Provisioning<L> {
    /// The gRPC service, for the bus.
    pub fn service(server: Arc<XcapServer<L>>) -> DocumentsServer<Self> {
        let limit = server.settings().limits.octets + OVERHEAD;
        DocumentsServer::new(Self(server)).max_decoding_message_size(limit)
    }

    fn document(&self, path: &str, organisation: Option<&OrgId>) -> Result<Document, Status> {
        let document = self.0.resolve(&DocumentSelector::from_decoded(path), organisation);
        document.ok_or_else(|| Status::not_found(format!("{path}: no document of this service")))
    }

    /// The document at `path`, if it is one that can be stored.
    fn stored(&self, path: &str, organisation: Option<&OrgId>) -> Result<Document, Status> {
        let document = self.document(path, organisation)?;
        let refused =
            || Status::invalid_argument(format!("{path}: generated, or a view of another document"));
        document.is_stored().then_some(document).ok_or_else(refused)
    }

    async fn look_up(&self, caller: Caller, request: GetRequest) -> Result<GetResponse, Status> {
        let organisation = organisation(&request.organisation)?;
        let document = self.document(&request.path, organisation.as_ref())?;
        let library = self.0.library();
        let snapshot = library.look(&document, &caller).await.map_err(unavailable)?;
        // Nobody, or nobody any more, whose tree it would stand in.
        let homeless = document.user().is_some() && snapshot.organisation.is_none();
        let found = match document.is_generated() {
            true if homeless => None,
            true => library.generate(&document, None).await.map_err(unavailable)?,
            false => snapshot.current,
        };
        let path = document.path();
        let found = found.ok_or_else(|| Status::not_found(format!("{path}: there is no such document")))?;
        let belongs_to = snapshot.organisation.as_ref().or(document.organisation());
        Ok(GetResponse {
            organisation: belongs_to.map(ToString::to_string).unwrap_or_default(),
            path,
            content: found.content.to_vec(),
            etag: found.etag.to_string(),
        })
    }

    async fn remove(&self, caller: Caller, request: DeleteRequest) -> Result<DeleteResponse, Status> {
        let organisation = organisation(&request.organisation)?;
        let document = self.stored(&request.path, organisation.as_ref())?;
        let expected = expected(&request.etag)?;
        let judge = |now: &Snapshot| match (now.etag(), &expected) {
            (None, _) => Err(Refusal::NotFound),
            (Some(has), Some(expected)) if has != expected => Err(Refusal::Precondition),
            _ => Ok(()),
        };
        let author = self.0.author(&caller, Action::Deleted);
        let organisation =
            organisation.as_ref().unwrap_or(&self.0.settings().config.names.default_organisation);
        let change =
            Change { document: &document, caller: &caller, author: &author, organisation, creator: None };
        let outcome = match self.0.library().delete(change, &judge).await {
            Ok(()) => delete_response::Outcome::Deleted,
            Err(Refusal::NotFound) => delete_response::Outcome::Absent,
            Err(Refusal::Precondition) => {
                return Err(another_etag());
            }
            // It is the document that others need, not the request that is wrong.
            Err(Refusal::Conflict(conflict)) => {
                return Err(Status::failed_precondition(conflict.to_string()));
            }
            Err(refusal) => return Err(status(&refusal)),
        };
        if outcome == delete_response::Outcome::Deleted {
            tracing::info!(document = %document.path(), caller = author.name, "deleted");
        }
        Ok(DeleteResponse { outcome: outcome.into() })
    }

    async fn remember(&self, request: HistoryRequest) -> Result<HistoryResponse, Status> {
        let organisation = organisation(&request.organisation)?;
        let document = self.stored(&request.path, organisation.as_ref())?;
        let revisions = self.0.library().history(&document).await.map_err(unavailable)?;
        // What a lowered setting leaves is there until the next change.
        let kept = revisions.into_iter().take(self.0.settings().config.history);
        Ok(HistoryResponse { revisions: kept.map(revision).collect() })
    }
}

#[tonic::async_trait]
impl<L: Library> Documents for Provisioning<L> {
    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        self.store(provisioner(&request), request.into_inner()).await.map(Response::new)
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        self.look_up(provisioner(&request), request.into_inner()).await.map(Response::new)
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Result<Response<DeleteResponse>, Status> {
        self.remove(provisioner(&request), request.into_inner()).await.map(Response::new)
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        self.enumerate(request.into_inner()).await.map(Response::new)
    }

    async fn history(&self, request: Request<HistoryRequest>) -> Result<Response<HistoryResponse>, Status> {
        self.remember(request.into_inner()).await.map(Response::new)
    }
}

/// Who the library is told is asking, and the history who it was: nobody who is a member of any group.
fn provisioner<T>(request: &Request<T>) -> Caller {
    const HERE: &str = "documents.v1";
    let name = bus::caller(request).map_or_else(|| HERE.to_owned(), |caller| format!("{caller} via {HERE}"));
    Caller::Server(Server { name, orgs: Vec::new() })
}

/// An organisation of a request; empty: none.
fn organisation(name: &str) -> Result<Option<OrgId>, Status> {
    if name.is_empty() {
        return Ok(None);
    }
    name.parse().map(Some).map_err(|error| Status::invalid_argument(format!("organisation: {error}")))
}

/// The ETag that a request expects; empty: any.
fn expected(etag: &str) -> Result<Option<Etag>, Status> {
    if etag.is_empty() {
        return Ok(None);
    }
    etag.parse().map(Some).map_err(|_| Status::invalid_argument("etag: not one of ours"))
}

fn another_etag() -> Status {
    Status::failed_precondition("the document has another etag")
}

fn revision(revised: Revised) -> Revision {
    let action = match revised.action {
        Action::Unknown => Was::Unspecified,
        Action::Stored => Was::Stored,
        Action::NodeStored => Was::NodeStored,
        Action::NodeDeleted => Was::NodeDeleted,
        Action::Deleted => Was::Deleted,
    };
    Revision {
        action: action.into(),
        etag: revised.etag.map(|etag| etag.to_string()).unwrap_or_default(),
        author: revised.by,
        at: revised.at.micros(),
        octets: revised.octets,
    }
}

fn unavailable(error: csc_store::StoreError) -> Status {
    status(&Refusal::from(error))
}

/// The gRPC status of a refusal.
fn status(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Conflict(conflict) => {
            Status::invalid_argument(format!("{}: {conflict}", conflict.element()))
        }
        Refusal::Store(_) | Refusal::Contended => {
            tracing::warn!(error = refusal as &dyn std::error::Error, "document cannot be provisioned now");
            Status::unavailable("the store does not answer")
        }
        Refusal::Precondition
        | Refusal::BadTarget(_)
        | Refusal::Partial
        | Refusal::Crowded
        | Refusal::ContentCoding
        | Refusal::Body(_)
        | Refusal::Token(_)
        | Refusal::NotFound
        | Refusal::Forbidden
        | Refusal::NotAllowed(_)
        | Refusal::MediaType
        | Refusal::NotImplemented => Status::internal(refusal.to_string()),
    }
}
