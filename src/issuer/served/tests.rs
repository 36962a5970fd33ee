//! Is what is served always what is stored?

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use uuid::Uuid;

use super::*;
use crate::clock::ManualClock;
use crate::entropy::SystemEntropy;
use crate::issuer::signing_keys::TestKeys;
use crate::keys::MasterKey;
use crate::oauth::client::Client;
use crate::oauth::metadata::Issuer;
use crate::store::{
    Actor, AuditAction, AuditEntry, ChangeContext, Database, Migrate, ObjectKind, StoreSettings, Transaction,
};

const START: UnixMillis = UnixMillis(1_000_000);

/// A database with the clients `a` and `b`, of which nothing has been read.
struct Fixture {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    served: Served,
}

fn client(id: u128, client_id: &str) -> Client {
    Client::new(Uuid::from_u128(id), client_id.parse().unwrap(), START)
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::SqliteFile(directory.path().join("tokenhouse.db"));
    let store = Store::open(&StoreSettings { database, pool_size: 2 }, Migrate::Always).unwrap();
    let clock = Arc::new(ManualClock::new(START));
    let context = SnapshotContext {
        issuer: Issuer::new("http://localhost/"),
        master_keys: Arc::new(MasterKey::generate(&SystemEntropy).into()),
        test_keys: TestKeys::Refused,
    };
    let fixture = Fixture { served: Served::new(store, clock.clone(), context), directory, clock };
    fixture.change(|transaction| {
        transaction.insert_client(&client(1, "a"))?;
        transaction.insert_client(&client(2, "b"))
    });
    fixture
}

impl Fixture {
    fn change(&self, steps: impl FnOnce(&mut Transaction) -> Result<(), StoreError>) {
        let context = ChangeContext { actor: Actor::System, at: START, request_id: None };
        let entry = AuditEntry {
            action: AuditAction::Update,
            object_kind: ObjectKind::Client,
            object_id: "a".to_owned(),
            before: None,
            after: None,
        };
        let written = self.served.store().write(&context, |transaction| {
            steps(transaction)?;
            transaction.record(entry)
        });
        written.unwrap();
    }

    fn become_another_database(&self) {
        let path = self.directory.path().join("tokenhouse.db");
        let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        database.batch_execute("UPDATE meta SET id = 'another'").unwrap();
    }
}

#[test]
fn before_the_store_was_read_nothing_is_known_and_that_is_known() {
    let Fixture { served, directory: _directory, .. } = fixture();
    assert!(!served.is_loaded() && served.snapshot().client("a").is_none());
    served.follow().unwrap();
    assert!(served.is_loaded() && served.snapshot().client("a").is_some());
    assert_eq!(served.snapshot().client_count(), 2);
}

#[test]
fn a_history_that_lost_changes_is_read_anew_though_it_has_gone_on() {
    let fixture = fixture();
    let served = &fixture.served;
    served.follow().unwrap();
    let kept = fixture.directory.path().join("kept.db");
    let path = fixture.directory.path().join("tokenhouse.db");
    let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    database.batch_execute(&format!("VACUUM INTO '{}'", kept.display())).unwrap();
    let disable = |id, name: &str| {
        let client = Client { enabled: false, ..client(id, name) };
        fixture.change(|transaction| transaction.update_client(&client));
    };
    disable(1, "a");
    served.follow().unwrap();
    assert!(!served.snapshot().client("a").unwrap().enabled);

    // As a standby that had not heard of the last change, and has taken another one since.
    let tables = ["clients", "audit_events", "meta"];
    let restored: String =
        tables.map(|table| format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept.{table};")).concat();
    database
        .batch_execute(&format!("ATTACH '{}' AS kept; PRAGMA foreign_keys = OFF; {restored}", kept.display()))
        .unwrap();
    disable(2, "b");
    served.follow().unwrap();
    let enabled = |name: &str| served.snapshot().client(name).unwrap().enabled;
    assert!(enabled("a") && !enabled("b"), "at the same revision, another history");
}

#[test]
fn a_change_of_one_client_leaves_the_others_where_they_are() {
    let fixture = fixture();
    let served = &fixture.served;
    served.follow().unwrap();
    let before = served.snapshot().clone();
    fixture.change(|transaction| transaction.update_client(&Client { enabled: false, ..client(1, "a") }));
    served.follow().unwrap();
    let after = served.snapshot().clone();
    let same = |id: &str| Arc::ptr_eq(before.client(id).unwrap(), after.client(id).unwrap());
    assert!(same("b") && !same("a") && !after.client("a").unwrap().enabled);
    fixture.change(|transaction| transaction.delete_client(Uuid::from_u128(1)));
    served.follow().unwrap();
    assert_eq!(served.snapshot().client_count(), 1);
    assert_eq!((before.client_count(), after.client_count()), (2, 2));
}

#[test]
fn what_is_replaced_as_a_whole_outlives_the_requests_that_began_with_it_and_is_dropped_by_who_follows() {
    let fixture = fixture();
    let served = &fixture.served;
    served.follow().unwrap();
    let old = Arc::downgrade(&served.snapshot());
    fixture.become_another_database();
    served.follow().unwrap();
    assert!(!std::ptr::eq(old.as_ptr(), Arc::as_ptr(&served.snapshot())), "another snapshot is served");
    fixture.clock.advance(29);
    served.follow().unwrap();
    assert!(old.upgrade().is_some(), "a request may still hold it");
    let request = old.upgrade();
    fixture.clock.advance(1);
    served.follow().unwrap();
    drop(request);
    assert!(old.upgrade().is_some(), "the request was not the last to hold it");
    served.follow().unwrap();
    assert!(old.upgrade().is_none());
}
