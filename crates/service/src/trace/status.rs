//! How a call on the bus ended, on its span: `rpc.grpc.status_code` (OpenTelemetry's semantic conventions for gRPC).

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use super::{Protocol, failed, outcome};

/// Notes how a call ends that is served in the span that is entered now, and keeps the span until then: an answer may be a
/// stream.
pub(crate) async fn ended<E>(
    answer: impl Future<Output = Result<Response<Body>, E>>,
) -> Result<Response<Body>, E> {
    // None without a collector: then nothing is allocated.
    let mut call = Call(Some(Span::current()).filter(|span| !span.is_none()));
    let response = answer.await?;
    // A refusal has its status in front; everything else has it behind.
    call.look(response.headers());
    Ok(match call.0 {
        Some(_) => response.map(|body| Body::new(Answer { body, call })),
        None => response,
    })
}

/// A call whose end is to be noted.
struct Call(Option<Span>);

impl Call {
    /// Notes the status if it stands among `fields`.
    fn look(&mut self, fields: &HeaderMap) {
        if let Some(code) = fields.get(Status::GRPC_STATUS) {
            self.end(Code::from_bytes(code.as_bytes()));
        }
    }

    fn end(&mut self, code: Code) {
        let Some(span) = self.0.take() else { return };
        outcome(&span, Protocol::Grpc, code as u16);
        if is_ours(code) {
            failed(&span);
        }
    }
}

/// Who called gave up, or the time was over.
impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// Whether a call that ended so failed on the side of the server.
const fn is_ours(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unimplemented, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Unimplemented | Internal | Unavailable | DataLoss)
}

struct Answer {
    body: Body,
    call: Call,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => frame.trailers_ref().into_iter().for_each(|fields| self.call.look(fields)),
            Some(Err(status)) => self.call.end(status.code()),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
