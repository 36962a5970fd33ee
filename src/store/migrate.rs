//! Are the tables those that this version needs, and may they be made so?

use std::sync::LazyLock;

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::connection::{AnyBackend, AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::open_error::OpenError;
use super::schema::meta;
use super::settings::Migrate;
use crate::clock::{Clock as _, SystemClock};
use crate::entropy::{SystemEntropy, new_uuid};
use crate::fail_point;

/// The version of the newest of them: what this program knows.
pub(super) static NEWEST: LazyLock<String> = LazyLock::new(|| {
    let known: Vec<Box<dyn Migration<AnyBackend>>> = MIGRATIONS.migrations().unwrap_or_default();
    known.iter().map(|migration| migration.name().version().to_string()).max().unwrap_or_default()
});

/// The migrations of this version.
pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/issuer");

/// Makes the tables of `connection` those that `migrations` lead to, in one transaction; `database` names it in errors.
pub(super) fn bring_up_to_date(
    connection: &mut AnyConnection,
    database: &str,
    migrate: Migrate,
    migrations: &impl MigrationSource<AnyBackend>,
) -> Result<(), OpenError> {
    // Who only reads does not wait for those who write.
    let kind = if migrate == Migrate::Never { TransactionKind::Snapshot } else { TransactionKind::Write };
    let outcome = in_transaction(connection, kind, |connection| {
        #[cfg(feature = "postgres")]
        if migrate != Migrate::Never
            && let AnyConnection::Postgresql(postgresql) = connection
        {
            lock_schema(postgresql)?;
        }
        if is_foreign(connection)? {
            return Err(OpenError::Foreign { database: database.to_owned() }.into());
        }
        if migrate == Migrate::Never && is_empty(connection) {
            return Err(OpenError::Empty { database: database.to_owned() }.into());
        }
        let applied = applied(connection, database)?;
        let known = migrations.migrations().map_err(|error| failed(database, &*error))?;
        let known_versions: Vec<MigrationVersion<'_>> = known.iter().map(|known| known.name().version()).collect();
        let pending: Vec<_> = known.iter().filter(|migration| !applied.contains(&migration.name().version())).collect();
        if let Some(newer) = applied.iter().filter(|version| !known_versions.contains(version)).min() {
            // A newer version has only added to the tables if it says so; it cannot have done that beside what is missing here.
            let newest = known_versions.iter().max().map(ToString::to_string).unwrap_or_default();
            if pending.is_empty() && works_from(connection)? <= newest {
                return Ok(());
            }
            return Err(OpenError::Newer { database: database.to_owned(), migration: newer.to_string() }.into());
        }
        if !pending.is_empty() && !applied.is_empty() && migrate != Migrate::Always {
            let pending = pending.iter().map(|migration| migration.name().to_string()).collect();
            return Err(OpenError::MigrationNeeded { database: database.to_owned(), pending }.into());
        }
        for migration in pending {
            connection.run_migration(migration).map_err(|error| failed(database, &*error))?;
            fail_point::reach("migration.run");
        }
        if applied.is_empty() {
            name_database(connection)?;
            fail_point::reach("migration.named");
        }
        Ok(())
    });
    fail_point::reach("migration.ended");
    outcome.map_err(|error| match error {
        Failure::Open(error) => error,
        Failure::Store(error) => OpenError::from_store(database, error),
    })
}

/// Whether `connection` leads to a database of ours that this version can read or bring up to date; nothing is written.
pub(super) fn recognise(connection: &mut AnyConnection, database: &str) -> Result<(), OpenError> {
    match bring_up_to_date(connection, database, Migrate::Never, &MIGRATIONS) {
        Err(OpenError::MigrationNeeded { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// The versions of the migrations that were run.
fn applied(connection: &mut AnyConnection, database: &str) -> Result<Vec<MigrationVersion<'static>>, Failure> {
    // diesel first makes the table where it is missing, and PostgreSQL refuses even to look into that in a transaction that only reads.
    #[cfg(feature = "postgres")]
    if let AnyConnection::Postgresql(postgresql) = connection {
        use diesel::sql_types::Bool;

        let there = diesel::dsl::sql::<Bool>("to_regclass('__diesel_schema_migrations') IS NOT NULL");
        if diesel::select(there).get_result(postgresql)? {
            return Ok(migrations_run::table.select(migrations_run::version).load(postgresql)?);
        }
    }
    connection.applied_migrations().map_err(|error| failed(database, &*error).into())
}

/// The version that a program must know to work on the database.
fn works_from(connection: &mut AnyConnection) -> QueryResult<String> {
    meta::table.select(meta::works_from).first(connection)
}

/// Whether there are no tables of ours yet.
fn is_empty(connection: &mut AnyConnection) -> bool {
    meta::table.select(meta::revision).first::<i64>(connection).is_err()
}

/// Two replicas that start together take turns. SQLite's write transaction does that by itself.
#[cfg(feature = "postgres")]
fn lock_schema(postgresql: &mut diesel::PgConnection) -> QueryResult<()> {
    use diesel::connection::SimpleConnection as _;
    // Any number that all versions share: "tokenhou" in ASCII.
    postgresql.batch_execute("SELECT pg_advisory_xact_lock(8389754706623720309)")
}

/// Does it hold tables, but none of diesel's? On PostgreSQL other programs may well live in the same database.
fn is_foreign(connection: &mut AnyConnection) -> QueryResult<bool> {
    match connection {
        AnyConnection::Sqlite(sqlite) => {
            let tables: Vec<String> = sqlite_master::table
                .filter(sqlite_master::kind.eq("table"))
                .select(sqlite_master::name)
                .load(sqlite)?;
            Ok(!tables.is_empty() && !tables.iter().any(|name| name == "__diesel_schema_migrations"))
        }
        #[cfg(feature = "postgres")]
        AnyConnection::Postgresql(_) => Ok(false),
    }
}

fn name_database(connection: &mut AnyConnection) -> QueryResult<()> {
    let now = SystemClock.now();
    diesel::insert_into(meta::table)
        .values((
            meta::singleton.eq(1),
            meta::id.eq(new_uuid(now, &SystemEntropy).to_string()),
            meta::revision.eq(0),
            meta::created_at.eq(now.0),
        ))
        .execute(connection)
        .map(drop)
}

fn failed(database: &str, error: &(dyn std::error::Error + Send + Sync + 'static)) -> OpenError {
    OpenError::MigrationFailed { database: database.to_owned(), detail: error.to_string() }
}

enum Failure {
    Open(OpenError),
    Store(StoreError),
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

diesel::table! {
    #[sql_name = "__diesel_schema_migrations"]
    migrations_run (version) {
        version -> Text,
    }
}

diesel::table! {
    /// What SQLite says is in a database.
    sqlite_master (name) {
        #[sql_name = "type"]
        kind -> Text,
        name -> Text,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use diesel::connection::SimpleConnection as _;
    use diesel_migrations::FileBasedMigrations;

    use super::*;
    use crate::store::settings::Database;
    use crate::store::target::{Access, Target};

    /// The migrations called `names`, each of which makes a table of that name; those in `broken` cannot be run.
    fn migrations(names: &[&str], broken: &[&str]) -> (tempfile::TempDir, FileBasedMigrations) {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("migrations")).unwrap();
        for (number, name) in names.iter().enumerate() {
            let migration = directory.path().join(format!("migrations/2026-01-0{number}-000000_{name}"));
            fs::create_dir(&migration).unwrap();
            let columns = if broken.contains(name) {
                "oops"
            } else if *name == "meta" {
                "(singleton BIGINT, id TEXT, revision BIGINT, created_at BIGINT, works_from TEXT DEFAULT '2026')"
            } else {
                "(x BIGINT)"
            };
            fs::write(migration.join("up.sql"), format!("CREATE TABLE {name} {columns};")).unwrap();
            fs::write(migration.join("down.sql"), format!("DROP TABLE {name};")).unwrap();
        }
        let found = FileBasedMigrations::find_migrations_directory_in_path(directory.path()).unwrap();
        (directory, found)
    }

    fn connection() -> AnyConnection {
        Target::prepare(&Database::InMemory).unwrap().connect(Access::Migrate).unwrap()
    }

    fn revision(connection: &mut AnyConnection) -> QueryResult<i64> {
        meta::table.select(meta::revision).first(connection)
    }

    #[test]
    fn a_database_that_needs_a_change_is_changed_only_on_demand() {
        let (_first_directory, first) = migrations(&["meta"], &[]);
        let (_both_directory, both) = migrations(&["meta", "second"], &[]);
        let mut connection = connection();
        bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &first).unwrap();
        let error = bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &both).unwrap_err();
        assert_eq!(
            error.to_string(),
            "db must be migrated (2026-01-01-000000_second): make a backup, then run `tokenhouse migrate` or start with \
             --migrate"
        );
        bring_up_to_date(&mut connection, "db", Migrate::Always, &both).unwrap();
        bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &both).unwrap();
        assert_eq!(revision(&mut connection), Ok(0));
    }

    #[test]
    fn the_version_before_works_on_until_what_it_uses_is_taken_away() {
        let (_first_directory, first) = migrations(&["meta"], &[]);
        let (_both_directory, both) = migrations(&["meta", "second"], &[]);
        let (_all_directory, all) = migrations(&["meta", "second", "third"], &[]);
        let mut connection = connection();
        bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &both).unwrap();
        for migrate in [Migrate::Never, Migrate::WhenEmpty, Migrate::Always] {
            bring_up_to_date(&mut connection, "db", migrate, &first).unwrap();
        }
        connection.batch_execute("UPDATE meta SET works_from = '20260101000000'").unwrap();
        for migrate in [Migrate::Never, Migrate::WhenEmpty, Migrate::Always] {
            let error = bring_up_to_date(&mut connection, "db", migrate, &first).unwrap_err();
            assert!(matches!(&error, OpenError::Newer { migration, .. } if migration == "20260101000000"), "{error}");
        }
        bring_up_to_date(&mut connection, "db", Migrate::Always, &all).unwrap();
        bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &both).unwrap();
    }

    #[test]
    fn a_database_that_lacks_a_migration_and_has_an_unknown_one_is_no_older_version_of_it() {
        let (_first_directory, first) = migrations(&["meta", "second"], &[]);
        let (_other_directory, other) = migrations(&["meta"], &[]);
        let mut connection = connection();
        bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &other).unwrap();
        connection.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')").unwrap();
        let error = bring_up_to_date(&mut connection, "db", Migrate::Always, &first).unwrap_err();
        assert!(matches!(&error, OpenError::Newer { .. }), "{error}");
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let (_directory, broken) = migrations(&["meta", "second"], &["second"]);
        let mut connection = connection();
        let error = bring_up_to_date(&mut connection, "db", Migrate::Always, &broken).unwrap_err();
        assert!(matches!(error, OpenError::MigrationFailed { .. }), "{error}");
        assert!(revision(&mut connection).is_err());
        let (_directory, whole) = migrations(&["meta", "second"], &[]);
        bring_up_to_date(&mut connection, "db", Migrate::WhenEmpty, &whole).unwrap();
    }
}
