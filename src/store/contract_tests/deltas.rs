//! Does a replica that reads only changes know the same as one that reads everything?

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::engines::{Engine, each_engine, each_lasting_engine};
use super::fixtures::{
    api, client, client_key, full_client, grant_all, scope, secret, shape, signing_key, try_write, write,
};
use crate::keys::SigningAlg;
use crate::keys::lifecycle::KeyState;
use crate::oauth::client::{Client, ClientGrant};
use crate::oauth::client_key::ClientKey;
use crate::oauth::resource::Api;
use crate::secret::SecretHash;
use crate::store::{Conflict, Revision, Store, StoreChanges, StoreError, Transaction};

/// What a replica holds: shapes by id.
#[derive(Debug, Default, PartialEq)]
struct Mirror {
    revision: Revision,
    objects: BTreeMap<String, String>,
}

impl Mirror {
    fn of_everything(store: &Store) -> Self {
        let image = store.load_all().unwrap();
        let mut mirror = Self::default();
        mirror.apply(StoreChanges {
            revision: image.revision,
            apis: image.apis,
            clients: image.clients,
            signing_keys: image.signing_keys,
            removed_api_ids: Vec::new(),
            removed_client_ids: Vec::new(),
            removed_kids: Vec::new(),
        });
        mirror
    }

    fn follow(&mut self, store: &Store) {
        self.apply(store.load_changes_since(self.revision).unwrap());
    }

    fn apply(&mut self, changes: StoreChanges) {
        self.revision = changes.revision;
        self.objects.extend(changes.apis.iter().map(|api| (api.id.to_string(), format!("{api:?}"))));
        self.objects.extend(changes.clients.iter().map(|client| (client.id.to_string(), shape(client))));
        self.objects.extend(changes.signing_keys.iter().map(|key| (key.kid.clone(), format!("{key:?}"))));
        let removed_apis = changes.removed_api_ids.iter().map(ToString::to_string);
        let removed_clients = changes.removed_client_ids.iter().map(ToString::to_string);
        for id in removed_apis.chain(removed_clients).chain(changes.removed_kids) {
            self.objects.remove(&id);
        }
    }
}

