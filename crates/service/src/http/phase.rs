//! What a connection is doing, and how long it may.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has just been opened; not one octet has come.
    Fresh,
    /// Between two requests.
    Quiet,
    /// A request has begun to come; its header is not complete.
    Head,
    /// A request is being read and handled, and its answer produced.
    Request,
    /// The answer is complete, but the client has not taken all of it.
    Answered,
}

impl Phase {
    /// The word for it in metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Quiet => "quiet",
            Self::Head => "head",
            Self::Request => "request",
            Self::Answered => "answered",
        }
    }
}

/// The phase of a connection, shared by all who see it change.
#[derive(Clone, Debug)]
pub(crate) struct PhaseSetter(Arc<watch::Sender<Phase>>);

impl PhaseSetter {
    pub(crate) fn new() -> (Self, watch::Receiver<Phase>) {
        let (sender, receiver) = watch::channel(Phase::Fresh);
        (Self(Arc::new(sender)), receiver)
    }

    /// The header of a request is complete.
    pub(crate) fn request(&self) {
        self.0.send_replace(Phase::Request);
    }

    /// The answer has been handed over to the connection.
    pub(crate) fn answered(&self) {
        self.0.send_replace(Phase::Answered);
    }

    /// All that was handed over is on its way.
    fn flushed(&self) {
        self.0.send_if_modified(|phase| {
            let over = *phase == Phase::Answered;
            if over {
                *phase = Phase::Quiet;
            }
            over
        });
    }

    /// Octets came; between requests they are the beginning of the next one.
    fn octets(&self) {
        self.0.send_if_modified(|phase| {
            let begins = matches!(phase, Phase::Fresh | Phase::Quiet);
            if begins {
                *phase = Phase::Head;
            }
            begins
        });
    }
}

/// A byte stream that tells when a request begins to come and when an answer has gone. hyper flushes it when it has
/// written all it holds, and not before.
pub(crate) struct PhaseIo<I> {
    pub(crate) io: I,
    pub(crate) phase: PhaseSetter,
}

impl<I: AsyncRead + Unpin> AsyncRead for PhaseIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.phase.octets();
        }
        result
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for PhaseIo<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_flush(cx);
        if matches!(result, Poll::Ready(Ok(()))) {
            self.phase.flushed();
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
