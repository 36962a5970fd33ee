//! What became of one request, step by step, and how long did it take? A span for each, for the operator's collector.
//!
//! Everything here is decided from fixed words and values that passed their grammar, as for the log. Where no collector is set, a
//! request costs one look at an empty place.

mod caller;
mod collector;
mod counts;

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use actix_web::HttpMessage as _;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use ipnet::IpNet;
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span, SpanLimits,
};

use self::caller::Caller;
use self::collector::OtlpExporter;
use self::counts::COUNTS;
pub use self::counts::SpanCounts;
use super::request_id::RequestId;
use crate::config::TracingSettings;

/// So many spans wait for the collector; further ones are dropped.
const QUEUE: usize = 4096;

/// So many are sent at once.
const BATCH: usize = 512;

/// How long a span waits for others.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long the end of the program waits for the collector.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What probes and scrapers ask for all the time: no spans.
const UNTRACED: &[&str] = &["/livez", "/readyz", "/metrics"];

/// The one of this process.
static OF_PROCESS: OnceLock<Traces> = OnceLock::new();

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The file with the collector's CA.
    #[error("tracing.otlp_ca_file: {0}")]
    CaFile(std::io::Error),
    /// What is in it.
    #[error("tracing.otlp_ca_file holds no PEM certificate")]
    Certificate,
    /// The HTTP client.
    #[error("cannot make a client for the collector: {0}")]
    Client(#[from] reqwest::Error),
    /// The operating system gives no runtime.
    #[error("cannot start what sends traces: {0}")]
    Runtime(std::io::Error),
}

#[derive(Debug)]
struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    trusted: Vec<IpNet>,
}

/// Starts to trace the requests of this process as `settings` say, as the program `service`. Of whom `trusted` names, the trace
/// goes on; that of any other caller is only linked to.
///
/// # Errors
/// If the collector's CA cannot be used, or the operating system gives no thread.
pub fn start(settings: &TracingSettings, service: &'static str, trusted: &[IpNet]) -> Result<(), TracesError> {
    let Some(collector) = &settings.collector else { return Ok(()) };
    let resource = Resource::builder_empty()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(LONGEST_WAIT)
        .build();
    let processor = BatchSpanProcessor::builder(OtlpExporter::new(collector)?).with_batch_config(batches).build();
    let ratio = f64::from(settings.sampled_per_thousand) / 1000.0;
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(processor)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_span_limits(SpanLimits::default())
        .build();
    let tracer = provider.tracer("tokenhouse");
    // A process starts once.
    let _ = OF_PROCESS.set(Traces { provider, tracer, trusted: trusted.to_vec() });
    tracing::info!(collector = %collector.url, sampled_per_thousand = settings.sampled_per_thousand, "sending traces");
    Ok(())
}

/// How many spans were made since the start, and what became of them.
pub fn counts() -> SpanCounts {
    COUNTS.read()
}

/// Sends what waits, and nothing from then on. To be called before the program ends.
pub(super) fn stop() {
    if let Some(traces) = OF_PROCESS.get() {
        // What the collector did not take is in the log already.
        let _ = traces.provider.shutdown_with_timeout(LAST_WORD);
    }
}

/// The span of one request, which is recorded.
pub(super) struct RequestTrace {
    span: Span,
    began: Instant,
    at: SystemTime,
}

/// What endpoints may add to the span of their request; only there if it is recorded.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    attributes: Vec<KeyValue>,
    steps: Vec<(&'static str, Instant, Duration)>,
}

impl Facts {
    /// A fact about the request: fixed words, or a value that passed its grammar. No secret, no token.
    pub fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(name, value));
    }

    /// The same, where it is known.
    pub fn add_some(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// A part of what was done.
    pub fn add_step(&mut self, name: &'static str, began: Instant, took: Duration) {
        self.steps.push((name, began, took));
    }
}

/// Is the span of this request recorded?
pub fn is_recorded(request: &actix_web::HttpRequest) -> bool {
    OF_PROCESS.get().is_some() && request.extensions().contains::<Facts>()
}

/// Leaves `facts` for the span of `request`.
pub fn tell(request: &actix_web::HttpRequest, facts: Facts) {
    request.extensions_mut().insert(facts);
}

impl RequestTrace {
    /// Begins the span of `request`, if there is a collector and the request is to be recorded.
    pub(super) fn begin(request: &ServiceRequest) -> Option<Self> {
        let traces = OF_PROCESS.get()?;
        if UNTRACED.iter().any(|path| request.path().ends_with(path)) {
            return None;
        }
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let is_trusted = peer.is_some_and(|peer| traces.trusted.iter().any(|network| network.contains(&peer)));
        let caller = Caller::of(request.headers(), is_trusted);
        let (began, at) = (Instant::now(), opentelemetry::time::now());
        let builder =
            traces.tracer.span_builder(method(request.method())).with_kind(SpanKind::Server).with_start_time(at);
        let span = match caller {
            Caller::Nobody => traces.tracer.build_with_context(builder, &Context::new()),
            Caller::Parent(context) => traces.tracer.build_with_context(builder, &context),
            Caller::Stranger(link) => traces.tracer.build_with_context(builder.with_links(vec![link]), &Context::new()),
        };
        if !span.is_recording() {
            return None;
        }
        // Also a request whose caller goes away has its span.
        COUNTS.add_made(1);
        request.extensions_mut().insert(Facts::default());
        Some(Self { span, began, at })
    }

    /// Ends the span with what became of the request.
    pub(super) fn end<B>(self, response: &ServiceResponse<B>, id: &RequestId) {
        let Some(traces) = OF_PROCESS.get() else { return };
        let Self { mut span, began, at } = self;
        let request = response.request();
        let method = method(request.method());
        span.set_attribute(KeyValue::new("http.request.method", method));
        if let Some(route) = request.match_pattern() {
            span.update_name(format!("{method} {route}"));
            span.set_attribute(KeyValue::new("http.route", route));
        }
        let status = response.status();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        span.set_attribute(KeyValue::new("tokenhouse.request_id", id.as_str().to_owned()));
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        let facts = request.extensions_mut().remove::<Facts>().unwrap_or_default();
        span.set_attributes(facts.attributes);
        let parent = Context::new().with_remote_span_context(span.span_context().clone());
        COUNTS.add_made(facts.steps.len());
        for (name, step_began, took) in facts.steps {
            let step_at = at + step_began.saturating_duration_since(began);
            let builder = traces.tracer.span_builder(name).with_kind(SpanKind::Internal).with_start_time(step_at);
            traces.tracer.build_with_context(builder, &parent).end_with_timestamp(step_at + took);
        }
        span.end();
    }
}

/// The method, if it is one of those that everybody knows: any other is a word of the caller's.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}
