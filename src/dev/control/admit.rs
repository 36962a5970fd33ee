//! Who calls the control API? Whoever has its key (RFC 6750 §2.1)

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web;

use super::answer::invalid_key;
use crate::dev::issuers::Issuers;

/// Goes on with the right key only.
pub(super) async fn require_key(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let presented = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let opens = request.app_data::<web::Data<Issuers>>().is_some_and(|issuers| issuers.key().opens(presented));
    if opens { next.call(request).await } else { Ok(request.into_response(invalid_key())) }
}
