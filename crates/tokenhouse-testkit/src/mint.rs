//! Which token is wanted?

use std::time::Duration;

use serde_json::Value;
use tokenhouse::dev::defect::Defect;
use tokenhouse::dev::mint::{MintKey, MintRequest};

use crate::test_issuer::TestIssuer;

/// A token in the making. Nothing is asked of the client and its grants.
#[derive(Debug)]
#[must_use]
pub struct Mint<'i> {
    issuer: &'i TestIssuer,
    wanted: MintRequest,
}

impl<'i> Mint<'i> {
    pub(crate) fn new(issuer: &'i TestIssuer) -> Self {
        Self { issuer, wanted: MintRequest::default() }
    }

    /// Issued to this client; to the first one by default.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.wanted.client_id = Some(client_id.into());
        self
    }

    /// For this API; for that of the client's first grant by default.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.wanted.audience = Some(audience.into());
        self
    }

    /// With these scopes, separated by spaces; with those that were granted by default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.wanted.scope = Some(scope.into());
        self
    }

    /// Expires after so many whole seconds.
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.wanted.expires_in = Some(i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        self
    }

    /// With this claim; null removes one.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.wanted.claims.insert(name.into(), value.into());
        self
    }

    /// With this member of the header; null removes one.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.wanted.header.insert(name.into(), value.into());
        self
    }

    /// Signed by a key that is published nowhere.
    pub const fn by_another_key(mut self) -> Self {
        self.wanted.key = MintKey::Other;
        self
    }

    /// With one thing wrong with it.
    pub const fn defect(mut self, defect: Defect) -> Self {
        self.wanted.defect = Some(defect);
        self
    }

    /// The token.
    ///
    /// # Panics
    /// If nothing says whom it is for, or a value cannot stand in a token.
    pub async fn token(self) -> String {
        let Self { issuer, wanted } = self;
        issuer.drive(move |driven| driven.mint(&wanted)).await.access_token
    }
}
