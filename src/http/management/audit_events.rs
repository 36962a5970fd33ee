//! `audit-events`: who changed what, newest first, filtered and paged.

use actix_web::Responder;
use actix_web::web::{self, ServiceConfig};
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::call::Call;
use super::error::{ErrorBody, ManagementError, only};
use super::listing::{ListParameters, Listing};
use super::query::Query;
use crate::clock::UnixMillis;
use crate::issuer::audit::AuditEventEntry;
use crate::store::{AuditAction, AuditFilter, ObjectKind, Page};

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(only("GET", web::resource("/audit-events").route(web::get().to(list))));
}

/// Lists recorded changes, newest first.
#[utoipa::path(
    get, path = "/audit-events", operation_id = "list_audit_events", tag = "audit-events",
    params(
        ListParameters,
        ("object_kind" = Option<String>, Query, description = "api, client, client_secret, grant, signing_key …"),
        ("object_id" = Option<String>, Query, description = "The object, as the events name it"),
        ("actor" = Option<String>, Query, description = "The client id or the name of the user"),
        ("action" = Option<String>, Query, description = "create, update, delete …"),
        ("since" = Option<String>, Query, description = "RFC 3339; at this time or later"),
        ("until" = Option<String>, Query, description = "RFC 3339; before this time"),
    ),
    responses(
        (status = 200, description = "An array of AuditEventEntry; with include_totals, or from and take, an object that holds it as audit_events", body = Value),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn list(call: Call, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:audit_events"])?;
    let listing = Listing::of(&query)?;
    let mut filter = filter(&query)?;
    let page = listing.to_read();
    let read = call.read(move |reader| {
        // The list is newest first: what comes after an event is older.
        if let Some(after) = page.after {
            let position = reader.audit_position(after)?;
            filter.before = Some(position.ok_or_else(|| ManagementError::query("from names no event"))?);
        }
        let total = reader.count_audit_events(&filter)?;
        Ok((total, reader.list_audit_events(&filter, Page { after: None, ..page })?))
    });
    let (total, events) = read.await?;
    let shown: Result<Vec<_>, _> = events.into_iter().map(|event| Ok((event.id, object(event.into())?))).collect();
    let shown: Vec<(Uuid, Map<String, Value>)> =
        shown.map_err(|error: serde_json::Error| ManagementError::internal(&error))?;
    Ok(listing.respond("audit_events", total, shown))
}

fn object(entry: AuditEventEntry) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::to_value(entry).and_then(serde_json::from_value)
}

fn filter(query: &Query) -> Result<AuditFilter, ManagementError> {
    let instant = |name| query.parsed(name).map(|at: Option<Timestamp>| at.map(|at| UnixMillis(at.as_millisecond())));
    Ok(AuditFilter {
        object_kind: query.parsed::<ObjectKind>("object_kind")?,
        object_id: query.text("object_id")?.map(str::to_owned),
        actor: query.text("actor")?.map(str::to_owned),
        action: query.parsed::<AuditAction>("action")?,
        since: instant("since")?,
        until: instant("until")?,
        before: None,
    })
}
