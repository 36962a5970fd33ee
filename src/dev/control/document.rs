//! `/_control/document`: all objects of the issuer, as one document.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, Responder};
use serde::Deserialize;

use super::answer::ok;
use super::body::{Text, query};
use super::only;
use crate::dev::drive::{Unnamed, parse_document};
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::route::off_the_workers;

pub(super) fn configure(config: &mut ServiceConfig) {
    let resource = web::resource("/document").route(web::get().to(show)).route(web::put().to(apply));
    config.service(only("GET, PUT", resource));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct How {
    #[serde(default)]
    prune: bool,
}

async fn show(issuer: web::Data<DrivenIssuer>) -> Result<impl Responder, DriveError> {
    let document = off_the_workers(move || issuer.export()).await?;
    Ok(ok(&document))
}

async fn apply(
    request: HttpRequest,
    issuer: web::Data<DrivenIssuer>,
    Text(text): Text,
) -> Result<impl Responder, DriveError> {
    let how: How = query(request.query_string())?;
    let unnamed = if how.prune { Unnamed::Go } else { Unnamed::Stay };
    let plan = off_the_workers(move || issuer.apply(&parse_document(&text)?, unnamed)).await?;
    Ok(ok(&plan))
}
