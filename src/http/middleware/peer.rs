//! Who sent the request, and is it served at all? Every request gets its client's address before its endpoint.

use actix_web::HttpMessage as _;
use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;

use crate::http::client_address::PeerRules;
use crate::http::error::plain_error;

/// Leaves the client's address with the request, or gives the refusal, 403, of a peer that `rules` do not serve.
pub fn identify_client(request: &ServiceRequest, rules: &PeerRules) -> Option<HttpResponse> {
    let peer = request.peer_addr()?.ip();
    let client_address = rules.client_address(peer, request.headers());
    if !rules.serves(peer, request.path()) {
        tracing::info!(
            client_address = %client_address.0,
            "refused: the connection does not come from a proxy in server.trusted_proxies"
        );
        return Some(plain_error(
            StatusCode::FORBIDDEN,
            "forbidden",
            "this address takes requests from its proxies only: use the address that the issuer names",
        ));
    }
    request.extensions_mut().insert(client_address);
    None
}
