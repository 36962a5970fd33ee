//! Which members does the configuration document have, and how do stored objects fill them?

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use crate::clock::UnixMillis;
use crate::keys::SigningAlg;
use crate::oauth::client::{AuthenticationMethod, Client, ClientGrant, Quota};
use crate::oauth::client_key::ClientKey;
use crate::oauth::resource::{Api, DefaultScope, ScopeFormat, ScopePolicy, TokenDialect};
use crate::secret::StoredSecret;

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The APIs.
    #[serde(default)]
    pub apis: Vec<ApiEntry>,
    /// The clients with their secrets and grants.
    #[serde(default)]
    pub clients: Vec<ClientEntry>,
}

/// An API as the document writes it. What is absent has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiEntry {
    /// The audience; cannot change.
    pub identifier: String,
    /// For people; by default the identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The scopes it defines.
    #[serde(default)]
    pub scopes: Vec<ScopeEntry>,
    /// How long its tokens live, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime: Option<i64>,
    /// How its tokens are signed.
    #[serde(default = "default_alg")]
    pub signing_alg: SigningAlg,
    /// The form of its tokens; absent: that of the server's `compat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_dialect: Option<TokenDialect>,
    /// What a request without `scope` gets.
    #[serde(default = "default_default_scope")]
    pub default_scope: DefaultScope,
    /// What the `scope` parameter does.
    #[serde(default = "default_scope_policy")]
    pub scope_policy: ScopePolicy,
    /// How the claim `scope` is written; absent: as the dialect has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_format: Option<ScopeFormat>,
    /// For how many seconds the same request may get the same token.
    #[serde(default)]
    pub token_reuse_seconds: u32,
    /// What Auth0 documents beside the above: kept and shown by the Management API, never acted upon.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub auth0_fields: Map<String, Value>,
}

/// A scope that an API defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeEntry {
    /// What stands in `scope`.
    pub value: String,
    /// What it allows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A client as the document writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientEntry {
    /// The public identifier; generated when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// For people; by default the client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Does it get tokens at all?
    #[serde(default = "default_true")]
    pub enabled: bool,
    /// May it use the client credentials grant? A client of another kind is kept, and refused.
    #[serde(default = "default_true", skip_serializing_if = "is_true")]
    pub client_credentials_allowed: bool,
    /// The API meant when a request names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_audience: Option<String>,
    /// How it authenticates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authentication_methods: Vec<AuthenticationMethod>,
    /// Its secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretEntry>,
    /// Its public keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<KeySetEntry>,
    /// Where it publishes further keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Its grants.
    #[serde(default)]
    pub grants: Vec<GrantEntry>,
    /// Its quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// Claims for its tokens.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// What Auth0 documents beside the above: kept and shown by the Management API, never acted upon.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub auth0_fields: Map<String, Value>,
}

/// A secret: its value from one of three places, or its hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretEntry {
    /// The secret itself: read, never written, and wiped when this is dropped.
    #[serde(default, skip_serializing)]
    pub value: Option<String>,
    /// The environment variable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_env: Option<String>,
    /// The file that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_file: Option<String>,
    /// Its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A client's public keys: a JWK Set (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySetEntry {
    /// The keys.
    pub keys: Vec<KeyEntry>,
}

/// A public key: a JWK, and what is said about it here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEntry {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Does it authenticate the client?
    #[serde(default = "default_true", skip_serializing_if = "is_true")]
    pub enabled: bool,
    /// The members of the JWK; as in any JWK, others than those of a key are passed over (RFC 7517 §4).
    #[serde(flatten)]
    pub jwk: Map<String, Value>,
}

/// A grant of an API to the client it stands under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantEntry {
    /// The API.
    pub audience: String,
    /// The scopes.
    #[serde(default)]
    pub scope: Vec<String>,
    /// What Auth0 documents beside the above: kept and shown by the Management API, never acted upon.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub auth0_fields: Map<String, Value>,
}

impl Drop for SecretEntry {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// Never shows the value or the hash.
impl std::fmt::Debug for SecretEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SecretEntry").field("label", &self.label).finish_non_exhaustive()
    }
}

impl ApiEntry {
    /// An entry with every default.
    pub fn new(identifier: impl Into<String>) -> Self {
        Self {
            identifier: identifier.into(),
            name: None,
            scopes: Vec::new(),
            token_lifetime: None,
            signing_alg: default_alg(),
            token_dialect: None,
            default_scope: default_default_scope(),
            scope_policy: default_scope_policy(),
            scope_format: None,
            token_reuse_seconds: 0,
            auth0_fields: Map::new(),
        }
    }
}

