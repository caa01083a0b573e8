//! The HTTP side: one file for each method.

mod delete;
mod get;
mod post;
mod put;
mod room;

use std::convert::Infallible;
use std::sync::Arc;

use csc_service::Metrics;
use csc_service::http::{Body, Mount};
use csc_store::Store;
use csc_types::{Caller, Clock, OrgId};
use csc_xcap::Document;
use csc_xcap::access::{Decision, Facts, Operation, Rights, decide, may_be_open, rights};
use csc_xcap::select::NodeKind;
use csc_xcap::uri::{DocumentSelector, Node, Root, Target};
use csc_xcap::usage::Usage;
use http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response};

use crate::callers::{Asserted, Callers, Identity};
use crate::config::Config;
use crate::history::{Action, Author};
use crate::library::{Change, Library, Question, Snapshot};
use crate::metrics::{Counters, resource};
use crate::refusal::{Allowed, Refusal};

use room::Room;

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
    clock: Arc<dyn Clock>,
    library: Arc<L>,
    counters: Counters,
    room: Room,
}

impl<L: Library> XcapServer<L> {
    /// A server; nothing listens yet.
    pub fn new(
        settings: Settings,
        callers: Callers,
        clock: Arc<dyn Clock>,
        library: Arc<L>,
        metrics: &Metrics,
    ) -> Arc<Self> {
        let counters = Counters::new(settings.service, metrics);
        Arc::new(Self { settings, callers, clock, library, counters, room: Room::new() })
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
        let (head, body) = request.into_parts();
        let method = head.method.clone();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let target = Target::parse(target, &self.settings.config.roots);
        let resource = target.as_ref().map_or("malformed", resource);
        let answered = match target {
            Ok(target) => self.handle(head, target, body).await,
            Err(bad) => Err(bad.into()),
        };
        let response = answered.unwrap_or_else(|refusal| {
            tracing::debug!(%method, status = refusal.status().as_u16(), reason = %refusal, "request refused");
            self.counters.refused(&refusal);
            refusal.response()
        });
        self.counters.answered(&method, resource, response.status());
        response
    }

    /// The checks that every method shares, in their order.
    async fn handle(&self, head: Parts, target: Target, body: Body) -> Result<Response<Body>, Refusal> {
        let identity = self.callers.identity(&head.headers, head.extensions.get::<Asserted>()).await?;
        let caller = self.callers.current(&identity).await?;
        let root = target.root.as_ref().map(|root| &root.organisation);
        let document = self.resolve(&target.document, root);
        if caller == Caller::Anonymous {
            // Where no row of the access table lets nobody in, the store need not be asked.
            let open = document.as_ref().is_some_and(|document| self.may_be_open(&head.method, document));
            open.then_some(()).ok_or(Refusal::Token(csc_auth::Refused::NO_TOKEN))?;
        }
        let document = document.ok_or(Refusal::NotFound)?;
        let snapshot = self.library.look(&document, &caller).await?;
        let question = self.library.question(&document);
        let exchange = Exchange {
            headers: head.headers,
            identity,
            caller,
            document,
            root: target.root,
            node: target.node,
            question,
            open_terminals: self.settings.config.open_terminals,
        };
        match head.method {
            Method::GET => self.get(exchange, snapshot, false).await,
            Method::HEAD => self.get(exchange, snapshot, true).await,
            Method::PUT => self.put(exchange, snapshot, body).await,
            Method::DELETE => self.delete(exchange, snapshot).await,
            Method::POST => self.post(exchange, snapshot, body).await,
            _ => Err(exchange.refuse_method(&snapshot)),
        }
    }

    fn may_be_open(&self, method: &Method, document: &Document) -> bool {
        let reads = *method == Method::GET || *method == Method::HEAD;
        reads && may_be_open(Operation::Read, document, self.settings.config.open_profiles)
    }

    /// The document that `selector` means, if it is one of ours.
    pub(crate) fn resolve(&self, selector: &DocumentSelector, root: Option<&OrgId>) -> Option<Document> {
        let document = self.settings.config.names.document(selector, root)?;
        self.settings.usages.contains(&document.usage).then_some(document)
    }

    /// Who does `action` now, for the history.
    pub(crate) fn author(&self, caller: &Caller, action: Action) -> Author {
        let name = match caller {
            Caller::Anonymous => "anonymous",
            Caller::User(user) => user.id.as_str(),
            Caller::Server(server) => &server.name,
        };
        let keep = self.settings.config.history;
        Author { name: name.to_owned(), at: self.clock.now(), action, keep }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.callers.store()
    }

    /// The documents behind it.
    pub fn library(&self) -> &L {
        &self.library
    }
}

/// A request whose target and caller are known.
struct Exchange {
    headers: HeaderMap,
    identity: Identity,
    caller: Caller,
    document: Document,
    root: Option<Root>,
    node: Option<Node>,
    /// What the document, if not the node, may be asked by POST.
    question: Option<&'static Question>,
    open_terminals: bool,
}

impl Exchange {
    /// The change that `author` makes.
    fn change<'a>(&'a self, author: &'a Author) -> Result<Change<'a>, Refusal> {
        Ok(Change {
            document: &self.document,
            caller: &self.caller,
            author,
            organisation: self.organisation().ok_or(Refusal::Forbidden)?,
            creator: self.caller.user().map(|user| &user.id),
        })
    }

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
        match decision {
            Decision::NotAllowed(rights) => Err(Refusal::NotAllowed(self.allowed(rights))),
            Decision::Allow if operation != Operation::Read && self.node.is_some() => {
                self.is_writable().then_some(()).ok_or(Refusal::NotAllowed(Allowed::READ_ONLY))
            }
            Decision::Forbidden if operation == Operation::Write && self.node.is_none() => {
                Err(snapshot.taken.clone().map_or(Refusal::Forbidden, Refusal::Conflict))
            }
            decision => Refusal::of(decision),
        }
    }

    /// What `rights` to the document permit with what was asked for. Whoever may change a document may change its nodes,
    /// which includes deleting them.
    fn allowed(&self, rights: Rights) -> Allowed {
        match &self.node {
            None => Allowed::of(rights).with_post(self.question.is_some()),
            Some(_) if rights.write && self.is_writable() => Allowed::of(Rights { delete: true, ..rights }),
            Some(_) => Allowed::READ_ONLY,
        }
    }

    /// Whether what was asked for can be changed: namespace bindings cannot (RFC 4825 7.10 in 6.4).
    fn is_writable(&self) -> bool {
        let bindings =
            |node: &Node| matches!(node, Node::Selector(selector) if selector.kind() == NodeKind::Namespaces);
        !self.node.as_ref().is_some_and(bindings)
    }

    /// A method that is not for this resource: 405 for whoever may read here.
    fn refuse_method(&self, snapshot: &Snapshot) -> Refusal {
        if let Err(refusal) = self.admit(Operation::Read, snapshot) {
            return refusal;
        }
        let rights = rights(&self.caller, &self.document, &self.facts(snapshot));
        Refusal::NotAllowed(self.allowed(rights))
    }

    /// To whom a new document belongs that has no organisation by its place.
    fn organisation(&self) -> Option<&OrgId> {
        let root = self.root.as_ref().map(|root| &root.organisation);
        root.or_else(|| self.caller.user().map(|user| &user.org))
    }
}

/// The `ETag` of an answer. Documents are for one caller: no cache on the way may keep them.
fn tag(response: &mut Response<Body>, etag: &csc_types::Etag) {
    let value = HeaderValue::from_str(&format!("\"{etag}\""));
    response.headers_mut().insert(ETAG, value.expect("an Etag holds visible ASCII only"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}
