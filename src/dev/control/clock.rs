//! `/_control/clock`: the time that the issuer goes by.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::answer::ok;
use super::body::Json;
use super::only;
use crate::clock::UnixMillis;
use crate::dev::drive_error::DriveError;
use crate::dev::driven_issuer::DrivenIssuer;
use crate::dev::route::off_the_workers;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only("GET, PUT", web::resource("/clock").route(web::get().to(show)).route(web::put().to(set))))
        .service(only("POST", web::resource("/clock/advance").route(web::post().to(advance))));
}

/// What the clock is to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    #[serde(default, deserialize_with = "present")]
    now: Option<Now>,
    frozen: Option<bool>,
}

/// A time: the system's, or another one.
#[derive(Clone, Copy)]
enum Now {
    System,
    At(UnixMillis),
}

/// Tells a member that is null from one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Now>, D::Error> {
    Now::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Now {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::System);
        }
        let seconds = value.as_i64().map(|seconds| UnixMillis(0).plus_seconds(seconds));
        let instant = || value.as_str()?.parse::<Timestamp>().ok().map(|at| UnixMillis(at.as_millisecond()));
        seconds.or_else(instant).map(Self::At).ok_or_else(|| {
            serde::de::Error::custom("now is whole Unix seconds, an instant such as \"2027-01-01T00:00:00Z\", or null")
        })
    }
}

/// How far the clock is moved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

async fn show(issuer: web::Data<DrivenIssuer>) -> impl Responder {
    ok(&issuer.clock().read())
}

async fn set(
    issuer: web::Data<DrivenIssuer>,
    Json(Setting { now, frozen }): Json<Setting>,
) -> Result<impl Responder, DriveError> {
    let reading = off_the_workers(move || {
        issuer.set_clock(|clock| {
            // First, so that a clock that is stopped and set shows exactly what it was set to.
            if frozen == Some(true) {
                clock.freeze();
            }
            match now {
                Some(Now::System) => clock.set_to_system(),
                Some(Now::At(at)) => clock.set(at)?,
                None => {}
            }
            if frozen == Some(false) {
                clock.unfreeze();
            }
            Ok(())
        })
    });
    Ok(ok(&reading.await?))
}

async fn advance(
    issuer: web::Data<DrivenIssuer>,
    Json(Advance { seconds }): Json<Advance>,
) -> Result<impl Responder, DriveError> {
    let moved = move || issuer.set_clock(|clock| clock.advance(seconds.saturating_mul(1000)));
    Ok(ok(&off_the_workers(moved).await?))
}
