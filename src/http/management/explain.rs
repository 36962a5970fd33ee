//! `explain`: which token would this client get, and if none, why?

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};

use super::call::Call;
use super::clients::existing;
use super::error::{ErrorBody, ManagementError, only};
use super::query::Query;
use crate::http::error::uncached;
use crate::issuer::explain::{Explanation, explain};
use crate::oauth::token_request::AccessRequest;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(only("GET", web::resource("/explain").route(web::get().to(show))));
}

/// Says which token a client would get for a request, and if none, why. No token is issued.
#[utoipa::path(
    get, path = "/explain", operation_id = "explain", tag = "clients",
    params(
        ("client_id" = String, Query, description = "The client"),
        ("audience" = Option<String>, Query, description = "The parameter audience of the token request"),
        ("scope" = Option<String>, Query, description = "The parameter scope of the token request"),
    ),
    responses(
        (status = 200, description = "What would be answered", body = Explanation),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn show(call: Call, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:clients"])?;
    let client_id = query.text("client_id")?.ok_or_else(|| ManagementError::query("client_id is missing"))?.to_owned();
    let request = AccessRequest {
        audience: query.text("audience")?.map(str::to_owned),
        resource: Vec::new(),
        scope: query.text("scope")?.map(str::to_owned),
    };
    let (compat, now) = (call.endpoints.issuer.compat(), call.endpoints.issuer.clock().now());
    let explanation = call.read(move |reader| {
        let client = existing(reader, &client_id)?;
        Ok(explain(&client, &reader.list_apis()?, &request, compat, now))
    });
    Ok(uncached(StatusCode::OK).json(explanation.await?))
}
