//! How do spans reach the collector? In batches, by OTLP over HTTP (protobuf), from a thread that nobody waits for.
//!
//! The exporter of the OpenTelemetry project is not used: it reads settings from variables of its own, secrets among them, and
//! brings a client. The messages are that project's, and so are queue, batches and sampling.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Runtime;
use url::Url;

use super::TracesError;
use super::counts::COUNTS;
use crate::config::Collector;

/// How long the collector may take for a batch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends batches of spans.
#[derive(Debug)]
pub(super) struct OtlpExporter {
    url: Url,
    client: reqwest::Client,
    /// The thread that sends is no thread of tokio.
    runtime: Runtime,
    resource: ResourceAttributesWithSchema,
    is_failing: AtomicBool,
}

impl OtlpExporter {
    pub(super) fn new(collector: &Collector) -> Result<Self, TracesError> {
        // Only the first call installs it; afterwards it is there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers(collector));
        if let Some(path) = &collector.ca_file {
            let pem = std::fs::read(path).map_err(TracesError::CaFile)?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| TracesError::Certificate)?;
            if certificates.is_empty() {
                return Err(TracesError::Certificate);
            }
            builder = builder.tls_certs_only(certificates);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self {
            url: collector.url.clone(),
            client: builder.build()?,
            runtime: runtime.map_err(TracesError::Runtime)?,
            resource: ResourceAttributesWithSchema::default(),
            is_failing: AtomicBool::new(false),
        })
    }

    fn send(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/x-protobuf").body(body);
        let sent = self.runtime.block_on(async { request.send().await?.error_for_status() });
        match sent {
            Ok(_) => {
                COUNTS.add_taken(count);
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the collector takes traces again");
                }
                Ok(())
            }
            Err(cause) => {
                COUNTS.add_refused(count);
                let cause = reason(&cause.without_url());
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        cause,
                        spans = count,
                        "the collector takes no traces; they are dropped until it does"
                    );
                }
                Err(OTelSdkError::InternalFailure(cause))
            }
        }
    }
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.send(batch)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

/// They passed their grammar when they were read, so none is left out.
fn headers(collector: &Collector) -> HeaderMap {
    let pairs = collector.headers.expose().iter().filter_map(|(name, value)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    });
    pairs.collect()
}

/// The error with what lies behind it; reqwest's own words say little.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
