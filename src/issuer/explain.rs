//! Which token would this client get for this request, and if none, why? Decided by the token path's own rules, without
//! a secret and without a token.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::oauth::client_credentials::{ApiDirectory, authorize_client_credentials};
use crate::oauth::error::TokenError;
use crate::oauth::resource::{Api, Audience, Compat};
use crate::oauth::token_error_cause::TokenErrorCause;
use crate::oauth::token_request::AccessRequest;

/// What would be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// Would a token be issued?
    pub issued: bool,
    /// The API that the token would be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The scopes that it would carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// How long it would live, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// For how many seconds the same request would get it again; absent: a new one each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_reuse_seconds: Option<u32>,
    /// How it would be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_alg: Option<String>,
    /// Its form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_dialect: Option<String>,
    /// The error that would be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What its caller would read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// What the caller is not told, but an operator should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Why no token would be issued, for whoever has words of its own for that.
    #[serde(skip)]
    pub refusal: Option<TokenErrorCause>,
}

/// APIs, looked up one by one: for a single decision.
struct ApiList<'a>(&'a [Api]);

impl ApiDirectory for ApiList<'_> {
    fn api_by_audience(&self, audience: &Audience) -> Option<&Api> {
        self.0.iter().find(|api| api.identifier == *audience)
    }

    fn api_by_id(&self, id: uuid::Uuid) -> Option<&Api> {
        self.0.iter().find(|api| api.id == id)
    }
}

/// Explains what `client` would get for `request` at `now`.
pub fn explain(client: &Client, apis: &[Api], request: &AccessRequest, compat: Compat, now: UnixMillis) -> Explanation {
    let hidden =
        if client.is_usable(now) { lacks_credentials(client, now) } else { Some("the client is disabled: enable it") };
    if let Some(cause) = hidden {
        return refused(&TokenError::InvalidClient, compat, Some(cause));
    }
    match authorize_client_credentials(request, client, &ApiList(apis)) {
        Ok(given) => Explanation {
            issued: true,
            audience: Some(given.api.identifier.to_string()),
            scope: Some(given.scope.to_string()),
            expires_in: Some(given.api.token_lifetime.seconds()),
            token_reuse_seconds: Some(given.api.token_reuse_seconds).filter(|seconds| *seconds > 0),
            signing_alg: Some(given.api.signing_alg.to_string()),
            token_dialect: Some(given.api.token_dialect.unwrap_or(compat.default_dialect()).to_string()),
            error: None,
            error_description: None,
            cause: None,
            refusal: None,
        },
        Err(error) => refused(&error, compat, None),
    }
}

/// Why no request can authenticate as this client, if none can.
fn lacks_credentials(client: &Client, now: UnixMillis) -> Option<&'static str> {
    let has_secret = client.secrets.iter().any(|secret| secret.is_live(now));
    let has_key = client.jwks_uri.is_some() || client.keys.iter().any(|key| key.is_live(now));
    match (client.accepts_secrets(), client.accepts_assertions()) {
        (false, _) if !has_key => Some(
            "the client is set to private_key_jwt and has no key that is live: add one, or set jwks_uri; its secrets do \
             not count",
        ),
        (_, false) if !has_secret && has_key => Some(
            "the client is set to its secret and has none that is live; its keys do not count: add a secret, or set its \
             authentication method to private_key_jwt",
        ),
        (_, true) if has_key => None,
        (true, _) if has_secret => None,
        _ => Some("the client has no secret and no key that is live: add one"),
    }
}

fn refused(error: &TokenError, compat: Compat, cause: Option<&str>) -> Explanation {
    let rendered = error.render(compat);
    Explanation {
        issued: false,
        audience: None,
        scope: None,
        expires_in: None,
        token_reuse_seconds: None,
        signing_alg: None,
        token_dialect: None,
        error: Some(rendered.error.to_owned()),
        error_description: Some(rendered.description.into_owned()),
        cause: cause.map(str::to_owned),
        refusal: Some(error.cause()),
    }
}
