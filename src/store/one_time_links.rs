//! Which links are good for one use? Kept by the hash of the token in the link.

use diesel::prelude::*;
use uuid::Uuid;

use super::connection::{TransactionKind, in_transaction};
use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::open::Store;
use super::read::Reader;
use super::rows::column::Place;
use super::schema::one_time_links;
use super::usage::take_turn;
use super::write::Transaction;
use crate::clock::UnixMillis;
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// What a one-time link is for.
    LinkPurpose {
        /// To sign in to the console.
        SignIn = "sign_in",
        /// To pick up a secret.
        ClaimSecret = "claim_secret",
    }
}

/// A link as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLink {
    /// SHA-256 of its token, in hexadecimal.
    pub token_hash: String,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Our own id of the client.
    pub client_row_id: Uuid,
    /// What the secret will be called.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it stops working.
    pub expires_at: UnixMillis,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = one_time_links, treat_none_as_default_value = false)]
struct LinkRow {
    token_hash: String,
    purpose: String,
    client_row_id: String,
    label: Option<String>,
    created_at: i64,
    expires_at: i64,
}

impl LinkRow {
    fn into_link(self) -> Result<StoredLink, StoreError> {
        // Not the row's own id, which stands for the token: that of its client.
        let place = Place("one_time_links", &self.client_row_id);
        Ok(StoredLink {
            purpose: place.parse(&self.purpose)?,
            client_row_id: place.id()?,
            created_at: UnixMillis(self.created_at),
            expires_at: UnixMillis(self.expires_at),
            token_hash: self.token_hash,
            label: self.label,
        })
    }
}

impl Reader {
    /// The link whose token has this hash.
    pub fn find_link(&mut self, token_hash: &str) -> Result<Option<StoredLink>, StoreError> {
        self.attempt(|connection| {
            let row = one_time_links::table.find(token_hash).select(LinkRow::as_select());
            let row: Option<LinkRow> = row.first(connection).optional()?;
            row.map(LinkRow::into_link).transpose()
        })
    }

    /// The links of a client that work at `now`, oldest first.
    pub fn open_links(&mut self, client_row_id: Uuid, now: UnixMillis) -> Result<Vec<StoredLink>, StoreError> {
        self.attempt(|connection| {
            let rows: Vec<LinkRow> = one_time_links::table
                .filter(one_time_links::client_row_id.eq(client_row_id.to_string()))
                .filter(one_time_links::expires_at.gt(now.0))
                .order((one_time_links::created_at, one_time_links::token_hash))
                .select(LinkRow::as_select())
                .load(connection)?;
            rows.into_iter().map(LinkRow::into_link).collect()
        })
    }
}

impl Transaction {
    /// Keeps a link.
    pub fn insert_link(&mut self, link: &StoredLink) -> Result<(), StoreError> {
        let row = LinkRow {
            token_hash: link.token_hash.clone(),
            purpose: link.purpose.as_str().to_owned(),
            client_row_id: link.client_row_id.to_string(),
            label: link.label.clone(),
            created_at: link.created_at.0,
            expires_at: link.expires_at.0,
        };
        self.change(|connection, _| {
            diesel::insert_into(one_time_links::table).values(&row).execute(connection)?;
            Ok(())
        })
    }

    /// Uses a link up.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if it is not there any more: of two that use it at the same moment, one hears that.
    pub fn delete_link(&mut self, token_hash: &str) -> Result<(), StoreError> {
        self.change(|connection, _| {
            let deleted = diesel::delete(one_time_links::table.find(token_hash)).execute(connection)?;
            if deleted == 0 { Err(StoreError::NotFound { what: ObjectKind::OneTimeLink }) } else { Ok(()) }
        })
    }
}

impl Store {
    /// Forgets the links that expired before `now`.
    pub fn forget_links(&self, now: UnixMillis) -> Result<(), StoreError> {
        let over = || one_time_links::table.filter(one_time_links::expires_at.le(now.0));
        // Looked at first: who has nothing to forget does not write every minute.
        if over().count().get_result::<i64>(&mut *self.pools.reader()?)? == 0 {
            return Ok(());
        }
        self.noting(in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            take_turn(connection)?;
            diesel::delete(over()).execute(connection)?;
            Ok(())
        }))
    }
}
