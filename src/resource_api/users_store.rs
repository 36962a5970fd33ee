//! How are the users kept? In an SQLite database of the API's own; the only file here that names diesel

use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _, MigrationVersion};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error as ConnectError, Pool, PooledConnection};
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use jiff::Timestamp;

use super::open_error::OpenError;
use super::page::Page;
use super::settings::Database;
use super::user::{NewUser, User, UserChanges};
use super::users::UsersError;
use crate::clock::UnixMillis;
use crate::entropy::{Entropy, new_uuid};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/resource_api");

/// How long a caller waits for a connection, and a connection for a lock.
const WAIT: Duration = Duration::from_secs(5);

/// Connections to a file: one can write while others read.
const FILE_CONNECTIONS: u32 = 4;

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;";

/// Readers do not wait for a writer, and a commit is on the disk. In memory there is no log to write ahead.
const FILE_PRAGMAS: &str = "PRAGMA journal_mode = WAL;";

type Connections = Pool<ConnectionManager<SqliteConnection>>;

/// The users' database. Clones share it.
#[derive(Clone)]
pub(super) struct UsersStore {
    connections: Connections,
    /// A database in memory lives as long as some connection to it.
    _keeper: Option<Arc<Mutex<SqliteConnection>>>,
}

impl UsersStore {
    /// Opens the database, and makes its tables those this version needs.
    pub(super) fn open(database: &Database, now: UnixMillis, entropy: &dyn Entropy) -> Result<Self, OpenError> {
        match database {
            Database::InMemory => {
                let name = new_uuid(now, entropy).simple().to_string();
                let url = format!("file:/resource-api-{name}?vfs=memdb");
                let keeper = open_and_migrate(&url, "the database in memory", PRAGMAS)?;
                // One is enough, and it never meets a lock.
                Ok(Self { connections: pool(url, 1, PRAGMAS), _keeper: Some(Arc::new(Mutex::new(keeper))) })
            }
            Database::File(path) => {
                let file = prepare_file(path)?;
                let pragmas = [PRAGMAS, FILE_PRAGMAS].concat();
                drop(open_and_migrate(&file, &file, &pragmas)?);
                Ok(Self { connections: pool(file, FILE_CONNECTIONS, pragmas), _keeper: None })
            }
        }
    }

    pub(super) fn list(&self, client: &str, page: Page) -> Result<(Vec<User>, i64), UsersError> {
        let mut connection = self.connection()?;
        // One transaction, so that the page and the total are of the same moment.
        let (rows, total) = connection.transaction(|connection| {
            let of_client = users::table.filter(users::client.eq(client));
            let total: i64 = of_client.count().get_result(connection)?;
            let rows: Vec<UserRow> = of_client
                .order(users::id)
                .limit(page.per_page.into())
                .offset(page.offset())
                .select(UserRow::as_select())
                .load(connection)?;
            QueryResult::Ok((rows, total))
        })?;
        Ok((rows.into_iter().map(UserRow::into_user).collect(), total))
    }

    pub(super) fn get(&self, client: &str, id: &str) -> Result<User, UsersError> {
        Ok(find(&mut *self.connection()?, client, id)?.into_user())
    }

    pub(super) fn create(
        &self,
        client: &str,
        id: &str,
        new_user: &NewUser,
        created_at: UnixMillis,
    ) -> Result<User, UsersError> {
        let row = UserRow {
            id: id.to_owned(),
            email: new_user.email.clone(),
            name: new_user.name.clone(),
            created_at: created_at.0,
        };
        diesel::insert_into(users::table).values((users::client.eq(client), &row)).execute(&mut *self.connection()?)?;
        Ok(row.into_user())
    }

    pub(super) fn update(&self, client: &str, id: &str, changes: &UserChanges) -> Result<User, UsersError> {
        let mut connection = self.connection()?;
        let row = connection.immediate_transaction(|connection| {
            let of_client = users::table.filter(users::client.eq(client)).filter(users::id.eq(id));
            let changes = (
                changes.email.as_ref().map(|email| users::email.eq(email)),
                changes.name.as_ref().map(|name| users::name.eq(name)),
            );
            diesel::update(of_client).set(changes).execute(connection)?;
            find(connection, client, id)
        })?;
        Ok(row.into_user())
    }

    pub(super) fn delete(&self, client: &str, id: &str) -> Result<(), UsersError> {
        let of_client = users::table.filter(users::client.eq(client)).filter(users::id.eq(id));
        match diesel::delete(of_client).execute(&mut *self.connection()?)? {
            0 => Err(UsersError::NoSuchUser),
            _ => Ok(()),
        }
    }

