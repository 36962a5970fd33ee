//! `/_control/tokens`: any token, good or bad.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;

use super::answer::ok;
use super::body::Json;
use super::only;
use crate::dev::defect::{Defect, DefectEntry};
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::mint::MintRequest;
use crate::dev::route::off_the_workers;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only("POST", web::resource("/tokens").route(web::post().to(mint))))
        .service(only("GET", web::resource("/tokens/defects").route(web::get().to(defects))));
}

async fn mint(issuer: web::Data<DrivenIssuer>, Json(wanted): Json<MintRequest>) -> Result<impl Responder, DriveError> {
    let minted = off_the_workers(move || issuer.mint(&wanted)).await?;
    Ok(ok(&minted))
}

async fn defects() -> impl Responder {
    let entries: Vec<_> = Defect::ALL.iter().copied().map(DefectEntry::from).collect();
    ok(&json!({ "defects": entries }))
}
