//! `clients/{id}/usage` and `stats`: how often were clients answered?

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use jiff::Timestamp;

use super::call::Call;
use super::clients::existing;
use super::error::{ErrorBody, ManagementError, only};
use super::query::Query;
use crate::clock::UnixMillis;
use crate::http::error::uncached;
use crate::issuer::usage::report::{ClientUsage, Period, Resolution, Stats};

/// Days that are told if the query does not say.
const DEFAULT_DAYS: u32 = 30;
/// Most days that are told: as long as counts are kept.
const MAX_DAYS: u32 = 400;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only("GET", web::resource("/clients/{id}/usage").route(web::get().to(client))))
        .service(only("GET", web::resource("/stats").route(web::get().to(all))));
}

/// How often a client was answered, by the day.
#[utoipa::path(
    get, path = "/clients/{id}/usage", operation_id = "show_client_usage", tag = "usage",
    params(
        ("id" = String, Path, description = "client_id"),
        ("days" = Option<u32>, Query, minimum = 1, maximum = 400, description = "Today (UTC) and the days before it; default 30"),
        ("from" = Option<String>, Query, description = "RFC 3339; with to in place of days"),
        ("to" = Option<String>, Query, description = "RFC 3339; default now"),
        ("hours" = Option<bool>, Query, description = "`true`: also by the hour"),
    ),
    responses(
        (status = 200, description = "What was counted", body = ClientUsage),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn client(call: Call, id: web::Path<String>, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:stats"])?;
    let period = period(&query, call.endpoints.issuer.clock().now())?;
    let resolution = if query.boolean("hours")? == Some(true) { Resolution::Hours } else { Resolution::Days };
    let found = call.read(move |reader| existing(reader, &id)).await?;
    let issuer = call.endpoints.issuer.clone();
    let usage = call.blocking(move || Ok(issuer.client_usage(&found, period, resolution)?)).await?;
    Ok(uncached(StatusCode::OK).json(usage))
}

/// How often all clients together were answered, by the day, and which were the busiest.
#[utoipa::path(
    get, path = "/stats", operation_id = "show_stats", tag = "usage",
    params(
        ("days" = Option<u32>, Query, minimum = 1, maximum = 400, description = "Today (UTC) and the days before it; default 30"),
        ("from" = Option<String>, Query, description = "RFC 3339; with to in place of days"),
        ("to" = Option<String>, Query, description = "RFC 3339; default now"),
    ),
    responses(
        (status = 200, description = "What was counted", body = Stats),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn all(call: Call, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:stats"])?;
    let period = period(&query, call.endpoints.issuer.clock().now())?;
    let issuer = call.endpoints.issuer.clone();
    let stats = call.blocking(move || Ok(issuer.stats(period)?)).await?;
    Ok(uncached(StatusCode::OK).json(stats))
}

fn period(query: &Query, now: UnixMillis) -> Result<Period, ManagementError> {
    let instant = |name| query.parsed(name).map(|at: Option<Timestamp>| at.map(|at| UnixMillis(at.as_millisecond())));
    let days = query.number("days", 1, MAX_DAYS)?;
    match (instant("from")?, instant("to")?, days) {
        (None, None, days) => Ok(Period::last_days(days.unwrap_or(DEFAULT_DAYS), now)),
        (Some(from), to, None) if to.unwrap_or(now) > from => Ok(Period::between(from, to.unwrap_or(now))),
        (Some(_), _, None) => Err(ManagementError::query("to must be after from")),
        (None, Some(_), None) => Err(ManagementError::query("to needs from beside it")),
        (_, _, Some(_)) => Err(ManagementError::query("give either days, or from and to")),
    }
}
