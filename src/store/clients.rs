//! How are clients found and changed, with all that belongs to them?

use diesel::prelude::*;
use diesel::sql_types::Text;
use uuid::Uuid;

use super::chunks::{VALUES, load_in_chunks};
use super::connection::{AnyBackend, AnyConnection};
use super::error::StoreError;
use super::grants::insert_grant;
use super::object_kind::ObjectKind;
use super::read::{Page, Reader, Revision};
use super::rows::client::{
    ClientParts, ClientRow, GrantRow, GrantScopeRow, MethodRow, SecretRow, SharedValues, assemble,
};
use super::rows::client_key::ClientKeyRow;
use super::schema::{client_authentication_methods, client_keys, client_secrets, clients, grant_scopes, grants};
use super::tombstones::{bury, unearth};
use super::write::{Stamp, Transaction};
use crate::oauth::client::{Client, ClientId};

/// Which clients: those that match everything given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSearch {
    /// With this text in their client id or their name, in small letters or capitals; empty: any.
    pub text: String,
    /// Those that are enabled, or those that are not.
    pub enabled: Option<bool>,
}

diesel::define_sql_function! {
    /// In small letters. SQLite knows those of ASCII only, PostgreSQL those of its database's locale.
    fn lower(text: Text) -> Text;
}

impl Reader {
    /// The clients that match, newest first.
    ///
    /// What is looked for may stand anywhere in a name, so no index helps: a search for text reads the name and the client id of
    /// every client, which is some tens of milliseconds for a hundred thousand of them. It is for people, not for every token.
    pub fn search_clients(&mut self, search: &ClientSearch, page: Page) -> Result<Vec<Client>, StoreError> {
        self.attempt(|connection| {
            let mut query = matching(search);
            if let Some(after) = page.after {
                query = query.filter(clients::id.lt(after.to_string()));
            }
            let rows = query
                .order(clients::id.desc())
                .offset(page.offset.into())
                .limit(page.limit.into())
                .select(ClientRow::as_select())
                .load(connection)?;
            with_parts(connection, rows)
        })
    }

    /// How many clients match. Costs what [`Self::search_clients`] does.
    pub fn count_found_clients(&mut self, search: &ClientSearch) -> Result<u64, StoreError> {
        self.attempt(|connection| {
            let count: i64 = matching(search).count().get_result(connection)?;
            Ok(count.unsigned_abs())
        })
    }

    /// The clients, oldest first.
    pub fn list_clients(&mut self, page: Page) -> Result<Vec<Client>, StoreError> {
        self.attempt(|connection| {
            let mut query = clients::table.into_boxed();
            if let Some(after) = page.after {
                query = query.filter(clients::id.gt(after.to_string()));
            }
            let rows = query
                .order(clients::id)
                .offset(page.offset.into())
                .limit(page.limit.into())
                .select(ClientRow::as_select())
                .load(connection)?;
            with_parts(connection, rows)
        })
    }

    /// The revision of the last change to the client or to anything that belongs to it.
    pub fn client_revision(&mut self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        self.attempt(|connection| {
            let revision = clients::table.find(id.to_string()).select(clients::revision).first(connection);
            Ok(revision.optional()?.map(Revision))
        })
    }

    /// How many clients there are.
    pub fn count_clients(&mut self) -> Result<u64, StoreError> {
        self.attempt(|connection| {
            let count: i64 = clients::table.count().get_result(connection)?;
            Ok(count.unsigned_abs())
        })
    }

    /// The client with this public identifier.
    pub fn find_client(&mut self, client_id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.attempt(|connection| {
            let rows = clients::table
                .filter(clients::client_id.eq(client_id.as_str()))
                .select(ClientRow::as_select())
                .load(connection)?;
            Ok(with_parts(connection, rows)?.pop())
        })
    }

    /// The clients with these public identifiers, in any order; of those that are none, nothing.
    pub fn find_clients(&mut self, client_ids: &[&str]) -> Result<Vec<Client>, StoreError> {
        self.attempt(|connection| {
            let rows = load_in_chunks(client_ids, |ids| {
                clients::table.filter(clients::client_id.eq_any(ids)).select(ClientRow::as_select()).load(connection)
            })?;
            with_parts(connection, rows)
        })
    }

    /// The clients with these names, in any order.
    pub fn find_clients_named(&mut self, names: &[&str]) -> Result<Vec<Client>, StoreError> {
        self.attempt(|connection| {
            let rows = load_in_chunks(names, |names| {
                clients::table.filter(clients::name.eq_any(names)).select(ClientRow::as_select()).load(connection)
            })?;
            with_parts(connection, rows)
        })
    }

