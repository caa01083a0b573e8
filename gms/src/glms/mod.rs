//! The GLMS dialect (seed document of 2010, 11.01): how one make of fielded terminals speaks to a group server. It is an
//! adapter in front of the standard: the same groups, rights and commits.
//!
//! ```text
//! /glms-services/ORG.OPENMOBILEALLIANCE.GROUPS/…      ─► the standard usage, answers translated     GET PUT DELETE
//! /glms-services/ORG.OPENMOBILEALLIANCE.GROUPS        ─► search                                      POST
//! /glms-services/GROUP-ASSOCIATION/users/<xui>/index  ─► the groups of a user                        GET
//! /glms-services/MULTICAST-INFO/users/<xui>/<gid>     ─► multicast address and keys of a group       GET PUT DELETE
//! ```
//!
//! target 400 → version 400 → identity 400, 403 → usage 404 → what the standard does.
//!
//! A client is who its access token says, or whom a trusted gateway names in `ClientID`. The source is cut off after its
//! 4.4.1: the documents of the last two usages, and what becomes of a cnonce, are ours and labelled so.

mod answer;
mod association;
mod config;
mod gsk;
mod multicast;
mod search;
mod target;

use std::convert::Infallible;
use std::sync::Arc;

use csc_service::Metrics;
use csc_service::http::{Body, HttpService, Mount, Peer, TrustedPeers};
use csc_store::Records;
use csc_types::{Caller, Clock, Entropy, McpttId, Revision};
use csc_xcap::access::{Facts, Operation, decide};
use csc_xcap::{Document, Names};
use csc_xcap_server::{Asserted, Callers, Library as _, Refusal, Snapshot};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use tower::ServiceExt as _;

use self::answer::{Denied, translate};
use self::gsk::{GskProtection, ReferenceProtection, Vault};
use self::target::Target;
use crate::library::GroupLibrary;
use crate::records::{group_key, partition, projected_key, read_projected};

pub use self::config::{Config, Place, Rules};
pub use self::gsk::terminal_key;

/// The version of the dialect that is spoken.
const VERSION: &str = "11.01";
/// The pause before the first and the longest pause between two looks at how far the members are.
const PAUSES: (u64, u64) = (5, 100);

/// What the dialect stands on.
pub(crate) struct Ground {
    /// The standard server of groups.
    pub(crate) groups: HttpService,
    pub(crate) library: Arc<GroupLibrary>,
    pub(crate) callers: Callers,
    pub(crate) records: Records,
    pub(crate) names: Names,
    pub(crate) trusted: TrustedPeers,
    /// What a group document must stay within.
    pub(crate) limits: csc_xml::Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// Serves the dialect.
pub(crate) struct Glms {
    config: Config,
    ground: Ground,
    protection: Box<dyn GskProtection>,
    vault: Vault,
    requests: prometheus::IntCounterVec,
    generations: prometheus::IntCounterVec,
}

impl Glms {
    /// The dialect; nothing listens yet.
    pub(crate) fn new(config: Config, ground: Ground, metrics: &Metrics) -> Arc<Self> {
        let vault = Vault::new(&config.key);
        let protection = Box::new(ReferenceProtection::new(config.key.clone()));
        let requests = metrics.counter(
            "csc_glms_requests_total",
            "Requests of the GLMS dialect answered.",
            &["usage", "method", "status"],
        );
        let generations =
            metrics.counter("csc_glms_gsk_generations_total", "Group session keys made, by why.", &["cause"]);
        Arc::new(Self { config, ground, protection, vault, requests, generations })
    }

    /// The part of the URI space that is the dialect's.
    pub(crate) fn mount(self: &Arc<Self>) -> Mount {
        let glms = Arc::clone(self);
        Mount::new(
            [self.config.place.root.as_str()],
            tower::service_fn(move |request| {
                let glms = Arc::clone(&glms);
                async move { Ok::<_, Infallible>(glms.answer(request).await) }
            }),
        )
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let method = request.method().clone();
        let mut usage = "none";
        let response = Box::pin(self.handle(request, &mut usage)).await.unwrap_or_else(|denied| {
            tracing::debug!(%method, reason = %denied, "request of the dialect refused");
            denied.response()
        });
        let response = translate(response);
        let known = ["GET", "HEAD", "PUT", "DELETE", "POST"].iter().find(|known| **known == method.as_str());
        let status = response.status();
        self.requests.with_label_values(&[usage, known.unwrap_or(&"other"), status.as_str()]).inc();
        response
    }

