//! What may be said of a client, and what does it change? Auth0's members, Tokenhouse's own, and others that are kept.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::{Patch, SecretText};
use super::client_view::{GRANT_TYPE, GRANT_TYPES, MEMBERS, METADATA, METHOD, PUBLIC_METHOD};
use super::credentials::{CredentialBody, parse_credential_id};
use crate::issuer::AdministrationError;
use crate::issuer::administration::Change;
use crate::issuer::clients::IdRule;
use crate::issuer::document::ClientEntry;
use crate::issuer::secrets::SecretTerms;
use crate::oauth::client::{AuthenticationMethod, Client, Quota};

/// The members of a client. All but `name` may be left out; in a change, `null` deletes. Members that are not listed are
/// kept and shown as given, 16 KiB in all and at most 32 levels deep, and never acted upon.
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
    /// The registered keys by which the client authenticates from now on, in place of secrets.
    #[serde(default)]
    #[schema(value_type = Option<AuthenticationMethods>)]
    client_authentication_methods: Patch<AuthenticationMethods>,
    /// Where the client publishes further keys.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    jwks_uri: Patch<String>,
    /// The secret to use in place of a generated one, or of those there are.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) client_secret: Patch<SecretText>,
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
    /// Claims for its tokens, issued as `client_…` in the `identityserver` dialect; 4 KiB in all.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    claims: Patch<Map<String, Value>>,
    /// What else Auth0 documents.
    #[serde(flatten)]
    other: Map<String, Value>,
    /// Was `client_authentication_methods` null?
    #[serde(skip)]
    without_keys: bool,
    /// Could the client authenticate with a key before?
    #[serde(skip)]
    has_key_in_use: bool,
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

/// Auth0's form of the methods that use keys.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with private_key_jwt")]
pub(super) struct AuthenticationMethods {
    /// Assertions signed with a registered key (RFC 7523).
    private_key_jwt: KeyMethod,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object with credentials")]
struct KeyMethod {
    /// The keys.
    credentials: Vec<KeyReference>,
}

/// A registered key by its `id`, or one to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(expecting = "an object with the id of a credential, or a new one")]
struct KeyReference {
    /// Of a key that is registered.
    id: Option<String>,
    #[serde(flatten)]
    new: CredentialBody,
}

impl ClientBody {
    /// Creates the client; its secret is told where it has one.
    ///
    /// # Errors
    /// If it has no name, or a member cannot be used.
    pub(super) fn create(mut self, change: &mut Change<'_>) -> Result<(Client, Option<String>), AdministrationError> {
        if self.name.clone().value().is_none_or(|name| name.trim().is_empty()) {
            return Err(AdministrationError::Invalid("name is missing: say what the client is called".to_owned()));
        }
        let (keys, secret) = (self.take_keys()?, std::mem::take(&mut self.client_secret).value());
        let mut entry = ClientEntry::new(None, None);
        self.apply_to(&mut entry)?;
        let id = change.create_client(&entry, IdRule::Chosen)?.client_id.to_string();
        let secret = match (&keys, secret) {
            (None, None) => Some(change.add_secret(&id, SecretTerms::default())?.secret.expose().to_owned()),
            (_, Some(SecretText(brought))) => {
                change.set_secret(&id, &brought)?;
                Some(brought.to_string())
            }
            (Some(_), None) => None,
        };
        use_keys(keys, &id, change)?;
        Ok((change.existing_client(&id)?, secret))
    }

    /// The rights that a change needs besides that to change clients: whoever sets a credential can use it.
    pub(super) fn further_rights(&self) -> Vec<&'static [&'static str]> {
        let secret = matches!(self.client_secret, Patch::Value(_)).then_some(&["update:client_keys"][..]);
        let keys = matches!(self.client_authentication_methods, Patch::Value(_)) || self.jwks_uri != Patch::Absent;
        let keys = keys.then_some(&["update:client_credentials", "create:client_credentials"][..]);
        secret.into_iter().chain(keys).collect()
    }

    /// Changes the client where something is said.
    ///
    /// # Errors
    /// If there is no such client, or a member cannot be used.
    pub(super) fn update(mut self, id: &str, change: &mut Change<'_>) -> Result<Client, AdministrationError> {
        let (keys, secret) = (self.take_keys()?, std::mem::take(&mut self.client_secret).value());
        if let Some(SecretText(secret)) = secret {
            change.set_secret(id, &secret)?;
        }
        self.has_key_in_use = change.existing_client(id)?.has_key_in_use();
        change.update_client(id, |entry| self.apply_to(entry))?;
        use_keys(keys, id, change)?;
        change.existing_client(id)
    }

    /// The keys that the client is to use, if something is said of them. `null` goes back to secrets.
    fn take_keys(&mut self) -> Result<Option<Vec<KeyReference>>, AdministrationError> {
        match std::mem::take(&mut self.client_authentication_methods) {
            Patch::Absent => Ok(None),
            Patch::Null => {
                self.without_keys = true;
                Ok(None)
            }
            Patch::Value(_) if matches!(self.token_endpoint_auth_method, Patch::Value(_)) => {
                let message = format!("give either {METHOD} or client_authentication_methods, and null for the other");
                Err(AdministrationError::Invalid(message))
            }
            Patch::Value(methods) => Ok(Some(methods.private_key_jwt.credentials)),
        }
    }

    /// Changes `entry` where something is said.
    fn apply_to(mut self, entry: &mut ClientEntry) -> Result<(), AdministrationError> {
        self.jwks_uri.set_option(&mut entry.jwks_uri);
        let has_key_in_use = self.has_key_in_use || entry.jwks_uri.is_some();
        if self.without_keys {
            put_keys_out_of_use(has_key_in_use, entry);
        }
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
        set_method(self.token_endpoint_auth_method, has_key_in_use, entry)?;
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

/// Registers the new ones of `keys` and makes them all those that the client uses.
fn use_keys(keys: Option<Vec<KeyReference>>, id: &str, change: &mut Change<'_>) -> Result<(), AdministrationError> {
    let Some(keys) = keys else { return Ok(()) };
    let mut used = Vec::with_capacity(keys.len());
    for KeyReference { id: known, new } in keys {
        used.push(match known {
            Some(known) => parse_credential_id(&known)?,
            None => change.add_client_key(id, &new.into_key(true)?)?.id,
        });
    }
    change.set_authentication_methods(id, &[AuthenticationMethod::PrivateKeyJwt], Some(&used)).map(drop)
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

/// A client that is set to nothing may use what it has: a key that is to be worth nothing needs a method that is not that.
fn put_keys_out_of_use(has_key_in_use: bool, entry: &mut ClientEntry) {
    let methods = &mut entry.authentication_methods;
    let were_used = methods.contains(&AuthenticationMethod::PrivateKeyJwt) || has_key_in_use;
    methods.retain(|method| *method != AuthenticationMethod::PrivateKeyJwt);
    if methods.is_empty() && were_used {
        methods.push(AuthenticationMethod::ClientSecretPost);
    }
}

fn set_method(given: Patch<String>, has_key_in_use: bool, entry: &mut ClientEntry) -> Result<(), AdministrationError> {
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
    let methods = &mut entry.authentication_methods;
    let shown = if methods.is_empty() && !has_key_in_use {
        parsed == AuthenticationMethod::ClientSecretPost
    } else {
        methods.first() == Some(&parsed) && !methods.contains(&AuthenticationMethod::PrivateKeyJwt)
    };
    if !shown {
        *methods = vec![parsed];
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
