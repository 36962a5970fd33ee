//! How is an API kept? One row, and one per scope.

use std::collections::HashMap;

use diesel::prelude::*;

use super::column::{Place, json_text, position};
use crate::clock::UnixMillis;
use crate::oauth::resource::{Api, Lifetime, ScopeDefinition};
use crate::store::error::StoreError;
use crate::store::schema::{api_scopes, apis};

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = apis, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::store) struct ApiRow {
    pub(in crate::store) id: String,
    identifier: String,
    name: String,
    token_lifetime: i64,
    signing_alg: String,
    token_dialect: Option<String>,
    default_scope: String,
    scope_policy: String,
    scope_format: Option<String>,
    token_reuse_seconds: i64,
    is_system: bool,
    auth0_fields: String,
    created_at: i64,
    updated_at: i64,
    revision: i64,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_scopes, treat_none_as_default_value = false)]
pub(in crate::store) struct ApiScopeRow {
    api_id: String,
    position: i64,
    value: String,
    description: Option<String>,
}

impl ApiRow {
    pub(in crate::store) fn new(api: &Api, updated_at: UnixMillis, revision: i64) -> Result<Self, StoreError> {
        Ok(Self {
            id: api.id.to_string(),
            identifier: api.identifier.as_str().to_owned(),
            name: api.name.clone(),
            token_lifetime: api.token_lifetime.seconds().into(),
            signing_alg: api.signing_alg.as_str().to_owned(),
            token_dialect: api.token_dialect.map(|dialect| dialect.as_str().to_owned()),
            default_scope: api.default_scope.as_str().to_owned(),
            scope_policy: api.scope_policy.as_str().to_owned(),
            scope_format: api.scope_format.map(|format| format.as_str().to_owned()),
            token_reuse_seconds: api.token_reuse_seconds.into(),
            is_system: api.is_system,
            auth0_fields: json_text(&api.auth0_fields)?,
            created_at: api.created_at.0,
            updated_at: updated_at.0,
            revision,
        })
    }

    fn into_api(self, scopes: Vec<ScopeDefinition>) -> Result<Api, StoreError> {
        let place = Place("apis", &self.id);
        Ok(Api {
            id: place.id()?,
            identifier: place.parse(&self.identifier)?,
            scopes,
            token_lifetime: Lifetime::try_from(self.token_lifetime).map_err(|error| place.unreadable(error))?,
            signing_alg: place.parse(&self.signing_alg)?,
            token_dialect: place.parse_optional(self.token_dialect.as_deref())?,
            default_scope: place.parse(&self.default_scope)?,
            scope_policy: place.parse(&self.scope_policy)?,
            scope_format: place.parse_optional(self.scope_format.as_deref())?,
            token_reuse_seconds: place.number(self.token_reuse_seconds)?,
            is_system: self.is_system,
            auth0_fields: place.json(&self.auth0_fields)?,
            created_at: UnixMillis(self.created_at),
            updated_at: UnixMillis(self.updated_at),
            name: self.name,
        })
    }
}

impl ApiScopeRow {
    pub(in crate::store) fn all_of(api: &Api) -> Vec<Self> {
        let rows = api.scopes.iter().enumerate().map(|(index, scope)| Self {
            api_id: api.id.to_string(),
            position: position(index),
            value: scope.value.as_str().to_owned(),
            description: scope.description.clone(),
        });
        rows.collect()
    }
}

/// The APIs of `rows`, in their order, each with its scopes among `scopes`.
pub(in crate::store) fn assemble(rows: Vec<ApiRow>, scopes: Vec<ApiScopeRow>) -> Result<Vec<Api>, StoreError> {
    let mut by_api: HashMap<String, Vec<ApiScopeRow>> = HashMap::with_capacity(rows.len());
    for scope in scopes {
        by_api.entry(scope.api_id.clone()).or_default().push(scope);
    }
    let assembled = rows.into_iter().map(|row| {
        let mut scopes = by_api.remove(&row.id).unwrap_or_default();
        scopes.sort_unstable_by_key(|scope| scope.position);
        let definitions = scopes.into_iter().map(|scope| {
            let value = Place("api_scopes", &scope.api_id).parse(&scope.value)?;
            Ok(ScopeDefinition { value, description: scope.description })
        });
        let definitions = definitions.collect::<Result<Vec<_>, StoreError>>()?;
        row.into_api(definitions)
    });
    assembled.collect()
}