    /// The client with our own id.
    pub fn find_client_by_id(&mut self, id: Uuid) -> Result<Option<Client>, StoreError> {
        self.attempt(|connection| {
            let rows = clients::table.find(id.to_string()).select(ClientRow::as_select()).load(connection)?;
            Ok(with_parts(connection, rows)?.pop())
        })
    }
}

impl Transaction {
    /// Adds a client with its secrets, keys and grants. The client id must be new.
    pub fn insert_client(&mut self, client: &Client) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let row = ClientRow::new(client, client.updated_at, stamp.revision)?;
            diesel::insert_into(clients::table).values(&row).execute(connection)?;
            insert_methods(connection, client)?;
            for secret in &client.secrets {
                let secret = SecretRow::new(client.id, secret);
                diesel::insert_into(client_secrets::table).values(secret).execute(connection)?;
            }
            for key in &client.keys {
                let key = ClientKeyRow::new(client.id, key)?;
                diesel::insert_into(client_keys::table).values(key).execute(connection)?;
            }
            for grant in &client.grants {
                insert_grant(connection, client.id, grant)?;
            }
            Ok(unearth(connection, ObjectKind::Client, &row.id)?)
        })
    }

    /// Makes the client with `client.id` what `client` says, except for its secrets, keys and grants, which have
    /// methods of their own; its `updated_at` becomes the time of the change.
    pub fn update_client(&mut self, client: &Client) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let row = ClientRow::new(client, stamp.at, stamp.revision)?;
            if diesel::update(clients::table.find(&row.id)).set(&row).execute(connection)? == 0 {
                return Err(StoreError::NotFound { what: ObjectKind::Client });
            }
            let before = client_authentication_methods::client_row_id.eq(&row.id);
            diesel::delete(client_authentication_methods::table.filter(before)).execute(connection)?;
            Ok(insert_methods(connection, client)?)
        })
    }

    /// Deletes a client with its secrets, keys and grants.
    pub fn delete_client(&mut self, id: Uuid) -> Result<(), StoreError> {
        let id = id.to_string();
        self.change(|connection, stamp| {
            if diesel::delete(clients::table.find(&id)).execute(connection)? == 0 {
                return Err(StoreError::NotFound { what: ObjectKind::Client });
            }
            Ok(bury(connection, ObjectKind::Client, &id, stamp.revision)?)
        })
    }
}

fn matching(search: &ClientSearch) -> clients::BoxedQuery<'static, AnyBackend> {
    let mut query = clients::table.into_boxed();
    if !search.text.is_empty() {
        let part = format!("%{}%", literal(&search.text));
        // Both sides by the database: its letters are not all those that Rust knows, and what is the same must be found.
        let is_in_id = lower(clients::client_id).like(lower(part.clone())).escape(ESCAPE);
        let is_in_name = lower(clients::name).like(lower(part)).escape(ESCAPE);
        query = query.filter(is_in_id.or(is_in_name));
    }
    if let Some(enabled) = search.enabled {
        query = query.filter(clients::enabled.eq(enabled));
    }
    query
}

/// What makes the next character of a pattern stand for itself.
const ESCAPE: char = '\\';

/// `text` as a part of a pattern that stands for nothing but itself.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(character);
    }
    pattern
}

/// Gives every client to `each`, oldest first; `page` of them are read at a time.
pub(super) fn for_each(
    connection: &mut AnyConnection,
    page: i64,
    mut each: impl FnMut(Client),
) -> Result<(), StoreError> {
    let mut shared = SharedValues::default();
    let mut after = String::new();
    loop {
        let rows: Vec<ClientRow> = clients::table
            .filter(clients::id.gt(&after))
            .order(clients::id)
            .limit(page)
            .select(ClientRow::as_select())
            .load(connection)?;
        let Some(last) = rows.last().map(|row| row.id.clone()) else { return Ok(()) };
        let parts = parts_between(connection, &after, &last)?;
        assemble(rows, parts, &mut shared)?.into_iter().for_each(&mut each);
        after = last;
    }
}

/// Gives every client that was changed after `since` to `each`, in any order.
pub(super) fn for_each_changed(
    connection: &mut AnyConnection,
    since: Revision,
    mut each: impl FnMut(Client),
) -> Result<(), StoreError> {
    // Without an order: asked for one, SQLite walks through all clients in it rather than through the revisions.
    let changed = clients::table.filter(clients::revision.gt(since.0));
    let ids: Vec<String> = changed.select(clients::id).load(connection)?;
    let mut shared = SharedValues::default();
    // The change of an API may be one to every client there is.
    for ids in ids.chunks(VALUES) {
        let rows = clients::table.filter(clients::id.eq_any(ids)).select(ClientRow::as_select()).load(connection)?;
        let parts = parts_of(connection, &rows)?;
        assemble(rows, parts, &mut shared)?.into_iter().for_each(&mut each);
    }
    Ok(())
}

