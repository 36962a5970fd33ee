//! Who calls the Management API, and with which rights? Those that the token names and the client still holds.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokenhouse_verifier::{AccessTokenDialect, JwkSet, Verifier, VerifyError};

use super::rights::{Caller, Rights};
use super::served::Served;
use super::snapshot::Snapshot;
use crate::clock::Clock;
use crate::oauth::client::ClientId;
use crate::oauth::client_credentials::ApiDirectory as _;
use crate::oauth::resource::Audience;
use crate::store::Actor;

/// Why a token does not open the Management API.
#[derive(Debug, thiserror::Error)]
pub enum AccessRefused {
    /// It is not an access token of this issuer for it.
    #[error(transparent)]
    Token(#[from] VerifyError),
    /// It was issued to a client that has been deleted or disabled since.
    #[error("the client {0} has been deleted or disabled since the token was issued")]
    ClientGone(String),
    /// The server's own keys or Management API cannot be used: a fault of ours.
    #[error("{0}")]
    Internal(String),
}

/// Checks access tokens for the Management API, with the keys that are served now.
#[derive(Debug)]
pub struct ManagementAccess {
    served: Arc<Served>,
    clock: Arc<dyn Clock>,
    verifier: Verifier,
    audience: String,
    keys: ArcSwapOption<KnownKeys>,
}

/// The JWK Set as it was parsed last.
#[derive(Debug)]
struct KnownKeys {
    etag: Bytes,
    keys: JwkSet,
}

impl ManagementAccess {
    /// Checks against what is `served`.
    pub fn new(served: Arc<Served>, clock: Arc<dyn Clock>) -> Self {
        let issuer = &served.context().issuer;
        let audience = issuer.management_audience();
        let dialects = [AccessTokenDialect::Rfc9068, AccessTokenDialect::Auth0, AccessTokenDialect::IdentityServer];
        let verifier = Verifier::new(issuer.as_str(), audience.as_str()).accept_dialects(dialects);
        Self { served, clock, verifier, audience, keys: ArcSwapOption::empty() }
    }

    /// The caller that `token` names, acting on the request `request_id`.
    ///
    /// # Errors
    /// If the token is not valid here or its client is gone.
    pub fn authenticate(&self, token: &str, request_id: Option<String>) -> Result<Caller, AccessRefused> {
        let snapshot = self.served.snapshot();
        let known = self.known_keys(&snapshot)?;
        let now = self.clock.now();
        let token = self.verifier.verify(token, &known.keys, u64::try_from(now.0 / 1000).unwrap_or_default())?;
        let gone = || AccessRefused::ClientGone(token.client().escape_debug().to_string());
        let client_id: ClientId = token.client().parse().map_err(|_| gone())?;
        let client = snapshot.client(client_id.as_str()).filter(|client| client.is_usable(now)).ok_or_else(gone)?;
        // One that was deleted may have left its id to another: tokens of the former open nothing to the latter.
        if token.issued_at() < u64::try_from(client.created_at.0 / 1000).unwrap_or_default() {
            return Err(gone());
        }
        let audience: Audience = self.audience.parse().map_err(|error| AccessRefused::Internal(format!("{error}")))?;
        // Only the system API: while the issuer moves, anybody may have given another API this identifier.
        let api = snapshot.api_by_audience(&audience).filter(|api| api.is_system);
        // A right that was taken away ends now, not with the token.
        let granted = api.and_then(|api| client.grant_for(api.id)).map(|grant| &grant.scope);
        let held = granted.into_iter().flatten().filter(|value| token.has_scope(value.as_str())).cloned().collect();
        Ok(Caller {
            actor: Actor::Client { client_id: client_id.to_string() },
            request_id,
            rights: Rights::Scopes(held),
        })
    }

    fn known_keys(&self, snapshot: &Snapshot) -> Result<Arc<KnownKeys>, AccessRefused> {
        let etag = &snapshot.jwk_set.etag;
        if let Some(known) = self.keys.load_full().filter(|known| known.etag == *etag) {
            return Ok(known);
        }
        let keys = JwkSet::parse(&snapshot.jwk_set.body).map_err(|error| AccessRefused::Internal(error.to_string()))?;
        let known = Arc::new(KnownKeys { etag: etag.clone(), keys });
        self.keys.store(Some(known.clone()));
        Ok(known)
    }
}
