//! Who may call what: one table for the whole bus.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus::IntCounterVec;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{BusPeer, Member, Members};
use crate::{Metrics, Shutdown};

/// One row: a method and who may call it.
#[derive(Debug)]
struct Row {
    /// The gRPC service with its package.
    service: &'static str,
    /// The method; `*` for all of the service.
    method: &'static str,
    callers: Members,
    /// Whether its answer may have no end, so that stopping must end it.
    endless: bool,
}

const SERVICES: &[Member] = &[Member::Cms, Member::Gms, Member::Kms, Member::SubscriptionProxy];
const OPERATOR: &[Member] = &[Member::Operator];
const WITH_OPERATOR: &[Member] =
    &[Member::Cms, Member::Gms, Member::Kms, Member::SubscriptionProxy, Member::Operator];

/// Every method of the bus. What is not in it is refused to everybody.
const TABLE: [Row; 8] = [
    row("csc.identity.v1.Keys", "GetKeys", SERVICES),
    row("csc.identity.v1.Accounts", "Get", WITH_OPERATOR),
    Row { endless: true, ..row("csc.identity.v1.Accounts", "Watch", SERVICES) },
    row("csc.identity.v1.Directory", "*", OPERATOR),
    row("csc.documents.v1.Documents", "*", OPERATOR),
    row("csc.groups.v1.Groups", "*", OPERATOR),
    row("grpc.health.v1.Health", "Check", &Member::ALL),
    Row { endless: true, ..row("grpc.health.v1.Health", "Watch", &Member::ALL) },
];

const fn row(service: &'static str, method: &'static str, callers: &[Member]) -> Row {
    Row { service, method, callers: Members::of(callers), endless: false }
}

/// The row for a request path, `/package.Service/Method`.
fn find(path: &str) -> Option<&'static Row> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    TABLE.iter().find(|row| row.service == service && (row.method == "*" || row.method == method))
}

/// Lets through what the table permits, and ends endless answers when stopping is asked for.
#[derive(Clone)]
pub(super) struct AccessLayer {
    calls: IntCounterVec,
    shutdown: Shutdown,
}

impl AccessLayer {
    pub(super) fn new(metrics: &Metrics, shutdown: Shutdown) -> Self {
        let help = "Calls on the bus by gRPC service, and whether the caller was permitted.";
        Self { calls: metrics.counter("csc_bus_calls_total", help, &["service", "outcome"]), shutdown }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access { inner, layer: self.clone() }
    }
}

/// See [`AccessLayer`].
#[derive(Clone)]
pub(super) struct Access<S> {
    inner: S,
    layer: AccessLayer,
}

impl<S> Service<Request<Body>> for Access<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        let peer = request.extensions().get::<BusPeer>();
        let callers = peer.map_or(Members::NONE, |peer| peer.members);
        let row = find(path);
        let counted = |outcome| {
            self.layer.calls.with_label_values(&[row.map_or("unknown", |row| row.service), outcome]).inc();
        };
        let Some(row) = row.filter(|row| !row.callers.is_disjoint(callers)) else {
            counted("refused");
            // A path that is in no table may be anything, and long.
            let method = row.map_or("unknown", |_| path);
            let address = peer.map(|peer| tracing::field::display(peer.address));
            tracing::warn!(method, caller = %callers, address, "bus call refused");
            let refusal = Status::permission_denied("the table of the bus does not permit this call");
            return Box::pin(async move { Ok(refusal.into_http()) });
        };
        counted("permitted");
        tracing::debug!(method = path, caller = %callers, "bus call");
        let answer = self.inner.call(request);
        if !row.endless {
            return Box::pin(answer);
        }
        let shutdown = self.layer.shutdown.clone();
        Box::pin(async move {
            let stop = Box::pin(async move { shutdown.requested().await });
            answer.await.map(|answer| answer.map(|body| Body::new(Endless { body, stop, over: false })))
        })
    }
}

/// The body of an answer that ends at last when stopping is asked for, so that its caller goes elsewhere.
struct Endless {
    body: Body,
    stop: BoxFuture<'static, ()>,
    over: bool,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        if self.stop.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.over = true;
        let mut trailers = http::HeaderMap::new();
        let end = Status::unavailable("this server is stopping").add_header(&mut trailers);
        Poll::Ready(Some(end.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(path: &str) -> String {
        find(path).map_or_else(|| "nobody".to_owned(), |row| row.callers.to_string())
    }

    #[test]
    fn the_table() {
        let services = "cms+gms+kms+subscription-proxy";
        let everybody = "idms+cms+gms+kms+subscription-proxy+edge+operator";
        for (path, expected) in [
            ("/csc.identity.v1.Keys/GetKeys", services),
            ("/csc.identity.v1.Accounts/Get", "cms+gms+kms+subscription-proxy+operator"),
            ("/csc.identity.v1.Accounts/Watch", services),
            ("/csc.identity.v1.Directory/PutUser", "operator"),
            ("/csc.identity.v1.Directory/DeleteUser", "operator"),
            ("/csc.documents.v1.Documents/Put", "operator"),
            ("/csc.groups.v1.Groups/ListMembers", "operator"),
            ("/grpc.health.v1.Health/Check", everybody),
            ("/grpc.health.v1.Health/Watch", everybody),
            ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "nobody"),
            ("/csc.identity.v1.Keys/getkeys", "nobody"),
            ("csc.identity.v1.Keys/GetKeys", "nobody"),
            ("//csc.identity.v1.Keys/GetKeys", "nobody"),
            ("/csc.identity.v1.Keys", "nobody"),
            ("", "nobody"),
        ] {
            assert_eq!(callers(path), expected, "{path}");
        }
    }
}
