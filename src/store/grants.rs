//! How are grants of clients for APIs found and changed?

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use diesel::dsl::count_star;
use diesel::prelude::*;
use uuid::Uuid;

use super::chunks::load_in_chunks;
use super::clients::touch_client;
use super::connection::{AnyBackend, AnyConnection};
use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::read::{Page, Reader};
use super::rows::client::{GrantRow, GrantScopeRow, assemble_grants};
use super::rows::column::{Place, json_text};
use super::schema::{apis, clients, grant_scopes, grants};
use super::write::{Stamp, Transaction};
use crate::oauth::client::{ClientGrant, ClientId};
use crate::oauth::resource::Audience;
use crate::oauth::scope::ScopeSet;

/// A grant, whose it is and for which API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedGrant {
    /// Our own id of the client.
    pub client_row_id: Uuid,
    /// The client.
    pub client_id: ClientId,
    /// The API.
    pub audience: Audience,
    /// The grant.
    pub grant: ClientGrant,
}

/// Which grants: those that match everything given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantFilter {
    /// Of this client, by our own id.
    pub client_row_id: Option<Uuid>,
    /// For this API.
    pub api_id: Option<Uuid>,
}

impl Reader {
    /// The grants that match, oldest first.
    pub fn list_grants(&mut self, filter: &GrantFilter, page: Page) -> Result<Vec<OwnedGrant>, StoreError> {
        self.attempt(|connection| {
            let mut query = matching(filter);
            if let Some(after) = page.after {
                query = query.filter(grants::id.gt(after.to_string()));
            }
            let rows = query
                .order(grants::id)
                .offset(page.offset.into())
                .limit(page.limit.into())
                .select(GrantRow::as_select())
                .load(connection)?;
            with_names(connection, rows)
        })
    }

    /// How many grants match.
    pub fn count_grants(&mut self, filter: &GrantFilter) -> Result<u64, StoreError> {
        self.attempt(|connection| {
            let count: i64 = matching(filter).count().get_result(connection)?;
            Ok(count.unsigned_abs())
        })
    }

    /// How many grants there are for each of `apis`; those without any are left out.
    pub fn count_grants_by_api(&mut self, apis: &[Uuid]) -> Result<HashMap<Uuid, u64>, StoreError> {
        let ids: Vec<String> = apis.iter().map(Uuid::to_string).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.attempt(|connection| {
            let counts: Vec<(String, i64)> = load_in_chunks(&ids, |ids| {
                grants::table
                    .filter(grants::api_id.eq_any(ids))
                    .group_by(grants::api_id)
                    .select((grants::api_id, count_star()))
                    .load(connection)
            })?;
            counts.iter().map(|(id, count)| Ok((Place("grants", id).id()?, count.unsigned_abs()))).collect()
        })
    }

    /// How many grants for the API `api_id` hold each scope; those that none holds are left out.
    pub fn count_scope_holders(&mut self, api_id: Uuid) -> Result<HashMap<String, u64>, StoreError> {
        self.attempt(|connection| {
            let for_api = grants::table.filter(grants::api_id.eq(api_id.to_string())).select(grants::id);
            let counts: Vec<(String, i64)> = grant_scopes::table
                .filter(grant_scopes::grant_id.eq_any(for_api))
                .group_by(grant_scopes::value)
                .select((grant_scopes::value, count_star()))
                .load(connection)?;
            Ok(counts.into_iter().map(|(value, count)| (value, count.unsigned_abs())).collect())
        })
    }

    /// The grant with our own id.
    pub fn find_grant(&mut self, id: Uuid) -> Result<Option<OwnedGrant>, StoreError> {
        self.attempt(|connection| {
            let rows = grants::table.find(id.to_string()).select(GrantRow::as_select()).load(connection)?;
            Ok(with_names(connection, rows)?.pop())
        })
    }
}

impl Transaction {
    /// Gives a client a grant for an API for which it has none.
    pub fn insert_grant(&mut self, client_row_id: Uuid, grant: &ClientGrant) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            touch_client(connection, &client_row_id.to_string(), stamp)?;
            insert_grant(connection, client_row_id, grant)
        })
    }

    /// Makes the grant with `grant.id` allow what `grant` says; its `updated_at` becomes the time of the change. Client and
    /// API stay.
    pub fn update_grant(&mut self, grant: &ClientGrant) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let stored_id = touch_owner(connection, grant.id, stamp)?;
            let fields = json_text(&grant.auth0_fields)?;
            diesel::update(grants::table.find(&stored_id))
                .set((grants::updated_at.eq(stamp.at.0), grants::auth0_fields.eq(fields)))
                .execute(connection)?;
            let before = grant_scopes::table.filter(grant_scopes::grant_id.eq(&stored_id));
            diesel::delete(before).execute(connection)?;
            Ok(insert_scope(connection, grant.id, &grant.scope)?)
        })
    }

    /// Deletes a grant.
    pub fn delete_grant(&mut self, id: Uuid) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let id = touch_owner(connection, id, stamp)?;
            diesel::delete(grants::table.find(id)).execute(connection)?;
            Ok(())
        })
    }
}

