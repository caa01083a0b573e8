//! One connection: HTTP/1.1 under time limits, ended so that the last answer arrives.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::Peer;
use super::phase::{Phase, PhaseIo, PhaseSetter};
use super::requests::{Requests, Shared};
use crate::Shutdown;

/// How long the client may take to notice the end. Closing at once while it still sends, as it does behind a 413, would
/// make its system throw away the answer it has not read yet.
const LINGER: Duration = Duration::from_secs(2);

/// Serves `io` until the client goes, a limit is reached, or stopping is asked for and the request at hand is answered.
pub(crate) async fn serve<I>(io: I, peer: Peer, shared: Arc<Shared>, shutdown: Shutdown)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, cut) = (shared.limits.clone(), shared.cut.clone());
    let address = peer.address;
    let (setter, mut phases) = PhaseSetter::new();
    let mut connection = http1::Builder::new()
        .header_read_timeout(None) // the phases below tell an idle client from a slow one
        .max_headers(limits.header_count)
        .allow_multiple_spaces_in_request_line_delimiters(true) // fielded terminals send them (RFC 9112 3)
        .max_header_size(limits.header_size)
        .max_buf_size(limits.header_size)
        .serve_connection(
            TokioIo::new(PhaseIo { io, phase: setter.clone() }),
            Requests { shared, peer, phase: setter },
        );
    let mut requested = pin!(shutdown.requested());
    let mut stopping = false;
    let mut phase = Phase::Fresh;
    let mut deadline = Instant::now() + limits.header_time;
    loop {
        if stopping && phase == Phase::Fresh {
            break; // hyper would wait for a first request
        }
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
                    Phase::Quiet => Instant::now() + limits.idle_time,
                };
            }
            () = sleep_until(deadline) => {
                cut.with_label_values(&[phase.name()]).inc();
                tracing::debug!(?phase, %address, "connection too slow");
                break;
            }
            () = &mut requested, if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    let mut io = connection.into_parts().io.into_inner().io;
    let close = async {
        io.shutdown().await?;
        let mut rest = [0; 4096];
        while io.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Whether the client heard us or not, this is the end.
    let _ = timeout(LINGER, close).await;
}
