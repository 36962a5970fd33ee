//! Are sessions, links and servers kept and forgotten, without a change that anybody else hears of?

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use uuid::Uuid;

use super::engines::{each_engine, each_lasting_engine};
use super::fixtures::{CREATED, client, id, tamper, try_write, write};
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::store::{
    LinkPurpose, ObjectKind, Revision, RunningServer, ServerState, SessionProof, Store, StoreError, StoredLink,
    StoredSession,
};

fn stored(store: &Store, client_id: &str) -> Client {
    let client = client(client_id);
    write(store, |transaction| transaction.insert_client(&client));
    client
}

fn session(id_hash: &str, client: &Client, proof: SessionProof) -> StoredSession {
    StoredSession {
        id_hash: id_hash.to_owned(),
        client_row_id: client.id,
        proof,
        begun_at: CREATED,
        seen_at: CREATED,
        proved_at: CREATED,
    }
}

fn begin(store: &Store, session: &StoredSession) {
    write(store, |transaction| transaction.insert_console_session(session));
}

fn link(token_hash: &str, client: &Client) -> StoredLink {
    StoredLink {
        token_hash: token_hash.to_owned(),
        purpose: LinkPurpose::ClaimSecret,
        client_row_id: client.id,
        label: Some("first".to_owned()),
        created_at: CREATED,
        expires_at: CREATED.plus_seconds(60),
    }
}

fn find_link(store: &Store, token_hash: &str) -> Option<StoredLink> {
    store.read(|reader| reader.find_link(token_hash)).unwrap()
}

#[test]
fn a_session_is_found_as_it_was_begun_and_followed_in_what_becomes_of_it() {
    each_engine(|store| {
        let client = stored(store, "partner");
        let proofs = [SessionProof::Credential(id()), SessionProof::PublishedKey, SessionProof::Link];
        for (number, proof) in proofs.into_iter().enumerate() {
            let begun = session(&number.to_string(), &client, proof);
            begin(store, &begun);
            assert_eq!(store.find_console_session(&number.to_string()).unwrap(), Some(begun));
        }
        assert_eq!(store.find_console_session("3").unwrap(), None);

        let revision = store.revision().unwrap();
        for seconds in [9, 5] {
            store.touch_console_session("0", CREATED.plus_seconds(seconds)).unwrap();
        }
        let secret = SessionProof::Credential(id());
        assert!(store.prove_console_session("2", secret, CREATED.plus_seconds(7)).unwrap());
        assert!(!store.prove_console_session("3", secret, CREATED).unwrap(), "there is none");
        let found = |id_hash: &str| store.find_console_session(id_hash).unwrap().unwrap();
        assert_eq!(found("0").seen_at, CREATED.plus_seconds(9), "a time only moves forward");
        assert_eq!((found("2").proof, found("2").proved_at), (secret, CREATED.plus_seconds(7)));

        store.end_console_session("1").unwrap();
        store.end_console_session("1").unwrap();
        assert_eq!(store.find_console_session("1").unwrap(), None);
        assert_eq!(store.end_console_sessions_of(client.id), Ok(2));
        assert_eq!(store.revision().unwrap(), revision, "it is no change");
    });
}

#[test]
fn a_client_takes_its_sessions_and_links_along_and_one_that_is_gone_gets_none() {
    each_engine(|store| {
        let (gone, other) = (stored(store, "gone"), stored(store, "other"));
        for client in [&gone, &other] {
            let name = client.client_id.to_string();
            begin(store, &session(&name, client, SessionProof::Link));
            write(store, |transaction| transaction.insert_link(&link(&name, client)));
        }
        write(store, |transaction| transaction.delete_client(gone.id));
        assert_eq!(store.find_console_session("gone").unwrap(), None);
        assert!(store.find_console_session("other").unwrap().is_some());
        assert!(find_link(store, "gone").is_none() && find_link(store, "other").is_some());
        let late = session("late", &gone, SessionProof::Link);
        let refused = try_write(store, |transaction| transaction.insert_console_session(&late));
        assert_eq!(refused.unwrap_err(), StoreError::DanglingReference);
        let refused = try_write(store, |transaction| transaction.insert_link(&link("late", &gone)));
        assert_eq!(refused.unwrap_err(), StoreError::DanglingReference);
    });
}

#[test]
fn sessions_are_forgotten_by_when_they_were_used_and_begun() {
    each_engine(|store| {
        let client = stored(store, "partner");
        for (name, begun, seen) in [("idle", 100, 100), ("old", 0, 200), ("open", 100, 200)] {
            let begun = StoredSession {
                begun_at: UnixMillis(begun),
                seen_at: UnixMillis(seen),
                ..session(name, &client, SessionProof::Link)
            };
            begin(store, &begun);
        }
        for _ in 0..2 {
            store.forget_console_sessions(UnixMillis(150), UnixMillis(50)).unwrap();
            let left = ["idle", "old", "open"].map(|name| store.find_console_session(name).unwrap().is_some());
            assert_eq!(left, [false, false, true]);
        }
    });
}

