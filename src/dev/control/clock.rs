//! `/_control/clock`: the time that the issuer goes by.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::answer::ok;
use super::body::Json;
use super::only;
use crate::clock::UnixMillis;
use crate::dev::clock::{ClockChange, ClockTime};
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

/// A time, as it is sent.
struct Now(ClockTime);

/// Tells a member that is null from one that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Now>, D::Error> {
    Now::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Now {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self(ClockTime::System));
        }
        let seconds = value.as_i64().map(|seconds| UnixMillis(0).plus_seconds(seconds));
        let instant = || value.as_str()?.parse::<Timestamp>().ok().map(|at| UnixMillis(at.as_millisecond()));
        seconds.or_else(instant).map(|at| Self(ClockTime::At(at))).ok_or_else(|| {
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
    let change = ClockChange { time: now.map(|Now(time)| time), frozen };
    let reading = off_the_workers(move || issuer.set_clock(|clock| clock.change(change)));
    Ok(ok(&reading.await?))
}

async fn advance(
    issuer: web::Data<DrivenIssuer>,
    Json(Advance { seconds }): Json<Advance>,
) -> Result<impl Responder, DriveError> {
    let moved = move || issuer.set_clock(|clock| clock.advance(seconds.saturating_mul(1000)));
    Ok(ok(&off_the_workers(moved).await?))
}
