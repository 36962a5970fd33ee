//! `clients/{id}/secrets`: several secrets of one client, so that one can be replaced without an outage.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Body, Patch};
use super::call::Call;
use super::clients::existing;
use super::error::{ErrorBody, ManagementError, only};
use super::precondition::{Precondition, tagged};
use crate::http::error::uncached;
use crate::issuer::AdministrationError;
use crate::issuer::secret_list::{ListedSecret, list_secrets};
use crate::issuer::secrets::{SecretSummary, SecretTerms};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only(
            "GET, POST",
            web::resource("/clients/{id}/secrets").route(web::get().to(list)).route(web::post().to(add)),
        ))
        .service(only(
            "PATCH, DELETE",
            web::resource("/clients/{id}/secrets/{secret_id}")
                .route(web::patch().to(update))
                .route(web::delete().to(retire)),
        ));
}

/// What may be said of a secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretBody {
    /// For people.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    label: Patch<String>,
    /// When it stops working (RFC 3339); `null`: never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Patch<Timestamp>,
}

/// A secret that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct NewSecret {
    /// The secret, shown this once.
    client_secret: String,
    #[serde(flatten)]
    summary: SecretSummary,
}

/// Lists the secrets of a client, without the secrets themselves. The entity tag is that of the client.
#[utoipa::path(
    get, path = "/clients/{id}/secrets", operation_id = "list_client_secrets", tag = "client-secrets", params(("id" = String, Path, description = "client_id")),
    responses(
        (status = 200, description = "The secrets, oldest first", body = [ListedSecret]),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn list(call: Call, id: web::Path<String>) -> Result<impl Responder, ManagementError> {
    call.require(&["read:client_credentials"])?;
    let rights = call.caller().rights.clone();
    let administration = &call.endpoints.administration;
    let (quiet_days, now) = (administration.policy().quiet_days, administration.now());
    let found = call.read(move |reader| {
        let client = existing(reader, &id)?;
        rights.may_touch_credentials(&client, reader)?;
        let revision = reader.client_revision(client.id)?.unwrap_or_default();
        Ok((list_secrets(&client.secrets, quiet_days, now), revision))
    });
    let (secrets, revision) = found.await?;
    Ok(tagged(StatusCode::OK, revision).json(secrets))
}

/// Generates a further secret, which is told once. Those that are there go on working.
#[utoipa::path(
    post, path = "/clients/{id}/secrets", operation_id = "add_client_secret", tag = "client-secrets", request_body = SecretBody,
    params(("id" = String, Path, description = "client_id"), Precondition),
    responses(
        (status = 201, description = "The new secret", body = NewSecret),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn add(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
    Body(body): Body<SecretBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["create:client_credentials"])?;
    let added = call.change(move |change| {
        seen.hold_for(&id, change)?;
        let terms = SecretTerms { label: body.label.value(), expires_at: body.expires_at.value() };
        let added = change.add_secret(&id, terms)?;
        let summary = SecretSummary::from(&added.stored);
        Ok(NewSecret { client_secret: added.secret.expose().to_owned(), summary })
    });
    Ok(uncached(StatusCode::CREATED).json(added.await?))
}

/// Changes label or expiry of a secret.
#[utoipa::path(
    patch, path = "/clients/{id}/secrets/{secret_id}", operation_id = "update_client_secret", tag = "client-secrets", request_body = SecretBody,
    params(
        ("id" = String, Path, description = "client_id"),
        ("secret_id" = String, Path, description = "The id of the secret, or the first 12 characters of a generated one"),
        Precondition,
    ),
    responses(
        (status = 200, description = "The secret as it is now", body = SecretSummary),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn update(
    call: Call,
    path: web::Path<(String, String)>,
    seen: Precondition,
    Body(body): Body<SecretBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:client_credentials"])?;
    let (id, secret_id) = path.into_inner();
    let updated = call.change(move |change| {
        seen.hold_for(&id, change)?;
        change.update_secret(&id, &secret_id, |terms| {
            body.label.set_option(&mut terms.label);
            body.expires_at.set_option(&mut terms.expires_at);
        })
    });
    Ok(uncached(StatusCode::OK).json(SecretSummary::from(&updated.await?)))
}

/// Deletes a secret at once; what is gone already is as good.
#[utoipa::path(
    delete, path = "/clients/{id}/secrets/{secret_id}", operation_id = "retire_client_secret", tag = "client-secrets",
    params(
        ("id" = String, Path, description = "client_id"),
        ("secret_id" = String, Path, description = "The id of the secret, or the first 12 characters of a generated one"),
        Precondition,
    ),
    responses((status = 204, description = "It is gone"), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn retire(
    call: Call,
    path: web::Path<(String, String)>,
    seen: Precondition,
) -> Result<impl Responder, ManagementError> {
    call.require(&["delete:client_credentials"])?;
    let (id, secret_id) = path.into_inner();
    let retired = call.change(move |change| {
        seen.hold_for(&id, change)?;
        match change.retire_secret(&id, &secret_id) {
            Err(AdministrationError::NotFound { kind: "secret", .. }) => Ok(()),
            outcome => outcome,
        }
    });
    retired.await?;
    Ok(HttpResponse::NoContent())
}
