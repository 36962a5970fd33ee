//! How is a client shown? In Auth0's form, without any secret but one that was made a moment ago.

use serde_json::{Map, Value, json};

use super::credentials::credential_id;
use super::kept_members::KeptMembers;
use crate::issuer::document::entries::to_timestamp;
use crate::oauth::client::{AuthenticationMethod, Client};

/// The grant type that Tokenhouse serves.
pub(super) const GRANT_TYPE: &str = "client_credentials";
pub(super) const GRANT_TYPES: &str = "grant_types";
pub(super) const METADATA: &str = "client_metadata";
pub(super) const METHOD: &str = "token_endpoint_auth_method";
const METHODS: &str = "client_authentication_methods";
/// The method of a client that cannot keep a secret, and so gets no tokens here.
pub(super) const PUBLIC_METHOD: &str = "none";

pub(super) const MEMBERS: KeptMembers = KeptMembers {
    read_only: &[
        "client_id",
        "tenant",
        "global",
        "signing_keys",
        "created_at",
        "updated_at",
        "callback_url_template",
        "secrets",
    ],
    defaults: &[("app_type", "\"non_interactive\""), ("is_first_party", "true"), ("oidc_conformant", "true")],
};

/// The client as it is shown; `secret` is told once, when it is new.
pub(super) fn client_view(client: &Client, secret: Option<&str>) -> Map<String, Value> {
    let mut view = MEMBERS.shown(&client.auth0_fields);
    view.insert("client_id".to_owned(), client.client_id.as_str().into());
    view.insert("name".to_owned(), client.name.as_str().into());
    view.insert("global".to_owned(), false.into());
    view.insert(GRANT_TYPES.to_owned(), grant_types(client));
    if client.authentication_methods.contains(&AuthenticationMethod::PrivateKeyJwt) {
        let used = client.keys.iter().filter(|key| key.enabled).map(|key| json!({ "id": credential_id(key) }));
        let used: Vec<_> = used.collect();
        view.insert(METHODS.to_owned(), json!({ "private_key_jwt": { "credentials": used } }));
    } else if !client.auth0_fields.contains_key(METHOD) && !may_use_either(client) {
        let method = client.authentication_methods.first().copied().unwrap_or(AuthenticationMethod::ClientSecretPost);
        view.insert(METHOD.to_owned(), method.as_str().into());
    }
    if let Some(quota) = client.quota {
        view.insert("token_quota".to_owned(), json!({ GRANT_TYPE: quota }));
    }
    view.insert("enabled".to_owned(), client.enabled.into());
    if let Some(audience) = &client.default_audience {
        view.insert("default_audience".to_owned(), audience.as_str().into());
    }
    if let Some(uri) = &client.jwks_uri {
        view.insert("jwks_uri".to_owned(), uri.as_str().into());
    }
    if !client.claims.is_empty() {
        view.insert("claims".to_owned(), client.claims.clone().into());
    }
    for (name, at) in [("created_at", client.created_at), ("updated_at", client.updated_at)] {
        view.insert(name.to_owned(), to_timestamp(at).map(|at| at.to_string()).into());
    }
    if let Some(secret) = secret {
        view.insert("client_secret".to_owned(), secret.into());
    }
    view
}

/// Set to nothing, the client may use its key or a secret: to show one of them would be a lie, and sent back would make it
/// true.
fn may_use_either(client: &Client) -> bool {
    client.authentication_methods.is_empty() && client.has_key_in_use()
}

/// The grant types as they were given, as far as they still say whether the client may use the one that is served.
fn grant_types(client: &Client) -> Value {
    let given = client.auth0_fields.get(GRANT_TYPES).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_given = given.iter().any(|name| name == GRANT_TYPE);
    if is_given == client.client_credentials_allowed {
        return given.into();
    }
    let mut types: Vec<Value> = given.into_iter().filter(|name| name != GRANT_TYPE).collect();
    if client.client_credentials_allowed {
        types.push(GRANT_TYPE.into());
    }
    types.into()
}
