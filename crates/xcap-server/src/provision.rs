//! `documents.v1`: storing documents for whoever administers the installation.
//!
//! The bus has checked who calls; here everything counts that counts for a PUT over HTTP but the caller's rights.

use std::sync::Arc;

use bytes::Bytes;
use csc_proto::documents::v1::documents_server::{Documents, DocumentsServer};
use csc_proto::documents::v1::put_response::Outcome;
use csc_proto::documents::v1::{PutRequest, PutResponse};
use csc_types::{Caller, OrgId, Server};
use csc_xcap::uri::DocumentSelector;
use csc_xcap::Document;
use tonic::{Request, Response, Status};

use crate::http::XcapServer;
use crate::library::{Change, Library, Snapshot};
use crate::refusal::Refusal;

/// Octets of a request beside the document.
const OVERHEAD: usize = 16 << 10;
/// How often a document is looked at again that others change at the same time.
const ATTEMPTS: usize = 16;

/// Serves `documents.v1` for the documents of an [`XcapServer`].
pub struct Provisioning<L>(Arc<XcapServer<L>>);

impl<L: Library> Provisioning<L> {
    /// The gRPC service, for the bus.
    pub fn service(server: Arc<XcapServer<L>>) -> DocumentsServer<Self> {
        let limit = server.settings().limits.octets + OVERHEAD;
        DocumentsServer::new(Self(server)).max_decoding_message_size(limit)
    }

    async fn apply(&self, request: PutRequest) -> Result<PutResponse, Status> {
        let server = &self.0;
        let organisation: Option<OrgId> = match request.organisation.as_str() {
            "" => None,
            name => Some(
                name.parse().map_err(|error| Status::invalid_argument(format!("organisation: {error}")))?,
            ),
        };
        let selector = DocumentSelector::from_decoded(&request.path);
        let document = server
            .resolve(&selector, organisation.as_ref())
            .ok_or_else(|| Status::not_found(format!("{}: no document of this service", request.path)))?;
        if !document.is_stored() {
            return Err(Status::invalid_argument(format!(
                "{}: generated, or a view of another document",
                request.path
            )));
        }
        let content = Bytes::from(request.content);
        for _ in 0..ATTEMPTS {
            match self.attempt(&document, &content, organisation.as_ref(), request.dry_run).await {
                // It is not what was looked at any more: perhaps it is equal by now.
                Err(Attempt::Overtaken) => {}
                Err(Attempt::Refused(status)) => return Err(status),
                Ok(response) => return Ok(response),
            }
        }
        Err(Status::aborted("others keep changing the same document"))
    }

    /// Decides over the document as it is now, and stores it if it still is when that is committed.
    async fn attempt(
        &self,
        document: &Document,
        content: &Bytes,
        organisation: Option<&OrgId>,
        dry_run: bool,
    ) -> Result<PutResponse, Attempt> {
        let server = &self.0;
        let digest = server.digest(document, content).await?;
        let caller = provisioner();
        let snapshot = server.library().look(document, &caller).await.map_err(Refusal::from)?;
        // In a dry run the user may be one that the real run would have made by now.
        if !dry_run || snapshot.organisation.is_some() {
            agree(document, organisation, &snapshot).map_err(Attempt::Refused)?;
        }
        let outcome = match &snapshot.current {
            None => Outcome::Created,
            Some(stored) if stored.content == *content => Outcome::Unchanged,
            Some(_) => Outcome::Changed,
        };
        let mut response = PutResponse { outcome: outcome.into(), etag: String::new() };
        if outcome == Outcome::Unchanged {
            response.etag = snapshot.etag().map(ToString::to_string).unwrap_or_default();
            return Ok(response);
        }
        if dry_run {
            return Ok(response);
        }
        let belongs_to = organisation
            .cloned()
            .unwrap_or_else(|| server.settings().config.names.default_organisation.clone());
        let change = Change {
            document,
            caller: &caller,
            content: content.clone(),
            digest,
            organisation: belongs_to,
            creator: None,
        };
        let judge = |now: &Snapshot| {
            let same = now.etag() == snapshot.etag() && now.organisation == snapshot.organisation;
            if same { Ok(()) } else { Err(Refusal::Precondition) }
        };
        let written = server.library().put(change, &judge).await?;
        tracing::info!(document = %document.path(), etag = %written.etag, "provisioned");
        response.etag = written.etag.to_string();
        Ok(response)
    }
}

/// Why an attempt came to nothing.
enum Attempt {
    /// Somebody else was faster.
    Overtaken,
    /// For good.
    Refused(Status),
}

impl From<Refusal> for Attempt {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Precondition => Self::Overtaken,
            refusal => Self::Refused(status(&refusal)),
        }
    }
}

#[tonic::async_trait]
impl<L: Library> Documents for Provisioning<L> {
    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        self.apply(request.into_inner()).await.map(Response::new)
    }
}

/// Who the library is told is asking: nobody who is a member of anything.
fn provisioner() -> Caller {
    Caller::Server(Server { name: "documents.v1".to_owned(), orgs: Vec::new() })
}

/// Whether the organisation of the request is the one that the document belongs to, where that is known.
fn agree(document: &Document, wanted: Option<&OrgId>, snapshot: &Snapshot) -> Result<(), Status> {
    match (&snapshot.organisation, wanted) {
        (None, _) if document.user().is_some() => {
            Err(Status::failed_precondition(format!("{}: there is no such user", document.path())))
        }
        (Some(has), Some(wanted)) if has != wanted => {
            Err(Status::failed_precondition(format!("{}: belongs to organisation {has}", document.path())))
        }
        _ => Ok(()),
    }
}

/// The gRPC status of a refusal.
fn status(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Conflict(conflict) => {
            Status::invalid_argument(format!("{}: {conflict}", conflict.element()))
        }
        Refusal::Body(_) => Status::invalid_argument("the document is too large"),
        Refusal::Store(_) | Refusal::Contended => {
            tracing::warn!(error = refusal as &dyn std::error::Error, "document cannot be provisioned now");
            Status::unavailable("the store does not answer")
        }
        Refusal::Precondition
        | Refusal::BadTarget(_)
        | Refusal::Token(_)
        | Refusal::NotFound
        | Refusal::Forbidden
        | Refusal::NotAllowed(_)
        | Refusal::MediaType => Status::internal(refusal.to_string()),
    }
}
