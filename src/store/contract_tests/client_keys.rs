//! How are public keys kept and changed, and how often can an assertion be used?

use super::engines::{each_engine, each_lasting_engine};
use super::fixtures::{CHANGED, client, client_key, id, try_write, write};
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::oauth::client_key::ClientKey;
use crate::store::{AssertionUse, Conflict, ObjectKind, Revision, Store, StoreError};

fn client_with_key(store: &Store) -> Client {
    let client = Client { keys: vec![client_key("first")], ..client("partner") };
    write(store, |transaction| transaction.insert_client(&client));
    client
}

fn keys(store: &Store, client: &Client) -> Vec<ClientKey> {
    store.read(|reader| reader.find_client_by_id(client.id)).unwrap().unwrap().keys
}

#[test]
fn a_key_comes_changes_and_goes_and_its_client_changes() {
    each_engine(|store| {
        let client = client_with_key(store);
        let added = ClientKey { created_at: CHANGED, ..client_key("second") };
        let written = write(store, |transaction| transaction.insert_client_key(client.id, &added));
        let changes = store.load_changes_since(Revision(written.revision.0 - 1)).unwrap();
        assert_eq!(changes.clients[0].keys, [client.keys[0].clone(), added.clone()]);

        let changed = ClientKey {
            name: Some("neuer \"Name\"".to_owned()),
            enabled: false,
            expires_at: Some(CHANGED),
            updated_at: CHANGED,
            ..added
        };
        write(store, |transaction| transaction.update_client_key(&changed));
        assert_eq!(keys(store, &client), [client.keys[0].clone(), changed.clone()]);

        let written = write(store, |transaction| transaction.delete_client_key(client.keys[0].id));
        let changes = store.load_changes_since(Revision(written.revision.0 - 1)).unwrap();
        assert_eq!(changes.clients[0].keys, [changed]);
        assert_eq!(store.load_all().unwrap().clients[0].keys.len(), 1);
    });
}

#[test]
fn a_kid_names_one_key_of_a_client_but_other_clients_may_use_it() {
    each_engine(|store| {
        let client = client_with_key(store);
        let twin = client_key("first");
        let error = try_write(store, |transaction| transaction.insert_client_key(client.id, &twin)).unwrap_err();
        assert_eq!(error, StoreError::Conflict { what: Conflict::ClientKid });
        let other = Client { keys: vec![twin], ..super::fixtures::client("other") };
        write(store, |transaction| transaction.insert_client(&other));
    });
}

#[test]
fn what_is_not_there_is_not_changed() {
    each_engine(|store| {
        let client = client_with_key(store);
        let missing = StoreError::NotFound { what: ObjectKind::ClientKey };
        let stranger = client_key("stranger");
        for attempt in [
            try_write(store, |transaction| transaction.update_client_key(&stranger)),
            try_write(store, |transaction| transaction.delete_client_key(stranger.id)),
        ] {
            assert_eq!(attempt.unwrap_err(), missing);
        }
        let error = try_write(store, |transaction| transaction.insert_client_key(id(), &stranger)).unwrap_err();
        assert_eq!(error, StoreError::NotFound { what: ObjectKind::Client });
        write(store, |transaction| transaction.delete_client(client.id));
        let orphan = try_write(store, |transaction| transaction.delete_client_key(client.keys[0].id)).unwrap_err();
        assert_eq!(orphan, missing, "its client took it along");
    });
}

fn use_of(digest: &str, expires_at: UnixMillis) -> AssertionUse {
    AssertionUse { digest: digest.to_owned(), expires_at }
}

fn use_once(store: &Store, digest: &str, expires_at: UnixMillis) -> Result<bool, StoreError> {
    store.use_client_assertions(&[use_of(digest, expires_at)]).map(|first| first == [true])
}

#[test]
fn of_many_uses_at_a_time_each_is_told_whether_it_is_the_first() {
    each_engine(|store| {
        let uses = |digests: &str| {
            let uses: Vec<_> = digests.chars().map(|digest| use_of(&digest.to_string(), UnixMillis(1_000))).collect();
            store.use_client_assertions(&uses).unwrap()
        };
        assert_eq!(uses("bab"), [true, true, false]);
        assert_eq!(uses("cba"), [true, false, false]);
        assert!(uses("").is_empty());
    });
}

#[test]
fn an_assertion_is_used_once_until_it_is_forgotten() {
    each_engine(|store| {
        let revision = store.revision().unwrap();
        assert_eq!(use_once(store, "a", UnixMillis(2_000)), Ok(true));
        assert_eq!(use_once(store, "a", UnixMillis(9_000)), Ok(false));
        assert_eq!(use_once(store, "b", UnixMillis(3_000)), Ok(true));
        assert_eq!(store.forget_client_assertions(UnixMillis(2_000)), Ok(0));
        assert_eq!(store.forget_client_assertions(UnixMillis(2_001)), Ok(1));
        assert_eq!(use_once(store, "a", UnixMillis(2_000)), Ok(true));
        assert_eq!(use_once(store, "b", UnixMillis(3_000)), Ok(false));
        assert_eq!(store.revision().unwrap(), revision, "no change that replicas follow");
    });
}

#[test]
fn many_expired_assertions_are_forgotten_piece_by_piece() {
    let engine = super::engines::Engine::memory();
    let store = engine.open();
    for number in 0..1_201 {
        assert_eq!(use_once(&store, &format!("{number}"), UnixMillis(number)), Ok(true));
    }
    assert_eq!(store.forget_client_assertions(UnixMillis(1_200)), Ok(1_200));
    assert_eq!(use_once(&store, "1200", UnixMillis(1)), Ok(false));
}

#[test]
fn of_many_replicas_one_uses_an_assertion() {
    each_lasting_engine(|engine| {
        let stores: Vec<_> = (0..4).map(|_| engine.open()).collect();
        let successes = std::thread::scope(|scope| {
            let threads: Vec<_> = stores
                .iter()
                .flat_map(|store| [store, store])
                .enumerate()
                .map(|(number, store)| {
                    scope.spawn(move || {
                        // Each has others beside the one that they share, in an order of its own.
                        let others = (0..5).map(|other| format!("{number}-{other}"));
                        let mut digests: Vec<_> = others.chain(["same".to_owned(), "too".to_owned()]).collect();
                        digests.rotate_left(number);
                        let uses: Vec<_> = digests.iter().map(|digest| use_of(digest, UnixMillis(1))).collect();
                        store.use_client_assertions(&uses).unwrap().into_iter().filter(|first| *first).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(successes, 8 * 5 + 2);
    });
}
