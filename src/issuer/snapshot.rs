//! What does the token path know? Everything it decides from, in memory, as of one revision.
//!
//! The maps are persistent: a change copies a few nodes, however many clients there are, and readers of the old
//! snapshot are not disturbed.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use rpds::HashTrieMapSync;
use uuid::Uuid;

use super::client_directory::ClientDirectory;
use super::signing_keys::{SigningKeyError, SigningKeys, TestKeys};
use crate::clock::UnixMillis;
use crate::keys::{MasterKeys, render_jwk_set};
use crate::oauth::client::Client;
use crate::oauth::client_credentials::ApiDirectory;
use crate::oauth::metadata::{Issuer, render_metadata};
use crate::oauth::resource::{Api, Audience};
use crate::secret::SecretWork;
use crate::store::{Revision, StoreChanges, StoreImage};

/// A document that is rendered once per change and served as it is.
#[derive(Clone, Debug)]
pub struct RenderedDocument {
    /// The bytes.
    pub body: Bytes,
    /// The strong entity tag, quoted (RFC 9110 §8.8.3).
    pub etag: Bytes,
}

impl RenderedDocument {
    fn new(body: Vec<u8>) -> Self {
        let tag = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &body).as_ref());
        Self { body: Bytes::from(body), etag: format!("\"{tag}\"").into() }
    }
}

/// What is the same for every snapshot of a process.
#[derive(Debug)]
pub struct SnapshotContext {
    /// The issuer.
    pub issuer: Issuer,
    /// What opens the signing keys.
    pub master_keys: Arc<MasterKeys>,
    /// May the public test keys be loaded?
    pub test_keys: TestKeys,
}

/// Why no snapshot can be made of what is stored.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A signing key cannot be used.
    #[error(transparent)]
    SigningKey(#[from] Arc<SigningKeyError>),
    /// A document cannot be rendered: a fault of ours.
    #[error("cannot render a document: {0}")]
    Render(#[from] serde_json::Error),
}

/// The state of the authorization server as of one revision.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which revision.
    pub revision: Revision,
    clients: ClientDirectory,
    apis: HashTrieMapSync<Uuid, Arc<Api>>,
    api_ids: HashTrieMapSync<Audience, Uuid>,
    /// The signing keys.
    pub keys: SigningKeys,
    /// The JWK Set.
    pub jwk_set: RenderedDocument,
    /// The metadata document.
    pub metadata: RenderedDocument,
    /// When a key leaves the JWK Set without any change in the store.
    rendered_until: Option<UnixMillis>,
    every_token_waits: bool,
}

impl Snapshot {
    /// Nothing at all: what is known until everything has been read.
    pub fn blank() -> Self {
        let empty = RenderedDocument::new(Vec::new());
        Self {
            revision: Revision::default(),
            clients: ClientDirectory::default(),
            apis: HashTrieMapSync::new_sync(),
            api_ids: HashTrieMapSync::new_sync(),
            keys: SigningKeys::default(),
            jwk_set: empty.clone(),
            metadata: empty,
            rendered_until: None,
            every_token_waits: true,
        }
    }

    /// The snapshot of everything stored, of which `clients` were handed over before.
    ///
    /// # Errors
    /// If a signing key cannot be used.
    pub fn of(
        image: StoreImage<()>,
        clients: ClientDirectory,
        context: &SnapshotContext,
        now: UnixMillis,
    ) -> Result<Self, SnapshotError> {
        let StoreImage { revision, apis, clients: (), signing_keys } = image;
        let everything = StoreChanges {
            revision,
            apis,
            clients: (),
            signing_keys,
            removed_api_ids: Vec::new(),
            removed_client_ids: Vec::new(),
            removed_kids: Vec::new(),
        };
        let mut snapshot = Self { clients, ..Self::blank() };
        snapshot.apply(everything, context);
        snapshot.render_documents(context, now)?;
        match snapshot.keys.unusable() {
            [] => Ok(snapshot),
            [first, ..] => Err(first.clone().into()),
        }
    }

    /// This snapshot with `changes` applied, of which `clients` has those to clients, but for the removals. A signing key that
    /// cannot be used is left out, and told by its `keys`.
    ///
    /// # Errors
    /// If a document cannot be rendered.
    pub fn with(
        mut self,
        changes: StoreChanges<()>,
        clients: ClientDirectory,
        context: &SnapshotContext,
        now: UnixMillis,
    ) -> Result<Self, SnapshotError> {
        let StoreChanges { apis, signing_keys, removed_api_ids, removed_kids, .. } = &changes;
        let only_clients =
            apis.is_empty() && signing_keys.is_empty() && removed_api_ids.is_empty() && removed_kids.is_empty();
        self.clients = clients;
        self.apply(changes, context);
        if !only_clients || self.is_outlived(now) {
            self.render_documents(context, now)?;
        }
        Ok(self)
    }

    fn apply(&mut self, changes: StoreChanges<()>, context: &SnapshotContext) {
        self.revision = changes.revision;
        for id in &changes.removed_client_ids {
            self.clients.remove(*id);
        }
        for id in &changes.removed_api_ids {
            self.remove_api(*id);
        }
        for api in changes.apis {
            self.put_api(api);
        }
        // Opening a key signs and verifies with it: not at every change of a client.
        if !changes.signing_keys.is_empty() || !changes.removed_kids.is_empty() {
            let records = self.keys.merged(changes.signing_keys, &changes.removed_kids);
            self.keys = SigningKeys::open(records, &self.keys, &context.master_keys, context.test_keys);
        }
    }

