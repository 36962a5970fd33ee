//! Who sent the request, and is it served at all? Every request gets its client's address before its endpoint.

use actix_web::HttpMessage as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;

use crate::http::client_address::PeerRules;
use crate::http::error::plain_error;

/// Leaves the client's address with the request; refuses peers that `rules` do not serve with 403.
///
/// # Errors
/// Those of the service behind it.
pub async fn identify_client<B: MessageBody>(
    rules: PeerRules,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if let Some(peer) = request.peer_addr().map(|peer| peer.ip()) {
        let client_address = rules.client_address(peer, request.headers());
        if !rules.serves(peer, request.path()) {
            tracing::info!(
                client_address = %client_address.0,
                "refused: the connection does not come from a proxy in server.trusted_proxies"
            );
            let refusal = plain_error(
                StatusCode::FORBIDDEN,
                "forbidden",
                "this address takes requests from its proxies only: use the address that the issuer names",
            );
            return Ok(request.into_response(refusal).map_into_right_body());
        }
        request.extensions_mut().insert(client_address);
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}
