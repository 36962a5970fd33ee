//! How are secrets kept, expired, upgraded and marked as used?

use uuid::Uuid;

use super::engines::each_engine;
use super::fixtures::{CHANGED, CREATED, client, id, secret, shape, try_write, write};
use crate::clock::UnixMillis;
use crate::oauth::client::Client;
use crate::secret::{SecretHash, StoredSecret};
use crate::store::{Conflict, ObjectKind, Page, Revision, Store, StoreError};

const LEGACY_HASH: &str = "9MrYBSwnBSBaAfRKuoqs+quCKhhV7P1eBkdMJW14yBI=";

/// Stores a client with one secret.
fn client_with_secret(store: &Store) -> Client {
    let client = Client { secrets: vec![secret()], ..client("partner") };
    write(store, |transaction| transaction.insert_client(&client));
    client
}

fn find(store: &Store, id: Uuid) -> Option<StoredSecret> {
    store.read(|reader| reader.find_secret(id)).unwrap().map(|owned| owned.secret)
}

#[test]
fn a_secret_comes_and_goes_and_its_client_changes() {
    each_engine(|store| {
        let client = client_with_secret(store);
        let added = StoredSecret { label: Some("second".to_owned()), last_used_at: Some(CREATED), ..secret() };
        let written = write(store, |transaction| transaction.insert_secret(client.id, &added));
        let owned = store.read(|reader| reader.find_secret(added.id)).unwrap().unwrap();
        assert_eq!((owned.client_row_id, &owned.secret), (client.id, &added));
        let changes = store.load_changes_since(Revision(written.revision.0 - 1)).unwrap();
        assert_eq!(changes.clients.len(), 1);
        assert_eq!((changes.clients[0].secrets.len(), changes.clients[0].updated_at), (2, CHANGED));

        let written = write(store, |transaction| transaction.delete_secret(client.secrets[0].id));
        let changes = store.load_changes_since(Revision(written.revision.0 - 1)).unwrap();
        assert_eq!(changes.clients[0].secrets, [added]);
        assert!(changes.removed_client_ids.is_empty());
    });
}

#[test]
fn those_that_expire_next_come_first_with_their_client() {
    each_engine(|store| {
        let expiring = |at: Option<i64>| StoredSecret { expires_at: at.map(UnixMillis), ..secret() };
        let one = Client { secrets: [Some(30), Some(10), None].map(expiring).into(), ..client("one") };
        let other = Client { secrets: [Some(20), Some(40)].map(expiring).into(), ..client("other") };
        write(store, |transaction| {
            transaction.insert_client(&one)?;
            transaction.insert_client(&other)
        });
        let listed = |after, until, offset, limit| {
            let page = Page { offset, limit, ..Page::ALL };
            let found = store.read(|reader| reader.expiring_secrets(UnixMillis(after), UnixMillis(until), page));
            let found = found.unwrap().into_iter();
            found.map(|secret| (secret.client_id.to_string(), secret.expires_at.0)).collect::<Vec<_>>()
        };
        let expected = [("one".to_owned(), 10), ("other".to_owned(), 20), ("one".to_owned(), 30)];
        assert_eq!(listed(0, 30, 0, 9), expected);
        assert_eq!(listed(0, 30, 0, 1), expected[..1], "no more than asked for");
        assert_eq!(listed(0, 30, 1, 9), expected[1..], "from there on");
        assert_eq!(listed(10, 29, 0, 9), expected[1..2], "not what has expired");
    });
}

#[test]
fn expiry_and_label_are_set_and_taken_away() {
    each_engine(|store| {
        let client = client_with_secret(store);
        let before = &client.secrets[0];
        let after = StoredSecret { expires_at: Some(CHANGED), label: Some("old".to_owned()), ..before.clone() };
        let set = write(store, |transaction| {
            transaction.update_secret_expiry(before.id, after.expires_at)?;
            transaction.update_secret_label(before.id, after.label.as_deref())
        });
        assert_eq!(find(store, before.id), Some(after));
        write(store, |transaction| {
            transaction.update_secret_expiry(before.id, None)?;
            transaction.update_secret_label(before.id, None)
        });
        assert_eq!(find(store, before.id).as_ref(), Some(before));
        assert_eq!(store.load_changes_since(set.revision).unwrap().clients.len(), 1);
    });
}

