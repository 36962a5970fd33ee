//! What is one change: all of it or nothing, and never without a trace?

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::engines::{each_engine, each_lasting_engine};
use super::fixtures::{client, context, entry, try_write, write};
use crate::store::{AuditFilter, Conflict, Page, Reader, Revision, StoreError};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum UseCaseError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("refused")]
    Refused,
}

#[test]
fn every_change_has_the_next_revision() {
    each_engine(|store| {
        assert_eq!(store.revision().unwrap(), Revision(0));
        for number in 1..=3 {
            let written = write(store, |transaction| {
                transaction.insert_client(&client(&format!("c{number}")))?;
                transaction.revision()
            });
            let revision = Revision(number);
            assert_eq!((written.value, written.revision, written.changed), (revision, revision, true));
            assert_eq!(store.revision().unwrap(), revision);
        }
    });
}

#[test]
fn a_closure_that_records_nothing_leaves_no_trace() {
    each_engine(|store| {
        let before = write(store, |transaction| transaction.insert_client(&client("partner")));
        let written = store.write(&context(), |transaction| transaction.find_client(&"partner".parse().unwrap()));
        let written = written.unwrap();
        assert_eq!((written.revision, written.changed), (before.revision, false));
        assert!(written.value.is_some());
        assert_eq!(store.revision().unwrap(), before.revision);
    });
}

#[test]
fn an_error_of_the_caller_undoes_everything() {
    each_engine(|store| {
        let outcome = store.write(&context(), |transaction| {
            transaction.insert_client(&client("partner"))?;
            transaction.record(entry())?;
            assert_eq!(transaction.count_clients()?, 1);
            Err::<(), _>(UseCaseError::Refused)
        });
        assert_eq!(outcome.unwrap_err(), UseCaseError::Refused);
        let image = store.load_all().unwrap();
        assert!(image.clients.is_empty());
        assert_eq!(image.revision, Revision(0));
        assert!(store.read(|reader| reader.list_audit_events(&AuditFilter::default(), Page::ALL)).unwrap().is_empty());
    });
}

#[test]
fn a_change_without_an_entry_is_refused() {
    each_engine(|store| {
        let outcome = store.write(&context(), |transaction| transaction.insert_client(&client("partner")));
        assert_eq!(outcome.unwrap_err(), StoreError::Unrecorded);
        assert!(store.load_all().unwrap().clients.is_empty());
    });
}

#[test]
fn a_transaction_is_not_carried_on_after_an_error() {
    each_engine(|store| {
        write(store, |transaction| transaction.insert_client(&client("partner")));
        let outcome = store.write(&context(), |transaction| {
            transaction.insert_client(&client("other"))?;
            transaction.record(entry())?;
            let ignored = transaction.insert_client(&client("partner")).unwrap_err();
            assert_eq!(ignored, StoreError::Conflict { what: Conflict::ClientId });
            Ok::<_, StoreError>(())
        });
        assert_eq!(outcome.unwrap_err(), StoreError::Spoiled);
        assert_eq!(store.read(Reader::count_clients).unwrap(), 1);
    });
}

#[test]
fn a_panic_undoes_the_change_and_the_store_goes_on() {
    each_engine(|store| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            try_write(store, |transaction| {
                transaction.insert_client(&client("partner"))?;
                std::panic::resume_unwind(Box::new("on purpose"));
                #[expect(unreachable_code, reason = "gives the closure its type")]
                Ok(())
            })
        }));
        assert!(panicked.is_err());
        let written = write(store, |transaction| transaction.insert_client(&client("partner")));
        assert_eq!(written.revision, Revision(1));
    });
}

#[test]
fn a_reader_sees_one_state_while_others_write() {
    // A database in memory has one state at a time: its writer would wait for the reader.
    each_lasting_engine(|engine| {
        let store = &engine.open();
        store
            .read(|reader| {
                assert_eq!(reader.count_clients()?, 0);
                write(store, |transaction| transaction.insert_client(&client("partner")));
                assert_eq!((reader.count_clients()?, reader.revision()?), (0, Revision(0)));
                Ok::<_, StoreError>(())
            })
            .unwrap();
        assert_eq!(store.read(Reader::count_clients).unwrap(), 1);
    });
}
