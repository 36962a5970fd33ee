//! How are a client's public keys changed? They are read with their client.

use diesel::prelude::*;
use uuid::Uuid;

use super::clients::touch_client;
use super::connection::AnyConnection;
use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::rows::client_key::ClientKeyRow;
use super::schema::client_keys;
use super::write::{Stamp, Transaction};
use crate::oauth::client_key::ClientKey;

impl Transaction {
    /// Gives a client one more key.
    pub fn insert_client_key(&mut self, client_row_id: Uuid, key: &ClientKey) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let row = ClientKeyRow::new(client_row_id, key)?;
            touch_client(connection, &row.client_row_id, stamp)?;
            diesel::insert_into(client_keys::table).values(&row).execute(connection)?;
            Ok(())
        })
    }

    /// Makes name, expiry and use of the key with `key.id` what `key` says; its `updated_at` becomes the time of the
    /// change.
    pub fn update_client_key(&mut self, key: &ClientKey) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let id = touch_owner(connection, key.id, stamp)?;
            let terms = (
                client_keys::name.eq(key.name.as_deref()),
                client_keys::enabled.eq(key.enabled),
                client_keys::expires_at.eq(key.expires_at.map(|instant| instant.0)),
                client_keys::updated_at.eq(stamp.at.0),
            );
            diesel::update(client_keys::table.find(id)).set(terms).execute(connection)?;
            Ok(())
        })
    }

    /// Deletes a key.
    pub fn delete_client_key(&mut self, id: Uuid) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let id = touch_owner(connection, id, stamp)?;
            diesel::delete(client_keys::table.find(id)).execute(connection)?;
            Ok(())
        })
    }
}

/// Marks the client whose key it is as changed; returns the id as it is stored.
fn touch_owner(connection: &mut AnyConnection, id: Uuid, stamp: Stamp) -> Result<String, StoreError> {
    let id = id.to_string();
    let owner = client_keys::table.find(&id).select(client_keys::client_row_id).first(connection);
    let owner: String = owner.optional()?.ok_or(StoreError::NotFound { what: ObjectKind::ClientKey })?;
    touch_client(connection, &owner, stamp)?;
    Ok(id)
}
