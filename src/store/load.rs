//! What does a replica read: everything at first, then only what changed?

use std::fmt::Display;
use std::str::FromStr;

use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::open::Store;
use super::read::{Reader, Revision};
use super::rows::column::Place;
use super::tombstones::deleted_since;
use super::{apis, clients, signing_keys};
use crate::keys::lifecycle::SigningKeyRecord;
use crate::oauth::client::Client;
use crate::oauth::resource::Api;

/// Everything that token decisions are made from, at one revision.
#[derive(Clone, Debug)]
pub struct StoreImage {
    /// The revision.
    pub revision: Revision,
    /// Every API, oldest first.
    pub apis: Vec<Api>,
    /// Every client with its secrets and grants, oldest first.
    pub clients: Vec<Client>,
    /// Every signing key in every state, oldest first.
    pub signing_keys: Vec<SigningKeyRecord>,
}

/// What differs from an earlier revision, in any order. Nothing is both changed and removed.
#[derive(Clone, Debug)]
pub struct StoreChanges {
    /// The revision that these changes lead to. If it is **lower** than the one asked for, the database was replaced
    /// by an older one: the changes mean nothing, and everything must be loaded again.
    pub revision: Revision,
    /// The APIs that are new or changed, whole.
    pub apis: Vec<Api>,
    /// The clients that are new or changed, or whose secrets or grants are, whole.
    pub clients: Vec<Client>,
    /// The signing keys that are new or changed.
    pub signing_keys: Vec<SigningKeyRecord>,
    /// Our own ids of the APIs that were deleted.
    pub removed_api_ids: Vec<uuid::Uuid>,
    /// Our own ids of the clients that were deleted.
    pub removed_client_ids: Vec<uuid::Uuid>,
    /// The `kid`s of the signing keys that were deleted.
    pub removed_kids: Vec<String>,
}

impl Store {
    /// Reads everything, in one query per table.
    pub fn load_all(&self) -> Result<StoreImage, StoreError> {
        self.read(|reader| {
            Ok(StoreImage {
                revision: reader.revision()?,
                apis: reader.attempt(apis::load_all)?,
                clients: reader.attempt(clients::load_all)?,
                signing_keys: reader.attempt(signing_keys::load_all)?,
            })
        })
    }

    /// Reads what changed after `since`; the effort follows the number of changes, not that of clients.
    pub fn load_changes_since(&self, since: Revision) -> Result<StoreChanges, StoreError> {
        self.read(|reader| {
            Ok(StoreChanges {
                revision: reader.revision()?,
                apis: reader.attempt(|connection| apis::load_changed(connection, since))?,
                clients: reader.attempt(|connection| clients::load_changed(connection, since))?,
                signing_keys: reader.attempt(|connection| signing_keys::load_changed(connection, since))?,
                removed_api_ids: removed(reader, ObjectKind::Api, since)?,
                removed_client_ids: removed(reader, ObjectKind::Client, since)?,
                removed_kids: removed(reader, ObjectKind::SigningKey, since)?,
            })
        })
    }
}

fn removed<Id: FromStr<Err: Display>>(
    reader: &mut Reader,
    kind: ObjectKind,
    since: Revision,
) -> Result<Vec<Id>, StoreError> {
    let ids = reader.attempt(|connection| Ok(deleted_since(connection, kind, since)?))?;
    ids.iter().map(|id| Place("tombstones", id).parse(id)).collect()
}
