//! Is the head of the request small enough? actix reads up to 128 KiB; nothing here needs a tenth of it.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;

use crate::http::error::plain_error;

/// The refusal of a head of more than `limit` bytes, 431 (RFC 6585 §5).
pub fn refuse_long_head(request: &ServiceRequest, limit: usize) -> Option<HttpResponse> {
    let uri = request.head().uri.path_and_query().map_or(0, |uri| uri.as_str().len());
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    (uri + headers > limit).then(|| {
        let description = format!("the request line and headers are longer than {limit} bytes");
        plain_error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "invalid_request", &description)
    })
}
