//! One connection: HTTP/1.1 under time limits, ended so that the last answer arrives.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::Peer;
use super::guard::Progress;
use super::linger::linger;
use super::phase::{Phase, PhaseIo, PhaseSetter};
use super::requests::{Requests, Shared};
use crate::shutdown::Ending;

/// Serves `io` until the client goes, a limit is reached, or stopping is asked for and the request at hand is answered.
pub(super) async fn serve<I>(io: I, peer: Peer, shared: Arc<Shared>, ending: Ending)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, cut) = (shared.limits.clone(), shared.cut.clone());
    let address = peer.address;
    let (setter, mut phases) = PhaseSetter::new();
    let requests =
        Requests { shared, peer, progress: Progress::Only(setter.clone()), closing: ending.announced };
    let mut connection = http1::Builder::new()
        .header_read_timeout(None) // the phases below tell an idle client from a slow one
        .max_headers(limits.header_count)
        .allow_multiple_spaces_in_request_line_delimiters(true) // fielded terminals send them (RFC 9112 3)
        .max_header_size(limits.header_size)
        .max_buf_size(limits.header_size)
        .serve_connection(TokioIo::new(PhaseIo { io, phase: setter }), requests);
    let mut requested = pin!(ending.requested.requested());
    let mut stopping = false;
    let mut phase = Phase::Fresh;
    let mut deadline = Instant::now() + limits.header_time;
    loop {
        tokio::select! {
            end = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                if let Err(error) = end {
                    tracing::debug!(error = &error as &dyn std::error::Error, %address, "connection ended");
                }
                break;
            }
            changed = phases.changed() => {
                if changed.is_err() {
                    break;
                }
                let before = phase;
                phase = *phases.borrow_and_update();
                deadline = match phase {
                    // Taking the answer belongs to the request.
                    Phase::Answered if before == Phase::Request => deadline,
                    Phase::Request | Phase::Answered => Instant::now() + limits.request_time,
                    Phase::Fresh | Phase::Head => Instant::now() + limits.header_time,
                    Phase::Quiet if stopping => Instant::now() + limits.drain_time,
                    Phase::Quiet => Instant::now() + limits.idle_time,
                };
            }
            () = sleep_until(deadline) => {
                let asked = stopping && matches!(phase, Phase::Fresh | Phase::Quiet);
                if !asked {
                    cut.with_label_values(&[phase.name()]).inc();
                    tracing::debug!(?phase, %address, "connection too slow");
                }
                break;
            }
            () = &mut requested, if !stopping => {
                stopping = true;
                // A request may be on its way. It is answered with `Connection: close`, like all that are at hand.
                if matches!(phase, Phase::Fresh | Phase::Quiet) {
                    deadline = deadline.min(Instant::now() + limits.drain_time);
                }
            }
        }
    }
    linger(connection.into_parts().io.into_inner().io).await;
}
