//! `/_control/issuers`: further issuers in the same process. They belong to the control API of the issuer at the root.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{created, nothing, ok};
use super::body::Json;
use super::only;
use crate::dev::demo::Demo;
use crate::dev::drive::parse_document;
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::issuers::{Issuers, MOST_NAMED};
use crate::dev::route::off_the_workers;

pub(super) fn configure(config: &mut ServiceConfig) {
    let all = web::resource("/issuers").route(web::get().to(list)).route(web::post().to(create));
    config.service(only("GET, POST", all));
    config.service(only("DELETE", web::resource("/issuers/{name}").route(web::delete().to(delete))));
}

/// An issuer as it is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: Option<String>,
    seed: Option<Map<String, Value>>,
}

/// A named issuer knows only itself.
fn must_be_root(issuer: &DrivenIssuer, issuers: &Issuers) -> Result<(), DriveError> {
    if issuer.origin().name.is_none() {
        return Ok(());
    }
    let root = issuers.root().origin().issuer.endpoint("_control/issuers");
    Err(DriveError::NotFound(format!("issuers are created, listed and deleted at {root}")))
}

async fn list(issuer: web::Data<DrivenIssuer>, issuers: web::Data<Issuers>) -> Result<impl Responder, DriveError> {
    must_be_root(&issuer, &issuers)?;
    let named: Vec<Value> = issuers
        .named()
        .iter()
        .map(|one| {
            let origin = one.origin();
            json!({ "name": origin.name.as_ref().map(ToString::to_string), "issuer": origin.issuer.as_str() })
        })
        .collect();
    Ok(ok(&json!({ "issuers": named, "limit": MOST_NAMED })))
}

async fn create(
    issuer: web::Data<DrivenIssuer>,
    issuers: web::Data<Issuers>,
    Json(Wanted { name, seed }): Json<Wanted>,
) -> Result<impl Responder, DriveError> {
    must_be_root(&issuer, &issuers)?;
    let made = off_the_workers(move || {
        let name = name.map(|name| name.parse()).transpose().map_err(DriveError::invalid)?;
        let seed = seed.map(|seed| parse_document(&Value::Object(seed).to_string())).transpose()?;
        Ok(issuers.create(name, seed.map(Demo::seeded))?)
    })
    .await?;
    Ok(created(&made.ready()))
}

async fn delete(
    issuer: web::Data<DrivenIssuer>,
    issuers: web::Data<Issuers>,
    name: web::Path<String>,
) -> Result<impl Responder, DriveError> {
    must_be_root(&issuer, &issuers)?;
    // Its threads end with it, which may take a moment.
    off_the_workers(move || issuers.delete(&name)).await?;
    Ok(nothing())
}
