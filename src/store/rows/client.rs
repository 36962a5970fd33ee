//! How is a client kept? One row, and one per authentication method, secret, key, grant and granted scope.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use uuid::Uuid;

use super::client_key::{ClientKeyRow, keys_by_client};
use super::column::{Place, json_text, position};
use crate::clock::UnixMillis;
use crate::oauth::client::{AuthenticationMethod, Client, ClientGrant, Quota};
use crate::oauth::scope::{ScopeSet, ScopeValue};
use crate::secret::{SecretHash, SecretId, StoredSecret};
use crate::store::error::StoreError;
use crate::store::schema::{client_authentication_methods, client_secrets, clients, grant_scopes, grants};

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct ClientRow {
    pub(in crate::store) id: String,
    client_id: String,
    name: String,
    enabled: bool,
    client_credentials_allowed: bool,
    default_audience: Option<String>,
    jwks_uri: Option<String>,
    quota_per_hour: Option<i64>,
    quota_per_day: Option<i64>,
    quota_enforce: Option<bool>,
    claims: String,
    auth0_fields: String,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_authentication_methods, treat_none_as_default_value = false)]
pub(in crate::store) struct MethodRow {
    client_row_id: String,
    position: i64,
    method: String,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = client_secrets, treat_none_as_default_value = false)]
pub(in crate::store) struct SecretRow {
    id: String,
    pub(in crate::store) client_row_id: String,
    hash: String,
    imported_hash: Option<String>,
    secret_id: Option<String>,
    label: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = grants, treat_none_as_default_value = false)]
pub(in crate::store) struct GrantRow {
    pub(in crate::store) id: String,
    pub(in crate::store) client_row_id: String,
    pub(in crate::store) api_id: String,
    auth0_fields: String,
    created_at: i64,
    updated_at: i64,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = grant_scopes, treat_none_as_default_value = false)]
pub(in crate::store) struct GrantScopeRow {
    grant_id: String,
    position: i64,
    value: String,
}

/// Everything that belongs to some clients, in any order.
#[derive(Debug, Default)]
pub(in crate::store) struct ClientParts {
    pub(in crate::store) methods: Vec<MethodRow>,
    pub(in crate::store) secrets: Vec<SecretRow>,
    pub(in crate::store) keys: Vec<ClientKeyRow>,
    pub(in crate::store) grants: Vec<GrantRow>,
    pub(in crate::store) grant_scopes: Vec<GrantScopeRow>,
}

impl ClientRow {
    pub(in crate::store) fn new(client: &Client, updated_at: UnixMillis, revision: i64) -> Result<Self, StoreError> {
        Ok(Self {
            id: client.id.to_string(),
            client_id: client.client_id.as_str().to_owned(),
            name: client.name.clone(),
            enabled: client.enabled,
            client_credentials_allowed: client.client_credentials_allowed,
            default_audience: client.default_audience.as_ref().map(|audience| audience.as_str().to_owned()),
            jwks_uri: client.jwks_uri.as_ref().map(|uri| uri.as_str().to_owned()),
            quota_per_hour: client.quota.and_then(|quota| quota.per_hour).map(i64::from),
            quota_per_day: client.quota.and_then(|quota| quota.per_day).map(i64::from),
            quota_enforce: client.quota.map(|quota| quota.enforce),
            claims: json_text(&client.claims)?,
            auth0_fields: json_text(&client.auth0_fields)?,
            created_at: client.created_at.0,
            updated_at: updated_at.0,
            revision,
        })
    }

    /// The client without what belongs to it.
    fn into_client(self) -> Result<Client, StoreError> {
        let place = Place("clients", &self.id);
        let limit = |limit: Option<i64>| limit.map(|limit| place.number(limit)).transpose();
        let (per_hour, per_day) = (limit(self.quota_per_hour)?, limit(self.quota_per_day)?);
        Ok(Client {
            id: place.id()?,
            client_id: place.parse(&self.client_id)?,
            enabled: self.enabled,
            client_credentials_allowed: self.client_credentials_allowed,
            default_audience: place.parse_optional(self.default_audience.as_deref())?,
            authentication_methods: Vec::new(),
            secrets: Vec::new(),
            keys: Vec::new(),
            jwks_uri: place.parse_optional(self.jwks_uri.as_deref())?,
            grants: Vec::new(),
            quota: self.quota_enforce.map(|enforce| Quota { per_hour, per_day, enforce }),
            claims: place.json(&self.claims)?,
            auth0_fields: place.json(&self.auth0_fields)?,
            created_at: UnixMillis(self.created_at),
            updated_at: UnixMillis(self.updated_at),
            name: self.name,
        })
    }
}

