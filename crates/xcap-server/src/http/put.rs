//! PUT of documents, elements and attributes (RFC 4825 8.2), and DELETE of the latter two (8.4): each makes a new document
//! out of the one that is there.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use csc_service::http::{Body, read_body};
use csc_xcap::Document;
use csc_xcap::access::Operation;
use csc_xcap::edit::{self, EditError, Edited};
use csc_xcap::error::Conflict;
use csc_xcap::select::NodeSelector;
use csc_xcap::uri::Node;
use csc_xcap::usage::Content;
use csc_xml::Limits;
use http::{Response, StatusCode};

use super::{Exchange, XcapServer, tag};
use crate::declared;
use crate::history::Action;
use crate::library::{Decide, Library, New, Snapshot};
use crate::precondition::Precondition;
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
        drop(snapshot);
        let selector = match exchange.node.clone() {
            None => None,
            Some(Node::Selector(selector)) => Some(selector),
            Some(Node::Malformed) => return Err(Refusal::NotFound),
        };
        declared::whole(&exchange.headers)?;
        let limit = self.settings.limits.octets;
        let _room = self.room.keep(&body, limit)?;
        let content = read_body(body, limit).await?;
        // A body may take its time; the account may have lost its roles, or been disabled, meanwhile.
        exchange.caller = self.callers.current(&exchange.identity).await?;
        let making = match selector {
            None => Making::Document(content),
            Some(selector) => Making::Node(selector, content),
        };
        self.make(exchange, making).await
    }

    /// DELETE of a node.
    pub(super) async fn delete_node(
        &self,
        exchange: Exchange,
        selector: NodeSelector,
    ) -> Result<Response<Body>, Refusal> {
        self.make(exchange, Making::WithoutNode(selector)).await
    }

    async fn make(&self, exchange: Exchange, making: Making) -> Result<Response<Body>, Refusal> {
        let author = self.author(&exchange.caller, making.action());
        let precondition = Precondition::of(&exchange.headers);
        let decide = Make { server: self, exchange: &exchange, precondition, making };
        let written = self.library.put(exchange.change(&author)?, &decide).await?;
        tracing::info!(
            document = %exchange.document.path(),
            caller = author.name,
            action = ?author.action,
            etag = %written.etag,
            "changed"
        );
        let mut response = Response::new(Body::empty());
        *response.status_mut() = if written.created { StatusCode::CREATED } else { StatusCode::OK };
        tag(&mut response, &written.etag);
        Ok(response)
    }

    /// Checks a document's octets and takes out what the library needs.
    pub(crate) async fn digest(&self, document: &Document, content: &Bytes) -> Result<L::Digest, Refusal> {
        if document.usage.content(content) != Content::Xml {
            return Ok(L::Digest::default());
        }
        let octets = content.len();
        let (judge, content) = (self.judge(document), content.clone());
        let digest = move || {
            let parsed = csc_xml::parse(&content, &judge.limits).map_err(Conflict::from)?;
            Ok(judge.accept(&parsed)?)
        };
        aside(octets, digest).await
    }

    /// The document that `current` becomes by an edit of one of its nodes.
    async fn edit(
        &self,
        document: &Document,
        current: &Bytes,
        making: &Making,
    ) -> Result<New<L::Digest>, EditError> {
        if document.usage.content(current) != Content::Xml {
            return Err(EditError::NotFound);
        }
        let octets = current.len() + making.octets();
        let (judge, current, making) = (self.judge(document), current.clone(), making.clone());
        let edit = move || {
            let Judging { limits, document, .. } = &judge;
            let namespace = document.usage.namespace;
            let parsed =
                csc_xml::parse(&current, &limits.of_stored(current.len())).map_err(Conflict::from)?;
            let accept = |made: &csc_xml::Document<'_>| judge.accept(made);
            let (Edited { content, created }, digest) = match &making {
                Making::Node(selector, body) => edit::put(&parsed, selector, body, namespace, limits, accept),
                Making::WithoutNode(selector) => edit::delete(&parsed, selector, namespace, limits, accept),
                Making::Document(_) => Err(EditError::NotFound),
            }?;
            Ok(New { content, digest, created, dry_run: false })
        };
        aside(octets, edit).await
    }

    fn judge(&self, document: &Document) -> Judging<L> {
        Judging {
            library: Arc::clone(&self.library),
            document: document.clone(),
            limits: self.settings.limits,
        }
    }
}

