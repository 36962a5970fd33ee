//! Does the request line name the same host as the header? (RFC 9112 §3.2.2)
//!
//! Neither decides anything here. But a proxy in front may go by the one and log or limit by the other.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::HOST;

use crate::http::error::plain_error;

/// The refusal, 400, of a target in absolute form with another host than the `Host` header; nothing more is read of that connection.
pub fn refuse_other_host(request: &ServiceRequest) -> Option<HttpResponse> {
    let named = request.head().uri.authority()?;
    let host = request.headers().get(HOST).map(|host| host.as_bytes()).unwrap_or_default();
    (!named.as_str().as_bytes().eq_ignore_ascii_case(host)).then(|| {
        let description = "the request line and the Host header name different hosts";
        let mut refusal = plain_error(StatusCode::BAD_REQUEST, "invalid_request", description);
        refusal.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
        refusal
    })
}
