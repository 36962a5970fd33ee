//! How is the API described to programs? (OpenAPI 3.1.0)

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, ContentType};

/// Written by hand; a test keeps it in step with the endpoints.
const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .content_type(ContentType::json())
        .body(DOCUMENT)
}
