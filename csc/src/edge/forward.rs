//! One request on its way through: to a replica, to another one if the first did not act on it, and back.
//!
//! | what happened | what follows |
//! | --- | --- |
//! | no replica is connected, for a while | 503 |
//! | it did not leave; or the replica says that it did not look at it (REFUSED_STREAM, GOAWAY) | another attempt; 503 |
//! | the connection broke | another attempt for GET, HEAD and OPTIONS; 502 for what may have been acted on |
//! | no answer in time | 504 |
//! | the client's body came too slowly, was too large or ended early | 408, 413, 400 |
//! | an answer, whatever it says | is passed on |

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use csc_service::Metrics;
use csc_service::http::{Body, BodyError, from_service};
use csc_service::trace::{self, Cause, Protocol, Work};
use csc_types::Entropy;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use prometheus::IntCounterVec;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::config::Times;
use super::head::{self, Head};
use super::replay::Replay;
use super::upstream::{Choice, Flight, Upstream};

/// Attempts for one request.
const ATTEMPTS: u32 = 6;
/// The pause before another attempt, times the attempts made: a replica that refuses may be the only one.
const PAUSE: Duration = Duration::from_millis(10);

/// Forwards requests to one service.
pub(super) struct Forward {
    upstream: Arc<Upstream>,
    times: Times,
    entropy: Arc<dyn Entropy>,
    requests: IntCounterVec,
    repeated: IntCounterVec,
    /// Ends with the last user; the keeper hears it.
    _users: oneshot::Sender<Infallible>,
}

/// Why there is no answer to pass on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// No replica is connected.
    Unreachable,
    /// No replica took it.
    Unwanted,
    /// It may have been acted on.
    Lost,
    /// The client did not send its body.
    Body(BodyError),
    /// No answer came in time.
    Late,
    /// It is nothing that can be passed on.
    Refused(StatusCode),
}

/// Why one attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Miss {
    /// It has not left.
    Unsent,
    /// The replica says that it did not look at it.
    Refused,
    /// Nobody knows.
    Broken,
}

impl Forward {
    /// `users` tells the keeper when this is dropped.
    pub(super) fn new(
        upstream: Arc<Upstream>,
        times: Times,
        entropy: Arc<dyn Entropy>,
        metrics: &Metrics,
        users: oneshot::Sender<Infallible>,
    ) -> Self {
        let requests = "Requests by the service they were for and what became of them.";
        let repeated = "Attempts that had to be repeated, by what happened to the one before.";
        Self {
            upstream,
            times,
            entropy,
            requests: metrics.counter("csc_edge_requests_total", requests, &["upstream", "outcome"]),
            repeated: metrics.counter("csc_edge_repeats_total", repeated, &["upstream", "after"]),
            _users: users,
        }
    }

    /// The service's answer to `request`, or the edge's own.
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let span = Work::Client.span(format_args!("forward to {}", self.upstream.name), &Cause::NONE);
        let result = Box::pin(self.forward(request)).instrument(span.clone()).await;
        let outcome = result.as_ref().map_or_else(|failure| failure.name(), |_| "answered");
        self.requests.with_label_values(&[self.upstream.name, outcome]).inc();
        let failed = result.is_err();
        let response = result.unwrap_or_else(|failure| self.refusal(failure));
        trace::outcome(&span, Protocol::Http, response.status().as_u16());
        if failed {
            trace::failed(&span);
        }
        response
    }

    async fn forward(&self, request: Request<Body>) -> Result<Response<Body>, Failure> {
        let (parts, body) = request.into_parts();
        let head = Head::new(parts).map_err(Failure::Refused)?;
        let body = Replay::new(body);
        let answered = timeout(self.times.answer, self.attempts(&head, &body)).await;
        let result = answered.unwrap_or(Err(Failure::Late));
        // Without its body a request fails in many ways; this is the one to tell.
        result.map_err(|failure| body.failed().map_or(failure, Failure::Body))
    }

    async fn attempts(&self, head: &Head, body: &Replay) -> Result<Response<Body>, Failure> {
        let (mut avoided, mut failure) = (None, Failure::Unwanted);
        for made in 1..=ATTEMPTS {
            let choice = timeout(self.times.replica, self.upstream.choose(avoided)).await;
            let Choice { address, mut sender, flight } = choice.map_err(|_| Failure::Unreachable)?;
            let attempt = body.attempt().ok_or(failure)?;
            let head_alone = !head.is_safe() && body.is_empty();
            let answer = sender.try_send_request(head.request(attempt));
            // A request that is handed over at the moment the connection ends may stay in hyper's queue, which gives it
            // back when its last sender is gone: one that is kept here would wait for itself.
            drop(sender);
            let miss = match answer.await {
                Ok(response) => return Ok(passed_on(response, flight)),
                Err(mut failed) => match failed.take_message() {
                    Some(_) => Miss::Unsent,
                    None => Miss::of(failed.error(), head_alone),
                },
            };
            tracing::debug!(upstream = self.upstream.name, %address, ?miss, "attempt failed");
            if miss == Miss::Broken {
                failure = Failure::Lost;
                if !head.is_safe() {
                    break;
                }
            }
            self.repeated.with_label_values(&[self.upstream.name, miss.name()]).inc();
            avoided = Some(address);
            drop(flight);
            if made > 1 {
                sleep(PAUSE * made).await;
            }
        }
        Err(failure)
    }

    fn refusal(&self, failure: Failure) -> Response<Body> {
        let status = match failure {
            Failure::Unreachable | Failure::Unwanted => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Lost => StatusCode::BAD_GATEWAY,
            Failure::Late => StatusCode::GATEWAY_TIMEOUT,
            Failure::Body(error) => error.status(),
            Failure::Refused(status) => status,
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        if matches!(failure, Failure::Unreachable | Failure::Unwanted | Failure::Lost) {
            // Not all at the same time.
            let seconds = 1 + self.entropy.next_u64() % 3;
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Failure {
    /// The word for it in metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Unwanted => "unwanted",
            Self::Lost => "lost",
            Self::Late => "late",
            Self::Body(_) => "body",
            Self::Refused(_) => "refused",
        }
    }
}

impl Miss {
    /// RFC 9113 section 8.7: a stream that was refused, or whose number is above the last one that a GOAWAY names, was
    /// not processed. A GOAWAY for an error may hit streams that were. And a request that hyper hands over at the moment a
    /// GOAWAY arrives fails as if it were above that number, while its head may still leave: without a body that is all
    /// of it (`head_alone`), and it may be acted on.
    fn of(error: &hyper::Error, head_alone: bool) -> Self {
        let Some(error) = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>()) else {
            return Self::Broken;
        };
        let unprocessed = match error.reason() {
            Some(h2::Reason::REFUSED_STREAM) => error.is_reset() && error.is_remote(),
            Some(h2::Reason::NO_ERROR) => error.is_go_away() && error.is_remote() && !head_alone,
            _ => false,
        };
        if unprocessed { Self::Refused } else { Self::Broken }
    }

    /// The word for it in metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Refused => "refused",
            Self::Broken => "broken",
        }
    }
}

fn passed_on(response: Response<Incoming>, flight: Flight) -> Response<Body> {
    let mut response = response.map(|body| Body::new(Counted { body, _flight: flight }));
    head::strip(response.headers_mut());
    from_service(&mut response);
    response
}

/// The body of an answer; its request is over when it is gone.
struct Counted {
    body: Incoming,
    _flight: Flight,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
