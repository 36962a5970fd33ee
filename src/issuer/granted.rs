//! What is a request granted, before anything that differs from token to token?

use std::sync::Arc;

use super::authenticate_client::AuthenticatedClient;
use crate::clock::UnixMillis;
use crate::oauth::access_token::AccessTokenTemplate;
use crate::oauth::client_auth::Mechanism;
use crate::oauth::resource::Api;

/// A client that has proved who it is, and the access that it gets.
#[derive(Debug)]
pub struct Granted {
    /// The client, with what proved it.
    pub authenticated: AuthenticatedClient,
    /// How it authenticated.
    pub mechanism: Mechanism,
    /// The API the token is for.
    pub api: Arc<Api>,
    /// The scopes it carries, separated by spaces.
    pub scope: Arc<str>,
    /// Its claims.
    pub template: AccessTokenTemplate,
}

impl Granted {
    /// Until when it holds if nothing is changed: no longer than the secret that proved it.
    pub(super) fn holds_until(&self) -> UnixMillis {
        let secrets = &self.authenticated.client().secrets;
        let used = secrets.iter().find(|stored| Some(stored.id) == self.authenticated.secret_id());
        used.and_then(|stored| stored.expires_at).unwrap_or(UnixMillis(i64::MAX))
    }

    /// Was it proved by a secret whose hash stays as it is? One that is to be replaced has to be seen again.
    pub(super) const fn is_by_right_secret(&self) -> bool {
        self.authenticated.secret_id().is_some() && self.authenticated.outdated_hash().is_none()
    }

    /// What its texts take.
    pub(super) fn bytes(&self) -> usize {
        self.template.bytes() + self.scope.len()
    }
}