/// What a request makes of a document.
#[derive(Clone)]
enum Making {
    /// This one.
    Document(Bytes),
    /// One with this node.
    Node(NodeSelector, Bytes),
    /// One without this node.
    WithoutNode(NodeSelector),
}

impl Making {
    /// Of what came with the request.
    fn octets(&self) -> usize {
        match self {
            Self::Document(content) | Self::Node(_, content) => content.len(),
            Self::WithoutNode(_) => 0,
        }
    }

    const fn action(&self) -> Action {
        match self {
            Self::Document(_) => Action::Stored,
            Self::Node(..) => Action::NodeStored,
            Self::WithoutNode(_) => Action::NodeDeleted,
        }
    }
}

/// Says whether a document may be stored; it may be taken to another thread.
struct Judging<L> {
    library: Arc<L>,
    document: Document,
    limits: Limits,
}

impl<L: Library> Judging<L> {
    fn accept(&self, content: &csc_xml::Document<'_>) -> Result<L::Digest, Conflict> {
        self.document.usage.check(&self.document, content)?;
        self.library.digest(&self.document, content)
    }
}

/// The checks from access on, in their order, and the new document.
struct Make<'a, L> {
    server: &'a XcapServer<L>,
    exchange: &'a Exchange,
    precondition: Precondition,
    making: Making,
}

#[async_trait]
impl<L: Library> Decide<L::Digest> for Make<'_, L> {
    async fn decide(&self, found: &Snapshot) -> Result<New<L::Digest>, Refusal> {
        let Self { server, exchange, precondition, making } = self;
        let document = &exchange.document;
        exchange.admit(Operation::Write, found)?;
        let allowed = precondition.for_write(found.etag());
        match (making, &found.current) {
            (Making::Document(content), current) => {
                allowed?;
                let usage = document.usage;
                let media_type = declared::media_type(&exchange.headers)?;
                if !usage.accepts(media_type) || !usage.declares(media_type, usage.content(content)) {
                    return Err(Refusal::MediaType);
                }
                let digest = server.digest(document, content).await?;
                Ok(New { content: content.clone(), digest, created: current.is_none(), dry_run: false })
            }
            (Making::Node(selector, _), current) => {
                allowed?;
                let media_type = declared::media_type(&exchange.headers)?;
                if !declared::is(media_type, selector.kind().media_type()) {
                    return Err(Refusal::MediaType);
                }
                // RFC 4825 8.2.1: no document, no parent; and no part of it that could be named.
                let no_parent = || Refusal::from(Conflict::NoParent { ancestor: None });
                let current = current.as_ref().ok_or_else(no_parent)?;
                match server.edit(document, &current.content, making).await {
                    Err(EditError::NotFound) => Err(no_parent()),
                    edited => Ok(edited?),
                }
            }
            // RFC 9110 13.2.1: without the conditions it would be 404, so they do not count.
            (Making::WithoutNode(_), None) => Err(Refusal::NotFound),
            (Making::WithoutNode(_), Some(current)) => {
                match server.edit(document, &current.content, making).await {
                    Err(EditError::NotFound) => Err(Refusal::NotFound),
                    edited => {
                        allowed?;
                        Ok(edited?)
                    }
                }
            }
        }
    }
}

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound => Self::NotFound,
            EditError::Conflict(conflict) => Self::Conflict(conflict),
        }
    }
}
