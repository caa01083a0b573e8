//! Bodies under guard: requests with limits, answers that tell when they are over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::admission::Place;
use super::phase::PhaseSetter;
use super::{Body, BodyError};

/// A request body that must come in time and not be larger than any handler could want.
pub(super) struct GuardedBody<B> {
    body: B,
    left: u64,
    /// Created with the first wait: most requests have no body.
    timer: Option<Pin<Box<Sleep>>>,
    deadline: Instant,
}

impl<B> GuardedBody<B> {
    pub(super) fn new(body: B, limit: u64, deadline: Instant) -> Self {
        Self { body, left: limit, timer: None, deadline }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for GuardedBody<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { body, left, timer, deadline } = &mut *self;
        let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(*deadline)));
            ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|_| BodyError::Incomplete)?;
            let size = frame.data_ref().map_or(0, |data| data.len() as u64);
            *left = left.checked_sub(size).ok_or(BodyError::TooLarge)?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. When it is gone, the request is over.
pub(crate) struct Answer {
    body: Body,
    _end: RequestEnd,
}

/// Ends the request when dropped: on success, after a panic, when the client went away.
pub(crate) struct RequestEnd {
    pub(super) phase: PhaseSetter,
    /// `None` for a request that was refused because there were too many.
    pub(super) place: Option<Place>,
}

impl Drop for RequestEnd {
    fn drop(&mut self) {
        self.phase.answered();
    }
}

impl Answer {
    pub(super) fn new(body: Body, end: RequestEnd) -> Self {
        Self { body, _end: end }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