impl From<&Api> for ApiEntry {
    fn from(api: &Api) -> Self {
        let scope = |scope: &crate::oauth::resource::ScopeDefinition| ScopeEntry {
            value: scope.value.to_string(),
            description: scope.description.clone(),
        };
        Self {
            identifier: api.identifier.to_string(),
            name: Some(api.name.clone()),
            scopes: api.scopes.iter().map(scope).collect(),
            token_lifetime: Some(i64::from(api.token_lifetime.seconds())),
            signing_alg: api.signing_alg,
            token_dialect: api.token_dialect,
            default_scope: api.default_scope,
            scope_policy: api.scope_policy,
            scope_format: api.scope_format,
            token_reuse_seconds: api.token_reuse_seconds,
            auth0_fields: api.auth0_fields.clone(),
        }
    }
}

impl ClientEntry {
    /// An entry with every default.
    pub fn new(client_id: Option<String>, name: Option<String>) -> Self {
        Self {
            client_id,
            name,
            enabled: true,
            client_credentials_allowed: true,
            default_audience: None,
            authentication_methods: Vec::new(),
            secrets: Vec::new(),
            jwks: None,
            jwks_uri: None,
            grants: Vec::new(),
            quota: None,
            claims: Map::new(),
            auth0_fields: Map::new(),
        }
    }

    /// The client itself, without its secrets, registered keys and grants.
    pub fn without_secrets_and_grants(client: &Client) -> Self {
        Self {
            client_id: Some(client.client_id.to_string()),
            name: Some(client.name.clone()),
            enabled: client.enabled,
            client_credentials_allowed: client.client_credentials_allowed,
            default_audience: client.default_audience.as_ref().map(ToString::to_string),
            authentication_methods: client.authentication_methods.clone(),
            secrets: Vec::new(),
            jwks: None,
            jwks_uri: client.jwks_uri.as_ref().map(ToString::to_string),
            grants: Vec::new(),
            quota: client.quota,
            claims: client.claims.clone(),
            auth0_fields: client.auth0_fields.clone(),
        }
    }
}

impl From<&StoredSecret> for SecretEntry {
    fn from(secret: &StoredSecret) -> Self {
        Self {
            value: None,
            value_env: None,
            value_file: None,
            hash: Some(secret.hash.text().into_owned()),
            label: secret.label.clone(),
            expires_at: secret.expires_at.and_then(to_timestamp),
        }
    }
}

impl From<&ClientKey> for KeyEntry {
    fn from(key: &ClientKey) -> Self {
        Self {
            name: key.name.clone(),
            expires_at: key.expires_at.and_then(to_timestamp),
            enabled: key.enabled,
            jwk: key.key.to_jwk(key.kid.as_str()),
        }
    }
}

impl GrantEntry {
    /// A grant of `scope` of the API `audience`.
    pub fn new(audience: impl Into<String>, scope: Vec<String>) -> Self {
        Self { audience: audience.into(), scope, auth0_fields: Map::new() }
    }

    /// The grant itself, which is for the API `audience`.
    pub fn of(audience: &str, grant: &ClientGrant) -> Self {
        let scope = grant.scope.iter().map(ToString::to_string).collect();
        Self { auth0_fields: grant.auth0_fields.clone(), ..Self::new(audience, scope) }
    }
}

/// The instant as a timestamp; `None` outside the years that one can name.
pub fn to_timestamp(at: UnixMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.0).ok()
}

/// The values, each where it stands first.
pub(in crate::issuer) fn without_repeats<T: PartialEq + Clone>(values: &[T]) -> Vec<T> {
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

const fn default_alg() -> SigningAlg {
    SigningAlg::Rs256
}

const fn default_default_scope() -> DefaultScope {
    DefaultScope::All
}

const fn default_scope_policy() -> ScopePolicy {
    ScopePolicy::Exact
}

const fn default_true() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_and_never_written() {
        let entry: SecretEntry = serde_json::from_str(r#"{"value":"canary","label":"first"}"#).unwrap();
        assert_eq!(entry.value.as_deref(), Some("canary"));
        assert_eq!(serde_json::to_string(&entry).unwrap(), r#"{"label":"first"}"#);
    }

    #[test]
    fn of_repeated_values_the_first_stays() {
        assert_eq!(without_repeats(&["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