impl MethodRow {
    pub(in crate::store) fn all_of(client: &Client) -> Vec<Self> {
        let rows = client.authentication_methods.iter().enumerate().map(|(index, method)| Self {
            client_row_id: client.id.to_string(),
            position: position(index),
            method: method.as_str().to_owned(),
        });
        rows.collect()
    }
}

impl SecretRow {
    pub(in crate::store) fn new(client_row_id: Uuid, secret: &StoredSecret) -> Self {
        Self {
            id: secret.id.to_string(),
            client_row_id: client_row_id.to_string(),
            hash: secret.hash.text().into_owned(),
            imported_hash: secret.imported_hash.as_ref().map(|hash| hash.text().into_owned()),
            secret_id: secret_id_text(&secret.hash),
            label: secret.label.clone(),
            created_at: secret.created_at.0,
            expires_at: secret.expires_at.map(|instant| instant.0),
            last_used_at: secret.last_used_at.map(|instant| instant.0),
        }
    }

    pub(in crate::store) fn into_secret(self) -> Result<StoredSecret, StoreError> {
        let place = Place("client_secrets", &self.id);
        let parse = |text: &str| SecretHash::parse(text).map_err(|error| place.unreadable(error));
        Ok(StoredSecret {
            id: place.id()?,
            hash: parse(&self.hash)?,
            imported_hash: self.imported_hash.as_deref().map(parse).transpose()?.map(Box::new),
            created_at: UnixMillis(self.created_at),
            expires_at: self.expires_at.map(UnixMillis),
            last_used_at: self.last_used_at.map(UnixMillis),
            label: self.label,
        })
    }
}

/// The public part of a generated secret, which its hash names.
pub(in crate::store) fn secret_id_text(hash: &SecretHash) -> Option<String> {
    hash.secret_id().as_ref().map(SecretId::as_str).map(str::to_owned)
}

impl GrantRow {
    pub(in crate::store) fn new(client_row_id: Uuid, grant: &ClientGrant) -> Result<Self, StoreError> {
        Ok(Self {
            id: grant.id.to_string(),
            client_row_id: client_row_id.to_string(),
            api_id: grant.api_id.to_string(),
            auth0_fields: json_text(&grant.auth0_fields)?,
            created_at: grant.created_at.0,
            updated_at: grant.updated_at.0,
        })
    }

    fn into_grant(self, scope: ScopeSet) -> Result<ClientGrant, StoreError> {
        let place = Place("grants", &self.id);
        Ok(ClientGrant {
            id: place.id()?,
            api_id: place.parse(&self.api_id)?,
            scope,
            auth0_fields: place.json(&self.auth0_fields)?,
            created_at: UnixMillis(self.created_at),
            updated_at: UnixMillis(self.updated_at),
        })
    }
}

impl GrantScopeRow {
    pub(in crate::store) fn all_of(grant_id: Uuid, scope: &ScopeSet) -> Vec<Self> {
        let rows = scope.iter().enumerate().map(|(index, value)| Self {
            grant_id: grant_id.to_string(),
            position: position(index),
            value: value.as_str().to_owned(),
        });
        rows.collect()
    }
}

/// Values that many clients have alike: a million grants name a handful of scopes. Equal ones share their memory.
#[derive(Debug, Default)]
pub(in crate::store) struct SharedValues {
    values: HashMap<String, ScopeValue>,
    sets: HashSet<ScopeSet>,
}

impl SharedValues {
    fn scope_value(&mut self, place: Place<'_>, text: String) -> Result<ScopeValue, StoreError> {
        if let Some(known) = self.values.get(&text) {
            return Ok(known.clone());
        }
        let value: ScopeValue = place.parse(&text)?;
        self.values.insert(text, value.clone());
        Ok(value)
    }

    fn scope_set(&mut self, set: ScopeSet) -> ScopeSet {
        if let Some(known) = self.sets.get(&set) {
            return known.clone();
        }
        self.sets.insert(set.clone());
        set
    }
}

