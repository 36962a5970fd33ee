//! How is one connection made, for reading, for writing or for migrating?

#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::SqliteConnection;
use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::r2d2::Error as ConnectError;
use diesel::{ConnectionError, QueryResult};

use super::connection::AnyConnection;
use super::file_identity::FileIdentity;
use super::leaving::Talking;
use super::open_error::OpenError;
use super::settings::Database;
#[cfg(feature = "postgres")]
use super::settings::{PostgresTimeouts, PostgresUrl};
use crate::clock::{Clock as _, SystemClock};
use crate::database_file;
use crate::entropy::{SystemEntropy, new_uuid};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Migrate,
    Read,
    Write,
}

/// A database that connections can be made to, any number of times.
#[derive(Clone, Debug)]
pub(super) enum Target {
    SqliteMemory {
        uri: String,
    },
    SqliteFile {
        path: String,
    },
    #[cfg(feature = "postgres")]
    Postgresql {
        url: PostgresUrl,
    },
}

impl Target {
    /// Checks what can be checked without a connection; makes the file of a new SQLite database.
    pub(super) fn prepare(database: &Database) -> Result<Self, OpenError> {
        match database {
            Database::InMemory => {
                // The `memdb` file system shares a database between connections by its name, within this process.
                let name = new_uuid(SystemClock.now(), &SystemEntropy);
                Ok(Self::SqliteMemory { uri: format!("file:/{name}?vfs=memdb") })
            }
            Database::SqliteFile(path) => Ok(Self::SqliteFile { path: database_file::prepare(path)? }),
            #[cfg(feature = "postgres")]
            Database::Postgres(url) => Ok(Self::Postgresql { url: url.clone() }),
        }
    }

    /// Which file it is, if it is one.
    pub(super) fn file_identity(&self) -> Option<FileIdentity> {
        if let Self::SqliteFile { path } = self { FileIdentity::of(path) } else { None }
    }

    /// What the operator calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::SqliteMemory { .. } => "the database in memory".to_owned(),
            Self::SqliteFile { path } => path.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgresql { .. } => "the PostgreSQL database".to_owned(),
        }
    }

    /// Does it lock the whole database for a writer, so that there is no use for a second one?
    pub(super) const fn has_one_writer(&self) -> bool {
        match self {
            Self::SqliteMemory { .. } | Self::SqliteFile { .. } => true,
            #[cfg(feature = "postgres")]
            Self::Postgresql { .. } => false,
        }
    }

    pub(super) fn connect(&self, access: Access) -> Result<AnyConnection, ConnectError> {
        let ending =
            || ConnectError::ConnectionError(ConnectionError::BadConnection("this program is about to end".to_owned()));
        let _talking = Talking::begin().ok_or_else(ending)?;
        let (mut connection, settings) = match self {
            Self::SqliteMemory { uri } => (sqlite(uri)?, sqlite_settings(access)),
            Self::SqliteFile { path } => (sqlite(path)?, sqlite_settings(access)),
            #[cfg(feature = "postgres")]
            Self::Postgresql { url } => (postgresql(url)?, postgresql_settings(access, url.timeouts())),
        };
        connection.batch_execute(&settings).map_err(ConnectError::QueryError)?;
        Ok(connection)
    }

    /// Settings that the database itself remembers; only once it is known to be ours.
    pub(super) fn settle(&self, connection: &mut AnyConnection) -> QueryResult<()> {
        match self {
            // Readers and the writer do not wait for each other.
            Self::SqliteFile { .. } => connection.batch_execute("PRAGMA journal_mode = WAL"),
            Self::SqliteMemory { .. } => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgresql { .. } => Ok(()),
        }
    }
}

fn sqlite(database: &str) -> Result<AnyConnection, ConnectError> {
    SqliteConnection::establish(database).map(AnyConnection::Sqlite).map_err(ConnectError::ConnectionError)
}

// `synchronous = FULL`: an answered change survives a power cut. Foreign keys are not enforced while migrating, so that
// a migration can rebuild a table without its children being deleted.
fn sqlite_settings(access: Access) -> String {
    let purpose = match access {
        Access::Migrate => "foreign_keys = OFF",
        Access::Read => "query_only = ON",
        Access::Write => "foreign_keys = ON",
    };
    format!("PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA {purpose};")
}

#[cfg(feature = "postgres")]
fn postgresql(url: &PostgresUrl) -> Result<AnyConnection, ConnectError> {
    PgConnection::establish(&url.complete()).map(AnyConnection::Postgresql).map_err(ConnectError::ConnectionError)
}

#[cfg(feature = "postgres")]
fn postgresql_settings(access: Access, timeouts: PostgresTimeouts) -> String {
    // A migration of a large table may take its time.
    let timeout = if access == Access::Migrate { 0 } else { timeouts.statement.as_millis() };
    format!("SET statement_timeout = {timeout}; SET idle_in_transaction_session_timeout = '60s'")
}