/// Something to change. Numbers choose among what is there when the change is made.
#[derive(Clone, Copy, Debug)]
enum Change {
    AddApi(u8),
    DefineScopes(usize, u8),
    DeleteApi(usize),
    AddClient(u8),
    AddFullClient(u8),
    Disable(usize),
    DeleteClient(usize),
    AddSecret(usize),
    DeleteSecret(usize),
    AddClientKey(usize),
    EnableClientKey(usize, bool),
    DeleteClientKey(usize),
    Rehash(usize),
    Grant(usize, usize),
    Narrow(usize),
    Withdraw(usize),
    AddKey(u8),
    RetireKey(usize),
    DeleteKey(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let name = 0..6_u8;
    let pick = 0..8_usize;
    prop_oneof![
        3 => name.clone().prop_map(Change::AddApi),
        3 => (pick.clone(), any::<u8>()).prop_map(|(api, scopes)| Change::DefineScopes(api, scopes)),
        1 => pick.clone().prop_map(Change::DeleteApi),
        3 => name.clone().prop_map(Change::AddClient),
        3 => name.clone().prop_map(Change::AddFullClient),
        1 => pick.clone().prop_map(Change::Disable),
        1 => pick.clone().prop_map(Change::DeleteClient),
        2 => pick.clone().prop_map(Change::AddSecret),
        1 => pick.clone().prop_map(Change::DeleteSecret),
        1 => pick.clone().prop_map(Change::Rehash),
        2 => pick.clone().prop_map(Change::AddClientKey),
        1 => (pick.clone(), any::<bool>()).prop_map(|(client, enabled)| Change::EnableClientKey(client, enabled)),
        1 => pick.clone().prop_map(Change::DeleteClientKey),
        3 => (pick.clone(), pick.clone()).prop_map(|(client, api)| Change::Grant(client, api)),
        1 => pick.clone().prop_map(Change::Narrow),
        1 => pick.clone().prop_map(Change::Withdraw),
        2 => name.prop_map(Change::AddKey),
        1 => pick.clone().prop_map(Change::RetireKey),
        1 => pick.prop_map(Change::DeleteKey),
    ]
}

/// Makes `change` if there is something to make it on. Conflicts are part of the game.
fn make(store: &Store, change: Change) {
    let image = store.load_all().unwrap();
    let pick_api = |index: usize| image.apis.get(index % image.apis.len().max(1));
    let pick_client = |index: usize| image.clients.get(index % image.clients.len().max(1));
    let pick_key = |index: usize| image.signing_keys.get(index % image.signing_keys.len().max(1));
    let outcome = try_write(store, |transaction| match change {
        Change::AddApi(name) => transaction.insert_api(&api(&format!("urn:{name}"), "a b c")),
        Change::DefineScopes(index, scopes) => on(pick_api(index), |found| {
            let chosen = ["a", "b", "c", "d"].into_iter().enumerate().filter(|(bit, _)| scopes >> bit & 1 == 1);
            let chosen: Vec<_> = chosen.map(|(_, value)| value).collect();
            transaction.update_api(&Api { scopes: api("urn:x", &chosen.join(" ")).scopes, ..found.clone() })
        }),
        Change::DeleteApi(index) => on(pick_api(index), |found| transaction.delete_api(found.id)),
        Change::AddClient(name) => transaction.insert_client(&client(&format!("client-{name}"))),
        Change::AddFullClient(name) => {
            let apis: Vec<_> = image.apis.iter().collect();
            transaction.insert_client(&full_client(&format!("client-{name}"), &apis))
        }
        Change::Disable(index) => {
            on(pick_client(index), |found| transaction.update_client(&Client { enabled: false, ..found.clone() }))
        }
        Change::DeleteClient(index) => on(pick_client(index), |found| transaction.delete_client(found.id)),
        Change::AddSecret(index) => on(pick_client(index), |found| transaction.insert_secret(found.id, &secret())),
        Change::DeleteSecret(index) => {
            on(pick_client(index).and_then(|found| found.secrets.first()), |found| transaction.delete_secret(found.id))
        }
        Change::AddClientKey(index) => on(pick_client(index), |found| {
            transaction.insert_client_key(found.id, &client_key(&format!("kid-{}", found.keys.len())))
        }),
        Change::EnableClientKey(index, enabled) => {
            on(pick_client(index).and_then(|found| found.keys.last()), |found| {
                transaction.update_client_key(&ClientKey { enabled, ..found.clone() })
            })
        }
        Change::DeleteClientKey(index) => {
            on(pick_client(index).and_then(|found| found.keys.first()), |found| transaction.delete_client_key(found.id))
        }
        Change::Rehash(index) => on(pick_client(index).and_then(|found| found.secrets.last()), |found| {
            let new = SecretHash::parse("9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=").unwrap();
            transaction.replace_secret_hash(found.id, &found.hash, &new, &new).map(drop)
        }),
        Change::Grant(client, api) => on(pick_client(client).zip(pick_api(api)), |(client, api)| {
            transaction.insert_grant(client.id, &grant_all(api))
        }),
        Change::Narrow(index) => on(pick_client(index).and_then(|found| found.grants.first()), |found| {
            transaction.update_grant(&ClientGrant { scope: scope("b"), ..found.clone() })
        }),
        Change::Withdraw(index) => {
            on(pick_client(index).and_then(|found| found.grants.last()), |found| transaction.delete_grant(found.id))
        }
        Change::AddKey(name) => insert_key(transaction, name),
        Change::RetireKey(index) => on(pick_key(index), |found| {
            transaction.update_signing_key(&signing_key(&found.kid, found.alg, KeyState::Retired))
        }),
        Change::DeleteKey(index) => on(pick_key(index), |found| transaction.delete_signing_key(&found.kid)),
    });
    match outcome {
        Ok(_) | Err(StoreError::Conflict { .. }) => {}
        Err(error) => panic!("{change:?}: {error}"),
    }
}

fn on<T>(found: Option<T>, change: impl FnOnce(T) -> Result<(), StoreError>) -> Result<(), StoreError> {
    found.map_or(Ok(()), change)
}

fn insert_key(transaction: &mut Transaction, name: u8) -> Result<(), StoreError> {
    let state = [KeyState::Active, KeyState::Next, KeyState::Retired][usize::from(name) % 3];
    transaction.insert_signing_key(&signing_key(&format!("key-{name}"), SigningAlg::Rs256, state))
}

#[test]
fn following_the_changes_is_as_good_as_reading_everything() {
    let follow = |store: &Store, changes: &[(Change, bool)]| {
        let mut mirror = Mirror::default();
        for (change, follows) in changes {
            make(store, *change);
            if *follows {
                mirror.follow(store);
                assert_eq!(mirror, Mirror::of_everything(store), "after {change:?}");
            }
        }
        mirror.follow(store);
        assert_eq!(mirror, Mirror::of_everything(store));
    };
    let changes = prop::collection::vec((change(), any::<bool>()), 1..40);
    let runner = |cases| TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let in_memory = runner(48).run(&changes, |changes| {
        follow(&Engine::memory().open(), &changes);
        Ok(())
    });
    in_memory.unwrap();
    let lasting = runner(8).run(&changes, |changes| {
        each_lasting_engine(|engine| follow(&engine.open(), &changes));
        Ok(())
    });
    lasting.unwrap();
}

#[test]
fn nothing_changed_is_nothing_to_read() {
    each_engine(|store| {
        write(store, |transaction| transaction.insert_api(&api("urn:a", "a")));
        let conflict = try_write(store, |transaction| transaction.insert_api(&api("urn:a", "a"))).unwrap_err();
        assert_eq!(conflict, StoreError::Conflict { what: Conflict::ApiIdentifier });
        let changes = store.load_changes_since(Revision(1)).unwrap();
        assert_eq!(changes.revision, Revision(1));
        assert!(changes.apis.is_empty() && changes.clients.is_empty() && changes.signing_keys.is_empty());
        assert!(changes.removed_api_ids.is_empty() && changes.removed_client_ids.is_empty());
    });
}

#[test]
fn a_replica_that_is_ahead_learns_that_the_database_was_replaced() {
    each_engine(|store| {
        assert!(store.load_changes_since(Revision(7)).unwrap().revision < Revision(7));
    });
}
