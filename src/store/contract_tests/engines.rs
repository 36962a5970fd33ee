//! On which databases does the suite run?

use std::path::PathBuf;

use tempfile::TempDir;

use crate::store::{Database, Migrate, Store, StoreSettings};

/// A fresh database of one engine, gone when this is dropped.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) settings: StoreSettings,
    directory: Option<TempDir>,
    #[cfg(feature = "postgres")]
    _schema: Option<postgresql::Schema>,
}

impl Engine {
    pub(super) fn memory() -> Self {
        Self::new("SQLite in memory", Database::InMemory, None)
    }

    pub(super) fn file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokenhouse.db");
        Self::new("SQLite file", Database::SqliteFile(path), Some(directory))
    }

    fn new(name: &'static str, database: Database, directory: Option<TempDir>) -> Self {
        let settings = StoreSettings { database, pool_size: 4 };
        Self {
            name,
            settings,
            directory,
            #[cfg(feature = "postgres")]
            _schema: None,
        }
    }

    pub(super) fn open(&self) -> Store {
        Store::open(&self.settings, Migrate::WhenEmpty).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Where the file is.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.as_ref().unwrap().path().join("tokenhouse.db")
    }
}

/// Those databases that outlive a [`Store`], or that several may open.
pub(super) fn each_lasting_engine(test: impl Fn(&Engine)) {
    test(&Engine::file());
    #[cfg(feature = "postgres")]
    if let Some(engine) = postgresql::engine() {
        test(&engine);
    }
    #[cfg(not(feature = "postgres"))]
    say_once("SKIPPED: the store's contract on PostgreSQL; build with --features postgres");
}

/// Runs `test` on a fresh database of every engine.
pub(super) fn each_engine(test: impl Fn(&Store)) {
    test(&Engine::memory().open());
    each_lasting_engine(|engine| test(&engine.open()));
}

/// Past the capture of the test harness: a skipped test must not look like one that passed.
fn say_once(message: &str) {
    use std::io::Write as _;
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| writeln!(std::io::stderr(), "\n*** {message}\n").unwrap());
}

#[cfg(feature = "postgres")]
pub(super) mod postgresql {
    use diesel::PgConnection;
    use diesel::connection::{Connection as _, SimpleConnection as _};

    use super::{Engine, say_once};
    use crate::clock::UnixMillis;
    use crate::entropy::{SystemEntropy, new_uuid};
    use crate::store::{Database, PostgresUrl};

    /// A schema of its own, so that tests do not meet each other.
    pub(super) struct Schema {
        url: String,
        name: String,
    }

    pub(in crate::store::contract_tests) fn engine() -> Option<Engine> {
        #[expect(clippy::disallowed_methods, reason = "names a server for tests; no setting of the program")]
        let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
            say_once("SKIPPED: the store's contract on PostgreSQL; set TEST_DATABASE_URL=postgres://…");
            return None;
        };
        let name = format!("test_{}", new_uuid(UnixMillis(0), &SystemEntropy).simple());
        PgConnection::establish(&url).unwrap().batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        let separator = if url.contains('?') { '&' } else { '?' };
        let database = PostgresUrl::new(format!("{url}{separator}options=-csearch_path%3D{name}"));
        let engine = Engine::new("PostgreSQL", Database::Postgres(database), None);
        Some(Engine { _schema: Some(Schema { url, name }), ..engine })
    }

    impl Drop for Schema {
        fn drop(&mut self) {
            let dropped = PgConnection::establish(&self.url)
                .map(|mut connection| connection.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.name)));
            assert!(matches!(dropped, Ok(Ok(()))) || std::thread::panicking(), "{} stays behind", self.name);
        }
    }
}
