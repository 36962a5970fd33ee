//! `clients`: listed, created, shown, changed, deleted, and given a new secret.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};

use super::body::Body;
use super::call::Call;
use super::client_body::ClientBody;
use super::client_view::client_view;
use super::error::{ErrorBody, ManagementError, only};
use super::listing::{ListParameters, Listing};
use super::precondition::{Precondition, tagged};
use super::query::Query;
use super::selection::Selection;
use crate::issuer::AdministrationError;
use crate::issuer::secrets::SecretTerms;
use crate::oauth::client::{Client, ClientId};
use crate::store::Reader;

/// Seconds that the secrets before a rotation live on, as with Auth0: none. `clients/{id}/secrets` adds one beside them.
const ROTATION_OVERLAP: u32 = 0;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only("GET, POST", web::resource("/clients").route(web::get().to(list)).route(web::post().to(create))))
        .service(only(
            "GET, PATCH, DELETE",
            web::resource("/clients/{id}")
                .route(web::get().to(show))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        ))
        .service(only("POST", web::resource("/clients/{id}/rotate-secret").route(web::post().to(rotate_secret))));
}

/// Lists clients, oldest first.
#[utoipa::path(
    get, path = "/clients", operation_id = "list_clients", tag = "clients",
    params(
        ListParameters,
        ("is_global" = Option<bool>, Query, description = "No client here is global: `true` lists none"),
        ("is_first_party" = Option<bool>, Query, description = "As it was set; default true"),
        ("app_type" = Option<String>, Query, description = "As it was set, several separated by commas; default non_interactive"),
        ("external_client_id" = Option<String>, Query, description = "As it was set"),
    ),
    responses((status = 200, description = "An array of clients, without secrets; with include_totals, or from and take, an object that holds it as clients", body = Value), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn list(call: Call, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:clients", "read:client_keys"])?;
    let listing = Listing::of(&query)?;
    let filter = ClientFilter::of(&query)?;
    let part = listing.clone();
    let read = move |reader: &mut Reader| {
        if filter.is_global == Some(true) {
            return Ok((0, Vec::new()));
        }
        if filter.matches_all() {
            let total = if part.has_total() { reader.count_clients()? } else { 0 };
            return Ok((total, reader.list_clients(part.to_read())?));
        }
        Ok(part.sift(|page| reader.list_clients(page), |client| filter.matches(client), |client| client.id)?)
    };
    let (total, clients) = call.read(read).await?;
    let shown = clients.iter().map(|client| (client.id, client_view(client, None))).collect();
    Ok(listing.respond("clients", total, shown))
}

/// Creates a client with a secret, which is told once.
#[utoipa::path(
    post, path = "/clients", operation_id = "create_client", tag = "clients", request_body = ClientBody,
    responses((status = 201, description = "The client with its secret", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn create(call: Call, Body(body): Body<ClientBody>) -> Result<impl Responder, ManagementError> {
    call.require(&["create:clients"])?;
    let created = call.change(move |change| {
        let (client, secret) = body.create(change)?;
        Ok((client_view(&client, secret.as_deref()), change.revision_of(&client)?))
    });
    let (view, revision) = created.await?;
    Ok(tagged(StatusCode::CREATED, revision).json(view))
}

/// Shows a client.
#[utoipa::path(
    get, path = "/clients/{id}", operation_id = "show_client", tag = "clients", params(("id" = String, Path, description = "client_id")),
    responses((status = 200, description = "The client, without secrets", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn show(call: Call, id: web::Path<String>, query: Query) -> Result<impl Responder, ManagementError> {
    call.require(&["read:clients", "read:client_keys"])?;
    let selection = Selection::of(&query)?;
    let found = call.read(move |reader| {
        let client = existing(reader, &id)?;
        let revision = reader.client_revision(client.id)?.unwrap_or_default();
        Ok((client, revision))
    });
    let (client, revision) = found.await?;
    Ok(tagged(StatusCode::OK, revision).json(selection.apply(client_view(&client, None))))
}

/// Changes the members that the body names; `null` deletes one.
#[utoipa::path(
    patch, path = "/clients/{id}", operation_id = "update_client", tag = "clients", params(("id" = String, Path, description = "client_id"), Precondition),
    request_body = ClientBody,
    responses((status = 200, description = "The client as it is now", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn update(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
    Body(body): Body<ClientBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:clients"])?;
    for any_of in body.further_rights() {
        call.require(any_of)?;
    }
    let updated = call.change(move |change| {
        seen.hold_for(&id, change)?;
        let client = body.update(&id, change)?;
        let revision = change.revision_of(&client)?;
        Ok((client, revision))
    });
    let (client, revision) = updated.await?;
    Ok(tagged(StatusCode::OK, revision).json(client_view(&client, None)))
}

/// Deletes a client with its secrets and grants; what is gone already is as good.
#[utoipa::path(
    delete, path = "/clients/{id}", operation_id = "delete_client", tag = "clients",
    params(("id" = String, Path, description = "client_id"), Precondition),
    responses((status = 204, description = "It is gone"), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn delete(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
) -> Result<impl Responder, ManagementError> {
    call.require(&["delete:clients"])?;
    let deleted =
        call.change(move |change| match seen.hold_for(&id, change).and_then(|()| change.delete_client(&id)) {
            Err(AdministrationError::NotFound { .. }) => Ok(()),
            outcome => outcome,
        });
    deleted.await?;
    Ok(HttpResponse::NoContent())
}

/// Gives the client a new secret; those before it stop working at once.
#[utoipa::path(
    post, path = "/clients/{id}/rotate-secret", operation_id = "rotate_client_secret", tag = "clients", params(("id" = String, Path, description = "client_id"), Precondition),
    responses((status = 200, description = "The client with its new secret", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn rotate_secret(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:client_keys"])?;
    let rotated = call.change(move |change| {
        seen.hold_for(&id, change)?;
        let added = change.rotate_secret(&id, ROTATION_OVERLAP, SecretTerms::default())?;
        let client = change.existing_client(&id)?;
        Ok((client_view(&client, Some(added.secret.expose())), change.revision_of(&client)?))
    });
    let (view, revision) = rotated.await?;
    Ok(tagged(StatusCode::OK, revision).json(view))
}

/// The client with that id.
pub(super) fn existing(reader: &mut Reader, client_id: &str) -> Result<Client, ManagementError> {
    let missing = || AdministrationError::not_found("client", client_id);
    let id: ClientId = client_id.parse().map_err(|_| missing())?;
    Ok(reader.find_client(&id)?.ok_or_else(missing)?)
}

/// Which clients are listed.
struct ClientFilter {
    is_global: Option<bool>,
    is_first_party: Option<bool>,
    app_types: Vec<String>,
    external_client_id: Option<String>,
}

impl ClientFilter {
    fn of(query: &Query) -> Result<Self, ManagementError> {
        if query.text("q")?.is_some() {
            return Err(ManagementError::query(
                "q is not supported: filter with app_type, is_first_party or is_global",
            ));
        }
        Ok(Self {
            is_global: query.boolean("is_global")?,
            is_first_party: query.boolean("is_first_party")?,
            app_types: query.list("app_type").into_iter().map(str::to_owned).collect(),
            external_client_id: query.text("external_client_id")?.map(str::to_owned),
        })
    }

    /// No client here is global.
    fn matches_all(&self) -> bool {
        self.is_global != Some(true)
            && self.is_first_party.is_none()
            && self.app_types.is_empty()
            && self.external_client_id.is_none()
    }

    fn matches(&self, client: &Client) -> bool {
        let view = client_view(client, None);
        let text = |name: &str| view.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let first_party = view.get("is_first_party").and_then(serde_json::Value::as_bool);
        self.is_global != Some(true)
            && self.is_first_party.is_none_or(|wanted| first_party == Some(wanted))
            && (self.app_types.is_empty() || self.app_types.iter().any(|wanted| wanted == text("app_type")))
            && self.external_client_id.as_ref().is_none_or(|wanted| wanted == text("external_client_id"))
    }
}