    fn connection(&self) -> Result<PooledConnection<ConnectionManager<SqliteConnection>>, UsersError> {
        self.connections.get().map_err(|error| {
            if self.connections.state().connections >= self.connections.max_size() {
                UsersError::Busy
            } else {
                UsersError::Fault { detail: error.to_string() }
            }
        })
    }
}

impl fmt::Debug for UsersStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UsersStore").finish_non_exhaustive()
    }
}

impl From<QueryError> for UsersError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound => Self::NoSuchUser,
            QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::EmailTaken,
            error => Self::Fault { detail: error.to_string() },
        }
    }
}

/// Another client's user is not there: the filter stands in each query, and nothing is looked up by id alone.
fn find(connection: &mut SqliteConnection, client: &str, id: &str) -> QueryResult<UserRow> {
    users::table
        .filter(users::client.eq(client))
        .filter(users::id.eq(id))
        .select(UserRow::as_select())
        .first(connection)
}

/// Opens one connection by itself: a pool would try again and again and then say only that time ran out.
fn open_and_migrate(url: &str, database: &str, pragmas: &str) -> Result<SqliteConnection, OpenError> {
    let damaged =
        |error: &dyn fmt::Display| OpenError::Damaged { database: database.to_owned(), detail: error.to_string() };
    let failed =
        |error: &dyn fmt::Display| OpenError::Migration { database: database.to_owned(), detail: error.to_string() };
    let mut connection = SqliteConnection::establish(url).map_err(|error| damaged(&error))?;
    connection.batch_execute(pragmas).map_err(|error| damaged(&error))?;
    let faults: Vec<String> = pragma_quick_check::table
        .select(pragma_quick_check::quick_check)
        .limit(1)
        .load(&mut connection)
        .map_err(|error| damaged(&error))?;
    if let Some(fault) = faults.first().filter(|fault| *fault != "ok") {
        return Err(damaged(fault));
    }
    let tables: Vec<String> = sqlite_master::table
        .filter(sqlite_master::kind.eq("table"))
        .select(sqlite_master::name)
        .load(&mut connection)
        .map_err(|error| damaged(&error))?;
    if !tables.is_empty() && !tables.iter().any(|name| name == "__diesel_schema_migrations") {
        return Err(OpenError::Foreign { database: database.to_owned() });
    }
    let known: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(|error| failed(&error))?;
    let known: Vec<MigrationVersion<'_>> = known.iter().map(|migration| migration.name().version()).collect();
    let applied = connection.applied_migrations().map_err(|error| failed(&error))?;
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Err(OpenError::Newer { database: database.to_owned(), migration: newer.to_string() });
    }
    connection.run_pending_migrations(MIGRATIONS).map_err(|error| failed(&error))?;
    Ok(connection)
}

fn pool(url: String, size: u32, pragmas: impl Into<String>) -> Connections {
    Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .connection_timeout(WAIT)
        // A file does not hang up.
        .test_on_check_out(false)
        .connection_customizer(Box::new(Pragmas(pragmas.into())))
        .build_unchecked(ConnectionManager::new(url))
}

/// Makes sure that a file that can be read and written stands at `path`, and returns its absolute path, which SQLite
/// never takes for a `file:` URI.
fn prepare_file(path: &Path) -> Result<String, OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // The users are nobody else's on this machine; SQLite gives its `-wal` and `-shm` files the same mode.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&absolute).map_err(failed)?;
    absolute.into_os_string().into_string().map_err(|path| OpenError::PathNotUtf8(path.into()))
}

#[derive(Debug)]
struct Pragmas(String);

impl CustomizeConnection<SqliteConnection, ConnectError> for Pragmas {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), ConnectError> {
        connection.batch_execute(&self.0).map_err(ConnectError::QueryError)
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
struct UserRow {
    id: String,
    email: String,
    name: String,
    /// Unix milliseconds.
    created_at: i64,
}

impl UserRow {
    fn into_user(self) -> User {
        let created_at = Timestamp::from_millisecond(self.created_at).unwrap_or_default();
        User { id: self.id, email: self.email, name: self.name, created_at }
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        client -> Text,
        email -> Text,
        name -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    sqlite_master (name) {
        #[sql_name = "type"]
        kind -> Text,
        name -> Text,
    }
}

// SQLite offers `PRAGMA quick_check` as a table too.
diesel::table! {
    pragma_quick_check (quick_check) {
        quick_check -> Text,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Does to a database what this program never would.
    pub(in super::super) fn execute(path: &Path, statement: &str) {
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection.batch_execute(statement).unwrap();
    }
}
