//! `client-grants`: which client may ask which API for what, listed, created, shown, changed and deleted.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use serde_json::Value;

use super::body::Body;
use super::call::Call;
use super::client_grant_body::ClientGrantBody;
use super::client_grant_view::{ANY_ORGANIZATION, SUBJECT_TYPE, client_grant_view, parse_grant_id};
use super::error::{ErrorBody, ManagementError, only};
use super::listing::{ListParameters, Listing};
use super::precondition::{Precondition, tagged};
use super::query::Query;
use super::selection::Selection;
use crate::http::error::uncached;
use crate::issuer::AdministrationError;
use crate::store::{GrantFilter, OwnedGrant, Reader};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only(
            "GET, POST",
            web::resource("/client-grants").route(web::get().to(list)).route(web::post().to(create)),
        ))
        .service(only(
            "GET, PATCH, DELETE",
            web::resource("/client-grants/{id}")
                .route(web::get().to(show))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        ));
}

/// Lists grants, oldest first.
#[utoipa::path(
    get, path = "/client-grants", operation_id = "list_client_grants", tag = "client-grants",
    params(
        ListParameters,
        ("audience" = Option<String>, Query, description = "Only those for this API"),
        ("client_id" = Option<String>, Query, description = "Only those of this client"),
        ("allow_any_organization" = Option<bool>, Query, description = "As it was set; default false"),
        ("subject_type" = Option<String>, Query, description = "Every grant here is for a client: others than `client` list none"),
        ("default_for" = Option<String>, Query, description = "No grant here is a default: any value lists none"),
    ),
    responses((status = 200, description = "An array of grants; with include_totals, or from and take, an object that holds it as client_grants", body = Value), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn list(call: Call, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:client_grants"])?;
    let listing = Listing::of(&query)?;
    let wanted = Wanted::of(&query)?;
    let part = listing.clone();
    let (total, grants) = call.read(move |reader| wanted.load(reader, &part)).await?;
    let shown = grants.iter().map(|owned| (owned.grant.id, client_grant_view(owned))).collect();
    Ok(listing.respond("client_grants", total, shown))
}

/// Grants scopes of an API to a client.
#[utoipa::path(
    post, path = "/client-grants", operation_id = "create_client_grant", tag = "client-grants", request_body = ClientGrantBody,
    responses((status = 201, description = "The grant", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn create(call: Call, Body(body): Body<ClientGrantBody>) -> Result<impl Responder, ManagementError> {
    call.require(&["create:client_grants"])?;
    let created = call.change(move |change| {
        let (client_id, entry) = body.into_entry(change)?;
        let grant = change.create_grant(&client_id, &entry)?;
        change.grant_by_id(grant.id)
    });
    Ok(uncached(StatusCode::CREATED).json(client_grant_view(&created.await?)))
}

/// Shows a grant. The entity tag is that of its client.
#[utoipa::path(
    get, path = "/client-grants/{id}", operation_id = "show_client_grant", tag = "client-grants", params(("id" = String, Path, description = "id")),
    responses((status = 200, description = "The grant", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn show(call: Call, id: web::Path<String>, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:client_grants"])?;
    let selection = Selection::of(&query)?;
    let row_id = parse_grant_id(&id)?;
    let found = call.read(move |reader| {
        let missing = || AdministrationError::not_found("grant", id.into_inner());
        let owned = reader.find_grant(row_id)?.ok_or_else(missing)?;
        let revision = reader.client_revision(owned.client_row_id)?.unwrap_or_default();
        Ok((owned, revision))
    });
    let (owned, revision) = found.await?;
    Ok(tagged(StatusCode::OK, revision).json(selection.apply(client_grant_view(&owned))))
}

/// Changes the members that the body names.
#[utoipa::path(
    patch, path = "/client-grants/{id}", operation_id = "update_client_grant", tag = "client-grants", params(("id" = String, Path, description = "id"), Precondition),
    request_body = ClientGrantBody,
    responses((status = 200, description = "The grant as it is now", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn update(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
    Body(body): Body<ClientGrantBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:client_grants"])?;
    let updated = call.change(move |change| {
        let row_id = parse_grant_id(&id)?;
        let owned = change.grant_by_id(row_id)?;
        seen.hold_for(owned.client_id.as_str(), change)?;
        body.apply(change, &owned)?;
        change.grant_by_id(row_id)
    });
    Ok(uncached(StatusCode::OK).json(client_grant_view(&updated.await?)))
}

/// Deletes a grant; what is gone already is as good.
#[utoipa::path(
    delete, path = "/client-grants/{id}", operation_id = "delete_client_grant", tag = "client-grants", params(("id" = String, Path, description = "id"), Precondition),
    responses((status = 204, description = "It is gone"), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn delete(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
) -> Result<impl Responder, ManagementError> {
    call.require(&["delete:client_grants"])?;
    let deleted = call.change(move |change| {
        let found = parse_grant_id(&id).and_then(|row_id| change.grant_by_id(row_id));
        match found {
            Ok(owned) => {
                seen.hold_for(owned.client_id.as_str(), change)?;
                change.delete_grant(owned.client_id.as_str(), owned.audience.as_str())
            }
            Err(AdministrationError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    });
    deleted.await?;
    Ok(HttpResponse::NoContent())
}

/// Which grants are listed.
struct Wanted {
    audience: Option<String>,
    client_id: Option<String>,
    any_organization: Option<bool>,
    /// Asked for what no grant here can be.
    nothing: bool,
}

impl Wanted {
    fn of(query: &Query) -> Result<Self, ManagementError> {
        // Grants are for clients, and for no kind of client by default.
        let nothing = query.text("subject_type")?.is_some_and(|kind| kind != SUBJECT_TYPE)
            || query.text("default_for")?.is_some();
        Ok(Self {
            audience: query.text("audience")?.map(str::to_owned),
            client_id: query.text("client_id")?.map(str::to_owned),
            any_organization: query.boolean(ANY_ORGANIZATION)?,
            nothing,
        })
    }

    /// How many there are, and those of the part that is asked for.
    fn load(&self, reader: &mut Reader, listing: &Listing) -> Result<(u64, Vec<OwnedGrant>), ManagementError> {
        let Some(filter) = self.filter(reader)? else { return Ok((0, Vec::new())) };
        let Some(wanted) = self.any_organization else {
            let total = if listing.has_total() { reader.count_grants(&filter)? } else { 0 };
            return Ok((total, reader.list_grants(&filter, listing.to_read())?));
        };
        // Nothing here acts upon this member, so no column holds it.
        let is_wanted =
            |owned: &OwnedGrant| (owned.grant.auth0_fields.get(ANY_ORGANIZATION) == Some(&Value::Bool(true))) == wanted;
        Ok(listing.sift(|page| reader.list_grants(&filter, page), is_wanted, |owned| owned.grant.id)?)
    }

    /// The filter for the store; `None` where nothing can match.
    fn filter(&self, reader: &mut Reader) -> Result<Option<GrantFilter>, ManagementError> {
        let mut filter = GrantFilter::default();
        if self.nothing {
            return Ok(None);
        }
        if let Some(audience) = &self.audience {
            let Ok(identifier) = audience.parse() else { return Ok(None) };
            let Some(api) = reader.find_api_by_identifier(&identifier)? else { return Ok(None) };
            filter.api_id = Some(api.id);
        }
        if let Some(client_id) = &self.client_id {
            let Ok(client_id) = client_id.parse() else { return Ok(None) };
            let Some(client) = reader.find_client(&client_id)? else { return Ok(None) };
            filter.client_row_id = Some(client.id);
        }
        Ok(Some(filter))
    }
}
