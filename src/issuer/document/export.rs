//! How does what is stored become a configuration document? With public keys and hashes, never secrets.

use super::entries::{ApiEntry, ClientEntry, Document, GrantEntry, KeyEntry, KeySetEntry, SecretEntry};
use crate::oauth::client::Client;
use crate::oauth::resource::Api;
use crate::store::StoreImage;

/// Writes down everything in `image`, ordered by identifier, so that two exports of the same state are equal.
///
/// The Management API belongs to the server and is left out; grants for it are kept.
pub fn export(image: &StoreImage) -> Document {
    let mut apis: Vec<_> = image.apis.iter().filter(|api| !api.is_system).map(ApiEntry::from).collect();
    apis.sort_by(|one, other| one.identifier.cmp(&other.identifier));
    let mut clients: Vec<_> = image.clients.iter().map(|client| client_entry(client, &image.apis)).collect();
    clients.sort_by(|one, other| one.client_id.cmp(&other.client_id));
    Document { apis, clients }
}

/// A client with its secrets, keys and grants.
pub fn client_entry(client: &Client, apis: &[Api]) -> ClientEntry {
    let grant = |grant: &crate::oauth::client::ClientGrant| {
        apis.iter().find(|api| api.id == grant.api_id).map(|api| GrantEntry::of(api.identifier.as_str(), grant))
    };
    ClientEntry {
        secrets: client.secrets.iter().map(SecretEntry::from).collect(),
        jwks: (!client.keys.is_empty()).then(|| KeySetEntry { keys: client.keys.iter().map(KeyEntry::from).collect() }),
        grants: client.grants.iter().filter_map(grant).collect(),
        ..ClientEntry::without_secrets_and_grants(client)
    }
}
