//! `resource-servers`: the APIs, listed, created, shown, changed and deleted; by id or by identifier.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::body::Body;
use super::call::Call;
use super::error::{ErrorBody, ManagementError, only};
use super::listing::{ListParameters, Listing};
use super::query::Query;
use super::resource_server_body::ResourceServerBody;
use super::resource_server_view::resource_server_view;
use super::selection::Selection;
use crate::http::error::uncached;
use crate::issuer::AdministrationError;
use crate::issuer::administration::Change;
use crate::issuer::apis::api_named;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only(
            "GET, POST",
            web::resource("/resource-servers").route(web::get().to(list)).route(web::post().to(create)),
        ))
        .service(only(
            "GET, PATCH, DELETE",
            web::resource("/resource-servers/{id}")
                .route(web::get().to(show))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        ));
}

/// Lists APIs, oldest first.
#[utoipa::path(
    get, path = "/resource-servers", operation_id = "list_resource_servers", tag = "resource-servers",
    params(ListParameters, ("identifiers" = Option<Vec<String>>, Query, description = "Only the APIs with these identifiers; repeat it for each")),
    responses((status = 200, description = "An array of APIs; with include_totals, or from and take, an object that holds it as resource_servers", body = Value), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn list(call: Call, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:resource_servers"])?;
    let listing = Listing::of(&query)?;
    let wanted: Vec<String> = query.all("identifiers").map(str::to_owned).collect();
    let mut apis = call.read(|reader| Ok(reader.list_apis()?)).await?;
    apis.retain(|api| wanted.is_empty() || wanted.iter().any(|identifier| *identifier == api.identifier.as_str()));
    let total = u64::try_from(apis.len()).unwrap_or(u64::MAX);
    let page = listing.cut(apis, |api| api.id);
    let shown = page.iter().map(|api| (api.id, resource_server_view(api))).collect();
    Ok(listing.respond("resource_servers", total, shown))
}

/// Creates an API.
#[utoipa::path(
    post, path = "/resource-servers", operation_id = "create_resource_server", tag = "resource-servers", request_body = ResourceServerBody,
    responses((status = 201, description = "The API", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn create(
    call: Call,
    Body(body): Body<ResourceServerBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["create:resource_servers"])?;
    let entry = body.into_entry()?;
    let created = call.administer(move |administration, caller| {
        administration.change_with_alg(caller, entry.signing_alg, |change| change.create_api(&entry))
    });
    Ok(uncached(StatusCode::CREATED).json(resource_server_view(&created.await?)))
}

/// Shows an API.
#[utoipa::path(
    get, path = "/resource-servers/{id}", operation_id = "show_resource_server", tag = "resource-servers",
    params(("id" = String, Path, description = "id, or the identifier percent-encoded")),
    responses((status = 200, description = "The API", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn show(call: Call, id: web::Path<String>, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:resource_servers"])?;
    let selection = Selection::of(&query)?;
    let api = call.read(move |reader| Ok(api_named(reader, &id)?)).await?;
    Ok(uncached(StatusCode::OK).json(selection.apply(resource_server_view(&api))))
}

/// Changes the members that the body names; `null` sets the default.
#[utoipa::path(
    patch, path = "/resource-servers/{id}", operation_id = "update_resource_server", tag = "resource-servers",
    params(("id" = String, Path, description = "id, or the identifier percent-encoded")),
    request_body = ResourceServerBody,
    responses((status = 200, description = "The API as it is now", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn update(
    call: Call,
    id: web::Path<String>,
    Body(body): Body<ResourceServerBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:resource_servers"])?;
    let alg = body.signing_alg()?;
    let updated = call.administer(move |administration, caller| {
        let steps = |change: &mut Change<'_>| {
            let api = change.api_named(&id)?;
            change.update_api(api.identifier.as_str(), |entry| body.apply_to(entry))
        };
        match alg {
            Some(alg) => administration.change_with_alg(caller, alg, steps),
            None => administration.change(caller, steps),
        }
    });
    Ok(uncached(StatusCode::OK).json(resource_server_view(&updated.await?)))
}

/// Deletes an API with its grants; what is gone already is as good.
#[utoipa::path(
    delete, path = "/resource-servers/{id}", operation_id = "delete_resource_server", tag = "resource-servers",
    params(("id" = String, Path, description = "id, or the identifier percent-encoded")),
    responses((status = 204, description = "It is gone"), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn delete(call: Call, id: web::Path<String>) -> Result<impl Responder, ManagementError> {
    call.require(&["delete:resource_servers"])?;
    let deleted = call.change(move |change| match change.api_named(&id) {
        Ok(api) => change.delete_api(api.identifier.as_str()),
        Err(AdministrationError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    });
    deleted.await?;
    Ok(HttpResponse::NoContent())
}
