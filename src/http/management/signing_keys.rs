//! `keys/signing`: the keys that sign access tokens, listed, shown, rotated and revoked.

use actix_web::Responder;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::OptionalBody;
use super::call::Call;
use super::error::{ErrorBody, ManagementError, only};
use super::signing_key_view::{certificate_view, signing_key_view};
use crate::http::error::uncached;
use crate::issuer::AdministrationError;
use crate::keys::SigningAlg;
use crate::keys::lifecycle::{KeyState, RotationUrgency, SigningKeyRecord};

/// What may be said of a rotation or a revocation; Auth0's programs say nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct KeyBody {
    /// Of which algorithm the keys rotate: `RS256` (default), `PS256`, `ES256` or `EdDSA`.
    #[schema(value_type = Option<String>)]
    alg: Option<SigningAlg>,
    /// Rotate before every verifier can know the next key; or revoke a key that is in use.
    force: Option<bool>,
}

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(only("GET", web::resource("/keys/signing").route(web::get().to(list))))
        .service(only("POST", web::resource("/keys/signing/rotate").route(web::post().to(rotate))))
        .service(only("GET", web::resource("/keys/signing/{kid}").route(web::get().to(show))))
        .service(only("PUT", web::resource("/keys/signing/{kid}/revoke").route(web::put().to(revoke))));
}

/// Lists the keys that are published and those that were revoked: those that sign, then the next, then the previous.
#[utoipa::path(
    get, path = "/keys/signing", operation_id = "list_signing_keys", tag = "keys",
    responses((status = 200, description = "The keys, an array", body = Value), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn list(call: Call) -> Result<impl Responder, ManagementError> {
    call.require(&["read:signing_keys"])?;
    let mut keys = call.read(|reader| Ok(reader.list_signing_keys()?)).await?;
    keys.retain(|key| key.state != KeyState::Removed || key.revoked_at.is_some());
    keys.sort_by_key(|key| (key.state, key.alg));
    let announcement = call.endpoints.administration.policy().announcement;
    let shown: Vec<_> = keys.iter().map(|key| signing_key_view(key, announcement)).collect();
    Ok(uncached(StatusCode::OK).json(shown))
}

/// Shows a key.
#[utoipa::path(
    get, path = "/keys/signing/{kid}", operation_id = "show_signing_key", tag = "keys", params(("kid" = String, Path, description = "kid")),
    responses((status = 200, description = "The key", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn show(call: Call, kid: web::Path<String>) -> Result<impl Responder, ManagementError> {
    call.require(&["read:signing_keys"])?;
    let sought = kid.clone();
    let found = call.read(move |reader| Ok(reader.find_signing_key(&sought)?)).await?;
    let missing = || AdministrationError::not_found("signing key", kid.as_str());
    let announcement = call.endpoints.administration.policy().announcement;
    Ok(uncached(StatusCode::OK).json(signing_key_view(&found.ok_or_else(missing)?, announcement)))
}

/// Lets the next key sign, retires the one before, and announces a new next key, which is the answer.
#[utoipa::path(
    post, path = "/keys/signing/rotate", operation_id = "rotate_signing_key", tag = "keys", request_body = Option<KeyBody>,
    responses((status = 201, description = "kid and cert of the new next key", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn rotate(
    call: Call,
    OptionalBody(body): OptionalBody<KeyBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["create:signing_keys", "update:signing_keys"])?;
    let alg = body.alg.unwrap_or(SigningAlg::Rs256);
    let urgency = body.urgency();
    let rotated =
        call.administer(move |administration, caller| administration.rotate_key(caller, alg, urgency)).await?;
    Ok(uncached(StatusCode::CREATED).json(certificate_view(&rotated.next)))
}

/// Withdraws a previous key at once: no token that it signed is valid any more.
#[utoipa::path(
    put, path = "/keys/signing/{kid}/revoke", operation_id = "revoke_signing_key", tag = "keys", params(("kid" = String, Path, description = "kid")),
    request_body = Option<KeyBody>,
    responses((status = 200, description = "kid and cert of the key", body = Object), (status = "4XX", body = ErrorBody), (status = "5XX", body = ErrorBody)),
)]
pub(super) async fn revoke(
    call: Call,
    kid: web::Path<String>,
    OptionalBody(body): OptionalBody<KeyBody>,
) -> Result<impl Responder, ManagementError> {
    call.require(&["update:signing_keys"])?;
    let revoked: SigningKeyRecord =
        call.administer(move |administration, caller| administration.revoke_key(caller, &kid, body.urgency())).await?;
    Ok(uncached(StatusCode::OK).json(certificate_view(&revoked)))
}

impl KeyBody {
    fn urgency(&self) -> RotationUrgency {
        if self.force == Some(true) { RotationUrgency::Forced } else { RotationUrgency::WhenAnnounced }
    }
}
