//! One request on a connection: admitted, routed, handled, counted.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use csc_types::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{CONNECTION, HOST, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use prometheus::{HistogramVec, IntCounterVec};
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::Instrument as _;

use super::admission::Admission;
use super::guard::{Answer, GuardedBody, RequestEnd};
use super::phase::PhaseSetter;
use super::route::{Route, Router};
use super::{Body, Limits, Peer};
use crate::Metrics;
use crate::trace::{self, Cause, Protocol, Work};

/// What all connections of a listener share.
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    admission: Arc<Admission>,
    /// Connections that ran out of time.
    pub(crate) cut: IntCounterVec,
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Shared {
    pub(crate) fn new(router: Router, limits: Limits, clock: Arc<dyn Clock>, metrics: &Metrics) -> Self {
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
        }
    }
}

/// Answers the requests of one connection.
pub(crate) struct Requests {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: Peer,
    pub(crate) phase: PhaseSetter,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Answer>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.phase.request();
        let (shared, peer) = (Arc::clone(&self.shared), self.peer.clone());
        let end = RequestEnd { phase: self.phase.clone(), place: shared.admission.enter(peer.address) };
        Box::pin(async move { Ok(shared.answer(request, peer, end).await) })
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, peer: Peer, end: RequestEnd) -> Response<Answer> {
        let began = self.clock.monotonic();
        let method = known(request.method());
        let address = peer.address;
        let route = self.router.route(request.uri().path());
        let service = route.map_or("none", |route| route.name);
        let cause = Cause::of_stranger(request.headers());
        let span = Work::Server.span(format_args!("{service} {method}"), &cause);
        let mut response = self.dispatch(request, peer, route, &end).instrument(span.clone()).await;
        let status = response.status();
        trace::outcome(&span, Protocol::Http, status.as_u16());
        if status.is_server_error() {
            trace::failed(&span);
        }
        let _entered = span.entered();
        if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
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
        request: Request<Incoming>,
        peer: Peer,
        route: Option<&Route>,
        end: &RequestEnd,
    ) -> Response<Body> {
        if end.place.is_none() {
            let mut response = status(StatusCode::SERVICE_UNAVAILABLE);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
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
