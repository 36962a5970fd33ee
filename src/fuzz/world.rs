//! A server's store with a little in it, for what must be tried on one: in memory, and never changed for good.

use std::sync::{Arc, LazyLock};

use super::on_one_line;
use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::issuer::administration::{Administration, AdministrationError, AdministrationPolicy, Change};
use crate::issuer::bootstrap::ManagementApi;
use crate::issuer::clients::IdRule;
use crate::issuer::document::apply::{ApplyOptions, Origin};
use crate::issuer::document::{ApiEntry, ClientEntry, Document, GrantEntry, ScopeEntry};
use crate::issuer::rights::Caller;
use crate::keys::lifecycle::KeyState;
use crate::keys::public_test_keys::PublicTestKey;
use crate::keys::{MasterKey, SigningAlg};
use crate::oauth::metadata::Issuer;
use crate::store::{Database, Migrate, Store, StoreError, StoreSettings};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// An API, a client with a grant for it, and signing keys for every algorithm, so that none has to be made.
pub(crate) struct World(Administration);

impl World {
    /// The API that is there.
    pub(crate) const API: &str = "https://api.example/";
    /// The client that is there.
    pub(crate) const CLIENT: &str = "partner";

    /// The one of this process.
    pub(crate) fn get() -> &'static Self {
        &WORLD
    }

    fn new() -> Self {
        let administration = Administration::new(
            Store::open(&StoreSettings { database: Database::InMemory, pool_size: 1 }, Migrate::Always)
                .expect("a store"),
            Arc::new(MasterKey::generate(&SystemEntropy).into()),
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            AdministrationPolicy::of_dev(Issuer::new("https://issuer.example/")),
        );
        let caller = Caller::system();
        let filled = administration.change(&caller, |change| {
            change.install_key(&PublicTestKey::Rs256Active.load(), KeyState::Active)?;
            change.install_key(&PublicTestKey::Rs256Next.load(), KeyState::Next)?;
            change.install_key(&PublicTestKey::Ps256Active.load(), KeyState::Active)
        });
        filled.expect("keys");
        administration.bootstrap(ManagementApi::BringUpToDate).expect("the Management API");
        for alg in SigningAlg::ALL {
            let made = administration.change_with_alg(&caller, alg, |change| {
                change.ensure_active_key(alg)?;
                change.ensure_next_key(alg)
            });
            made.expect("keys of every algorithm");
        }
        let filled = administration.change(&caller, |change| {
            let scopes = ["read", "write"].map(|value| ScopeEntry { value: value.to_owned(), description: None });
            change.create_api(&ApiEntry { scopes: scopes.into(), ..ApiEntry::new(Self::API) })?;
            change.create_client(&ClientEntry::new(Some(Self::CLIENT.to_owned()), None), IdRule::Chosen)?;
            change.create_grant(Self::CLIENT, &GrantEntry::new(Self::API, vec!["read".to_owned()]))
        });
        filled.expect("an API, a client and a grant");
        Self(administration)
    }

    /// Takes `steps`, and takes them back.
    pub(crate) fn try_out<T>(&self, steps: impl FnOnce(&mut Change<'_>) -> T) -> T {
        let mut outcome = None;
        let taken_back = self.0.change(&Caller::system(), |change| -> Result<(), AdministrationError> {
            outcome = Some(steps(change));
            Err(AdministrationError::Outdated)
        });
        assert!(matches!(taken_back, Err(AdministrationError::Outdated)), "{taken_back:?}");
        outcome.expect("the steps were taken")
    }

    /// Applies a document, and takes it back: it can be stored, or the caller is told why not.
    pub(super) fn would_apply(&self, document: &Document, origin: Origin) {
        let options = ApplyOptions { dry_run: true, weak_secrets: true, origin, ..ApplyOptions::default() };
        if let Err(error) = self.0.apply(&Caller::system(), document, options) {
            is_the_callers_fault(&error);
        }
    }
}

/// What a caller sends must never look like a fault of the server.
pub(crate) fn is_the_callers_fault(error: &AdministrationError) {
    on_one_line(&error.to_string());
    match error {
        AdministrationError::Key(_) => panic!("{error}"),
        AdministrationError::Store(
            StoreError::Conflict { .. } | StoreError::NotFound { .. } | StoreError::DanglingReference,
        ) => {}
        AdministrationError::Store(fault) => panic!("{fault}"),
        _ => {}
    }
}
