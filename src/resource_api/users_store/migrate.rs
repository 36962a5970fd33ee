//! Are the tables those that this version needs? If they are older, they are changed.

use std::error::Error as StdError;

use diesel::migration::{Migration as _, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::database_error::DatabaseError;
use super::schema::{pragma_quick_check, sqlite_master};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/resource_api");

/// Makes the tables of `connection` those that this version needs, in one transaction; `database` names it in errors.
pub(super) fn bring_up_to_date(connection: &mut SqliteConnection, database: &str) -> Result<(), DatabaseError> {
    // Two processes that start together take turns.
    connection.immediate_transaction(migrate).map_err(|refusal| match refusal {
        Refusal::Foreign => DatabaseError::Foreign { database: database.to_owned() },
        Refusal::Newer { migration } => DatabaseError::Newer { database: database.to_owned(), migration },
        Refusal::Damaged(detail) => DatabaseError::Damaged { database: database.to_owned(), detail },
        Refusal::Engine(detail) => DatabaseError::from_sqlite(database, detail),
    })
}

fn migrate(connection: &mut SqliteConnection) -> Result<(), Refusal> {
    let fault: String = pragma_quick_check::table.select(pragma_quick_check::quick_check).limit(1).first(connection)?;
    if fault != "ok" {
        return Err(Refusal::Damaged(fault));
    }
    let tables: Vec<String> =
        sqlite_master::table.filter(sqlite_master::kind.eq("table")).select(sqlite_master::name).load(connection)?;
    if !tables.is_empty() && !tables.iter().any(|name| name == "users") {
        return Err(Refusal::Foreign);
    }
    let applied = connection.applied_migrations().map_err(|error| engine(&*error))?;
    if applied.is_empty() && !tables.is_empty() {
        return Err(Refusal::Foreign);
    }
    let known = MigrationSource::<Sqlite>::migrations(&MIGRATIONS).map_err(|error| engine(&*error))?;
    let known_versions: Vec<MigrationVersion<'_>> = known.iter().map(|known| known.name().version()).collect();
    if let Some(newer) = applied.iter().filter(|version| !known_versions.contains(version)).min() {
        return Err(Refusal::Newer { migration: newer.to_string() });
    }
    for migration in known.iter().filter(|migration| !applied.contains(&migration.name().version())) {
        connection.run_migration(migration).map_err(|error| engine(&*error))?;
    }
    Ok(())
}

/// Why the tables cannot be used.
enum Refusal {
    Foreign,
    Newer { migration: String },
    Damaged(String),
    Engine(String),
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        engine(&error)
    }
}

fn engine(error: &(dyn StdError + 'static)) -> Refusal {
    Refusal::Engine(error.to_string())
}
