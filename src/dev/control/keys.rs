//! `/_control/keys`: the signing keys, rotated or withdrawn at once.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::ok;
use super::body::Json;
use super::only;
use crate::dev::drive::shown;
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::route::off_the_workers;
use crate::keys::SigningAlg;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only("GET", web::resource("/keys").route(web::get().to(list))))
        .service(only("POST", web::resource("/keys/rotate").route(web::post().to(rotate))))
        .service(only("POST", web::resource("/keys/drop").route(web::post().to(drop_key))));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    alg: Option<SigningAlg>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdraw {
    kid: Option<String>,
}

async fn list(issuer: web::Data<DrivenIssuer>) -> Result<impl Responder, DriveError> {
    let keys = off_the_workers(move || issuer.keys()).await?;
    let keys: Vec<Value> = keys.iter().map(shown).collect();
    Ok(ok(&json!({ "keys": keys })))
}

async fn rotate(
    issuer: web::Data<DrivenIssuer>,
    Json(Rotate { alg }): Json<Rotate>,
) -> Result<impl Responder, DriveError> {
    let after = off_the_workers(move || issuer.rotate_keys(alg.unwrap_or(SigningAlg::Rs256))).await?;
    Ok(ok(&json!({ "active": after.active.as_ref().map(shown), "next": after.next.as_ref().map(shown) })))
}

async fn drop_key(
    issuer: web::Data<DrivenIssuer>,
    Json(Withdraw { kid }): Json<Withdraw>,
) -> Result<impl Responder, DriveError> {
    let (dropped, after) = off_the_workers(move || issuer.drop_key(kid.as_deref())).await?;
    Ok(ok(&json!({ "dropped": shown(&dropped), "active": after.active.as_ref().map(shown) })))
}
