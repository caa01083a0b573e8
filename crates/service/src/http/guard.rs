//! Bodies under guard: requests with limits, answers that tell when they are over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::admission::Place;
use super::http2::{PIECE, Streams};
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
    /// What has been taken from the body and not handed over.
    rest: Bytes,
    /// The most that is handed over at once.
    piece: usize,
    end: RequestEnd,
}

/// Ends the request when dropped: on success, after a panic, when the client went away.
pub(crate) struct RequestEnd {
    progress: Progress,
    /// `None` for a request that was refused because there were too many.
    pub(super) place: Option<Place>,
    /// Whether all of the answer was handed over.
    whole: bool,
}

/// Who wants to know when a request begins and ends.
#[derive(Clone)]
pub(super) enum Progress {
    /// A connection that carries one request at a time.
    Only(PhaseSetter),
    /// A connection that carries many.
    One(Streams),
}

impl RequestEnd {
    /// A request has begun.
    pub(super) fn new(progress: Progress, place: Option<Place>) -> Self {
        match &progress {
            Progress::Only(phase) => phase.request(),
            Progress::One(streams) => streams.begun(),
        }
        Self { progress, place, whole: false }
    }
}

impl Drop for RequestEnd {
    fn drop(&mut self) {
        match &self.progress {
            Progress::Only(phase) => phase.answered(),
            Progress::One(streams) => streams.over(self.whole),
        }
    }
}

impl Answer {
    pub(super) fn new(body: Body, mut end: RequestEnd) -> Self {
        end.whole = body.is_end_stream();
        let piece = match end.progress {
            Progress::Only(_) => usize::MAX, // its connection waits for the client
            Progress::One(_) => PIECE,
        };
        Self { body, rest: Bytes::new(), piece, end }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, rest, piece, end } = &mut *self;
        if rest.is_empty() {
            let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => *rest = data,
                Some(Ok(Err(trailers))) => {
                    end.whole = body.is_end_stream();
                    return Poll::Ready(Some(Ok(trailers)));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    end.whole = true;
                    return Poll::Ready(None);
                }
            }
        }
        let data = rest.split_to(rest.len().min(*piece));
        end.whole = rest.is_empty() && body.is_end_stream();
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
