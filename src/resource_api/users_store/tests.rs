//! Do the queries keep clients apart, and which files are opened as a database?

use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::clock::UnixMillis;
use crate::database_file::DatabaseFileError;
use crate::entropy::{SystemEntropy, new_uuid};

const EVERYTHING: Page = Page { number: 0, per_page: 100 };

fn in_memory() -> UsersStore {
    UsersStore::open(&Database::InMemory).unwrap()
}

fn in_file(path: &Path) -> Result<UsersStore, DatabaseError> {
    UsersStore::open(&Database::File(path.to_owned()))
}

fn directory_and_file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.db");
    (directory, file)
}

fn client(name: &str) -> ClientId {
    ClientId::named(name)
}

fn user(email: &str, created_at: i64) -> User {
    User {
        id: new_uuid(UnixMillis(created_at), &SystemEntropy),
        email: EmailAddress::parse(email).unwrap(),
        name: UserName::parse("Ada").unwrap(),
        created_at: UnixMillis(created_at),
    }
}

fn new_email(email: &str) -> UserChange {
    UserChange { email: Some(EmailAddress::parse(email).unwrap()), name: None }
}

#[test]
fn a_user_comes_back_as_it_was_put_in() {
    let (_directory, file) = directory_and_file();
    for store in [in_memory(), in_file(&file).unwrap()] {
        let user = user("Ada@Example.com", 1_800_000_000_123);
        store.create(&client("a"), &user).unwrap();
        assert_eq!(store.find(&client("a"), user.id).unwrap(), Some(user.clone()));
        assert_eq!(store.list(&client("a"), EVERYTHING).unwrap(), UsersPage { users: vec![user], total: 1 });
        store.ping().unwrap();
    }
}

#[test]
fn a_client_reaches_no_user_of_another() {
    let store = in_memory();
    let (ours, theirs) = (user("ada@example.com", 1), user("ada@example.com", 1));
    store.create(&client("a"), &ours).unwrap();
    // Nor does it notice which addresses the other one has.
    store.create(&client("b"), &theirs).unwrap();

    for stranger in ["b", "", "A", "a%", "a' OR '1'='1"] {
        let stranger = client(stranger);
        assert_eq!(store.find(&stranger, ours.id).unwrap(), None);
        assert_eq!(store.update(&stranger, ours.id, &new_email("x@example.com")).unwrap(), None);
        assert!(!store.delete(&stranger, ours.id).unwrap());
        assert!(!store.list(&stranger, EVERYTHING).unwrap().users.contains(&ours));
    }
    assert_eq!(store.list(&client("a"), EVERYTHING).unwrap().users, [ours]);
    assert_eq!(store.list(&client("b"), EVERYTHING).unwrap().users, [theirs]);
}

#[test]
fn pages_follow_each_other_in_the_order_of_creation() {
    let store = in_memory();
    let users: Vec<User> = (0..7).map(|number| user(&format!("u{number}@example.com"), 1_000)).collect();
    for user in &users {
        store.create(&client("a"), user).unwrap();
    }
    for (number, expected) in [(0, &users[..3]), (1, &users[3..6]), (2, &users[6..]), (3, &[]), (u32::MAX, &[])] {
        let page = store.list(&client("a"), Page { number, per_page: 3 }).unwrap();
        assert_eq!((page.users.as_slice(), page.total), (expected, 7));
    }
}

#[test]
fn a_client_has_an_address_once_in_any_case() {
    let store = in_memory();
    let (ada, alan) = (user("ada@example.com", 1), user("alan@example.com", 2));
    store.create(&client("a"), &ada).unwrap();
    store.create(&client("a"), &alan).unwrap();
    assert_eq!(store.create(&client("a"), &user("ADA@example.COM", 3)), Err(StoreError::EmailTaken));
    assert_eq!(store.update(&client("a"), alan.id, &new_email("Ada@example.com")), Err(StoreError::EmailTaken));
    // Its own address is not taken, and one that was given up is free.
    let renamed = store.update(&client("a"), ada.id, &new_email("ADA@example.com")).unwrap().unwrap();
    assert_eq!(renamed.email.as_str(), "ADA@example.com");
    store.update(&client("a"), ada.id, &new_email("lovelace@example.com")).unwrap().unwrap();
    assert!(store.delete(&client("a"), alan.id).unwrap());
    assert!(!store.delete(&client("a"), alan.id).unwrap());
    for email in ["ada@example.com", "alan@example.com"] {
        store.create(&client("a"), &user(email, 4)).unwrap();
    }
}

#[test]
fn a_change_changes_what_it_names_only() {
    let store = in_memory();
    let ada = user("ada@example.com", 1);
    store.create(&client("a"), &ada).unwrap();
    let name = UserName::parse("Countess Lovelace").unwrap();
    let change = UserChange { email: None, name: Some(name.clone()) };
    let changed = store.update(&client("a"), ada.id, &change).unwrap();
    assert_eq!(changed, Some(User { name, ..ada }));
}

#[test]
fn an_id_that_is_there_already_is_no_taken_address() {
    let store = in_memory();
    let ada = user("ada@example.com", 1);
    store.create(&client("a"), &ada).unwrap();
    assert!(matches!(store.create(&client("b"), &ada), Err(StoreError::Query { .. })));
}

#[test]
fn databases_in_memory_are_apart() {
    let (one, other) = (in_memory(), in_memory());
    one.create(&client("a"), &user("ada@example.com", 1)).unwrap();
    assert_eq!(other.list(&client("a"), EVERYTHING).unwrap().total, 0);
}

