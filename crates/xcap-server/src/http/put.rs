//! PUT of whole documents (RFC 4825 8.2).

use std::sync::Arc;

use bytes::Bytes;
use csc_service::http::{Body, BodyError, read_body};
use csc_types::Caller;
use csc_xcap::Document;
use csc_xcap::access::Operation;
use csc_xcap::error::Conflict;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};

use super::{Exchange, XcapServer, tag};
use crate::library::{Change, Library, Snapshot};
use crate::precondition::{Outcome, Precondition};
use crate::refusal::Refusal;
use crate::work::aside;

impl<L: Library> XcapServer<L> {
    pub(super) async fn put(
        &self,
        mut exchange: Exchange,
        snapshot: Snapshot,
        body: Body,
    ) -> Result<Response<Body>, Refusal> {
        exchange.admit(Operation::Write, &snapshot)?;
        let content = read_body(body, self.settings.limits.octets).await?;
        // A body may take its time; the account may have lost its roles, or been disabled, meanwhile.
        exchange.caller = self.callers.caller(&exchange.headers).await?;
        let precondition = Precondition::of(&exchange.headers);
        let judge = |snapshot: &Snapshot| {
            exchange.admit(Operation::Write, snapshot)?;
            match precondition.for_write(snapshot.etag()) {
                Outcome::Met => Ok(()),
                Outcome::Failed | Outcome::NotModified => Err(Refusal::Precondition),
            }
        };
        judge(&snapshot)?;
        let content_type = exchange.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|content_type| exchange.document.usage.accepts(content_type)) {
            return Err(Refusal::MediaType);
        }
        let digest = self.digest(&exchange.document, &content).await?;
        let change = Change {
            document: &exchange.document,
            caller: &exchange.caller,
            content,
            digest,
            organisation: exchange.organisation().ok_or(Refusal::Forbidden)?,
            creator: exchange.caller.user().map(|user| user.id.clone()),
        };
        let written = self.library.put(change, &judge).await?;
        tracing::info!(document = %exchange.document.path(), caller = name(&exchange.caller), etag = %written.etag, "stored");
        let mut response = Response::new(Body::empty());
        *response.status_mut() = if written.created { StatusCode::CREATED } else { StatusCode::OK };
        tag(&mut response, &written.etag);
        Ok(response)
    }

    /// Checks a document's octets and takes out what the library needs.
    pub(crate) async fn digest(&self, document: &Document, content: &Bytes) -> Result<L::Digest, Refusal> {
        let (document, content, limits) = (document.clone(), content.clone(), self.settings.limits);
        let library = Arc::clone(&self.library);
        let octets = content.len();
        let digest = move || {
            let parsed = match csc_xml::parse(&content, &limits) {
                Err(csc_xml::Refused::TooLarge(_)) => return Err(Refusal::Body(BodyError::TooLarge)),
                parsed => parsed.map_err(Conflict::from)?,
            };
            document.usage.check(&document, &parsed)?;
            Ok(library.digest(&document, &parsed)?)
        };
        aside(octets, digest).await
    }
}

/// For logs.
pub(super) fn name(caller: &Caller) -> &str {
    match caller {
        Caller::Anonymous => "anonymous",
        Caller::User(user) => user.id.as_str(),
        Caller::Server(server) => &server.name,
    }
}