    async fn handle(
        &self,
        request: Request<Body>,
        usage: &mut &'static str,
    ) -> Result<Response<Body>, Denied> {
        let (mut head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let target =
            Target::parse(target, &self.config.place.root).map_err(|bad| Denied::Standard(bad.into()))?;
        self.check_version(&head.headers)?;
        let asserted = self.identity(&head)?;
        let caller = self.ground.callers.caller(&head.headers, asserted.as_ref()).await?;
        if caller == Caller::Anonymous {
            return Err(Denied::Forbidden("Forbidden. The client is not identified."));
        }
        match target.ok_or(Refusal::NotFound)? {
            Target::Groups(target) => {
                *usage = "groups";
                head.uri = target.parse().map_err(|_| Denied::BadRequest("not a request target"))?;
                if let Some(asserted) = asserted {
                    head.extensions.insert(asserted);
                }
                self.groups(Request::from_parts(head, body)).await
            }
            Target::Search => {
                *usage = "search";
                self.search(&head, &caller, body).await
            }
            Target::Multicast(part) => {
                *usage = "multicast-info";
                self.multicast(&head, asserted.as_ref(), &caller, &part, body).await
            }
            Target::Association(part) => {
                *usage = "group-association";
                self.association(&head, &caller, &part).await
            }
        }
    }

    /// Every request says which version it speaks (3.2.1.2).
    fn check_version(&self, headers: &HeaderMap) -> Result<(), Denied> {
        match only(headers, &self.config.rules.version_header)? {
            Some(VERSION) => Ok(()),
            Some(_) => Err(Denied::BadRequest("another version of the dialect")),
            None => Err(Denied::BadRequest("the version of the dialect is missing")),
        }
    }

    /// Whom a trusted peer names as its user (3.2.1.1).
    fn identity(&self, head: &Parts) -> Result<Option<Asserted>, Denied> {
        let Some(named) = only(&head.headers, &self.config.rules.identity_header)? else { return Ok(None) };
        if !head.extensions.get::<Peer>().is_some_and(|peer| self.ground.trusted.trusts(peer)) {
            // With a token it is of no use either; without one the client is not identified.
            return Ok(None);
        }
        let user = self.user(named).ok_or(Denied::BadRequest("the identity of the client is none"))?;
        Ok(Some(Asserted(user)))
    }

    /// The user that `text` names: a URI or, as terminals send it, a bare number.
    fn user(&self, text: &str) -> Option<McpttId> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return self.ground.names.user(&format!("tel:{text}")).ok();
        }
        self.ground.names.user(text).ok()
    }

    /// A request about group documents. What is stored is answered with 202 when the members do not see it yet.
    async fn groups(&self, request: Request<Body>) -> Result<Response<Body>, Denied> {
        let put = request.method() == Method::PUT;
        let target = request.uri().path_and_query().map_or("", |target| target.as_str()).to_owned();
        let mut response = match self.ground.groups.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if put && response.status().is_success() && !self.is_seen(&target).await {
            *response.status_mut() = StatusCode::ACCEPTED;
        }
        Ok(response)
    }

    /// What there is at `document`, a group or a view of one, if the standard lets `caller` do `operation` to it.
    async fn admitted(
        &self,
        caller: &Caller,
        operation: Operation,
        document: &Document,
    ) -> Result<Snapshot, Refusal> {
        let snapshot = self.ground.library.look(document, caller).await?;
        let facts = Facts {
            organisation: snapshot.organisation.clone(),
            membership: snapshot.membership,
            ..Facts::default()
        };
        Refusal::of(decide(caller, operation, document, &facts))?;
        Ok(snapshot)
    }

    /// Whether every member sees the group that was just stored at `target`; waits for it a while.
    async fn is_seen(&self, target: &str) -> bool {
        let parsed = csc_xcap::uri::Target::parse(target, &csc_xcap::uri::Roots::default());
        let document = parsed.ok().and_then(|target| self.ground.names.document(&target.document, None));
        let Some(group) = document.as_ref().and_then(Document::group) else { return true };
        let keys = [group_key(group), projected_key(group)];
        let wait = async {
            let (mut pause, longest) = PAUSES;
            // Others may change the group meanwhile, again and again: what was stored is seen before that.
            let mut stored = None;
            loop {
                let found = self.ground.records.store().get(partition(group), &keys).await?;
                let [record, projected] = &found[..] else { return Ok(false) };
                let stored = *stored.get_or_insert(record.version);
                if record.version == Revision::ABSENT || read_projected(projected)? >= stored {
                    return Ok::<_, csc_store::StoreError>(true);
                }
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
                pause = (pause * 2).min(longest);
            }
        };
        matches!(tokio::time::timeout(self.config.rules.accept_after, wait).await, Ok(Ok(true)))
    }
}

/// The one value of a header field, if there is one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Denied> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    match (first, second) {
        (None, _) => Ok(None),
        (Some(value), None) => value
            .to_str()
            .map(|text| Some(text.trim()))
            .map_err(|_| Denied::BadRequest("a header field is no text")),
        _ => Err(Denied::BadRequest("a header field comes twice")),
    }
}