#[test]
fn many_threads_write_at_once() {
    let (_directory, file) = directory_and_file();
    for store in [in_memory(), in_file(&file).unwrap()] {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let store = store.clone();
                scope.spawn(move || {
                    for number in 0..5 {
                        store.create(&client("a"), &user(&format!("{thread}-{number}@example.com"), 1)).unwrap();
                        store.list(&client("a"), EVERYTHING).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.list(&client("a"), EVERYTHING).unwrap().total, 40);
    }
}

#[test]
fn a_file_keeps_the_users_and_is_private() {
    let (_directory, file) = directory_and_file();
    let ada = user("ada@example.com", 1);
    in_file(&file).unwrap().create(&client("a"), &ada).unwrap();
    assert_eq!(in_file(&file).unwrap().list(&client("a"), EVERYTHING).unwrap().users, [ada]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn two_processes_may_use_one_file() {
    let (_directory, file) = directory_and_file();
    let (one, other) = (in_file(&file).unwrap(), in_file(&file).unwrap());
    one.create(&client("a"), &user("ada@example.com", 1)).unwrap();
    other.create(&client("a"), &user("alan@example.com", 2)).unwrap();
    assert_eq!(one.list(&client("a"), EVERYTHING).unwrap().total, 2);
}

#[test]
fn a_row_that_something_else_spoilt_is_a_fault() {
    let (_directory, file) = directory_and_file();
    let (store, ada) = (in_file(&file).unwrap(), user("ada@example.com", 1));
    store.create(&client("a"), &ada).unwrap();
    batch(&file, "UPDATE users SET email = 'no address'");
    let unreadable = StoreError::Unreadable { id: ada.id.to_string(), what: "email" };
    assert_eq!(store.find(&client("a"), ada.id), Err(unreadable));
}

#[test]
fn a_fresh_file_may_be_opened_by_many_at_once() {
    for _ in 0..30 {
        let (_directory, file) = directory_and_file();
        std::thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(|| in_file(&file).unwrap())));
        });
    }
}

#[test]
fn a_file_that_another_process_keeps_locked_is_told_as_such() {
    let (_directory, file) = directory_and_file();
    let store = in_file(&file).unwrap();
    let mut other = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| store.create(&client("a"), &user("ada@example.com", 1)).unwrap_err());
        let opening = scope.spawn(|| in_file(&file).unwrap_err());
        // Readers do not wait for the writer.
        assert_eq!(store.list(&client("a"), EVERYTHING).unwrap().total, 0);
        let (writing, opening) = (writing.join().unwrap(), opening.join().unwrap());
        assert!(matches!(writing, StoreError::Unavailable { .. }), "{writing:?}");
        assert!(matches!(opening, DatabaseError::Locked { .. }), "{opening:?}");
    });
}

#[rstest]
#[case::text("not a database at all, but long enough to look like one\n".repeat(100).into_bytes())]
#[case::spoilt_header([b"SQLite format 4\0".as_slice(), &[7; 5000]].concat())]
fn a_file_that_is_no_database_is_left_alone(#[case] content: Vec<u8>) {
    let (_directory, file) = directory_and_file();
    fs::write(&file, &content).unwrap();
    let refusal = in_file(&file).unwrap_err();
    assert!(matches!(refusal, DatabaseError::NotADatabase { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("name another file"), "{refusal}");
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[rstest]
#[case::first_page(100..4096)]
#[case::a_later_page(3 * 4096..4 * 4096)]
fn a_damaged_database_is_told_as_such(#[case] octets: std::ops::Range<usize>) {
    let (_directory, file) = directory_and_file();
    let store = in_file(&file).unwrap();
    for number in 0..100 {
        store.create(&client("a"), &user(&format!("u{number}@example.com"), 1)).unwrap();
    }
    drop(store);
    batch(&file, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;");
    let mut content = fs::read(&file).unwrap();
    content[octets].fill(0xFF);
    fs::write(&file, content).unwrap();
    let refusal = in_file(&file).unwrap_err();
    assert!(matches!(refusal, DatabaseError::Damaged { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("restore it from a backup"), "{refusal}");
}

#[test]
fn a_newer_database_is_left_to_the_newer_version() {
    let (_directory, file) = directory_and_file();
    drop(in_file(&file).unwrap());
    batch(&file, "INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')");
    let refusal = in_file(&file).unwrap_err();
    assert!(matches!(&refusal, DatabaseError::Newer { migration, .. } if migration == "20991231000000"), "{refusal:?}");
}

#[rstest]
#[case::other_program("CREATE TABLE notes (text TEXT)")]
#[case::other_users("CREATE TABLE users (name TEXT)")]
#[case::issuer("CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY); CREATE TABLE clients (id TEXT)")]
fn a_database_of_another_program_is_left_alone(#[case] tables: &str) {
    let (_directory, file) = directory_and_file();
    batch(&file, tables);
    let refusal = in_file(&file).unwrap_err();
    assert!(matches!(refusal, DatabaseError::Foreign { .. }), "{refusal:?}");
}

#[test]
fn a_path_where_no_file_can_be_is_told_as_such() {
    let (directory, file) = directory_and_file();
    assert!(matches!(
        in_file(&file.join("x/users.db")),
        Err(DatabaseError::File(DatabaseFileError::DirectoryMissing { .. }))
    ));
    assert!(matches!(in_file(directory.path()), Err(DatabaseError::File(DatabaseFileError::IsDirectory { .. }))));
    // A name that SQLite would take for something else is a file here.
    for name in [":memory:", "file:x?mode=memory", "?"] {
        drop(in_file(&directory.path().join(name)).unwrap());
        assert!(directory.path().join(name).is_file(), "{name}");
    }
}

/// Does to the file what no part of the API would.
pub(in crate::resource_api) fn batch(file: &Path, statements: &str) {
    SqliteConnection::establish(file.to_str().unwrap()).unwrap().batch_execute(statements).unwrap();
}
