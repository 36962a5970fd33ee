//! What is answered until everything stored has been read for the first time? That it will soon be otherwise.

use std::sync::Arc;

use actix_web::guard::{Guard, fn_guard};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::IssuerEndpoints;
use super::error::plain_error;
use super::management;
use super::token::read_body;
use crate::issuer::served::Served;

/// How long a caller should wait before it asks again, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// What the caller is told.
pub(super) const LOADING: &str = "the server has just started and is still loading: try again in a second";

/// Takes every path under `issuer_path` that is registered later, until `served` is loaded: nobody is unknown or refused only
/// because not everybody is known yet.
pub fn configure(config: &mut ServiceConfig, issuer_path: &str, served: &Arc<Served>) {
    let management = management::root(issuer_path);
    for (path, answer) in
        [(management.as_str(), management::still_loading as fn() -> HttpResponse), ("", still_loading)]
    {
        let refuse = move |request, payload, endpoints| refuse(answer, request, payload, endpoints);
        config.service(web::scope(path).guard(is_loading(served.clone())).default_service(web::to(refuse)));
    }
}

fn is_loading(served: Arc<Served>) -> impl Guard {
    fn_guard(move |_| !served.is_loaded())
}

async fn refuse(
    answer: fn() -> HttpResponse,
    request: HttpRequest,
    payload: web::Payload,
    endpoints: web::Data<IssuerEndpoints>,
) -> HttpResponse {
    // Read, so that the connection can be used again.
    let _ = read_body(&request, payload, &endpoints).await;
    answer()
}

fn still_loading() -> HttpResponse {
    let mut response = plain_error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", LOADING);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    response
}
