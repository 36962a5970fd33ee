//! Whose trace does a request belong to (W3C Trace Context)? To that of a trusted proxy; any other caller's is linked to.
//!
//! A parent decides whether there is a trace, and stands in every tool above it: a stranger who could choose it would fill the
//! collector at will, or write into others' traces. A link says the same to who looks for it, and decides nothing.

use actix_web::http::header::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Link, SpanContext, TraceContextExt as _, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Whose trace a request belongs to.
#[derive(Debug)]
pub(super) enum Caller {
    /// It names none.
    Nobody,
    /// That of a trusted proxy.
    Parent(Context),
    /// Somebody else's.
    Stranger(Link),
}

impl Caller {
    /// What `headers` say, which come from a trusted proxy or not.
    pub(super) fn of(headers: &HeaderMap, is_trusted: bool) -> Self {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &TraceHeaders(headers));
        let told = context.span().span_context().clone();
        match (told.is_valid(), is_trusted) {
            (false, _) => Self::Nobody,
            (true, true) => Self::Parent(context),
            (true, false) => {
                // Without the rest, which is free text.
                let (trace, span, flags) = (told.trace_id(), told.span_id(), told.trace_flags());
                Self::Stranger(Link::with_context(SpanContext::new(trace, span, flags, true, TraceState::NONE)))
            }
        }
    }
}

struct TraceHeaders<'a>(&'a HeaderMap);

impl Extractor for TraceHeaders<'_> {
    /// A header that comes twice says nothing: nobody knows which one a proxy set.
    fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.get_all(name);
        let value = values.next().filter(|_| values.next().is_none())?.to_str().ok()?;
        (name != "traceparent" || has_shape(value)).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Are its parts as long as they must be? The library takes shorter ones.
fn has_shape(traceparent: &str) -> bool {
    const LENGTHS: [usize; 4] = [2, 32, 16, 2];
    let mut parts = traceparent.split('-');
    LENGTHS.iter().all(|length| parts.next().is_some_and(|part| part.len() == *length))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(values: &[&'static str], is_trusted: bool) -> Caller {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HeaderName::from_static("traceparent"), HeaderValue::from_static(value));
        }
        headers.insert(HeaderName::from_static("tracestate"), HeaderValue::from_static("vendor=canary"));
        Caller::of(&headers, is_trusted)
    }

    #[test]
    fn only_a_trusted_proxy_is_a_parent() {
        let Caller::Parent(parent) = of(&[TRACE], true) else { panic!("no parent") };
        assert_eq!(parent.span().span_context().trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(parent.span().span_context().is_sampled());
        let Caller::Stranger(link) = of(&[TRACE], false) else { panic!("no link") };
        assert_eq!(link.span_context.span_id().to_string(), "b7ad6b7169203331");
        assert_eq!(link.span_context.trace_state().header(), "", "free text of a stranger");
    }

    #[test]
    fn what_is_no_trace_context_is_passed_over() {
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let wrong: [&[&'static str]; 5] = [&[], &["canary"], &[zeros], &[TRACE, TRACE], &["00-0af7-b7ad-01"]];
        for values in wrong {
            assert!(matches!(of(values, true), Caller::Nobody), "{values:?}");
        }
    }
}
