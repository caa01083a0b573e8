//! The HTTP side: one file for each method.

mod delete;
mod get;
mod put;

use std::convert::Infallible;
use std::sync::Arc;

use csc_service::Metrics;
use csc_service::http::{Body, Mount};
use csc_types::{Caller, OrgId};
use csc_xcap::Document;
use csc_xcap::access::{Decision, Facts, Operation, decide, rights};
use csc_xcap::uri::{DocumentSelector, Node, Root, Target};
use csc_xcap::usage::Usage;
use http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue};
use http::{Method, Request, Response};

use crate::callers::Callers;
use crate::config::Config;
use crate::library::{Library, Snapshot};
use crate::refusal::{Allowed, Refusal};

/// What a server serves, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For metrics: `cms`.
    pub service: &'static str,
    /// The application usages.
    pub usages: Vec<&'static Usage>,
    /// What documents must stay within.
    pub limits: csc_xml::Limits,
    /// The installation's names.
    pub config: Config,
}

/// Serves the documents of a [`Library`] over HTTP.
pub struct XcapServer<L> {
    settings: Settings,
    callers: Callers,
    library: Arc<L>,
    requests: prometheus::IntCounterVec,
}

impl<L: Library> XcapServer<L> {
    /// A server; nothing listens yet.
    pub fn new(settings: Settings, callers: Callers, library: Arc<L>, metrics: &Metrics) -> Arc<Self> {
        let requests = metrics.counter(
            "csc_xcap_requests_total",
            "XCAP requests answered.",
            &["service", "method", "status"],
        );
        Arc::new(Self { settings, callers, library, requests })
    }

    /// The part of the URI space that is the server's: its AUIDs.
    pub fn mount(self: &Arc<Self>) -> Mount {
        let server = Arc::clone(self);
        let auids = self.settings.usages.iter().map(|usage| usage.auid);
        Mount::new(
            auids,
            tower::service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            }),
        )
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let method = request.method().clone();
        let response = self.handle(request).await.unwrap_or_else(|refusal| {
            tracing::debug!(%method, status = refusal.status().as_u16(), reason = %refusal, "request refused");
            refusal.response()
        });
        let known = ["GET", "HEAD", "PUT", "DELETE"].iter().find(|known| **known == method.as_str());
        let status = response.status();
        let labels = [self.settings.service, known.unwrap_or(&"other"), status.as_str()];
        self.requests.with_label_values(&labels).inc();
        response
    }

    /// The checks that every method shares, in their order.
    async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let target = Target::parse(target, &self.settings.config.roots)?;
        let caller = self.callers.caller(&head.headers).await?;
        if caller == Caller::Anonymous {
            // The access table has no row for nobody, whatever there is: the store need not be asked.
            return Err(Refusal::Token(csc_auth::Refused::NO_TOKEN));
        }
        let root = target.root.as_ref().map(|root| &root.organisation);
        let document = self.resolve(&target.document, root).ok_or(Refusal::NotFound)?;
        let snapshot = self.library.look(&document, &caller).await?;
        let exchange = Exchange {
            headers: head.headers,
            caller,
            document,
            root: target.root,
            node: target.node,
            open_terminals: self.settings.config.open_terminals,
        };
        match head.method {
            Method::GET => self.get(exchange, snapshot, false).await,
            Method::HEAD => self.get(exchange, snapshot, true).await,
            Method::PUT => self.put(exchange, snapshot, body).await,
            Method::DELETE => self.delete(exchange, snapshot).await,
            _ => Err(exchange.refuse_method(&snapshot)),
        }
    }

    /// The document that `selector` means, if it is one of ours.
    pub(crate) fn resolve(&self, selector: &DocumentSelector, root: Option<&OrgId>) -> Option<Document> {
        let document = self.settings.config.names.document(selector, root)?;
        self.settings.usages.contains(&document.usage).then_some(document)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn library(&self) -> &L {
        &self.library
    }
}

/// A request whose target and caller are known.
struct Exchange {
    headers: HeaderMap,
    caller: Caller,
    document: Document,
    root: Option<Root>,
    node: Option<Node>,
    open_terminals: bool,
}

impl Exchange {
    fn facts(&self, snapshot: &Snapshot) -> Facts {
        Facts {
            organisation: snapshot.organisation.clone(),
            membership: snapshot.membership,
            root: self.root.as_ref().map(|root| root.organisation.clone()),
            open_terminals: self.open_terminals,
            open_profile: snapshot.open_profile,
        }
    }

    /// Access 401, 403, 404, then method 405.
    fn admit(&self, operation: Operation, snapshot: &Snapshot) -> Result<(), Refusal> {
        let decision = decide(&self.caller, operation, &self.document, &self.facts(snapshot));
        match (decision, &self.node) {
            // Nodes are read; whole documents are written.
            (Decision::NotAllowed(_), Some(_)) => Err(Refusal::NotAllowed(Allowed::READ_ONLY)),
            (Decision::Allow, Some(_)) if operation != Operation::Read => {
                Err(Refusal::NotAllowed(Allowed::READ_ONLY))
            }
            (decision, _) => Refusal::of(decision),
        }
    }

    /// A method that no XCAP resource has (RFC 4825 8.1 for POST): 405 for whoever may read here.
    fn refuse_method(&self, snapshot: &Snapshot) -> Refusal {
        if let Err(refusal) = self.admit(Operation::Read, snapshot) {
            return refusal;
        }
        match self.node {
            Some(_) => Refusal::NotAllowed(Allowed::READ_ONLY),
            None => {
                let rights = rights(&self.caller, &self.document, &self.facts(snapshot));
                Refusal::NotAllowed(Allowed::of(rights))
            }
        }
    }

    /// To whom a new document belongs that has no organisation by its place.
    fn organisation(&self) -> Option<OrgId> {
        let root = self.root.as_ref().map(|root| root.organisation.clone());
        root.or_else(|| self.caller.user().map(|user| user.org.clone()))
    }
}

/// The `ETag` of an answer. Documents are for one caller: no cache on the way may keep them.
fn tag(response: &mut Response<Body>, etag: &csc_types::Etag) {
    let value = HeaderValue::from_str(&format!("\"{etag}\""));
    response.headers_mut().insert(ETAG, value.expect("an Etag holds visible ASCII only"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}
