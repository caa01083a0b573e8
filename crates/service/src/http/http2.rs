//! One connection: HTTP/2 under the limits of HTTP/1.1, many requests side by side.
//!
//! What a phase is to HTTP/1.1 is here a limit of its own: `header_time` until the first request, `idle_time` without
//! one, and for each request `body_time` and `request_time`, after which it alone is reset. Answers leave in pieces no
//! larger than the client makes room for, so whoever does not take them holds their places and loses them in time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::IntCounter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::Peer;
use super::guard::Progress;
use super::linger::{Lent, linger};
use super::requests::{Requests, Shared};
use crate::shutdown::Ending;

/// How often a client is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);
/// Octets of a request body that a client may send before a handler has taken them: of one request, and of all requests
/// of a connection.
const WINDOW: u32 = 256 * 1024;
const WINDOWS: u32 = 1024 * 1024;
/// Of one request that an edge forwards. The connection has room for all of them: a handler that does not take its body
/// must not hold up the bodies of others.
const EDGE_WINDOW: u32 = 64 * 1024;
/// The largest window HTTP/2 has.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// Octets of an answer that wait for the client; at most twice as many per request.
pub(super) const PIECE: usize = 16 * 1024;
/// Requests that a client may take back before they are looked at.
const PENDING_RESETS: usize = 20;
/// Requests that we reset because of what the client did, before the connection ends.
const OUR_RESETS: usize = 100;
/// Requests that a client may take back while they are handled, beyond as many as it lets end.
const TAKEN_BACK: u64 = 100;
/// How long a client may take to go once it was told to and nothing is under way.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves `io` until the client goes, a limit is reached, or stopping is asked for and all that is at hand is answered.
pub(super) async fn serve<I>(io: I, peer: Peer, shared: Arc<Shared>, ending: Ending)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (io, back) = Lent::new(io);
    drive(io, peer, shared, ending).await;
    if let Ok(io) = back.await {
        linger(io).await;
    }
}

async fn drive<I>(io: Lent<I>, peer: Peer, shared: Arc<Shared>, ending: Ending)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, cut, address) = (shared.limits.clone(), shared.cut.clone(), peer.address);
    // An edge carries the requests of all its clients, and takes back those of clients that have gone.
    let trusted = shared.behind_edge();
    let streams = if trusted { limits.streams.max(limits.requests) } else { limits.streams };
    let streams = u32::try_from(streams).unwrap_or(u32::MAX);
    let (window, windows) = if trusted {
        (EDGE_WINDOW, EDGE_WINDOW.saturating_mul(streams).min(LARGEST_WINDOW))
    } else {
        (WINDOW, WINDOWS)
    };
    let executor = Deadlines { limit: limits.request_time, cut: cut.with_label_values(&["request"]) };
    let (track, mut seen) = Streams::new();
    let requests = Requests { shared, peer, progress: Progress::One(track), closing: ending.announced };
    let mut connection = pin!(
        http2::Builder::new(executor)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG)
            .max_concurrent_streams(streams)
            .initial_stream_window_size(window)
            .initial_connection_window_size(windows)
            .max_send_buf_size(PIECE)
            .max_header_list_size(u32::try_from(limits.header_size).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_local_error_reset_streams(OUR_RESETS)
            .serve_connection(TokioIo::new(io), requests)
    );
    let mut requested = pin!(ending.requested.requested());
    let (mut stopping, mut leaving) = (false, false);
    // While there are requests each of them has its own.
    let mut deadline = Some(Instant::now() + limits.header_time);
    loop {
        tokio::select! {
            end = connection.as_mut() => {
                if let Err(error) = end {
                    tracing::debug!(error = &error as &dyn std::error::Error, %address, "connection ended");
                }
                return;
            }
            changed = seen.changed() => {
                if changed.is_err() {
                    return;
                }
                let Counts { open, ended, taken_back } = *seen.borrow_and_update();
                if !trusted && taken_back > ended + TAKEN_BACK {
                    cut.with_label_values(&["resets"]).inc();
                    tracing::debug!(%address, "connection that takes its requests back");
                    return;
                }
                let pause = if leaving { FAREWELL } else { limits.idle_time };
                deadline = (open == 0).then(|| Instant::now() + pause);
            }
            () = async { sleep_until(deadline.unwrap_or_else(Instant::now)).await }, if deadline.is_some() => {
                if leaving {
                    return;
                }
                let first = *seen.borrow() == Counts::default();
                cut.with_label_values(&[if first { "fresh" } else { "quiet" }]).inc();
                tracing::debug!(%address, "connection without requests");
                leaving = true;
                deadline = Some(Instant::now() + FAREWELL);
                connection.as_mut().graceful_shutdown();
            }
            () = &mut requested, if !stopping => {
                (stopping, leaving) = (true, true);
                // GOAWAY: what the client sent before it heard of this is answered.
                connection.as_mut().graceful_shutdown();
                deadline = deadline.map(|at| at.min(Instant::now() + FAREWELL));
            }
        }
    }
}

/// Runs the requests of a connection, each until its time is over.
#[derive(Clone)]
struct Deadlines {
    limit: Duration,
    cut: IntCounter,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Deadlines {
    fn execute(&self, request: F) {
        let Self { limit, cut } = self.clone();
        tokio::spawn(async move {
            // Dropping it resets the stream.
            if timeout(limit, request).await.is_err() {
                cut.inc();
            }
        });
    }
}

/// The requests of a connection, counted by all who see them begin and end.
#[derive(Clone)]
pub(super) struct Streams(Arc<watch::Sender<Counts>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    open: u64,
    ended: u64,
    /// By the client, or by us because their time was over.
    taken_back: u64,
}

impl Streams {
    fn new() -> (Self, watch::Receiver<Counts>) {
        let (sender, receiver) = watch::channel(Counts::default());
        (Self(Arc::new(sender)), receiver)
    }

    pub(super) fn begun(&self) {
        self.0.send_modify(|counts| counts.open += 1);
    }

    /// `whole`: its answer was handed over to the last octet.
    pub(super) fn over(&self, whole: bool) {
        self.0.send_modify(|counts| {
            counts.open -= 1;
            if whole {
                counts.ended += 1;
            } else {
                counts.taken_back += 1;
            }
        });
    }
}
