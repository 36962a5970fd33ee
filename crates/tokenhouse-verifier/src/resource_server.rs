//! Who is the caller with this token? Rules, keys and clock of one protected resource (RFC 6749 §7)

use std::sync::Arc;

use thiserror::Error;

use crate::access_token::AccessToken;
use crate::challenge::Challenge;
use crate::clock::{Clock, SystemClock};
use crate::error::VerifyError;
use crate::key_source::{KeySource, KeysUnavailable};
use crate::verify::Verifier;

/// Why a token was not let through.
#[derive(Debug, Error)]
pub enum AuthenticationError {
    /// The token is not valid here: the caller's fault.
    #[error(transparent)]
    Refused(#[from] VerifyError),
    /// The token could not be judged: not the caller's fault.
    #[error(transparent)]
    KeysUnavailable(#[from] KeysUnavailable),
}

/// A protected resource: what it accepts, where its issuer's keys come from, and how it introduces itself.
#[derive(Clone, Debug)]
pub struct ResourceServer {
    verifier: Arc<Verifier>,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    realm: String,
    resource_metadata: Option<String>,
}

impl ResourceServer {
    /// A resource server that judges by `verifier` with the keys of `keys`, by the system's clock. Its realm is the
    /// audience.
    pub fn new(verifier: Verifier, keys: impl KeySource + 'static) -> Self {
        let realm = verifier.audience().to_owned();
        Self {
            verifier: Arc::new(verifier),
            keys: Arc::new(keys),
            clock: Arc::new(SystemClock),
            realm,
            resource_metadata: None,
        }
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Names the realm in challenges (RFC 9110 §11.5).
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Puts the URL of the resource's metadata into challenges (RFC 9728 §5.1).
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    /// Verifies `token` now. A malformed token is refused before any key is asked for.
    pub async fn authenticate(&self, token: &str) -> Result<AccessToken, AuthenticationError> {
        match self.authenticate_at_once(token)? {
            Some(token) => Ok(token),
            None => self.authenticate_by_asking(token).await,
        }
    }

    /// Verifies `token` with the keys at hand, if they are fresh and its key is among them; else nothing has been said about it.
    pub(crate) fn authenticate_at_once(&self, token: &str) -> Result<Option<AccessToken>, VerifyError> {
        let Some(keys) = self.keys.fresh_keys() else { return Ok(None) };
        let token = self.verifier.present(token)?;
        if let Some(known) = self.verifier.recall(&token, &keys) {
            return self.verifier.judge(known, self.clock.unix_seconds()).map(Some);
        }
        let token = self.verifier.parse(token)?;
        if !keys.contains(token.kid()) {
            return Ok(None);
        }
        self.verifier.verify_parsed(token, &keys, self.clock.unix_seconds()).map(Some)
    }

    /// Asks for the key of `token` and verifies it.
    pub(crate) async fn authenticate_by_asking(&self, token: &str) -> Result<AccessToken, AuthenticationError> {
        let presented = self.verifier.present(token)?;
        let token = self.verifier.parse(presented)?;
        let keys = self.keys.keys_for(token.kid()).await?;
        let now = self.clock.unix_seconds();
        // In an outage of the issuer each request comes here, and most of them with a token that has been seen.
        Ok(match self.verifier.recall(&presented, &keys) {
            Some(known) => self.verifier.judge(known, now)?,
            None => self.verifier.verify_parsed(token, &keys, now)?,
        })
    }

    /// The challenge of this resource, without an error.
    pub fn challenge(&self) -> Challenge {
        let challenge = Challenge::new(&self.realm);
        match &self.resource_metadata {
            Some(url) => challenge.resource_metadata(url),
            None => challenge,
        }
    }
}
