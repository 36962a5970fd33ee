//! How are signing keys found and changed?

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::read::{Reader, Revision};
use super::rows::signing_key::SigningKeyRow;
use super::schema::signing_keys;
use super::tombstones::{bury, unearth};
use super::write::Transaction;
use crate::keys::lifecycle::SigningKeyRecord;

impl Reader {
    /// Every key in every state, oldest first.
    pub fn list_signing_keys(&mut self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.attempt(load_all)
    }

    /// The key with this `kid`.
    pub fn find_signing_key(&mut self, kid: &str) -> Result<Option<SigningKeyRecord>, StoreError> {
        self.attempt(|connection| {
            let row = signing_keys::table.find(kid).select(SigningKeyRow::as_select()).first(connection);
            row.optional()?.map(SigningKeyRow::into_record).transpose()
        })
    }
}

impl Transaction {
    /// Adds a key. Its `kid` must be new, and its algorithm have no other active key, nor next one, if it is that.
    pub fn insert_signing_key(&mut self, record: &SigningKeyRecord) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let row = SigningKeyRow::new(record, stamp.revision)?;
            diesel::insert_into(signing_keys::table).values(&row).execute(connection)?;
            Ok(unearth(connection, ObjectKind::SigningKey, &row.kid)?)
        })
    }

    /// Makes the key with `record.kid` what `record` says. In a rotation the active key is retired first: at no moment
    /// may two be active.
    pub fn update_signing_key(&mut self, record: &SigningKeyRecord) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let row = SigningKeyRow::new(record, stamp.revision)?;
            match diesel::update(signing_keys::table.find(&row.kid)).set(&row).execute(connection)? {
                0 => Err(StoreError::NotFound { what: ObjectKind::SigningKey }),
                _ => Ok(()),
            }
        })
    }

    /// Deletes every trace of a key but its audit entries.
    pub fn delete_signing_key(&mut self, kid: &str) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            if diesel::delete(signing_keys::table.find(kid)).execute(connection)? == 0 {
                return Err(StoreError::NotFound { what: ObjectKind::SigningKey });
            }
            Ok(bury(connection, ObjectKind::SigningKey, kid, stamp.revision)?)
        })
    }
}

pub(super) fn load_all(connection: &mut AnyConnection) -> Result<Vec<SigningKeyRecord>, StoreError> {
    load_changed(connection, Revision(-1))
}

pub(super) fn load_changed(
    connection: &mut AnyConnection,
    since: Revision,
) -> Result<Vec<SigningKeyRecord>, StoreError> {
    let rows: Vec<SigningKeyRow> = signing_keys::table
        .filter(signing_keys::revision.gt(since.0))
        .order((signing_keys::created_at, signing_keys::kid))
        .select(SigningKeyRow::as_select())
        .load(connection)?;
    rows.into_iter().map(SigningKeyRow::into_record).collect()
}
