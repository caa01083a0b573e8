//! Storing a document.

use async_trait::async_trait;
use bytes::Bytes;
use csc_proto::documents::v1::put_response::Outcome;
use csc_proto::documents::v1::{PutRequest, PutResponse};
use csc_types::{Caller, Etag, OrgId};
use csc_xcap::Document;
use tonic::Status;

use super::{Provisioning, another_etag, expected, organisation, status};
use crate::history::Action;
use crate::http::XcapServer;
use crate::library::{Change, Decide, Library, New, Snapshot};
use crate::refusal::Refusal;

/// How often a document is looked at again that others change at the same time.
const ATTEMPTS: usize = 16;

impl<L: Library> Provisioning<L> {
    pub(super) async fn store(&self, caller: Caller, request: PutRequest) -> Result<PutResponse, Status> {
        let organisation = organisation(&request.organisation)?;
        let document = self.stored(&request.path, organisation.as_ref())?;
        let content = Bytes::from(request.content);
        if content.len() > self.0.settings().limits.octets {
            return Err(Status::invalid_argument("the document is too large"));
        }
        let wish = Wish {
            document: &document,
            content: &content,
            organisation: organisation.as_ref(),
            expected: expected(&request.etag)?,
            dry_run: request.dry_run,
        };
        for _ in 0..ATTEMPTS {
            match self.attempt(&caller, &wish).await {
                // It is not what was looked at any more: perhaps it is equal by now.
                Err(Attempt::Overtaken) => {}
                Err(Attempt::Refused(status)) => return Err(status),
                Ok(response) => return Ok(response),
            }
        }
        Err(Status::aborted("others keep changing the same document"))
    }

    /// Decides over the document as it is now, and stores it if it still is when that is committed; in a dry run all but
    /// the commit happens.
    async fn attempt(&self, caller: &Caller, wish: &Wish<'_>) -> Result<PutResponse, Attempt> {
        let Wish { document, content, organisation, ref expected, dry_run } = *wish;
        let server = &self.0;
        let snapshot = server.library().look(document, caller).await.map_err(Refusal::from)?;
        // In a dry run the user may be one that the real run would have made by now.
        if !dry_run || snapshot.organisation.is_some() {
            agree(document, organisation, &snapshot).map_err(Attempt::Refused)?;
        }
        let answer = |outcome: Outcome, etag: String| PutResponse { outcome: outcome.into(), etag };
        if let Some(stored) = snapshot.current.as_ref().filter(|stored| stored.content == *content) {
            return Ok(answer(Outcome::Unchanged, stored.etag.to_string()));
        }
        if expected.is_some() && snapshot.etag() != expected.as_ref() {
            return Err(Attempt::Refused(another_etag()));
        }
        let organisation = organisation.unwrap_or(&server.settings().config.names.default_organisation);
        let author = server.author(caller, Action::Stored);
        let change = Change { document, caller, author: &author, organisation, creator: None };
        let decide = Replace { server, document, content, snapshot: &snapshot, dry_run };
        let written = server.library().put(change, &decide).await?;
        let outcome = if written.created { Outcome::Created } else { Outcome::Changed };
        if dry_run {
            return Ok(answer(outcome, String::new()));
        }
        tracing::info!(document = %document.path(), caller = author.name, etag = %written.etag, "provisioned");
        Ok(answer(outcome, written.etag.to_string()))
    }
}

/// What a request asks for.
struct Wish<'a> {
    document: &'a Document,
    content: &'a Bytes,
    organisation: Option<&'a OrgId>,
    expected: Option<Etag>,
    dry_run: bool,
}

/// Stores a document in the place of the one that was looked at.
struct Replace<'a, L> {
    server: &'a XcapServer<L>,
    document: &'a Document,
    content: &'a Bytes,
    snapshot: &'a Snapshot,
    dry_run: bool,
}

#[async_trait]
impl<L: Library> Decide<L::Digest> for Replace<'_, L> {
    async fn decide(&self, now: &Snapshot) -> Result<New<L::Digest>, Refusal> {
        if now.etag() != self.snapshot.etag() || now.organisation != self.snapshot.organisation {
            return Err(Refusal::Precondition);
        }
        let digest = self.server.digest(self.document, self.content).await?;
        let (content, created) = (self.content.clone(), now.current.is_none());
        Ok(New { content, digest, created, dry_run: self.dry_run })
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
