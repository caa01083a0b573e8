//! Which traces are exported.

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator as _, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample,
};

/// Marks a parent that somebody named who is nobody of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stranger;

/// Follows what the parent says, if that is one of ours; otherwise one in so many. The choice does not depend on the
/// trace's id: a stranger may have chosen that.
#[derive(Clone, Copy, Debug)]
pub(super) struct OneIn(pub(super) u64);

impl ShouldSample for OneIn {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let sampled = parent.filter(|parent| is_ours(parent)).map_or_else(
            || self.chosen(RandomIdGenerator::default().new_span_id()),
            |parent| parent.span().span_context().is_sampled(),
        );
        let decision = if sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

impl OneIn {
    fn chosen(self, random: SpanId) -> bool {
        u64::from_be_bytes(random.to_bytes()) <= u64::MAX / self.0
    }
}

/// A child of a stranger's child is ours: its parent was made here.
fn is_ours(parent: &Context) -> bool {
    let span = parent.span();
    let at = span.span_context();
    at.is_valid() && !(at.is_remote() && parent.get::<Stranger>().is_some())
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, TraceFlags};

    use super::*;

    const NEVER: OneIn = OneIn(u64::MAX);
    const ALWAYS: OneIn = OneIn(1);

    fn parent(flags: TraceFlags, remote: bool, stranger: bool) -> Context {
        let at = SpanContext::new(TraceId::from(7), SpanId::from(9), flags, remote, TraceState::NONE);
        let context = Context::new().with_remote_span_context(at);
        if stranger { context.with_value(Stranger) } else { context }
    }

    fn sampled(sampler: OneIn, parent: Option<&Context>) -> bool {
        let result =
            sampler.should_sample(parent, TraceId::from(7), "", &SpanKind::Server, &[], &[]).decision;
        result == SamplingDecision::RecordAndSample
    }

    #[test]
    fn strangers_decide_nothing() {
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let wish = flags == TraceFlags::SAMPLED;
            for (sampler, own) in [(NEVER, false), (ALWAYS, true)] {
                assert_eq!(sampled(sampler, None), own);
                assert_eq!(sampled(sampler, Some(&Context::new())), own);
                assert_eq!(sampled(sampler, Some(&parent(flags, true, true))), own);
                assert_eq!(sampled(sampler, Some(&parent(flags, true, false))), wish);
                assert_eq!(sampled(sampler, Some(&parent(flags, false, true))), wish);
            }
        }
    }

    #[test]
    fn one_in_so_many() {
        let share =
            |n| (0..4_000).filter(|_| OneIn(n).chosen(RandomIdGenerator::default().new_span_id())).count();
        assert_eq!(share(1), 4_000);
        assert!((200..800).contains(&share(10)));
    }
}
