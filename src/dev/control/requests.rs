//! `/_control/requests`: what was asked, and how it was answered.

use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, Responder};
use serde::Deserialize;

use super::answer::{nothing, ok_json};
use super::body::query;
use super::only;
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::endpoint::Endpoints;
use crate::dev::issuers::Issuers;
use crate::dev::request_log::{KEPT, RequestFilter};

/// How long is waited at most, in seconds.
const LONGEST_WAIT: u64 = 60;

/// How often is looked whether the process has been told to stop.
const STOPPING: Duration = Duration::from_millis(200);

pub(super) fn configure(config: &mut ServiceConfig) {
    let resource = web::resource("/requests").route(web::get().to(list)).route(web::delete().to(clear));
    config.service(only("GET, DELETE", resource));
}

/// Which requests are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    since: u64,
    endpoint: Option<Endpoints>,
    client_id: Option<String>,
    #[serde(default)]
    wait_for: usize,
    timeout_seconds: Option<u64>,
}

async fn list(
    request: HttpRequest,
    issuer: web::Data<DrivenIssuer>,
    issuers: web::Data<Issuers>,
) -> Result<impl Responder, DriveError> {
    let Wanted { since, endpoint, client_id, wait_for, timeout_seconds } = query(request.query_string())?;
    if wait_for > KEPT {
        return Err(DriveError::Invalid(format!("wait_for is at most {KEPT}: no more requests are kept")));
    }
    let seconds = timeout_seconds.unwrap_or(5);
    if seconds > LONGEST_WAIT {
        return Err(DriveError::Invalid(format!("timeout_seconds is at most {LONGEST_WAIT}: ask again after that")));
    }
    let filter = RequestFilter { since, endpoint, client_id };
    let stopped = async {
        while !issuers.stopping().has_begun() {
            tokio::time::sleep(STOPPING).await;
        }
    };
    let found = tokio::select! {
        found = issuer.requests().wait(&filter, wait_for, Duration::from_secs(seconds)) => found,
        // Nobody's end is held up by somebody who waits.
        () = stopped => issuer.requests().list(&filter, wait_for),
    };
    Ok(ok_json(found.to_json()))
}

async fn clear(issuer: web::Data<DrivenIssuer>) -> impl Responder {
    issuer.requests().clear();
    nothing()
}
