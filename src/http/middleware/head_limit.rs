//! Is the head of the request small enough? actix reads up to 128 KiB; nothing here needs a tenth of it.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;

use crate::http::error::plain_error;

/// Refuses heads of more than `limit` bytes with 431 (RFC 6585 §5).
///
/// # Errors
/// Those of the service behind it.
pub async fn limit_head<B: MessageBody>(
    limit: usize,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let uri = request.head().uri.path_and_query().map_or(0, |uri| uri.as_str().len());
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if uri + headers > limit {
        let description = format!("the request line and headers are longer than {limit} bytes");
        let refusal = plain_error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "invalid_request", &description);
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}
