//! `clients/{id}/credentials`: the public keys of a client, registered for `private_key_jwt` (RFC 7523).

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokenhouse_verifier::Algorithm;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{Body, Patch};
use super::call::Call;
use super::clients::existing;
use super::error::{ErrorBody, ManagementError, only};
use super::precondition::{Precondition, tagged};
use crate::http::error::uncached;
use crate::issuer::AdministrationError;
use crate::issuer::client_keys::{ClientKeySummary, KeyMaterial, NewClientKey};
use crate::oauth::client_key::{ClientKey, CredentialType};

/// What the ids of credentials begin with, as at Auth0.
const ID_PREFIX: &str = "cred_";

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only(
            "GET, POST",
            web::resource("/clients/{id}/credentials").route(web::get().to(list)).route(web::post().to(add)),
        ))
        .service(only(
            "GET, PATCH, DELETE",
            web::resource("/clients/{id}/credentials/{credential_id}")
                .route(web::get().to(show))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        ));
}

/// A credential to be registered: a public key as PEM, or as a JWK.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CredentialBody {
    /// `public_key`.
    #[schema(value_type = Option<String>)]
    credential_type: Option<CredentialType>,
    /// For people.
    name: Option<String>,
    /// SubjectPublicKeyInfo, PKCS#1 or an X.509 certificate, in PEM.
    pem: Option<String>,
    /// The key as a JWK (RFC 7517), in place of `pem`.
    #[schema(value_type = Option<Object>)]
    jwk: Option<serde_json::Value>,
    /// RS256, RS384, PS256, ES256 or EdDSA; by default by the kind of key.
    alg: Option<String>,
    /// By which assertions name it; by default the thumbprint (RFC 7638).
    kid: Option<String>,
    /// When it stops working (RFC 3339).
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Does it stop working with the certificate in `pem`?
    parse_expiry_from_cert: Option<bool>,
}

/// What may be changed of a credential.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CredentialChange {
    /// When it stops working (RFC 3339); `null`: never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Patch<Timestamp>,
}

/// A credential as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CredentialView {
    id: String,
    #[schema(value_type = String)]
    credential_type: CredentialType,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    kid: String,
    alg: &'static str,
    /// RFC 7638.
    thumbprint: String,
    created_at: Option<String>,
    updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl CredentialBody {
    /// The key to register.
    ///
    /// # Errors
    /// If there is none, or two.
    pub(super) fn into_key(self, enabled: bool) -> Result<NewClientKey, AdministrationError> {
        let material = match (self.pem, self.jwk) {
            (Some(pem), None) => KeyMaterial::Pem(pem),
            (None, Some(jwk)) => KeyMaterial::Jwk(jwk.to_string()),
            _ => return Err(AdministrationError::Invalid("give the public key as pem or as jwk".to_owned())),
        };
        let known = |alg: String| {
            let unknown = || AdministrationError::Invalid("alg: use RS256, RS384, PS256, ES256 or EdDSA".to_owned());
            Algorithm::from_name(&alg).ok_or_else(unknown)
        };
        Ok(NewClientKey {
            credential_type: self.credential_type.unwrap_or(CredentialType::PublicKey),
            name: self.name,
            alg: self.alg.map(known).transpose()?,
            kid: self.kid,
            expires_at: self.expires_at,
            parse_expiry_from_cert: self.parse_expiry_from_cert == Some(true),
            enabled,
            ..NewClientKey::new(material)
        })
    }
}

impl From<&ClientKey> for CredentialView {
    fn from(key: &ClientKey) -> Self {
        let ClientKeySummary {
            credential_type, name, kid, alg, thumbprint, created_at, updated_at, expires_at, ..
        } = key.into();
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let (created_at, updated_at, expires_at) = (text(created_at), text(updated_at), text(expires_at));
        Self { id: credential_id(key), credential_type, name, kid, alg, thumbprint, created_at, updated_at, expires_at }
    }
}

/// The id of a credential as it is shown.
pub(super) fn credential_id(key: &ClientKey) -> String {
    format!("{ID_PREFIX}{}", key.id.simple())
}

/// Our own id of the credential that is shown as `text`.
pub(super) fn parse_credential_id(text: &str) -> Result<Uuid, AdministrationError> {
    let id = text.strip_prefix(ID_PREFIX).and_then(|hex| Uuid::try_parse(hex).ok());
    id.ok_or_else(|| AdministrationError::not_found("key", text))
}

