//! The authorization endpoint, which strict discovery clients want named and which always refuses (RFC 6749 §3.1).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::error::plain_error;

/// Refuses: there are no users here to authorize anything. Never a redirect.
pub async fn refuse() -> HttpResponse {
    plain_error(
        StatusCode::BAD_REQUEST,
        "unsupported_response_type",
        "this server issues tokens for the client credentials grant only: use the token endpoint",
    )
}
