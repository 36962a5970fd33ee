//! What does whoever watches the server get to see? `GET /metrics`, and the health checks beside it.
//!
//! These endpoints have a listener, a thread and a runtime of their own: they answer also while all others are busy. Values are
//! counted where they arise; here they are only read and written down.

mod exposition;
mod families;
mod process;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder};

use self::exposition::Exposition;
use super::error::{only, plain_error};
use super::{IssuerEndpoints, health};

/// OpenMetrics 1.0 as text, which Prometheus asks for.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The endpoints of the metrics listener, as a function that configures an application.
pub fn routes(endpoints: IssuerEndpoints) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let exposition = web::Data::new(Exposition::new(endpoints.clone()));
    let endpoints = web::Data::new(endpoints);
    move |config| {
        config.app_data(endpoints.clone()).app_data(exposition.clone()).default_service(web::to(not_found));
        config.service(only("GET, HEAD", health::resource("/metrics", metrics)));
        config.service(only("GET, HEAD", health::resource("/livez", health::livez)));
        config.service(only("GET, HEAD", health::resource("/readyz", health::readyz)));
    }
}

async fn metrics(exposition: web::Data<Exposition>) -> HttpResponse {
    match exposition.render() {
        Ok(text) => answer(StatusCode::OK).insert_header((CONTENT_TYPE, OPENMETRICS)).body(text),
        Err(cause) => {
            tracing::error!(%cause, "the metrics cannot be written");
            plain_error(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the metrics cannot be written: see the log")
        }
    }
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CACHE_CONTROL, "no-store"));
    response
}

async fn not_found() -> HttpResponse {
    plain_error(
        StatusCode::NOT_FOUND,
        "not_found",
        "no endpoint has this path; this address answers /metrics, /livez and /readyz",
    )
}
