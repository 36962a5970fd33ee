//! Is a database that is away told from a fault of the program, and does the store recover?

#[cfg(feature = "postgres")]
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;

use super::engines::{Engine, each_engine};
use super::fixtures::{client, tamper, try_write};
use crate::store::{Migrate, Revision, Store, StoreError, StoreSettings};

#[test]
fn no_free_connection_is_an_error_after_a_while() {
    let engine = Engine::file();
    let settings = StoreSettings { pool_size: 1, ..engine.settings.clone() };
    let store = Store::open(&settings, Migrate::WhenEmpty).unwrap();
    let error = store.read(|_| store.revision()).unwrap_err();
    assert_eq!(error, StoreError::PoolExhausted);
    assert!(error.is_unavailable());
    assert_eq!(store.revision(), Ok(Revision(0)));
}

#[test]
fn a_full_disk_is_named_and_forgotten_once_there_is_room() {
    for engine in [Engine::memory(), Engine::file()] {
        let store = engine.open();
        tamper(&store, "PRAGMA max_page_count = 1");
        let insert = || {
            try_write(&store, |transaction| {
                (0..500).try_for_each(|number| transaction.insert_client(&client(&format!("client-{number}"))))
            })
        };
        assert!(!store.refuses_changes());
        assert_eq!(insert().unwrap_err(), StoreError::DiskFull, "{}", engine.name);
        assert!(store.clone().refuses_changes(), "which all know who share the store");
        assert_eq!(store.revision(), Ok(Revision(0)));
        tamper(&store, "PRAGMA max_page_count = 1000000");
        insert().unwrap();
        assert!(store.refuses_changes(), "one success may be luck");
        while store.refuses_changes() {
            std::thread::sleep(std::time::Duration::from_millis(100));
            store.retry_after_refusal().unwrap();
        }
        assert_eq!(store.revision(), Ok(Revision(1)), "trying leaves no trace");
    }
}

#[test]
fn a_reading_connection_cannot_write() {
    for engine in [Engine::memory(), Engine::file()] {
        let store = engine.open();
        let error = store.pools.reader().unwrap().batch_execute("DELETE FROM clients").unwrap_err();
        assert_eq!(StoreError::from(error), StoreError::ReadOnly, "{}", engine.name);
    }
}

#[test]
fn a_statement_that_is_wrong_is_a_fault_of_the_program() {
    each_engine(|store| {
        let error = store.pools.writer().unwrap().batch_execute("SELECT colour FROM clients").unwrap_err();
        let error = StoreError::from(error);
        assert!(matches!(error, StoreError::Query { .. }) && !error.is_unavailable(), "{error}");
    });
}

#[test]
#[cfg(feature = "postgres")]
fn a_lost_connection_is_replaced() {
    let Some(engine) = super::engines::postgresql::engine() else { return };
    let store = engine.open();
    let error = try_write(&store, |transaction| {
        let _ = transaction.as_mut().batch_execute("SELECT pg_terminate_backend(pg_backend_pid())");
        transaction.insert_client(&client("partner"))
    });
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::ConnectionLost { .. }), "{error}");
    assert_eq!(
        try_write(&store, |transaction| transaction.insert_client(&client("partner"))).unwrap().revision,
        Revision(1)
    );
}

#[test]
#[cfg(feature = "postgres")]
fn who_listens_is_told_of_what_was_committed() {
    let Some(engine) = super::engines::postgresql::engine() else { return };
    let (one, other) = (engine.open(), engine.open());
    let mut listener = other.listen().unwrap();
    // Other tests share the channel: they are at lower revisions.
    tamper(&one, &format!("UPDATE meta SET revision = {}", i64::from(std::process::id()) * 1_000_000));
    for number in 0..3 {
        let written = try_write(&one, |transaction| transaction.insert_client(&client(&format!("partner-{number}"))));
        let revision = written.unwrap().revision;
        let deadline = Instant::now() + Duration::from_secs(10);
        while listener.news().unwrap() != Some(revision) {
            assert!(Instant::now() < deadline, "not told of {revision:?}");
        }
    }
    let mut killer = one.pools.writer().unwrap();
    killer.batch_execute(&format!("SELECT pg_terminate_backend({})", listener.backend().unwrap())).unwrap();
    let lost = std::iter::repeat_with(|| listener.news()).find_map(Result::err);
    assert!(matches!(lost, Some(StoreError::ConnectionLost { .. })), "{lost:?}");
}

#[test]
#[cfg(feature = "postgres")]
fn a_statement_that_takes_too_long_is_cut_off() {
    let Some(engine) = super::engines::postgresql::engine() else { return };
    let store = engine.open();
    let slow = "SET statement_timeout = '50ms'; SELECT pg_sleep(5)";
    let error = store.pools.writer().unwrap().batch_execute(slow).unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::Busy { .. }));
}
