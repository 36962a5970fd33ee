//! Which databases are opened, and what is said about the others?

use std::fs;
use std::path::Path;

use diesel::SqliteConnection;
use diesel::connection::{Connection as _, SimpleConnection as _};

use super::engines::{Engine, each_lasting_engine};
use super::fixtures::{client, tamper, try_write, write};
use crate::database_file::DatabaseFileError;
use crate::store::{Database, Migrate, OpenError, Revision, Store, StoreError, StoreSettings};

fn open(path: &Path) -> Result<Store, OpenError> {
    let settings = StoreSettings { database: Database::SqliteFile(path.to_owned()), pool_size: 1 };
    Store::open(&settings, Migrate::Always)
}

fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

#[test]
fn a_database_is_found_again_as_it_was_left() {
    each_lasting_engine(|engine| {
        let before = engine.open();
        write(&before, |transaction| transaction.insert_client(&client("partner")));
        drop(before);
        let after = engine.open();
        assert_eq!(after.revision().unwrap(), Revision(1));
        assert!(after.read(|reader| reader.find_client(&"partner".parse().unwrap())).unwrap().is_some());
    });
}

#[test]
fn a_second_store_sees_what_the_first_writes() {
    each_lasting_engine(|engine| {
        let (one, other) = (engine.open(), engine.open());
        write(&one, |transaction| transaction.insert_client(&client("partner")));
        assert_eq!(other.load_changes_since(Revision(0)).unwrap().clients.len(), 1);
    });
}

#[test]
fn a_database_of_a_newer_version_is_worked_on_until_that_takes_away_what_is_used() {
    each_lasting_engine(|engine| {
        let running = engine.open();
        tamper(&running, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')");
        tamper(&running, "ALTER TABLE clients ADD COLUMN of_the_future TEXT");
        for migrate in [Migrate::Never, Migrate::WhenEmpty, Migrate::Always] {
            Store::open(&engine.settings, migrate).unwrap();
        }
        write(&running, |transaction| transaction.insert_client(&client("partner")));
        assert_eq!(running.position().unwrap().revision, Revision(1));

        tamper(&running, "UPDATE meta SET works_from = '29991231000000'");
        let error = Store::open(&engine.settings, Migrate::Always).unwrap_err();
        assert!(matches!(&error, OpenError::Newer { migration, .. } if migration == "29991231000000"), "{error}");
        assert_eq!(running.position(), Err(StoreError::Outgrown));
        let error = try_write(&running, |transaction| transaction.insert_client(&client("another"))).unwrap_err();
        assert!(error == StoreError::Outgrown && error.is_unavailable());
        assert_eq!(running.revision(), Ok(Revision(1)));
    });
}

#[test]
fn who_only_reads_opens_what_is_there() {
    each_lasting_engine(|engine| {
        drop(engine.open());
        let settings = engine.settings.clone();
        let store = Store::open(&settings, Migrate::Never).unwrap();
        assert_eq!(store.revision(), Ok(Revision(0)));
    });
}

#[test]
#[cfg(unix)]
fn only_its_owner_can_read_a_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let engine = Engine::file();
    let store = engine.open();
    write(&store, |transaction| transaction.insert_client(&client("partner")));
    for file in fs::read_dir(engine.path().parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
}

#[test]
fn a_path_that_cannot_be_a_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = open(&missing.join("tokenhouse.db")).unwrap_err();
    assert!(
        matches!(&error, OpenError::File(DatabaseFileError::DirectoryMissing { directory }) if *directory == missing),
        "{error}"
    );
    assert!(matches!(open(directory.path()), Err(OpenError::File(DatabaseFileError::IsDirectory { .. }))));
    assert!(!missing.exists());
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letter.txt");
    let letter = "Dear database, ".repeat(400);
    fs::write(&path, &letter).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn a_damaged_database_is_refused() {
    let engine = Engine::file();
    drop(engine.open());
    // The first page still says SQLite; what it points to is gone.
    let mut bytes = fs::read(engine.path()).unwrap();
    bytes[100..4096].fill(0xA5);
    fs::write(engine.path(), bytes).unwrap();
    let error = open(&engine.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("music.db");
    raw(&path).batch_execute("CREATE TABLE songs (title TEXT)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_locked_database_is_waited_for_and_then_named() {
    let engine = Engine::file();
    let mut other = raw(&engine.path());
    other.batch_execute("CREATE TABLE t (x); BEGIN EXCLUSIVE").unwrap();
    let error = open(&engine.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
}

#[test]
#[cfg(feature = "postgres")]
fn a_server_that_is_away_is_named_without_its_url() {
    use crate::store::PostgresUrl;
    let urls = ["postgres://u:hunter2@127.0.0.1:1/db", "postgres://u:hun/ter2@127.0.0.1:1/db"];
    for url in urls {
        let database = Database::Postgres(PostgresUrl::new(url.to_owned()));
        let settings = StoreSettings { database, pool_size: 1 };
        let error = Store::open(&settings, Migrate::Always).unwrap_err();
        assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
        assert_eq!(error.is_temporary(), !url.contains("hun/"), "{error}");
        let told = format!("{error} {error:?} {settings:?}");
        assert!(!told.contains("hun"), "{told}");
    }
}
