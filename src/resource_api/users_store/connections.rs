//! Which connection does a query get, and how is one made?

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error as ConnectError, Pool, PooledConnection};

use super::database_error::DatabaseError;
use super::migrate::bring_up_to_date;
use super::store_error::StoreError;
use crate::database_file;
use crate::resource_api::settings::Database;

/// How long a query waits for a connection. On a file, writers wait up to 5 seconds more for each other.
const WAIT: Duration = Duration::from_secs(5);

/// `synchronous = FULL`: an answered change survives a power cut.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                        PRAGMA trusted_schema = OFF;";

/// The databases in memory that this process has made: each needs a name of its own.
static IN_MEMORY: AtomicU64 = AtomicU64::new(0);

/// The connections of an open database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<ConnectionManager<SqliteConnection>>,
    /// A database in memory lives as long as one connection to it.
    _anchor: Option<Arc<Mutex<SqliteConnection>>>,
}

/// A connection for the time being; dropping it gives it back.
pub(super) type Borrowed = PooledConnection<ConnectionManager<SqliteConnection>>;

impl Connections {
    /// Opens the database and brings its tables up to date.
    pub(super) fn open(database: &Database) -> Result<Self, DatabaseError> {
        match database {
            Database::InMemory => {
                // The `memdb` file system shares a database between connections by its name, within this process.
                let number = IN_MEMORY.fetch_add(1, Ordering::Relaxed);
                let uri = format!("file:/resource-api-{number}?vfs=memdb");
                let anchor = first_connection(&uri, "the database in memory", "")?;
                // One at a time: readers and writers of a database in memory would lock each other out.
                Ok(Self { pool: pool(uri, 1), _anchor: Some(Arc::new(Mutex::new(anchor))) })
            }
            Database::File(path) => {
                let path = database_file::prepare(path)?;
                // The journal mode is kept in the file: once is enough.
                drop(database_file::open_patiently(
                    || first_connection(&path, &path, "PRAGMA journal_mode = WAL;"),
                    |error| matches!(error, DatabaseError::Locked { .. }),
                )?);
                Ok(Self { pool: pool(path, 4), _anchor: None })
            }
        }
    }

    /// A connection, as soon as one is free.
    pub(super) fn borrow(&self) -> Result<Borrowed, StoreError> {
        self.pool.get().map_err(|error| StoreError::Unavailable { detail: error.to_string() })
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connections").finish_non_exhaustive()
    }
}

fn first_connection(url: &str, name: &str, mode: &str) -> Result<SqliteConnection, DatabaseError> {
    let mut connection =
        SqliteConnection::establish(url).map_err(|error| DatabaseError::from_sqlite(name, error.to_string()))?;
    connection
        .batch_execute(&format!("{SETTINGS} {mode}"))
        .map_err(|error| DatabaseError::from_sqlite(name, error.to_string()))?;
    bring_up_to_date(&mut connection, name)?;
    Ok(connection)
}

fn pool(url: String, size: u32) -> Pool<ConnectionManager<SqliteConnection>> {
    // `build_unchecked` opens nothing yet: the first connection has shown that they can be made. A file does not hang
    // up, so they are neither asked whether they are alive nor replaced after a time.
    Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .test_on_check_out(false)
        .max_lifetime(None)
        .connection_timeout(WAIT)
        .connection_customizer(Box::new(WithSettings))
        .build_unchecked(ConnectionManager::new(url))
}

/// Gives every new connection its settings.
#[derive(Debug)]
struct WithSettings;

impl CustomizeConnection<SqliteConnection, ConnectError> for WithSettings {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), ConnectError> {
        connection.batch_execute(SETTINGS).map_err(ConnectError::QueryError)
    }
}
