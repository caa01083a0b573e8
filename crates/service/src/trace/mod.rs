//! Traces: what one request caused, across HTTP, gRPC, log entries and SIP (OpenTelemetry, exported over OTLP).
//!
//! A span is made by [`Work::span`] and nowhere else. It holds a name from the program, a kind and an outcome; never a
//! path, a token or an identity. Events of the log stay in the log, which names the trace they belong to. What crosses a
//! border is a [`Cause`]: `traceparent` of W3C Trace Context, in a header or in a log entry.
//!
//! ```text
//! header ─► Cause ─► Work::span ─► work, instrumented ─► queue ─► collector
//!                                        │
//!                                        └─► Cause::current ─► header, log entry
//! ```
//!
//! Without a collector no span is made and nothing is allocated.

mod calls;
mod cause;
mod collector;
mod config;
mod export;
mod layer;
mod lines;
mod queue;
mod sampling;
mod status;
#[cfg(test)]
mod tests;

use std::fmt;

use opentelemetry::trace::Status;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

pub(crate) use self::calls::{call, served};
pub use self::cause::{Cause, pass_on};
pub use self::config::{CollectorUri, TraceConfig};
pub use self::export::flush;

pub(crate) use self::export::{SPANS, spans};
pub(crate) use self::layer::{layer, ours};
pub(crate) use self::lines::WithTrace;
pub(crate) use self::status::ended;

/// The target of all spans that are exported. The log does not show them.
pub(crate) const TARGET: &str = "csc::trace";

/// What a span is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Answering a request.
    Server,
    /// Waiting for the answer to one.
    Client,
    /// Doing what a log entry asks for.
    Consumer,
}

impl Work {
    /// A span called `name`, which stands in the program or in a contract and holds nothing that a peer can choose. It
    /// belongs to `cause`, or else to the span it is made in, or else to a trace of its own. Disabled when nothing is
    /// exported.
    pub fn span(self, name: impl fmt::Display, cause: &Cause) -> Span {
        let kind = match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Consumer => "consumer",
        };
        let span = tracing::info_span!(target: TARGET, "work", otel.kind = kind, otel.name = %name);
        cause.adopt(&span);
        span
    }
}

/// Notes how the work of `span` ended: the `code` of its protocol.
pub fn outcome(span: &Span, protocol: Protocol, code: u16) {
    span.set_attribute(protocol.attribute(), i64::from(code));
}

/// Notes that the work of `span` failed, on this side.
pub fn failed(span: &Span) {
    span.set_status(Status::error(""));
}

/// Whose codes tell how work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Statuses of HTTP.
    Http,
    /// Statuses of SIP.
    Sip,
    /// Status codes of gRPC.
    Grpc,
}

impl Protocol {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Http => "http.response.status_code",
            Self::Sip => "sip.response.status_code",
            Self::Grpc => "rpc.grpc.status_code",
        }
    }
}
