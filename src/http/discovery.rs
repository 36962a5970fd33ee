//! The JWK Set and the metadata document (RFC 7517 §5, RFC 8414 §3).

use actix_web::{HttpRequest, HttpResponse, web};

use super::IssuerEndpoints;
use super::cached_document::respond;

/// Answers with the JWK Set.
pub async fn jwk_set(request: HttpRequest, endpoints: web::Data<IssuerEndpoints>) -> HttpResponse {
    respond(&request, &endpoints.issuer.served().snapshot().jwk_set, &endpoints.document_age)
}

/// Answers with the metadata document.
pub async fn metadata(request: HttpRequest, endpoints: web::Data<IssuerEndpoints>) -> HttpResponse {
    respond(&request, &endpoints.issuer.served().snapshot().metadata, &endpoints.document_age)
}
