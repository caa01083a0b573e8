//! What caused something, as it crosses a border: `traceparent` (W3C Trace Context, section 3.2).

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::sampling::Stranger;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Octets of version 00.
const LENGTH: usize = 55;

/// The span that something was caused by, here or in another process; or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cause(Option<Place>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
    /// Whoever named it is nobody of ours.
    stranger: bool,
}

impl Cause {
    /// Nothing that is known.
    pub const NONE: Self = Self(None);

    /// The span that is entered now.
    pub fn current() -> Self {
        Context::map_current(|context| {
            let span = context.span();
            let at = span.span_context();
            let place = at.is_valid().then(|| Place {
                trace: at.trace_id(),
                span: at.span_id(),
                flags: at.trace_flags(),
                stranger: false,
            });
            Self(place)
        })
    }

    /// What a log entry names. Anything that is no `traceparent` is nothing.
    pub fn of_entry(traceparent: &str) -> Self {
        Self(parse(traceparent))
    }

    /// What a member of the bus names in its request. It says whether the trace is exported.
    pub fn of_member(headers: &HeaderMap) -> Self {
        Self(header(headers))
    }

    /// What a terminal names in its request. It may join a trace, but whether that is exported is decided here: nobody
    /// outside can make us export.
    pub fn of_stranger(headers: &HeaderMap) -> Self {
        Self(header(headers).map(|place| Place { stranger: true, ..place }))
    }

    /// The text for a log entry; empty when there is nothing.
    pub fn traceparent(self) -> String {
        let Some(Place { trace, span, flags, .. }) = self.0 else { return String::new() };
        format!("00-{trace}-{span}-{:02x}", flags.to_u8())
    }

    /// Makes `span`, which was not entered yet, a child.
    pub(super) fn adopt(self, span: &Span) {
        let Some(Place { trace, span: parent, flags, stranger }) = self.0.filter(|_| !span.is_disabled())
        else {
            return;
        };
        let at = SpanContext::new(trace, parent, flags, true, TraceState::NONE);
        let mut context = Context::new().with_remote_span_context(at);
        if stranger {
            context = context.with_value(Stranger);
        }
        // An error means that it goes elsewhere than to a collector.
        let _ = span.set_parent(context);
    }
}

/// Names the span that is entered now in the headers of a request to another process of ours. Whatever a peer wrote there
/// goes, since it would be believed there.
pub fn pass_on(headers: &mut HeaderMap) {
    headers.remove(TRACESTATE);
    match HeaderValue::try_from(Cause::current().traceparent()) {
        Ok(value) if !value.is_empty() => drop(headers.insert(TRACEPARENT, value)),
        _ => drop(headers.remove(TRACEPARENT)),
    }
}

fn header(headers: &HeaderMap) -> Option<Place> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    parse(value.to_str().ok()?)
}

/// A later version may be longer; the beginning means the same.
fn parse(text: &str) -> Option<Place> {
    let whole = match text.as_bytes() {
        [b'0', b'0', ..] => text.len() == LENGTH,
        octets => octets.len() == LENGTH || octets.get(LENGTH) == Some(&b'-'),
    };
    let mut parts = text.split('-');
    let mut part = |length: usize| parts.next().filter(|part| part.len() == length && is_hex(part));
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let good = whole && version != "ff" && trace != TraceId::INVALID && span != SpanId::INVALID;
    good.then_some(Place { trace, span, flags, stranger: false })
}

fn is_hex(part: &str) -> bool {
    part.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn what_is_written_is_read_again() {
        let cause = Cause::of_entry(GOOD);
        assert_eq!(cause.traceparent(), GOOD);
        assert_eq!(Cause::of_entry(&cause.traceparent()), cause);
        assert_eq!(Cause::NONE.traceparent(), "");
        assert_eq!(Cause::of_entry(""), Cause::NONE);
        // Of the flags one is known.
        assert_eq!(Cause::of_entry(&GOOD.replace("-01", "-ff")), cause);
        assert_ne!(Cause::of_entry(&GOOD.replace("-01", "-00")), cause);
        // A later version.
        assert_eq!(Cause::of_entry(&format!("cc{}-what-comes", &GOOD[2..])), cause);
        assert_eq!(Cause::of_entry(&format!("cc{}", &GOOD[2..])), cause);
    }

    #[test]
    fn everything_else_is_nothing() {
        for end in 0..GOOD.len() {
            assert_eq!(Cause::of_entry(&GOOD[..end]), Cause::NONE, "{end}");
        }
        for bad in [
            &format!("{GOOD}-x"),
            &format!("{GOOD}0"),
            &format!(" {GOOD}"),
            &format!("cc{}x", &GOOD[2..]),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replacen("00", "0", 1),
            &GOOD.to_uppercase(),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            &GOOD.replace("b7ad6b71", "+7ad6b71"),
            &GOOD.replace("-01", "-0g"),
            &GOOD.replace('-', "_"),
            &"é".repeat(40),
        ] {
            assert_eq!(Cause::of_entry(bad), Cause::NONE, "{bad}");
        }
    }

    #[test]
    fn a_header_stands_there_once() {
        let mut headers = HeaderMap::new();
        assert_eq!(Cause::of_member(&headers), Cause::NONE);
        headers.insert(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Cause::of_member(&headers), Cause::of_entry(GOOD));
        assert_ne!(Cause::of_stranger(&headers), Cause::of_entry(GOOD));
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Cause::of_member(&headers), Cause::NONE);
        headers.insert(TRACEPARENT, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(Cause::of_member(&headers), Cause::NONE);
    }

    #[test]
    fn nothing_of_a_peer_is_passed_on() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        headers.append(TRACEPARENT, HeaderValue::from_static("x"));
        headers.append(TRACESTATE, HeaderValue::from_static("a=b"));
        pass_on(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }
}
