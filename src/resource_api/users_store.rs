//! Where do the users lie, and how does each client reach its own and no others?

mod connections;
mod database_error;
mod migrate;
mod rows;
mod schema;
mod store_error;

#[cfg(test)]
pub(super) mod tests;

use diesel::prelude::*;
use uuid::Uuid;

pub use self::database_error::DatabaseError;
pub use self::store_error::StoreError;

use self::connections::Connections;
use self::rows::UserRow;
use self::schema::users;
use super::client_id::ClientId;
use super::page::Page;
use super::settings::Database;
use super::user::{EmailAddress, User, UserChange, UserName};

/// The users of all clients. Clones share them; every method blocks its thread until the database has answered.
#[derive(Clone, Debug)]
pub(super) struct UsersStore {
    connections: Connections,
}

/// One page of a client's users, and how many it has in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UsersPage {
    pub(super) users: Vec<User>,
    pub(super) total: i64,
}

impl UsersStore {
    /// Opens the database; makes its tables, or changes them to what this version needs.
    pub(super) fn open(database: &Database) -> Result<Self, DatabaseError> {
        Ok(Self { connections: Connections::open(database)? })
    }

    /// A page of the client's users, the oldest first.
    pub(super) fn list(&self, client_id: &ClientId, page: Page) -> Result<UsersPage, StoreError> {
        // One transaction: the page and the total are of the same moment.
        self.connections.borrow()?.transaction(|connection| {
            let of_client = users::table.filter(users::client_id.eq(client_id.as_str()));
            let total = of_client.count().get_result(connection)?;
            let rows: Vec<UserRow> = of_client
                .order(users::position)
                .limit(i64::from(page.per_page))
                .offset(page.offset())
                .select(UserRow::as_select())
                .load(connection)?;
            let users = rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?;
            Ok(UsersPage { users, total })
        })
    }

    /// The client's user with this id.
    pub(super) fn find(&self, client_id: &ClientId, id: Uuid) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = users::table
            .filter(users::client_id.eq(client_id.as_str()))
            .filter(users::id.eq(id.to_string()))
            .select(UserRow::as_select())
            .first(&mut self.connections.borrow()?)
            .optional()?;
        row.map(User::try_from).transpose()
    }

    /// Adds `user` to the client's; [`StoreError::EmailTaken`] if it has another one with that address.
    pub(super) fn create(&self, client_id: &ClientId, user: &User) -> Result<(), StoreError> {
        diesel::insert_into(users::table)
            .values((
                users::id.eq(user.id.to_string()),
                users::client_id.eq(client_id.as_str()),
                users::email.eq(user.email.as_str()),
                users::email_folded.eq(user.email.folded()),
                users::name.eq(user.name.as_str()),
                users::created_at.eq(user.created_at.0),
            ))
            .execute(&mut self.connections.borrow()?)?;
        Ok(())
    }

    /// Changes the client's user with this id and returns it as it is then; at least one value must be given.
    /// [`StoreError::EmailTaken`] if the client has another one with the new address.
    pub(super) fn update(
        &self,
        client_id: &ClientId,
        id: Uuid,
        change: &UserChange,
    ) -> Result<Option<User>, StoreError> {
        let of_client = users::table.filter(users::client_id.eq(client_id.as_str()));
        let row: Option<UserRow> = diesel::update(of_client.filter(users::id.eq(id.to_string())))
            .set((
                change.email.as_ref().map(EmailAddress::as_str).map(|email| users::email.eq(email)),
                change.email.as_ref().map(EmailAddress::folded).map(|email| users::email_folded.eq(email)),
                change.name.as_ref().map(UserName::as_str).map(|name| users::name.eq(name)),
            ))
            .returning(UserRow::as_returning())
            .get_result(&mut self.connections.borrow()?)
            .optional()?;
        row.map(User::try_from).transpose()
    }

    /// Deletes the client's user with this id; `false` if there is none.
    pub(super) fn delete(&self, client_id: &ClientId, id: Uuid) -> Result<bool, StoreError> {
        let of_client = users::table.filter(users::client_id.eq(client_id.as_str()));
        let deleted =
            diesel::delete(of_client.filter(users::id.eq(id.to_string()))).execute(&mut self.connections.borrow()?)?;
        Ok(deleted > 0)
    }

    /// Asks the database for something small, to see whether it answers.
    pub(super) fn ping(&self) -> Result<(), StoreError> {
        let any: Option<String> =
            users::table.select(users::id).limit(1).first(&mut self.connections.borrow()?).optional()?;
        drop(any);
        Ok(())
    }
}
