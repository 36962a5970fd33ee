//! How are APIs found and changed?

use diesel::prelude::*;
use uuid::Uuid;

use super::chunks::load_in_chunks;
use super::clients::touch_clients_granted;
use super::connection::AnyConnection;
use super::error::StoreError;
use super::grants::withdraw_scopes;
use super::object_kind::ObjectKind;
use super::read::{Reader, Revision};
use super::rows::api::{ApiRow, ApiScopeRow, assemble};
use super::schema::{api_scopes, apis};
use super::tombstones::{bury, unearth};
use super::write::{Stamp, Transaction};
use crate::oauth::resource::{Api, Audience};

impl Reader {
    /// Every API, oldest first.
    pub fn list_apis(&mut self) -> Result<Vec<Api>, StoreError> {
        self.attempt(load_all)
    }

    /// The API with our own id.
    pub fn find_api_by_id(&mut self, id: Uuid) -> Result<Option<Api>, StoreError> {
        self.attempt(|connection| {
            let rows = apis::table.find(id.to_string()).select(ApiRow::as_select()).load(connection)?;
            Ok(with_scopes(connection, rows)?.pop())
        })
    }

    /// The revision of the last change to the API with our own id.
    pub fn api_revision(&mut self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        self.attempt(|connection| {
            let revision = apis::table.find(id.to_string()).select(apis::revision).first(connection);
            Ok(revision.optional()?.map(Revision))
        })
    }

    /// The API that is the audience `identifier`.
    pub fn find_api_by_identifier(&mut self, identifier: &Audience) -> Result<Option<Api>, StoreError> {
        self.attempt(|connection| {
            let rows = apis::table
                .filter(apis::identifier.eq(identifier.as_str()))
                .select(ApiRow::as_select())
                .load(connection)?;
            Ok(with_scopes(connection, rows)?.pop())
        })
    }
}

impl Transaction {
    /// Adds an API. The identifier must be new.
    pub fn insert_api(&mut self, api: &Api) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let row = ApiRow::new(api, api.updated_at, stamp.revision)?;
            diesel::insert_into(apis::table).values(&row).execute(connection)?;
            insert_scopes(connection, api)?;
            Ok(unearth(connection, ObjectKind::Api, &row.id)?)
        })
    }

    /// Makes the API with `api.id` what `api` says; its `updated_at` becomes the time of the change. Scopes that it no
    /// longer defines leave every grant.
    pub fn update_api(&mut self, api: &Api) -> Result<(), StoreError> {
        self.change(|connection, stamp| update(connection, api, stamp))
    }

    /// Deletes an API and every grant for it.
    pub fn delete_api(&mut self, id: Uuid) -> Result<(), StoreError> {
        let id = id.to_string();
        self.change(|connection, stamp| {
            touch_clients_granted(connection, &id, stamp)?;
            if diesel::delete(apis::table.find(&id)).execute(connection)? == 0 {
                return Err(StoreError::NotFound { what: ObjectKind::Api });
            }
            Ok(bury(connection, ObjectKind::Api, &id, stamp.revision)?)
        })
    }
}

pub(super) fn load_all(connection: &mut AnyConnection) -> Result<Vec<Api>, StoreError> {
    let rows = apis::table.order(apis::id).select(ApiRow::as_select()).load(connection)?;
    let scopes = api_scopes::table.select(ApiScopeRow::as_select()).load(connection)?;
    assemble(rows, scopes)
}

pub(super) fn load_changed(connection: &mut AnyConnection, since: Revision) -> Result<Vec<Api>, StoreError> {
    let changed = apis::table.filter(apis::revision.gt(since.0));
    let rows = changed.select(ApiRow::as_select()).load(connection)?;
    with_scopes(connection, rows)
}

fn with_scopes(connection: &mut AnyConnection, rows: Vec<ApiRow>) -> Result<Vec<Api>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let scopes = load_in_chunks(&ids, |ids| {
        api_scopes::table.filter(api_scopes::api_id.eq_any(ids)).select(ApiScopeRow::as_select()).load(connection)
    })?;
    assemble(rows, scopes)
}

fn insert_scopes(connection: &mut AnyConnection, api: &Api) -> QueryResult<()> {
    for row in ApiScopeRow::all_of(api) {
        diesel::insert_into(api_scopes::table).values(row).execute(connection)?;
    }
    Ok(())
}

fn update(connection: &mut AnyConnection, api: &Api, stamp: Stamp) -> Result<(), StoreError> {
    let row = ApiRow::new(api, stamp.at, stamp.revision)?;
    if diesel::update(apis::table.find(&row.id)).set(&row).execute(connection)? == 0 {
        return Err(StoreError::NotFound { what: ObjectKind::Api });
    }
    let of_this_api = api_scopes::api_id.eq(&row.id);
    let before: Vec<String> = api_scopes::table.filter(of_this_api).select(api_scopes::value).load(connection)?;
    diesel::delete(api_scopes::table.filter(of_this_api)).execute(connection)?;
    insert_scopes(connection, api)?;
    let gone = |value: &&String| !api.scopes.iter().any(|scope| scope.value.as_str() == value.as_str());
    let withdrawn: Vec<&String> = before.iter().filter(gone).collect();
    Ok(withdraw_scopes(connection, &row.id, &withdrawn, stamp)?)
}
