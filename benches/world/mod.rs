//! Which clients does a benchmark have? Each with a generated secret and a grant, in a snapshot without a database.

#![expect(clippy::expect_used, reason = "a benchmark without its clients cannot go on")]

use std::sync::Arc;

use tokenhouse::clock::UnixMillis;
use tokenhouse::entropy::{SystemEntropy, new_uuid};
use tokenhouse::issuer::client_directory::ClientDirectory;
use tokenhouse::issuer::signing_keys::TestKeys;
use tokenhouse::issuer::snapshot::{Snapshot, SnapshotContext};
use tokenhouse::keys::MasterKey;
use tokenhouse::oauth::client::{Client, ClientGrant};
use tokenhouse::oauth::metadata::Issuer;
use tokenhouse::oauth::resource::{Api, Lifetime};
use tokenhouse::oauth::scope::ScopeSet;
use tokenhouse::secret::{GeneratedSecret, SecretHash, StoredSecret, hash_generated};
use tokenhouse::store::{Revision, StoreImage};

/// When everything was made.
pub(crate) const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

/// What every snapshot shares.
pub(crate) fn context() -> SnapshotContext {
    SnapshotContext {
        issuer: Issuer::new("https://issuer.example.com/"),
        master_keys: Arc::new(MasterKey::generate(&SystemEntropy).into()),
        test_keys: TestKeys::Refused,
    }
}

/// A secret with the hash that is stored of it.
pub(crate) fn secret() -> (GeneratedSecret, SecretHash) {
    let secret = GeneratedSecret::generate(&SystemEntropy);
    let hash = hash_generated(&secret, &SystemEntropy);
    (secret, hash)
}

/// A client with a secret and a grant for `api`.
pub(crate) fn client(client_id: &str, hash: SecretHash, api: &Api) -> Client {
    let id = || new_uuid(NOW, &SystemEntropy);
    let mut client = Client::new(id(), client_id.parse().expect("the id is well-formed"), NOW);
    client.secrets.push(StoredSecret {
        id: id(),
        hash,
        imported_hash: None,
        label: None,
        created_at: NOW,
        expires_at: None,
        last_used_at: None,
    });
    client.grants.push(ClientGrant {
        id: id(),
        api_id: api.id,
        scope: ScopeSet::parse("list:users create:users").expect("the scope is well-formed"),
        auth0_fields: serde_json::Map::new(),
        created_at: NOW,
        updated_at: NOW,
    });
    client
}

/// The API of all grants.
pub(crate) fn api() -> Api {
    let identifier = "https://api.example.com/".parse().expect("the audience is well-formed");
    Api::new(new_uuid(NOW, &SystemEntropy), identifier, Lifetime::try_from(3600).expect("an hour is a lifetime"), NOW)
}

/// A snapshot with these clients.
pub(crate) fn snapshot(clients: impl Iterator<Item = Client>, api: &Api, context: &SnapshotContext) -> Snapshot {
    let mut directory = ClientDirectory::default();
    clients.for_each(|client| directory.put(client));
    let image = StoreImage { revision: Revision(1), apis: vec![api.clone()], clients: (), signing_keys: Vec::new() };
    Snapshot::of(image, directory, context, NOW).expect("the snapshot can be made")
}
