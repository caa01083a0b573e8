//! The end of a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long the client may take to notice the end.
const LINGER: Duration = Duration::from_secs(2);

/// Tells the client that nothing follows and waits for it to go. Closing at once while it still sends, as it does behind
/// a 413, would make its system throw away the answer it has not read yet.
pub(super) async fn linger<I: AsyncRead + AsyncWrite + Unpin>(mut io: I) {
    let close = async {
        io.shutdown().await?;
        let mut rest = [0; 4096];
        while io.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whether the client heard us or not, this is the end.
    let _ = timeout(LINGER, close).await;
}

/// A byte stream that comes back when its user drops it: hyper does not return that of an HTTP/2 connection.
pub(super) struct Lent<I> {
    /// Always there until it is dropped.
    io: Option<I>,
    home: Option<oneshot::Sender<I>>,
}

impl<I> Lent<I> {
    pub(super) fn new(io: I) -> (Self, oneshot::Receiver<I>) {
        let (home, back) = oneshot::channel();
        (Self { io: Some(io), home: Some(home) }, back)
    }

    fn io(self: Pin<&mut Self>) -> io::Result<Pin<&mut I>>
    where
        I: Unpin,
    {
        let io = self.get_mut().io.as_mut();
        io.map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<I> Drop for Lent<I> {
    fn drop(&mut self) {
        if let (Some(io), Some(home)) = (self.io.take(), self.home.take()) {
            // Nobody may be waiting for it; then it closes here.
            let _ = home.send(io);
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Lent<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io()?.poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Lent<I> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.io()?.poll_write(cx, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io()?.poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}
