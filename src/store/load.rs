//! What does a replica read: everything at first, then only what changed?

use std::fmt::Display;
use std::str::FromStr;

use super::audit_chain::ChainLink;
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

/// Clients that lie in memory as rows at one time.
const CLIENTS_AT_ONCE: i64 = 2_000;

/// Everything that token decisions are made from, at one revision.
///
/// `Clients` is nothing where the clients were handed over one by one: a million of them need not lie in memory twice.
#[derive(Clone, Debug)]
pub struct StoreImage<Clients = Vec<Client>> {
    /// The revision.
    pub revision: Revision,
    /// Every API, oldest first.
    pub apis: Vec<Api>,
    /// Every client with its secrets and grants, oldest first.
    pub clients: Clients,
    /// Every signing key in every state, oldest first.
    pub signing_keys: Vec<SigningKeyRecord>,
}

/// What differs from an earlier revision, in any order. Nothing is both changed and removed. `Clients` as in [`StoreImage`].
#[derive(Clone, Debug)]
pub struct StoreChanges<Clients = Vec<Client>> {
    /// The revision that these changes lead to. If it is **lower** than the one asked for, the database was replaced
    /// by an older one: the changes mean nothing, and everything must be loaded again.
    pub revision: Revision,
    /// The APIs that are new or changed, whole.
    pub apis: Vec<Api>,
    /// The clients that are new or changed, or whose secrets or grants are, whole.
    pub clients: Clients,
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
    /// Reads everything.
    pub fn load_all(&self) -> Result<StoreImage, StoreError> {
        let mut clients = Vec::new();
        let (image, _) = self.stream_all(|client| clients.push(client))?;
        let StoreImage { revision, apis, clients: (), signing_keys } = image;
        Ok(StoreImage { revision, apis, clients, signing_keys })
    }

    /// Reads everything, and gives the clients to `each` one by one, oldest first; with the change that led to it.
    pub fn stream_all(&self, each: impl FnMut(Client)) -> Result<(StoreImage<()>, ChainLink), StoreError> {
        self.read(|reader| {
            let image = StoreImage {
                revision: reader.revision()?,
                apis: reader.attempt(apis::load_all)?,
                clients: reader.attempt(|connection| clients::for_each(connection, CLIENTS_AT_ONCE, each))?,
                signing_keys: reader.attempt(signing_keys::load_all)?,
            };
            Ok((image, reader.attempt(ChainLink::last)?))
        })
    }

    /// Reads what changed after `since`; the effort follows the number of changes, not that of clients.
    pub fn load_changes_since(&self, since: Revision) -> Result<StoreChanges, StoreError> {
        let mut clients = Vec::new();
        let (rest, _) = self.read(|reader| changes_since(reader, since, |client| clients.push(client)))?;
        let StoreChanges { revision, apis, clients: (), signing_keys, .. } = rest;
        let StoreChanges { removed_api_ids, removed_client_ids, removed_kids, .. } = rest;
        Ok(StoreChanges { revision, apis, clients, signing_keys, removed_api_ids, removed_client_ids, removed_kids })
    }

    /// Reads what changed after `since`, to which the change `last` led, as [`Self::load_changes_since`] does, and gives the clients to
    /// `each` one by one; with the change that it leads to. None if `last` is not in the history of this database: an older state was
    /// restored, or a standby took over that had not heard of it. Then nothing has been given to `each`.
    pub fn stream_changes_since(
        &self,
        since: Revision,
        last: &ChainLink,
        each: impl FnMut(Client),
    ) -> Result<Option<(StoreChanges<()>, ChainLink)>, StoreError> {
        self.read(|reader| {
            if !reader.attempt(|connection| last.is_there(connection))? {
                return Ok(None);
            }
            changes_since(reader, since, each).map(Some)
        })
    }
}

fn changes_since(
    reader: &mut Reader,
    since: Revision,
    each: impl FnMut(Client),
) -> Result<(StoreChanges<()>, ChainLink), StoreError> {
    let changes = StoreChanges {
        revision: reader.revision()?,
        apis: reader.attempt(|connection| apis::load_changed(connection, since))?,
        clients: reader.attempt(|connection| clients::for_each_changed(connection, since, each))?,
        signing_keys: reader.attempt(|connection| signing_keys::load_changed(connection, since))?,
        removed_api_ids: removed(reader, ObjectKind::Api, since)?,
        removed_client_ids: removed(reader, ObjectKind::Client, since)?,
        removed_kids: removed(reader, ObjectKind::SigningKey, since)?,
    };
    Ok((changes, reader.attempt(ChainLink::last)?))
}

fn removed<Id: FromStr<Err: Display>>(
    reader: &mut Reader,
    kind: ObjectKind,
    since: Revision,
) -> Result<Vec<Id>, StoreError> {
    let ids = reader.attempt(|connection| Ok(deleted_since(connection, kind, since)?))?;
    ids.iter().map(|id| Place("tombstones", id).parse(id)).collect()
}
