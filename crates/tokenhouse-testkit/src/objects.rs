//! Which APIs and clients does a test need?

use std::time::Duration;

use tokenhouse::dev::demo::secret_entry;
use tokenhouse::entropy::SystemEntropy;
use tokenhouse::issuer::document::{ApiEntry, ClientEntry, GrantEntry, ScopeEntry};
use tokenhouse::secret::GeneratedSecret;

/// An API: what tokens are for.
#[derive(Clone, Debug)]
pub struct TestApi(ApiEntry);

impl TestApi {
    /// The API that is known by `identifier`, which stands in `aud`.
    pub fn new(identifier: impl AsRef<str>) -> Self {
        Self(ApiEntry::new(identifier.as_ref()))
    }

    /// With one more scope.
    #[must_use]
    pub fn scope(mut self, value: impl Into<String>) -> Self {
        self.0.scopes.push(ScopeEntry { value: value.into(), description: None });
        self
    }

    /// With tokens that live for so many whole seconds; an hour by default.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.token_lifetime = Some(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        self
    }

    pub(crate) fn into_entry(self) -> ApiEntry {
        self.0
    }
}

/// A client: who gets tokens. Its secret is made at the start.
#[derive(Clone, Debug)]
pub struct TestClient {
    client_id: String,
    grants: Vec<GrantEntry>,
}

impl TestClient {
    /// The client that is known by `client_id`.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), grants: Vec::new() }
    }

    /// May ask the API `audience` for `scopes`.
    #[must_use]
    pub fn grant<S: Into<String>>(mut self, audience: impl AsRef<str>, scopes: impl IntoIterator<Item = S>) -> Self {
        self.grants.push(GrantEntry::new(audience.as_ref(), scopes.into_iter().map(Into::into).collect()));
        self
    }

    pub(crate) fn into_entry(self) -> ClientEntry {
        let secret = GeneratedSecret::generate(&SystemEntropy);
        ClientEntry {
            secrets: vec![secret_entry(secret.expose())],
            grants: self.grants,
            ..ClientEntry::new(Some(self.client_id), None)
        }
    }
}

/// With what a client proves who it is. Not `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub client_id: String,
    /// With what.
    pub client_secret: String,
}