#[test]
fn the_sessions_of_a_client_that_were_begun_first_end() {
    each_engine(|store| {
        let (client, other) = (stored(store, "partner"), stored(store, "other"));
        for begun in [3, 1, 4, 2] {
            let begun = StoredSession {
                begun_at: UnixMillis(begun),
                ..session(&begun.to_string(), &client, SessionProof::Link)
            };
            begin(store, &begun);
        }
        begin(store, &StoredSession { begun_at: UnixMillis(0), ..session("0", &other, SessionProof::Link) });
        let left = || ["0", "1", "2", "3", "4"].map(|name| store.find_console_session(name).unwrap().is_some());
        for (kept, expected) in [
            (5, [true, true, true, true, true]),
            (2, [true, false, false, true, true]),
            (2, [true, false, false, true, true]),
            (0, [true, false, false, false, false]),
        ] {
            write(store, |transaction| transaction.end_oldest_console_sessions_of(client.id, kept));
            assert_eq!(left(), expected, "{kept} kept");
        }
    });
}

#[test]
fn a_row_that_something_else_wrote_is_named_without_the_hash_of_a_session() {
    each_engine(|store| {
        let client = stored(store, "partner");
        begin(store, &session("hash", &client, SessionProof::Link));
        tamper(store, "UPDATE console_sessions SET proof = 'credential'");
        let error = store.find_console_session("hash").unwrap_err();
        assert!(matches!(&error, StoreError::Unreadable { id, .. } if *id == client.id.to_string()), "{error}");
    });
}

#[test]
fn a_link_is_good_once() {
    each_engine(|store| {
        let client = stored(store, "partner");
        let made = link("token", &client);
        write(store, |transaction| transaction.insert_link(&made));
        assert_eq!(find_link(store, "token"), Some(made));
        write(store, |transaction| transaction.delete_link("token"));
        assert_eq!(find_link(store, "token"), None);
        let again = try_write(store, |transaction| transaction.delete_link("token"));
        assert_eq!(again.unwrap_err(), StoreError::NotFound { what: ObjectKind::OneTimeLink });
    });
}

#[test]
fn of_those_that_use_a_link_at_the_same_moment_one_does() {
    each_lasting_engine(|engine| {
        let first = engine.open();
        let client = stored(&first, "partner");
        for round in 0..5 {
            let token = round.to_string();
            write(&first, |transaction| transaction.insert_link(&link(&token, &client)));
            let used = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        if try_write(&engine.open(), |transaction| transaction.delete_link(&token)).is_ok() {
                            used.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(used.into_inner(), 1);
        }
    });
}

#[test]
fn links_are_forgotten_when_they_have_expired() {
    each_engine(|store| {
        let client = stored(store, "partner");
        write(store, |transaction| transaction.insert_link(&link("token", &client)));
        store.forget_links(CREATED.plus_seconds(59)).unwrap();
        assert!(find_link(store, "token").is_some());
        store.forget_links(CREATED.plus_seconds(60)).unwrap();
        store.forget_links(CREATED.plus_seconds(60)).unwrap();
        assert!(find_link(store, "token").is_none());
    });
}

#[test]
fn servers_tell_of_themselves_until_they_are_removed_or_forgotten() {
    each_engine(|store| {
        let revision = store.revision().unwrap();
        let server = |number: u128, started: i64| RunningServer {
            id: Uuid::from_u128(number),
            name: format!("host {number}"),
            version: "1.0.0".to_owned(),
            revision: Revision(3),
            state: Some(ServerState::Issuing),
            started_at: UnixMillis(started),
            seen_at: UnixMillis(started),
        };
        let (later, first) = (server(1, 20), server(2, 10));
        let list = || store.read(|reader| reader.list_servers()).unwrap();
        for server in [&later, &first] {
            store.note_server(server, UnixMillis(0)).unwrap();
        }
        assert_eq!(list(), [first.clone(), later.clone()]);
        let moved = RunningServer {
            revision: Revision(4),
            state: Some(ServerState::Stopping),
            seen_at: UnixMillis(30),
            ..later.clone()
        };
        store.note_server(&moved, UnixMillis(11)).unwrap();
        assert_eq!(list(), [moved], "who is silent is forgotten");
        tamper(store, "UPDATE servers SET state = 'of the future'");
        assert_eq!(list().first().unwrap().state, None);
        store.remove_server(later.id).unwrap();
        assert_eq!(list(), []);
        assert_eq!(store.revision().unwrap(), revision, "it is no change");
    });
}