pub(super) fn insert_grant(
    connection: &mut AnyConnection,
    client_row_id: Uuid,
    grant: &ClientGrant,
) -> Result<(), StoreError> {
    diesel::insert_into(grants::table).values(GrantRow::new(client_row_id, grant)?).execute(connection)?;
    Ok(insert_scope(connection, grant.id, &grant.scope)?)
}

/// Takes scopes that an API no longer defines out of every grant for it, and marks the clients that held them.
pub(super) fn withdraw_scopes(
    connection: &mut AnyConnection,
    api_id: &str,
    values: &[&String],
    stamp: Stamp,
) -> QueryResult<()> {
    let for_api = grants::table.filter(grants::api_id.eq(api_id));
    for value in values {
        // Twice the same subquery: marking must come first, or nobody would be known to have held the scope.
        let holding = grant_scopes::table.filter(grant_scopes::value.eq(value)).select(grant_scopes::grant_id);
        let held = for_api.filter(grants::id.eq_any(holding));
        let holders = held.select(grants::client_row_id);
        diesel::update(clients::table.filter(clients::id.eq_any(holders)))
            .set((clients::revision.eq(stamp.revision), clients::updated_at.eq(stamp.at.0)))
            .execute(connection)?;
        diesel::update(grants::table.filter(grants::api_id.eq(api_id)).filter(grants::id.eq_any(holding)))
            .set(grants::updated_at.eq(stamp.at.0))
            .execute(connection)?;
        let withdrawn = grant_scopes::table
            .filter(grant_scopes::value.eq(value))
            .filter(grant_scopes::grant_id.eq_any(for_api.select(grants::id)));
        diesel::delete(withdrawn).execute(connection)?;
    }
    Ok(())
}

fn matching(filter: &GrantFilter) -> grants::BoxedQuery<'static, AnyBackend> {
    let mut query = grants::table.into_boxed();
    if let Some(client) = filter.client_row_id {
        query = query.filter(grants::client_row_id.eq(client.to_string()));
    }
    if let Some(api) = filter.api_id {
        query = query.filter(grants::api_id.eq(api.to_string()));
    }
    query
}

/// The grants of `rows`, each with its scopes and the names of its client and API: three queries, however many rows.
fn with_names(connection: &mut AnyConnection, rows: Vec<GrantRow>) -> Result<Vec<OwnedGrant>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let scopes = load_in_chunks(&ids, |ids| {
        grant_scopes::table
            .filter(grant_scopes::grant_id.eq_any(ids))
            .select(GrantScopeRow::as_select())
            .load(connection)
    })?;
    let clients: Vec<&str> = rows.iter().map(|row| row.client_row_id.as_str()).collect();
    let client_ids: Vec<(String, String)> = load_in_chunks(&distinct(clients), |ids| {
        clients::table.filter(clients::id.eq_any(ids)).select((clients::id, clients::client_id)).load(connection)
    })?;
    let apis: Vec<&str> = rows.iter().map(|row| row.api_id.as_str()).collect();
    let audiences: Vec<(String, String)> = load_in_chunks(&distinct(apis), |ids| {
        apis::table.filter(apis::id.eq_any(ids)).select((apis::id, apis::identifier)).load(connection)
    })?;
    let client_ids: HashMap<Uuid, ClientId> = parse_names("clients", &client_ids)?;
    let audiences: HashMap<Uuid, Audience> = parse_names("apis", &audiences)?;
    let owned = assemble_grants(rows, scopes)?.into_iter().map(|(client_row_id, grant)| {
        // Held by foreign keys.
        let client_id = client_ids.get(&client_row_id).cloned().ok_or(StoreError::DanglingReference)?;
        let audience = audiences.get(&grant.api_id).cloned().ok_or(StoreError::DanglingReference)?;
        Ok(OwnedGrant { client_row_id, client_id, audience, grant })
    });
    owned.collect()
}

fn distinct(mut ids: Vec<&str>) -> Vec<&str> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn parse_names<T: FromStr<Err: Display>>(
    table: &'static str,
    names: &[(String, String)],
) -> Result<HashMap<Uuid, T>, StoreError> {
    names.iter().map(|(id, name)| Ok((Place(table, id).id()?, Place(table, id).parse(name)?))).collect()
}

fn insert_scope(connection: &mut AnyConnection, grant_id: Uuid, scope: &ScopeSet) -> QueryResult<()> {
    for row in GrantScopeRow::all_of(grant_id, scope) {
        diesel::insert_into(grant_scopes::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// Marks the client whose grant it is as changed; returns the id as it is stored.
fn touch_owner(connection: &mut AnyConnection, id: Uuid, stamp: Stamp) -> Result<String, StoreError> {
    let id = id.to_string();
    let owner = grants::table.find(&id).select(grants::client_row_id).first(connection);
    let owner: String = owner.optional()?.ok_or(StoreError::NotFound { what: ObjectKind::Grant })?;
    touch_client(connection, &owner, stamp)?;
    Ok(id)
}
