//! One request on a connection: admitted, routed, handled, counted.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use csc_types::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use prometheus::{HistogramVec, IntCounterVec};
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::{Instrument as _, Span};

use super::admission::Admission;
use super::edge;
use super::guard::{Answer, GuardedBody, Progress, RequestEnd};
use super::route::{Route, Router};
use super::{Body, Limits, Peer, reason};
use crate::trace::{self, Cause, Protocol, Work};
use crate::{Metrics, Shutdown};

/// Whose requests come to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Those of terminals.
    Terminals,
    /// Those that an edge forwards, which says for whom it asks.
    Edge,
    /// Those of the operator's scrapers and probes, which are no part of any trace.
    Operator,
}

/// What all connections of a listener share.
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    audience: Audience,
    admission: Arc<Admission>,
    /// Connections that ran out of time.
    pub(crate) cut: IntCounterVec,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Shared {
    pub(crate) fn new(
        router: Router,
        limits: Limits,
        audience: Audience,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Self {
        Self {
            admission: Arc::new(Admission::new(limits.requests, limits.requests_per_address)),
            cut: metrics.counter(
                "csc_http_connections_cut_total",
                "Connections that were closed because a limit of time was over, by what they were doing.",
                &["phase"],
            ),
            requests: metrics.counter(
                "csc_http_requests_total",
                "Requests by service, method and status.",
                &["service", "method", "status"],
            ),
            seconds: metrics.seconds(
                "csc_http_request_seconds",
                "From the end of a request's header to the beginning of its answer.",
                &["service"],
            ),
            router,
            limits,
            clock,
            audience,
        }
    }

    /// Whether every client is an edge.
    pub(crate) fn behind_edge(&self) -> bool {
        self.audience == Audience::Edge
    }
}

/// Answers the requests of one connection.
pub(super) struct Requests {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Peer,
    pub(super) progress: Progress,
    /// Requested when connections are to end as soon as their clients can bear it.
    pub(super) closing: Shutdown,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Answer>, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let peer =
            if shared.behind_edge() { edge::client(request.headers()) } else { Some(self.peer.clone()) };
        edge::strip(request.headers_mut());
        let address = peer.as_ref().unwrap_or(&self.peer).address;
        let end = RequestEnd::new(self.progress.clone(), shared.admission.enter(address));
        let closing = self.closing.clone();
        Box::pin(async move {
            let mut answer = shared.answer(request, peer, address, end).await;
            // In HTTP/2 a frame says so.
            if closing.is_requested() && answer.version() != Version::HTTP_2 {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        })
    }
}

impl Shared {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: Option<Peer>,
        address: SocketAddr,
        end: RequestEnd,
    ) -> Response<Answer> {
        let began = self.clock.monotonic();
        let (method, version) = (known(request.method()), request.version());
        let route = self.router.route(request.uri().path());
        let service = route.map_or("none", |route| route.name);
        let head = request.method() == Method::HEAD;
        let span = match self.audience {
            Audience::Terminals => Some(Cause::of_stranger(request.headers())),
            Audience::Edge => Some(Cause::of_member(request.headers())),
            Audience::Operator => None,
        };
        let span = span
            .map_or_else(Span::none, |cause| Work::Server.span(format_args!("{service} {method}"), &cause));
        let mut response = self.dispatch(request, peer, route, &end).instrument(span.clone()).await;
        *response.version_mut() = version;
        if head {
            without_body(&mut response);
        }
        if self.behind_edge() {
            reason::to_edge(&mut response);
        }
        let status = response.status();
        trace::outcome(&span, Protocol::Http, status.as_u16());
        if status.is_server_error() {
            trace::failed(&span);
        }
        let _entered = span.entered();
        if version == Version::HTTP_2 {
            // It belongs to HTTP/1.1 (RFC 9113 8.2.2); each request has a stream of its own.
            response.headers_mut().remove(CONNECTION);
        } else if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            // The rest of the body is not waited for, so nothing can follow it.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let took = self.clock.monotonic().saturating_sub(began);
        self.requests.with_label_values(&[service, method, status.as_str()]).inc();
        self.seconds.with_label_values(&[service]).observe(took.as_secs_f64());
        // Neither path nor query: the one names users, the other holds passwords and codes.
        tracing::debug!(service, method, status = status.as_u16(), micros = took.as_micros() as u64, %address, "request");
        response.map(|body| Answer::new(body, end))
    }

    async fn dispatch(
        &self,
        mut request: Request<Incoming>,
        peer: Option<Peer>,
        route: Option<&Route>,
        end: &RequestEnd,
    ) -> Response<Body> {
        if end.place.is_none() {
            let mut response = status(StatusCode::SERVICE_UNAVAILABLE);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
        }
        let Some(peer) = peer else {
            tracing::warn!("an edge did not say for whom it asks");
            return status(StatusCode::BAD_REQUEST);
        };
        if request.version() == Version::HTTP_2 {
            if request.headers().len() > self.limits.header_count {
                return status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            }
            if !one_host(&mut request) {
                return status(StatusCode::BAD_REQUEST);
            }
        }
        // RFC 9112 3.2. One without Host is served: a printed sample of the field dialect has none.
        if request.headers().get_all(HOST).iter().nth(1).is_some() {
            let mut response = status(StatusCode::BAD_REQUEST);
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            return response;
        }
        let Some(route) = route else { return status(StatusCode::NOT_FOUND) };
        let limit = self.limits.body_size as u64;
        if request.body().size_hint().lower() > limit {
            return status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let deadline = Instant::now() + self.limits.body_time;
        let mut request = request.map(|body| Body::new(GuardedBody::new(body, limit, deadline)));
        request.extensions_mut().insert(peer);
        let handled = AssertUnwindSafe(route.service.clone().oneshot(request)).catch_unwind().await;
        match handled {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => {
                // The panic hook has written what and where.
                tracing::error!(service = route.name, "handler panicked");
                status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Gives an HTTP/2 request the form of an HTTP/1.1 one: its `:path` as the request target, its `:authority` as Host.
/// `false` if it names two hosts (RFC 9113 8.3.1).
fn one_host(request: &mut Request<Incoming>) -> bool {
    if let Some(authority) = request.uri().authority().cloned() {
        let named = HeaderValue::from_str(authority.as_str());
        match request.headers().get(HOST) {
            Some(host) if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
                return false;
            }
            Some(_) => {}
            None => {
                if let Ok(named) = named {
                    request.headers_mut().insert(HOST, named);
                }
            }
        }
    }
    if let Some(target) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = target.into();
    }
    true
}

/// Gives an answer to HEAD the form that HTTP/2 needs: it would send the body, which is a mistake of the protocol (RFC 9110
/// section 9.3.2). Its length stays.
fn without_body(response: &mut Response<Body>) {
    if let Some(length @ 1..) = response.body().size_hint().exact() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The method as a label: peers may invent any number of them.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