/// What belongs to the clients whose ids come after `after`, up to `last`.
fn parts_between(connection: &mut AnyConnection, after: &str, last: &str) -> QueryResult<ClientParts> {
    use client_authentication_methods as methods;
    Ok(ClientParts {
        methods: methods::table
            .filter(methods::client_row_id.gt(after).and(methods::client_row_id.le(last)))
            .select(MethodRow::as_select())
            .load(connection)?,
        secrets: client_secrets::table
            .filter(client_secrets::client_row_id.gt(after).and(client_secrets::client_row_id.le(last)))
            .select(SecretRow::as_select())
            .load(connection)?,
        keys: client_keys::table
            .filter(client_keys::client_row_id.gt(after).and(client_keys::client_row_id.le(last)))
            .select(ClientKeyRow::as_select())
            .load(connection)?,
        grants: grants::table
            .filter(grants::client_row_id.gt(after).and(grants::client_row_id.le(last)))
            .select(GrantRow::as_select())
            .load(connection)?,
        grant_scopes: grant_scopes::table
            .inner_join(grants::table)
            .filter(grants::client_row_id.gt(after).and(grants::client_row_id.le(last)))
            .select(GrantScopeRow::as_select())
            .load(connection)?,
    })
}

/// Marks a client as changed, because something that belongs to it was.
pub(super) fn touch_client(connection: &mut AnyConnection, id: &str, stamp: Stamp) -> Result<(), StoreError> {
    let marks = (clients::revision.eq(stamp.revision), clients::updated_at.eq(stamp.at.0));
    match diesel::update(clients::table.find(id)).set(marks).execute(connection)? {
        0 => Err(StoreError::NotFound { what: ObjectKind::Client }),
        _ => Ok(()),
    }
}

/// Marks every client with a grant for the API as changed.
pub(super) fn touch_clients_granted(connection: &mut AnyConnection, api_id: &str, stamp: Stamp) -> QueryResult<()> {
    let granted = grants::table.filter(grants::api_id.eq(api_id)).select(grants::client_row_id);
    let marks = (clients::revision.eq(stamp.revision), clients::updated_at.eq(stamp.at.0));
    diesel::update(clients::table.filter(clients::id.eq_any(granted))).set(marks).execute(connection).map(drop)
}

fn with_parts(connection: &mut AnyConnection, rows: Vec<ClientRow>) -> Result<Vec<Client>, StoreError> {
    let parts = parts_of(connection, &rows)?;
    assemble(rows, parts, &mut SharedValues::default())
}

fn parts_of(connection: &mut AnyConnection, rows: &[ClientRow]) -> QueryResult<ClientParts> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let methods = load_in_chunks(&ids, |ids| {
        client_authentication_methods::table
            .filter(client_authentication_methods::client_row_id.eq_any(ids))
            .select(MethodRow::as_select())
            .load(connection)
    })?;
    let secrets = load_in_chunks(&ids, |ids| {
        client_secrets::table
            .filter(client_secrets::client_row_id.eq_any(ids))
            .select(SecretRow::as_select())
            .load(connection)
    })?;
    let keys = load_in_chunks(&ids, |ids| {
        client_keys::table
            .filter(client_keys::client_row_id.eq_any(ids))
            .select(ClientKeyRow::as_select())
            .load(connection)
    })?;
    let grants: Vec<GrantRow> = load_in_chunks(&ids, |ids| {
        grants::table.filter(grants::client_row_id.eq_any(ids)).select(GrantRow::as_select()).load(connection)
    })?;
    let grant_ids: Vec<&str> = grants.iter().map(|grant| grant.id.as_str()).collect();
    let grant_scopes = load_in_chunks(&grant_ids, |ids| {
        grant_scopes::table
            .filter(grant_scopes::grant_id.eq_any(ids))
            .select(GrantScopeRow::as_select())
            .load(connection)
    })?;
    Ok(ClientParts { methods, secrets, keys, grants, grant_scopes })
}

fn insert_methods(connection: &mut AnyConnection, client: &Client) -> QueryResult<()> {
    for row in MethodRow::all_of(client) {
        diesel::insert_into(client_authentication_methods::table).values(row).execute(connection)?;
    }
    Ok(())
}