/// The clients of `rows`, in their order, each with what belongs to it among `parts`.
pub(in crate::store) fn assemble(
    rows: Vec<ClientRow>,
    parts: ClientParts,
    shared: &mut SharedValues,
) -> Result<Vec<Client>, StoreError> {
    let mut methods = methods_by_client(parts.methods)?;
    let mut secrets = secrets_by_client(parts.secrets)?;
    let mut keys = keys_by_client(parts.keys)?;
    let mut grants = grants_by_client(parts.grants, parts.grant_scopes, shared)?;
    let assembled = rows.into_iter().map(|row| {
        let authentication_methods = methods.remove(&row.id).unwrap_or_default();
        let secrets = secrets.remove(&row.id).unwrap_or_default();
        let keys = keys.remove(&row.id).unwrap_or_default();
        let grants = grants.remove(&row.id).unwrap_or_default();
        let client = row.into_client()?;
        Ok(Client { authentication_methods, secrets, keys, grants, ..client })
    });
    assembled.collect()
}

/// The grants of `rows`, in their order, each with our own id of its client and its scopes among `scope_rows`.
pub(in crate::store) fn assemble_grants(
    rows: Vec<GrantRow>,
    scope_rows: Vec<GrantScopeRow>,
) -> Result<Vec<(Uuid, ClientGrant)>, StoreError> {
    let mut scopes = scopes_by_grant(scope_rows, &mut SharedValues::default())?;
    let assembled = rows.into_iter().map(|row| {
        let client = Place("grants", &row.id).parse(&row.client_row_id)?;
        let scope = scopes.remove(&row.id).unwrap_or_default();
        Ok((client, row.into_grant(scope)?))
    });
    assembled.collect()
}

fn methods_by_client(rows: Vec<MethodRow>) -> Result<HashMap<String, Vec<AuthenticationMethod>>, StoreError> {
    let mut rows_by_client: HashMap<String, Vec<MethodRow>> = HashMap::new();
    for row in rows {
        rows_by_client.entry(row.client_row_id.clone()).or_default().push(row);
    }
    let parsed = rows_by_client.into_iter().map(|(client, mut rows)| {
        rows.sort_unstable_by_key(|row| row.position);
        let place = Place("client_authentication_methods", &client);
        let methods = rows.iter().map(|row| place.parse(&row.method)).collect::<Result<_, StoreError>>()?;
        Ok((client, methods))
    });
    parsed.collect()
}

fn secrets_by_client(rows: Vec<SecretRow>) -> Result<HashMap<String, Vec<StoredSecret>>, StoreError> {
    let mut by_client: HashMap<String, Vec<StoredSecret>> = HashMap::new();
    for mut row in rows {
        let client = std::mem::take(&mut row.client_row_id);
        by_client.entry(client).or_default().push(row.into_secret()?);
    }
    for secrets in by_client.values_mut() {
        secrets.sort_unstable_by_key(|secret| (secret.created_at, secret.id));
    }
    Ok(by_client)
}

fn grants_by_client(
    rows: Vec<GrantRow>,
    scope_rows: Vec<GrantScopeRow>,
    shared: &mut SharedValues,
) -> Result<HashMap<String, Vec<ClientGrant>>, StoreError> {
    let mut scopes = scopes_by_grant(scope_rows, shared)?;
    let mut by_client: HashMap<String, Vec<ClientGrant>> = HashMap::new();
    for mut row in rows {
        let client = std::mem::take(&mut row.client_row_id);
        let scope = scopes.remove(&row.id).unwrap_or_default();
        by_client.entry(client).or_default().push(row.into_grant(scope)?);
    }
    for grants in by_client.values_mut() {
        grants.sort_unstable_by_key(|grant| (grant.created_at, grant.id));
    }
    Ok(by_client)
}

fn scopes_by_grant(
    rows: Vec<GrantScopeRow>,
    shared: &mut SharedValues,
) -> Result<HashMap<String, ScopeSet>, StoreError> {
    let mut by_grant: HashMap<String, Vec<(i64, ScopeValue)>> = HashMap::new();
    for row in rows {
        let value = shared.scope_value(Place("grant_scopes", &row.grant_id), row.value)?;
        by_grant.entry(row.grant_id).or_default().push((row.position, value));
    }
    let ordered = by_grant.into_iter().map(|(grant, mut values)| {
        values.sort_unstable_by_key(|(position, _)| *position);
        (grant, shared.scope_set(values.into_iter().map(|(_, value)| value).collect()))
    });
    Ok(ordered.collect())
}