#[test]
fn a_hash_is_replaced_only_if_it_is_the_expected_one() {
    each_engine(|store| {
        let client = client_with_secret(store);
        let (id, old) = (client.secrets[0].id, &client.secrets[0].hash);
        let new = SecretHash::parse(LEGACY_HASH).unwrap();
        let mark = secret().hash;
        let replaced = write(store, |transaction| transaction.replace_secret_hash(id, old, &new, &mark));
        assert!(replaced.value);
        let upgraded = find(store, id).unwrap();
        assert_eq!((&upgraded.hash, upgraded.imported_hash.as_deref()), (&new, Some(&mark)));

        let again = store.write(&super::fixtures::context(), |transaction| {
            let replaced = transaction.replace_secret_hash(id, old, &new, &mark)?;
            assert!(!transaction.replace_secret_hash(Uuid::nil(), old, &new, &mark)?);
            Ok::<_, StoreError>(replaced)
        });
        let again = again.unwrap();
        assert_eq!((again.value, again.changed, again.revision), (false, false, replaced.revision));

        let newer = secret().hash;
        write(store, |transaction| transaction.replace_secret_hash(id, &new, &newer, &secret().hash));
        assert_eq!(find(store, id).unwrap().imported_hash.as_deref(), Some(&mark), "the first is the one imported");

        // The secret id went with the hash: another client may have the secret now.
        let heir =
            Client { secrets: vec![StoredSecret { hash: old.clone(), ..secret() }], ..super::fixtures::client("heir") };
        write(store, |transaction| transaction.insert_client(&heir));
    });
}

#[test]
fn a_generated_secret_belongs_to_one_client_but_equal_legacy_hashes_may_repeat() {
    each_engine(|store| {
        let client = client_with_secret(store);
        let copy = StoredSecret { id: id(), ..client.secrets[0].clone() };
        let error = try_write(store, |transaction| transaction.insert_secret(client.id, &copy)).unwrap_err();
        assert_eq!(error, StoreError::Conflict { what: Conflict::SecretId });
        let legacy = || StoredSecret { hash: SecretHash::parse(LEGACY_HASH).unwrap(), ..secret() };
        write(store, |transaction| {
            transaction.insert_secret(client.id, &legacy())?;
            transaction.insert_secret(client.id, &legacy())
        });
    });
}

#[test]
fn the_last_use_only_moves_forward_and_is_no_change() {
    each_engine(|store| {
        let client = client_with_secret(store);
        let (id, revision) = (client.secrets[0].id, store.revision().unwrap());
        let last_use = || find(store, id).unwrap().last_used_at;
        store.flush_last_used(&[(id, UnixMillis(2_000)), (Uuid::nil(), UnixMillis(9_000))]).unwrap();
        assert_eq!(last_use(), Some(UnixMillis(2_000)));
        store.flush_last_used(&[(id, UnixMillis(1_000))]).unwrap();
        assert_eq!(last_use(), Some(UnixMillis(2_000)));
        store.flush_last_used(&[(id, UnixMillis(3_000)), (id, UnixMillis(2_500))]).unwrap();
        assert_eq!(last_use(), Some(UnixMillis(3_000)));
        store.flush_last_used(&[]).unwrap();
        assert_eq!(store.revision().unwrap(), revision);
        assert!(store.load_changes_since(revision).unwrap().clients.is_empty());
    });
}

#[test]
fn what_is_not_there_is_not_changed() {
    each_engine(|store| {
        let (stored, stranger) = (client_with_secret(store), id());
        let before = store.load_all().unwrap();
        let missing = StoreError::NotFound { what: ObjectKind::ClientSecret };
        let attempts = [
            try_write(store, |transaction| transaction.delete_secret(stranger)),
            try_write(store, |transaction| transaction.update_secret_expiry(stranger, None)),
            try_write(store, |transaction| transaction.update_secret_label(stranger, None)),
        ];
        for attempt in attempts {
            assert_eq!(attempt.unwrap_err(), missing);
        }
        let error = try_write(store, |transaction| transaction.insert_secret(stranger, &secret())).unwrap_err();
        assert_eq!(error, StoreError::NotFound { what: ObjectKind::Client });
        let after = store.load_all().unwrap();
        assert_eq!((after.revision, shape(&after.clients[0])), (before.revision, shape(&stored)));
    });
}