/// Lists the credentials of a client. The entity tag is that of the client.
#[utoipa::path(
    get, path = "/clients/{id}/credentials", operation_id = "list_credentials", tag = "credentials",
    params(("id" = String, Path, description = "client_id")),
    responses(
        (status = 200, description = "The credentials, oldest first", body = [CredentialView]),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn list(call: Call, id: web::Path<String>) -> Result<impl Responder, ManagementError> {
    call.require(&["read:client_credentials"])?;
    let rights = call.caller().rights.clone();
    let found = call.read(move |reader| {
        let client = existing(reader, &id)?;
        rights.may_touch_credentials(&client, reader)?;
        let revision = reader.client_revision(client.id)?.unwrap_or_default();
        Ok((client.keys.iter().map(CredentialView::from).collect::<Vec<_>>(), revision))
    });
    let (credentials, revision) = found.await?;
    Ok(tagged(StatusCode::OK, revision).json(credentials))
}

/// Registers a public key. It is used once `client_authentication_methods` of the client refers to it.
#[utoipa::path(
    post, path = "/clients/{id}/credentials", operation_id = "create_credential", tag = "credentials",
    request_body = CredentialBody, params(("id" = String, Path, description = "client_id"), Precondition),
    responses(
        (status = 201, description = "The credential", body = CredentialView),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn add(
    call: Call,
    id: web::Path<String>,
    seen: Precondition,
    Body(body): Body<CredentialBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["create:client_credentials"])?;
    let added = call.change(move |change| {
        seen.hold_for(&id, change)?;
        change.add_client_key(&id, &body.into_key(false)?)
    });
    Ok(uncached(StatusCode::CREATED).json(CredentialView::from(&added.await?)))
}

/// Shows a credential.
#[utoipa::path(
    get, path = "/clients/{id}/credentials/{credential_id}", operation_id = "show_credential", tag = "credentials",
    params(("id" = String, Path, description = "client_id"), ("credential_id" = String, Path, description = "cred_…")),
    responses(
        (status = 200, description = "The credential", body = CredentialView),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn show(call: Call, path: web::Path<(String, String)>) -> Result<impl Responder, ManagementError> {
    call.require(&["read:client_credentials"])?;
    let rights = call.caller().rights.clone();
    let (id, credential) = path.into_inner();
    let found = call.read(move |reader| {
        let client = existing(reader, &id)?;
        rights.may_touch_credentials(&client, reader)?;
        let wanted = parse_credential_id(&credential)?;
        let missing = || AdministrationError::not_found("key", credential);
        let key = client.keys.iter().find(|key| key.id == wanted).ok_or_else(missing)?;
        Ok((CredentialView::from(key), reader.client_revision(client.id)?.unwrap_or_default()))
    });
    let (credential, revision) = found.await?;
    Ok(tagged(StatusCode::OK, revision).json(credential))
}

/// Changes when a credential stops working.
#[utoipa::path(
    patch, path = "/clients/{id}/credentials/{credential_id}", operation_id = "update_credential", tag = "credentials",
    request_body = CredentialChange,
    params(
        ("id" = String, Path, description = "client_id"), ("credential_id" = String, Path, description = "cred_…"),
        Precondition,
    ),
    responses(
        (status = 200, description = "The credential as it is now", body = CredentialView),
        (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody),
    ),
)]
pub(super) async fn update(
    call: Call,
    path: web::Path<(String, String)>,
    seen: Precondition,
    Body(body): Body<CredentialChange>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:client_credentials"])?;
    let (id, credential) = path.into_inner();
    let updated = call.change(move |change| {
        seen.hold_for(&id, change)?;
        let wanted = parse_credential_id(&credential)?.to_string();
        match body.expires_at {
            Patch::Absent => {
                Err(AdministrationError::Invalid("expires_at is missing: it is all that can change".to_owned()))
            }
            Patch::Null => change.update_client_key(&id, &wanted, None),
            Patch::Value(at) => change.update_client_key(&id, &wanted, Some(at)),
        }
    });
    Ok(uncached(StatusCode::OK).json(CredentialView::from(&updated.await?)))
}

/// Deletes a credential that no client refers to; what is gone already is as good.
#[utoipa::path(
    delete, path = "/clients/{id}/credentials/{credential_id}", operation_id = "delete_credential", tag = "credentials",
    params(
        ("id" = String, Path, description = "client_id"), ("credential_id" = String, Path, description = "cred_…"),
        Precondition,
    ),
    responses((status = 204, description = "It is gone"), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn delete(
    call: Call,
    path: web::Path<(String, String)>,
    seen: Precondition,
) -> Result<impl Responder, ManagementError> {
    call.require(&["delete:client_credentials"])?;
    let (id, credential) = path.into_inner();
    let deleted = call.change(move |change| {
        seen.hold_for(&id, change)?;
        let wanted = parse_credential_id(&credential).map(|id| id.to_string());
        match wanted.and_then(|wanted| change.delete_client_key(&id, &wanted)) {
            Err(AdministrationError::NotFound { kind: "key", .. }) => Ok(()),
            // Auth0 answers 400 while a client refers to it.
            Err(AdministrationError::Conflict(reason)) => Err(AdministrationError::Refused(reason)),
            outcome => outcome,
        }
    });
    deleted.await?;
    Ok(HttpResponse::NoContent())
}
