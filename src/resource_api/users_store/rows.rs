//! Which user does a row hold?

use diesel::prelude::*;
use uuid::Uuid;

use super::schema::users;
use super::store_error::StoreError;
use crate::clock::UnixMillis;
use crate::resource_api::user::{EmailAddress, User, UserName};

/// A user as the table has it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct UserRow {
    id: String,
    email: String,
    name: String,
    created_at: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let unreadable = |what| StoreError::Unreadable { id: row.id.clone(), what };
        Ok(Self {
            id: Uuid::parse_str(&row.id).map_err(|_| unreadable("id"))?,
            email: EmailAddress::parse(&row.email).map_err(|_| unreadable("email"))?,
            name: UserName::parse(&row.name).map_err(|_| unreadable("name"))?,
            created_at: UnixMillis(row.created_at),
        })
    }
}
