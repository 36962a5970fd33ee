//! What happens when many write, read and open at once?

use std::collections::BTreeSet;
use std::thread;

use super::engines::{Engine, each_engine, each_lasting_engine};
use super::fixtures::{client, secret, write};
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::store::{ChainVerdict, Reader, Revision, Store};

const THREADS: i64 = 8;
const WRITES: i64 = 50;

/// Every thread writes through the store that it is given.
fn write_from_many_threads(store_of_thread: impl Fn() -> Store + Sync) -> Vec<Revision> {
    let write_all = |thread: i64| {
        let store = store_of_thread();
        let revisions = (0..WRITES).map(|number| {
            let client = client(&format!("client-{thread}-{number}"));
            write(&store, |transaction| transaction.insert_client(&client)).revision
        });
        revisions.collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || write_all(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn assert_none_lost(store: &Store, revisions: &[Revision]) {
    let distinct: BTreeSet<_> = revisions.iter().map(|revision| revision.0).collect();
    assert_eq!(distinct, (1..=THREADS * WRITES).collect());
    let image = store.load_all().unwrap();
    assert_eq!(image.clients.len(), revisions.len());
    let verdict = store.read(Reader::verify_chain).unwrap();
    assert!(matches!(verdict, ChainVerdict::Intact { events, .. } if events == THREADS * WRITES), "{verdict:?}");
}

#[test]
fn writes_through_one_store_are_not_lost() {
    each_engine(|store| {
        let revisions = write_from_many_threads(|| store.clone());
        assert_none_lost(store, &revisions);
    });
}

#[test]
fn writes_through_a_store_per_thread_are_not_lost() {
    each_lasting_engine(|engine| {
        let first = engine.open();
        let revisions = write_from_many_threads(|| engine.open());
        assert_none_lost(&first, &revisions);
    });
}

#[test]
fn a_fresh_database_may_be_opened_by_many_at_once() {
    each_lasting_engine(|engine| {
        let stores: Vec<Store> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| engine.open())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        write(&stores[0], |transaction| transaction.insert_client(&client("partner")));
        assert!(stores.iter().all(|store| store.revision().unwrap() == Revision(1)));
    });
}

// Each time they meet in another way: some of them were told at once that the file is locked.
#[test]
fn a_fresh_file_may_be_opened_by_many_at_once_whenever_they_meet() {
    for _ in 0..30 {
        let engine = Engine::file();
        thread::scope(|scope| {
            (0..THREADS).for_each(|_| drop(scope.spawn(|| engine.open())));
        });
    }
}

#[test]
fn replicas_follow_while_others_write_and_note_last_uses() {
    each_engine(|store| {
        let secrets: Vec<_> = (0..10).map(|_| secret()).collect();
        let owner = Client { secrets: secrets.clone(), ..client("owner") };
        write(store, |transaction| transaction.insert_client(&owner));
        thread::scope(|scope| {
            scope.spawn(|| {
                for number in 1..=20 {
                    let used: Vec<_> = secrets.iter().map(|secret| (secret.id, UnixMillis(number))).collect();
                    store.flush_last_used(&used).unwrap();
                }
            });
            scope.spawn(|| {
                for secret in secrets.iter().rev() {
                    write(store, |transaction| transaction.update_secret_label(secret.id, Some("new")));
                }
            });
            let mut seen = Revision(0);
            while seen < Revision(11) {
                let changes = store.load_changes_since(seen).unwrap();
                assert!(changes.revision >= seen);
                let labelled = changes.clients.iter().flat_map(|client| &client.secrets);
                let labelled = labelled.filter(|secret| secret.label.is_some()).count();
                assert!(changes.revision == seen || i64::try_from(labelled).unwrap() == changes.revision.0 - 1);
                seen = changes.revision;
            }
        });
        let last_uses = store.load_all().unwrap().clients.remove(0).secrets;
        assert!(last_uses.iter().all(|secret| secret.last_used_at == Some(UnixMillis(20))));
    });
}

#[test]
fn databases_in_memory_are_apart() {
    let (one, other) = (Engine::memory().open(), Engine::memory().open());
    write(&one, |transaction| transaction.insert_client(&client("partner")));
    assert_eq!((one.revision().unwrap(), other.revision().unwrap()), (Revision(1), Revision(0)));
}
