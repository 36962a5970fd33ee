//! Which methods does each address have, and what do those answer that are not about users?

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{HttpResponse, Resource, Route, guard, web};
use jiff::Timestamp;
use serde_json::json;
use tokenhouse_verifier::AccessToken;
use tokenhouse_verifier::actix::one_bearer_method;

use super::body::MAX_BODY_BYTES;
use super::error::ApiError;
use super::protected_resource::{METADATA_PATH, ProtectedResource};
use super::user_routes;

/// Every address of the API, as `openapi.json` lists them.
#[cfg(test)]
pub(super) const PATHS: [&str; 6] = ["/users", "/users/{id}", "/whoami", "/healthz", METADATA_PATH, "/openapi.json"];

/// The description of the API (OpenAPI 3.1).
pub(super) const OPENAPI: &str = include_str!("openapi.json");

/// What holds no user's data may be kept for a while.
const CACHEABLE: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "public, max-age=3600");

/// All routes of the API.
pub(super) fn routes() -> impl HttpServiceFactory {
    web::scope("")
        .wrap(from_fn(one_bearer_method))
        // RFC 6750 §5.3: what was got with a token is kept in no cache.
        .wrap(DefaultHeaders::new().add((CACHE_CONTROL, "no-store")))
        .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
        .service(
            resource("/users", "GET, HEAD, POST")
                .route(get().to(user_routes::list))
                .route(web::post().to(user_routes::create)),
        )
        .service(
            resource("/users/{id}", "GET, HEAD, PATCH, DELETE")
                .route(get().to(user_routes::get))
                .route(web::method(Method::PATCH).to(user_routes::update))
                .route(web::delete().to(user_routes::delete)),
        )
        .service(resource("/whoami", "GET, HEAD").route(get().to(whoami)))
        .service(resource("/healthz", "GET, HEAD").route(get().to(healthz)))
        .service(resource(METADATA_PATH, "GET, HEAD").route(get().to(metadata)))
        .service(resource("/openapi.json", "GET, HEAD").route(get().to(openapi)))
        .default_service(web::to(async || Err::<HttpResponse, _>(ApiError::NoSuchRoute)))
}

fn resource(path: &str, allow: &'static str) -> Resource {
    let not_allowed = move || std::future::ready(Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }));
    web::resource(path).default_service(web::to(not_allowed))
}

/// RFC 9110 §9.3.2: `HEAD` is `GET` without the body, which the server leaves out by itself.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn whoami(token: AccessToken) -> HttpResponse {
    // A verified `exp` is at most 2^53, which reaches beyond the year 9999 that a timestamp ends with.
    let seconds = i64::try_from(token.expires_at()).unwrap_or(i64::MAX);
    let expires_at = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    HttpResponse::Ok().json(json!({
        "client_id": token.client(), "scope": token.scope().to_string(), "expires_at": expires_at,
    }))
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

async fn metadata(resource: web::Data<ProtectedResource>) -> HttpResponse {
    HttpResponse::Ok().insert_header(CACHEABLE).json(resource.metadata())
}

async fn openapi() -> HttpResponse {
    HttpResponse::Ok().insert_header(CACHEABLE).content_type("application/json").body(OPENAPI)
}