    /// Has a key left the JWK Set since it was rendered?
    pub fn is_outlived(&self, now: UnixMillis) -> bool {
        self.rendered_until.is_some_and(|until| until <= now)
    }

    /// This snapshot with its documents rendered anew.
    ///
    /// # Errors
    /// If a document cannot be rendered.
    pub fn rendered_anew(mut self, context: &SnapshotContext, now: UnixMillis) -> Result<Self, SnapshotError> {
        self.render_documents(context, now)?;
        Ok(self)
    }

    /// The client with the public identifier `client_id`.
    pub fn client(&self, client_id: &str) -> Option<&Arc<Client>> {
        self.clients.get(client_id)
    }

    /// The client with our own id `id`.
    pub fn client_by_id(&self, id: Uuid) -> Option<&Arc<Client>> {
        self.clients.get_by_id(id)
    }

    /// The API with our own id `id`.
    pub fn api(&self, id: Uuid) -> Option<&Arc<Api>> {
        self.apis.get(&id)
    }

    /// How many clients there are.
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// Every client.
    pub const fn clients(&self) -> &ClientDirectory {
        &self.clients
    }

    /// How many APIs there are, with those that are part of the server.
    pub fn api_count(&self) -> usize {
        self.apis.size()
    }

    /// Every kind of check that some brought secret needs, in no fixed order; none where no secret was brought.
    pub fn brought_work(&self) -> impl Iterator<Item = &SecretWork> {
        self.clients.brought_work()
    }

    /// Does every token need a signature that is waited for?
    pub const fn every_token_waits(&self) -> bool {
        self.every_token_waits
    }

    fn put_api(&mut self, api: Api) {
        self.remove_api(api.id);
        self.api_ids.insert_mut(api.identifier.clone(), api.id);
        self.apis.insert_mut(api.id, Arc::new(api));
    }

    fn remove_api(&mut self, id: Uuid) {
        if let Some(api) = self.apis.get(&id).cloned() {
            self.api_ids.remove_mut(&api.identifier);
            self.apis.remove_mut(&id);
        }
    }

    fn render_documents(&mut self, context: &SnapshotContext, now: UnixMillis) -> Result<(), SnapshotError> {
        self.rendered_until = self.keys.next_removal(now);
        self.jwk_set = RenderedDocument::new(render_jwk_set(self.keys.published(now)));
        let defined = self.apis.values().filter(|api| !api.is_system).flat_map(|api| &api.scopes);
        let mut scopes: Vec<_> = defined.map(|scope| scope.value.as_str()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let waits = |api: &Arc<Api>| api.signing_alg.is_rsa() && api.token_reuse_seconds == 0;
        self.every_token_waits = self.apis.values().all(waits);
        let metadata = render_metadata(&context.issuer, &self.keys.active_algs(), &scopes)?;
        self.metadata = RenderedDocument::new(metadata);
        Ok(())
    }
}

impl ApiDirectory for Snapshot {
    fn api_by_audience(&self, audience: &Audience) -> Option<&Api> {
        self.api_by_id(*self.api_ids.get(audience)?)
    }

    fn api_by_id(&self, id: Uuid) -> Option<&Api> {
        self.api(id).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::keys::lifecycle::{KeyState, SigningKeyRecord};
    use crate::keys::public_test_keys::PublicTestKey;
    use crate::keys::{MasterKey, PublicJwk};

    fn retired_until(at: i64) -> SigningKeyRecord {
        let key = PublicTestKey::Rs256Next.load();
        let public_jwk = PublicJwk::from_private_key(&key, UnixMillis(0)).unwrap();
        SigningKeyRecord {
            kid: public_jwk.kid.clone(),
            alg: key.alg(),
            state: KeyState::Retired,
            public_jwk,
            sealed_private_key: None,
            created_at: UnixMillis(0),
            announced_at: Some(UnixMillis(0)),
            activated_at: Some(UnixMillis(0)),
            retired_at: Some(UnixMillis(0)),
            remove_after: Some(UnixMillis(at)),
            revoked_at: None,
        }
    }

    #[test]
    fn a_retired_key_leaves_the_set_when_its_time_has_come_without_any_change() {
        let context = SnapshotContext {
            issuer: Issuer::new("http://localhost/"),
            master_keys: Arc::new(MasterKey::generate(&SystemEntropy).into()),
            test_keys: TestKeys::Allowed,
        };
        let image = StoreImage {
            revision: Revision(1),
            apis: Vec::new(),
            clients: (),
            signing_keys: vec![retired_until(5_000)],
        };
        let snapshot = Snapshot::of(image, ClientDirectory::default(), &context, UnixMillis(1_000)).unwrap();
        let keys = |snapshot: &Snapshot| String::from_utf8(snapshot.jwk_set.body.to_vec()).unwrap();
        assert!(keys(&snapshot).contains(PublicTestKey::Rs256Next.kid()));
        assert!(!snapshot.is_outlived(UnixMillis(4_999)));
        assert!(snapshot.is_outlived(UnixMillis(5_000)));
        let later = snapshot.rendered_anew(&context, UnixMillis(5_000)).unwrap();
        assert_eq!(keys(&later), r#"{"keys":[]}"#);
        assert!(!later.is_outlived(UnixMillis(i64::MAX)));
    }
}
