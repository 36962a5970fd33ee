//! How does every request get its id, its trace and its line in the log?

use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::Instrument as _;

use super::request_id::RequestId;
use super::traces::RequestTrace;

/// The header that carries the id in both directions.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, or keeps the caller's, and answers with it; logs each request at `debug` by its route, not
/// by its path and query, which may hold what belongs in no log.
///
/// # Errors
/// Those of the service behind it. Handlers and extractors turn theirs into answers before they come here.
pub async fn identify_request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let chosen = request.headers().get(&X_REQUEST_ID).and_then(|value| RequestId::parse(value.to_str().ok()?));
    let id = chosen.unwrap_or_else(RequestId::generate);
    let span = tracing::info_span!("request", request_id = id.as_str());
    let started = Instant::now();
    request.extensions_mut().insert(id.clone());
    let trace = RequestTrace::begin(&request);

    let mut response = next.call(request).instrument(span.clone()).await?;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    if let Some(trace) = trace {
        trace.end(&response, &id);
    }
    // To find the route again costs more than the rest of this.
    if tracing::enabled!(tracing::Level::DEBUG) {
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let status = response.status().as_u16();
        let method = response.request().method();
        let route = response.request().match_pattern();
        let route = route.as_deref().unwrap_or("none");
        span.in_scope(|| tracing::debug!(%method, route, status, micros, "answered"));
    }
    Ok(response)
}
