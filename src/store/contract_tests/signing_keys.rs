//! How are signing keys kept, and how many may be active?

use super::engines::each_engine;
use super::fixtures::{CHANGED, signing_key, try_write, write};
use crate::keys::SigningAlg::{Es256, Rs256};
use crate::keys::lifecycle::KeyState::{Active, Next, Removed, Retired};
use crate::keys::lifecycle::SigningKeyRecord;
use crate::store::{Conflict, ObjectKind, Reader, StoreError};

#[test]
fn a_key_is_found_as_it_was_inserted_and_updated() {
    each_engine(|store| {
        let before = signing_key("first", Rs256, Active);
        write(store, |transaction| transaction.insert_signing_key(&before));
        assert_eq!(store.read(|reader| reader.find_signing_key("first")).unwrap().as_ref(), Some(&before));
        let after = SigningKeyRecord {
            state: Removed,
            sealed_private_key: None,
            announced_at: None,
            activated_at: Some(CHANGED),
            retired_at: Some(CHANGED),
            remove_after: Some(CHANGED),
            revoked_at: Some(CHANGED),
            ..before
        };
        let written = write(store, |transaction| transaction.update_signing_key(&after));
        assert_eq!(store.read(Reader::list_signing_keys).unwrap(), [after]);
        assert!(store.read(|reader| reader.find_signing_key("other")).unwrap().is_none());
        assert!(store.load_changes_since(written.revision).unwrap().signing_keys.is_empty());
    });
}

#[test]
fn each_algorithm_has_one_active_and_one_next_key() {
    each_engine(|store| {
        write(store, |transaction| {
            transaction.insert_signing_key(&signing_key("a", Rs256, Active))?;
            transaction.insert_signing_key(&signing_key("b", Rs256, Next))?;
            transaction.insert_signing_key(&signing_key("c", Rs256, Retired))?;
            transaction.insert_signing_key(&signing_key("d", Rs256, Retired))?;
            transaction.insert_signing_key(&signing_key("e", Es256, Active))
        });
        let cases = [
            (signing_key("f", Rs256, Active), Conflict::KeyState),
            (signing_key("f", Rs256, Next), Conflict::KeyState),
            (signing_key("a", Rs256, Retired), Conflict::Kid),
        ];
        for (record, what) in cases {
            let error = try_write(store, |transaction| transaction.insert_signing_key(&record)).unwrap_err();
            assert_eq!(error, StoreError::Conflict { what });
        }
        let error = try_write(store, |transaction| transaction.update_signing_key(&signing_key("b", Rs256, Active)));
        assert_eq!(error.unwrap_err(), StoreError::Conflict { what: Conflict::KeyState });
    });
}

#[test]
fn a_rotation_is_one_change() {
    each_engine(|store| {
        let before = write(store, |transaction| {
            transaction.insert_signing_key(&signing_key("old", Rs256, Active))?;
            transaction.insert_signing_key(&signing_key("new", Rs256, Next))
        });
        write(store, |transaction| {
            transaction.update_signing_key(&signing_key("old", Rs256, Retired))?;
            transaction.update_signing_key(&signing_key("new", Rs256, Active))?;
            transaction.insert_signing_key(&signing_key("later", Rs256, Next))
        });
        let changed = store.load_changes_since(before.revision).unwrap().signing_keys;
        let states: Vec<_> = changed.iter().map(|key| (key.kid.as_str(), key.state)).collect();
        assert_eq!(states, [("later", Next), ("new", Active), ("old", Retired)]);
    });
}

#[test]
fn a_deleted_key_can_be_imported_once_more() {
    each_engine(|store| {
        let record = signing_key("first", Rs256, Active);
        let inserted = write(store, |transaction| transaction.insert_signing_key(&record));
        write(store, |transaction| transaction.delete_signing_key("first"));
        assert_eq!(store.load_changes_since(inserted.revision).unwrap().removed_kids, ["first"]);
        write(store, |transaction| transaction.insert_signing_key(&record));
        let changes = store.load_changes_since(inserted.revision).unwrap();
        assert!(changes.removed_kids.is_empty());
        assert_eq!(changes.signing_keys, [record]);
    });
}

#[test]
fn what_is_not_there_is_not_changed() {
    each_engine(|store| {
        let missing = StoreError::NotFound { what: ObjectKind::SigningKey };
        let stranger = signing_key("stranger", Rs256, Active);
        assert_eq!(try_write(store, |transaction| transaction.update_signing_key(&stranger)).unwrap_err(), missing);
        assert_eq!(try_write(store, |transaction| transaction.delete_signing_key("stranger")).unwrap_err(), missing);
    });
}
