//! What may be said of a client, and what does it change? Auth0's members, Tokenhouse's own, and others that are kept.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::Patch;
use super::client_view::{GRANT_TYPE, GRANT_TYPES, MEMBERS, METADATA, METHOD, PUBLIC_METHOD};
use crate::issuer::AdministrationError;
use crate::issuer::document::ClientEntry;
use crate::oauth::client::{AuthenticationMethod, Quota};

/// The members of a client. All but `name` may be left out; in a change, `null` deletes. Members that are not listed are
/// kept and shown as given, 16 KiB in all, and never acted upon.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ClientBody {
    /// For people.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Patch<String>,
    /// With `client_credentials` among them the client may get tokens; default `["client_credentials"]`.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    grant_types: Patch<Vec<String>>,
    /// `client_secret_post`, `client_secret_basic`, or `none` for a client that gets no tokens.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    token_endpoint_auth_method: Patch<String>,
    /// The secret to use in place of a generated one, or of those there are.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) client_secret: Patch<String>,
    /// How many tokens it may get.
    #[serde(default)]
    #[schema(value_type = Option<TokenQuota>)]
    token_quota: Patch<TokenQuota>,
    /// Texts of your own. A change names those to add, change or, with `null`, delete.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    client_metadata: Patch<Map<String, Value>>,
    /// Does it get tokens at all? Default `true`.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    enabled: Patch<bool>,
    /// The API meant when a token request names none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    default_audience: Patch<String>,
    /// Claims for its tokens, issued as `client_…` in the `identityserver` dialect.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    claims: Patch<Map<String, Value>>,
    /// What else Auth0 documents.
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// Auth0's form of a quota.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
pub(super) struct TokenQuota {
    /// For the client credentials grant.
    client_credentials: ClientCredentialsQuota,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object")]
struct ClientCredentialsQuota {
    /// Refuse what goes beyond (default), rather than only log it?
    enforce: Option<bool>,
    /// Tokens per day.
    per_day: Option<u32>,
    /// Tokens per hour.
    per_hour: Option<u32>,
}

impl ClientBody {
    /// The entry of a new client.
    ///
    /// # Errors
    /// If it has no name, or a member cannot be used.
    pub(super) fn into_entry(self) -> Result<ClientEntry, AdministrationError> {
        if self.name.clone().value().is_none_or(|name| name.trim().is_empty()) {
            return Err(AdministrationError::Invalid("name is missing: say what the client is called".to_owned()));
        }
        let mut entry = ClientEntry::new(None, None);
        self.apply_to(&mut entry)?;
        Ok(entry)
    }

    /// Changes `entry` where something is said.
    ///
    /// # Errors
    /// If a member cannot be used.
    pub(super) fn apply_to(mut self, entry: &mut ClientEntry) -> Result<(), AdministrationError> {
        match self.name {
            Patch::Absent => {}
            Patch::Value(name) if !name.trim().is_empty() => entry.name = Some(name),
            Patch::Null | Patch::Value(_) => {
                return Err(AdministrationError::Invalid("name: a client needs a name".to_owned()));
            }
        }
        self.enabled.set(&mut entry.enabled, || true);
        self.default_audience.set_option(&mut entry.default_audience);
        self.claims.set(&mut entry.claims, Map::new);
        match self.token_quota {
            Patch::Absent => {}
            Patch::Null => entry.quota = None,
            Patch::Value(TokenQuota { client_credentials: quota }) => {
                let ClientCredentialsQuota { enforce, per_day, per_hour } = quota;
                entry.quota = Some(Quota { per_hour, per_day, enforce: enforce.unwrap_or(true) });
            }
        }
        set_grant_types(self.grant_types, entry);
        set_method(self.token_endpoint_auth_method, entry)?;
        merge_metadata(self.client_metadata, &mut entry.auth0_fields);
        forget_signing_secret(&mut self.other);
        MEMBERS.keep(self.other, &mut entry.auth0_fields);
        if entry.client_credentials_allowed && entry.auth0_fields.get(METHOD).is_some() {
            return Err(AdministrationError::Invalid(format!(
                "{METHOD} none: a client with the grant type {GRANT_TYPE} must authenticate; use client_secret_post"
            )));
        }
        Ok(())
    }
}

fn set_grant_types(given: Patch<Vec<String>>, entry: &mut ClientEntry) {
    let types = match given {
        Patch::Absent => return,
        Patch::Null => vec![GRANT_TYPE.to_owned()],
        Patch::Value(types) => types,
    };
    entry.client_credentials_allowed = types.iter().any(|name| name == GRANT_TYPE);
    if types == [GRANT_TYPE] {
        entry.auth0_fields.remove(GRANT_TYPES);
    } else {
        entry.auth0_fields.insert(GRANT_TYPES.to_owned(), types.into());
    }
}

fn set_method(given: Patch<String>, entry: &mut ClientEntry) -> Result<(), AdministrationError> {
    let Patch::Value(method) = given else {
        if given == Patch::Null {
            entry.auth0_fields.remove(METHOD);
        }
        return Ok(());
    };
    if method == PUBLIC_METHOD {
        entry.auth0_fields.insert(METHOD.to_owned(), method.into());
        return Ok(());
    }
    let parsed: AuthenticationMethod =
        method.parse().map_err(|error| AdministrationError::Invalid(format!("{METHOD}: {error}, or none")))?;
    entry.auth0_fields.remove(METHOD);
    // Secrets may be used in the header or the body as the client likes: the one named first is what is shown.
    if entry.authentication_methods.first() != Some(&parsed)
        && !(entry.authentication_methods.is_empty() && parsed == AuthenticationMethod::ClientSecretPost)
    {
        entry.authentication_methods = vec![parsed];
    }
    Ok(())
}

/// Auth0 merges the first level of the metadata.
fn merge_metadata(given: Patch<Map<String, Value>>, kept: &mut Map<String, Value>) {
    let Patch::Value(changes) = given else {
        if given == Patch::Null {
            kept.remove(METADATA);
        }
        return;
    };
    let mut merged = kept.get(METADATA).and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in changes {
        if value.is_null() {
            merged.remove(&name);
        } else {
            merged.insert(name, value);
        }
    }
    if merged.is_empty() {
        kept.remove(METADATA);
    } else {
        kept.insert(METADATA.to_owned(), merged.into());
    }
}

/// Auth0 signs with the secret in `jwt_configuration` where the algorithm is HS256; here it would only be a secret that
/// lies about.
fn forget_signing_secret(given: &mut Map<String, Value>) {
    if let Some(configuration) = given.get_mut("jwt_configuration").and_then(Value::as_object_mut) {
        configuration.remove("secret_encoded");
    }
}
