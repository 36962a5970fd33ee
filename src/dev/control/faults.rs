//! `/_control/faults`: the next answers, spoilt.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;

use super::answer::{created, nothing, ok};
use super::body::Json;
use super::only;
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::fault::Fault;

pub(super) fn configure(config: &mut ServiceConfig) {
    let resource =
        web::resource("/faults").route(web::get().to(list)).route(web::post().to(add)).route(web::delete().to(clear));
    config.service(only("GET, POST, DELETE", resource));
}

async fn list(issuer: web::Data<DrivenIssuer>) -> impl Responder {
    ok(&json!({ "faults": issuer.faults().pending() }))
}

async fn add(issuer: web::Data<DrivenIssuer>, Json(fault): Json<Fault>) -> Result<impl Responder, DriveError> {
    Ok(created(&issuer.faults().add(fault)?))
}

async fn clear(issuer: web::Data<DrivenIssuer>) -> impl Responder {
    issuer.faults().clear();
    nothing()
}
