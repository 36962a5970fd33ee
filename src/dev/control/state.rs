//! `GET /_control/`, `POST /_control/reset`: how is the issuer, and how does it begin anew?

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::ok;
use super::body::Json;
use super::only;
use crate::dev::clock::ClockReading;
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::ready_line::ReadyLine;
use crate::dev::request_log::LogExtent;
use crate::dev::route::off_the_workers;

pub(super) fn configure(config: &mut ServiceConfig) {
    for path in ["", "/"] {
        config.service(only("GET", web::resource(path).route(web::get().to(show))));
    }
    config.service(only("POST", web::resource("/reset").route(web::post().to(reset))));
}

/// The state of an issuer. Not `Debug`: it holds secrets.
#[derive(Serialize)]
struct State {
    issuer: String,
    name: Option<String>,
    ready: ReadyLine,
    clock: ClockReading,
    faults: Value,
    requests: LogExtent,
    counts: Value,
}

impl State {
    fn of(issuer: &DrivenIssuer) -> Result<Self, DriveError> {
        let [clients, apis, signing_keys] = issuer.counts()?;
        let pending: u64 = issuer.faults().pending().iter().map(|fault| u64::from(fault.left)).sum();
        Ok(Self {
            issuer: issuer.origin().issuer.as_str().to_owned(),
            name: issuer.origin().name.as_ref().map(ToString::to_string),
            ready: issuer.ready(),
            clock: issuer.clock().read(),
            faults: json!({ "pending": pending }),
            requests: issuer.requests().extent(),
            counts: json!({ "clients": clients, "apis": apis, "signing_keys": signing_keys }),
        })
    }
}

async fn answer(issuer: web::Data<DrivenIssuer>) -> Result<HttpResponse, DriveError> {
    let state = off_the_workers(move || State::of(&issuer)).await?;
    Ok(ok(&state))
}

async fn show(issuer: web::Data<DrivenIssuer>) -> Result<impl Responder, DriveError> {
    answer(issuer).await
}

/// There is nothing to say.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn reset(issuer: web::Data<DrivenIssuer>, Json(Nothing {}): Json<Nothing>) -> Result<impl Responder, DriveError> {
    let again = issuer.clone();
    off_the_workers(move || Ok(again.reset()?)).await?;
    answer(issuer).await
}
