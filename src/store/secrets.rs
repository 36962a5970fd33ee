//! How are a client's secrets found and changed?

use diesel::prelude::*;
use uuid::Uuid;

use super::clients::touch_client;
use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::open::Store;
use super::read::{Page, Reader};
use super::rows::client::{SecretRow, secret_id_text};
use super::rows::column::Place;
use super::schema::{client_secrets, clients, meta};
use super::write::{Stamp, Transaction};
use crate::clock::UnixMillis;
use crate::fail_point;
use crate::oauth::client::ClientId;
use crate::secret::{SecretHash, StoredSecret};

/// A secret and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedSecret {
    /// Our own id of the client.
    pub client_row_id: Uuid,
    /// The secret.
    pub secret: StoredSecret,
}

/// A secret that will expire, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringSecret {
    /// Our own id of the secret.
    pub id: Uuid,
    /// The client's public identifier.
    pub client_id: ClientId,
    /// What a person calls the secret.
    pub label: Option<String>,
    /// When it expires.
    pub expires_at: UnixMillis,
}

impl Reader {
    /// A part of the secrets that expire after `after` and not after `until`, the next first.
    pub fn expiring_secrets(
        &mut self,
        after: UnixMillis,
        until: UnixMillis,
        page: Page,
    ) -> Result<Vec<ExpiringSecret>, StoreError> {
        self.attempt(|connection| {
            let rows: Vec<(String, String, Option<String>, Option<i64>)> = client_secrets::table
                .inner_join(clients::table)
                .filter(client_secrets::expires_at.gt(after.0).and(client_secrets::expires_at.le(until.0)))
                .order((client_secrets::expires_at, client_secrets::id))
                .offset(page.offset.into())
                .limit(page.limit.into())
                .select((client_secrets::id, clients::client_id, client_secrets::label, client_secrets::expires_at))
                .load(connection)?;
            let expiring = rows.into_iter().filter_map(|(id, client_id, label, expires_at)| {
                let expires_at = UnixMillis(expires_at?);
                let named = Place("client_secrets", &id).id().and_then(|own| {
                    let client_id = Place("clients", &id).parse(&client_id)?;
                    Ok(ExpiringSecret { id: own, client_id, label, expires_at })
                });
                Some(named)
            });
            expiring.collect()
        })
    }

    /// The secret with our own id. A client's secrets are listed in the client.
    pub fn find_secret(&mut self, id: Uuid) -> Result<Option<OwnedSecret>, StoreError> {
        self.attempt(|connection| {
            let row = client_secrets::table.find(id.to_string()).select(SecretRow::as_select()).first(connection);
            let owned = row.optional()?.map(|row: SecretRow| {
                let client_row_id = Place("client_secrets", &row.client_row_id).id()?;
                Ok(OwnedSecret { client_row_id, secret: row.into_secret()? })
            });
            owned.transpose()
        })
    }
}

impl Transaction {
    /// Gives a client one more secret.
    pub fn insert_secret(&mut self, client_row_id: Uuid, secret: &StoredSecret) -> Result<(), StoreError> {
        let row = SecretRow::new(client_row_id, secret);
        self.change(|connection, stamp| {
            touch_client(connection, &row.client_row_id, stamp)?;
            diesel::insert_into(client_secrets::table).values(&row).execute(connection)?;
            Ok(())
        })
    }

    /// Deletes a secret.
    pub fn delete_secret(&mut self, id: Uuid) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let id = touch_owner(connection, id, stamp)?;
            diesel::delete(client_secrets::table.find(id)).execute(connection)?;
            Ok(())
        })
    }

    /// Lets a secret expire at `expires_at`, or never.
    pub fn update_secret_expiry(&mut self, id: Uuid, expires_at: Option<UnixMillis>) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let id = touch_owner(connection, id, stamp)?;
            let expiry = client_secrets::expires_at.eq(expires_at.map(|instant| instant.0));
            diesel::update(client_secrets::table.find(id)).set(expiry).execute(connection)?;
            Ok(())
        })
    }

    /// Changes what a person calls a secret.
    pub fn update_secret_label(&mut self, id: Uuid, label: Option<&str>) -> Result<(), StoreError> {
        self.change(|connection, stamp| {
            let id = touch_owner(connection, id, stamp)?;
            diesel::update(client_secrets::table.find(id)).set(client_secrets::label.eq(label)).execute(connection)?;
            Ok(())
        })
    }

    /// Replaces the hash of a secret if it still is `expected`: `false`, and nothing changed, if the secret has another
    /// hash by now or is gone. `imported` will recognise the hash that is replaced, unless an earlier one is kept already.
    pub fn replace_secret_hash(
        &mut self,
        id: Uuid,
        expected: &SecretHash,
        new: &SecretHash,
        imported: &SecretHash,
    ) -> Result<bool, StoreError> {
        let current = self.find_secret(id)?.map(|owned| owned.secret).filter(|secret| secret.hash == *expected);
        let Some(StoredSecret { imported_hash, .. }) = current else { return Ok(false) };
        let imported = imported_hash.map_or_else(|| imported.clone(), |first| *first);
        self.change(|connection, stamp| {
            let id = touch_owner(connection, id, stamp)?;
            let hashes = (
                client_secrets::hash.eq(new.text()),
                client_secrets::imported_hash.eq(imported.text()),
                client_secrets::secret_id.eq(secret_id_text(new)),
            );
            diesel::update(client_secrets::table.find(id)).set(hashes).execute(connection)?;
            Ok(true)
        })
    }
}

impl Store {
    /// Writes down when secrets last proved right, in one transaction, without a revision and an audit entry. A time
    /// only moves forward; secrets that are gone are passed over.
    pub fn flush_last_used(&self, used: &[(Uuid, UnixMillis)]) -> Result<(), StoreError> {
        let noted = in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            // PostgreSQL: takes the lock that every change takes first, so that neither holds a row the other needs.
            diesel::update(meta::table).set(meta::revision.eq(meta::revision)).execute(connection)?;
            for (id, at) in used {
                let later = client_secrets::last_used_at.is_null().or(client_secrets::last_used_at.lt(at.0));
                diesel::update(client_secrets::table.find(id.to_string()).filter(later))
                    .set(client_secrets::last_used_at.eq(at.0))
                    .execute(connection)?;
            }
            fail_point::reach("last_used.noted");
            Ok(())
        });
        self.noting(noted).inspect(|()| fail_point::reach("last_used.written"))
    }
}

/// Marks the client whose secret it is as changed; returns the id as it is stored.
fn touch_owner(connection: &mut AnyConnection, id: Uuid, stamp: Stamp) -> Result<String, StoreError> {
    let id = id.to_string();
    let owner = client_secrets::table.find(&id).select(client_secrets::client_row_id).first(connection);
    let owner: String = owner.optional()?.ok_or(StoreError::NotFound { what: ObjectKind::ClientSecret })?;
    touch_client(connection, &owner, stamp)?;
    Ok(id)
}
