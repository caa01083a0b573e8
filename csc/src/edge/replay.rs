//! A request body that can be sent once more, as long as it is small.
//!
//! A service may refuse a request after some of its body has left. What left is kept, up to a limit, so that another
//! replica can be given all of it; the rest goes straight through.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use csc_service::http::{Body, BodyError};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Octets that are kept. Larger bodies are sent once.
const KEPT: usize = 64 * 1024;

/// The body of a request that may need several attempts.
#[derive(Clone)]
pub(super) struct Replay(Arc<Mutex<State>>);

struct State {
    source: Body,
    size: SizeHint,
    /// What has been taken from the source so far; `None` once it was too much. A copy, since a piece of one octet may
    /// hold on to a buffer of many.
    kept: Option<Vec<u8>>,
    /// The attempt that may read. Those before it may still be about, and get nothing any more.
    current: u32,
    failed: Option<BodyError>,
}

/// The body of one attempt.
pub(super) struct Attempt {
    replay: Replay,
    number: u32,
    /// How many octets of what is kept this attempt has sent.
    sent: usize,
    size: SizeHint,
}

impl Replay {
    pub(super) fn new(source: Body) -> Self {
        let size = source.size_hint();
        let state = State { source, size, kept: Some(Vec::new()), current: 0, failed: None };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The body from its beginning, for one more attempt; `None` when it cannot be had again.
    pub(super) fn attempt(&self) -> Option<Attempt> {
        let mut state = self.lock();
        if state.failed.is_some() {
            return None;
        }
        state.kept.as_ref()?;
        state.current += 1;
        Some(Attempt { replay: self.clone(), number: state.current, sent: 0, size: state.size })
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().size.exact() == Some(0)
    }

    /// What went wrong while the client sent it, if anything did.
    pub(super) fn failed(&self) -> Option<BodyError> {
        self.lock().failed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(error) = self.failed {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = std::task::ready!(Pin::new(&mut self.source).poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => {
                self.keep(&frame);
                Ok(frame)
            }
            Err(error) => {
                let error = known(&error);
                self.failed = Some(error);
                Err(error)
            }
        }))
    }

    fn keep(&mut self, frame: &Frame<Bytes>) {
        // Trailers are not kept, so a request that has some is sent once.
        match (&mut self.kept, frame.data_ref()) {
            (Some(kept), Some(data)) if kept.len() + data.len() <= KEPT => kept.extend_from_slice(data),
            _ => self.kept = None,
        }
    }
}

/// The listener's own error, which comes wrapped.
fn known(error: &(dyn std::error::Error + 'static)) -> BodyError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(known) = error.downcast_ref::<BodyError>() {
            return *known;
        }
        cause = error.source();
    }
    BodyError::Incomplete
}

impl HttpBody for Attempt {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let mut state = this.replay.lock();
        if state.current != this.number {
            return Poll::Ready(Some(Err(BodyError::Incomplete)));
        }
        if let Some(again @ [_, ..]) = state.kept.as_ref().and_then(|kept| kept.get(this.sent..)) {
            this.sent += again.len();
            return Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(again)))));
        }
        let frame = state.poll(cx);
        this.sent = state.kept.as_ref().map_or(this.sent, Vec::len);
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = self.replay.lock();
        state.failed.is_none()
            && state.kept.as_ref().is_none_or(|kept| kept.len() <= self.sent)
            && state.source.is_end_stream()
    }

    /// That of the whole body: it is asked for before anything is sent.
    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn pieces(pieces: &[usize]) -> Replay {
        let pieces: Vec<_> = pieces.iter().map(|size| Ok::<_, BodyError>(vec![b'x'; *size])).collect();
        Replay::new(Body::from_stream(stream::iter(pieces)))
    }

    async fn size(attempt: Attempt) -> Result<usize, BodyError> {
        attempt.collect().await.map(|body| body.to_bytes().len())
    }

    #[tokio::test]
    async fn a_small_body_can_be_sent_again_and_again() {
        let replay = pieces(&[10, 20, 30]);
        let mut first = replay.attempt().unwrap();
        assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10);
        let mut second = replay.attempt().unwrap();
        assert_eq!(
            first.frame().await.unwrap().unwrap_err(),
            BodyError::Incomplete,
            "it is the second's now"
        );
        second.frame().await.unwrap().unwrap();
        second.frame().await.unwrap().unwrap();
        assert_eq!(size(replay.attempt().unwrap()).await, Ok(60));
        assert_eq!(size(replay.attempt().unwrap()).await, Ok(60));
    }

    #[tokio::test]
    async fn a_large_body_is_sent_once() {
        let replay = pieces(&[40_000, 40_000, 40_000]);
        let mut first = replay.attempt().unwrap();
        first.frame().await.unwrap().unwrap();
        let mut second = replay.attempt().unwrap();
        second.frame().await.unwrap().unwrap();
        second.frame().await.unwrap().unwrap();
        assert!(replay.attempt().is_none());
        assert_eq!(size(second).await, Ok(40_000), "what is left goes on");
    }

    #[tokio::test]
    async fn no_body_is_over_at_once() {
        let replay = Replay::new(Body::empty());
        let first = replay.attempt().unwrap();
        assert!(first.is_end_stream());
        assert_eq!(first.size_hint().exact(), Some(0));
        let sized = Replay::new(Body::from("12345"));
        assert_eq!(sized.attempt().unwrap().size_hint().exact(), Some(5));
    }

    #[tokio::test]
    async fn the_clients_mistake_is_remembered() {
        let slow = Body::from_stream(stream::iter([Ok("123"), Err(BodyError::TooSlow)]));
        let replay = Replay::new(slow);
        assert_eq!(size(replay.attempt().unwrap()).await, Err(BodyError::TooSlow));
        assert_eq!(replay.failed(), Some(BodyError::TooSlow));
        assert!(replay.attempt().is_none());
    }
}
