//! What every request passes through before its endpoint.

pub mod head_limit;
pub mod peer;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::client_address::PeerRules;

/// Refuses heads of more than `head_bytes` bytes and peers that `peers` do not serve; leaves the client's address with the
/// others.
///
/// One layer for both: each layer costs every request its own boxes.
///
/// # Errors
/// Those of the service behind it.
pub async fn screen<B: MessageBody>(
    head_bytes: usize,
    peers: PeerRules,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let refusal = head_limit::refuse_long_head(&request, head_bytes);
    match refusal.or_else(|| peer::identify_client(&request, &peers)) {
        Some(refusal) => Ok(request.into_response(refusal).map_into_right_body()),
        None => next.call(request).await.map(ServiceResponse::map_into_left_body),
    }
}
