//! How is an error written on the wire? Here and nowhere else. (RFC 6749 §5.2)

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Resource, web};
use serde::Serialize;

use crate::oauth::error::{RenderedError, TokenError};
use crate::oauth::resource::Compat;
use crate::oauth::secret_error::SecretError;

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// The answer to a token request that is refused.
///
/// `used_basic` says whether the client tried HTTP Basic: only then is there a challenge (RFC 6749 §5.2), which
/// elsewhere would hide the error from real libraries.
pub fn token_error(error: &TokenError, compat: Compat, used_basic: bool) -> HttpResponse {
    rendered_error(&error.render(compat), used_basic)
}

/// The answer to a client that is refused a new secret, as at the token endpoint.
pub fn secret_error(error: &SecretError, compat: Compat, used_basic: bool) -> HttpResponse {
    rendered_error(&error.render(compat), used_basic)
}

fn rendered_error(error: &RenderedError, used_basic: bool) -> HttpResponse {
    let RenderedError { status, error, description, retry_after } = error;
    let (status, error) = (*status, *error);
    let mut response = uncached(status_code(status));
    if status == 401 && used_basic {
        response.insert_header((WWW_AUTHENTICATE, r#"Basic realm="tokenhouse", charset="UTF-8""#));
    }
    if let Some(seconds) = retry_after {
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    response.json(ErrorBody { error, error_description: description })
}

/// An answer that must not be stored (RFC 6749 §5.1).
pub fn uncached(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CACHE_CONTROL, "no-store")).insert_header((PRAGMA, "no-cache"));
    response
}

/// An answer in the same form for what is no token request.
pub fn plain_error(status: StatusCode, error: &str, description: &str) -> HttpResponse {
    uncached(status).json(ErrorBody { error, error_description: description })
}

/// Answers every other method than those of `resource` with 405, naming the `allowed` ones (RFC 9110 §15.5.6).
pub fn only(allowed: &'static str, resource: Resource) -> Resource {
    resource.default_service(web::to(move || async move {
        let mut response = uncached(StatusCode::METHOD_NOT_ALLOWED);
        response.insert_header((ALLOW, allowed));
        let description = format!("this endpoint answers to {allowed} only");
        response.json(ErrorBody { error: "invalid_request", error_description: &description })
    }))
}

/// The answer where no endpoint is.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    let _ = request;
    plain_error(
        StatusCode::NOT_FOUND,
        "not_found",
        "no endpoint has this path; the metadata at /.well-known/openid-configuration under the issuer names them",
    )
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
