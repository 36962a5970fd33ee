//! Which database, how many connections, and may its tables be changed when it is opened?

use std::path::PathBuf;

/// Where the data lives and how it is reached.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The database.
    pub database: Database,
    /// Connections at most: those that read, for SQLite (one more writes); all of them, for PostgreSQL.
    pub pool_size: u32,
}

/// A database.
#[derive(Clone, Debug)]
pub enum Database {
    /// Gone when the last clone of the [`Store`](super::Store) is dropped.
    InMemory,
    /// A SQLite file, made when it does not exist.
    SqliteFile(PathBuf),
    /// A PostgreSQL server, which several replicas may share.
    #[cfg(feature = "postgres")]
    Postgres(PostgresUrl),
}

/// When opening a database may create or change its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Never: an empty database is refused too, and nothing is written.
    Never,
    /// Only in a database without any; one that needs a change is refused.
    WhenEmpty,
    /// Whenever this version needs it.
    Always,
}

/// A `postgres://user:password@host:port/database` URL. `Debug` does not show it, since it holds a password.
#[cfg(feature = "postgres")]
#[derive(Clone)]
pub struct PostgresUrl(zeroize::Zeroizing<String>);

#[cfg(feature = "postgres")]
impl PostgresUrl {
    /// Takes `url` as libpq will read it; nothing is checked before the connection is made.
    pub fn new(url: String) -> Self {
        Self(zeroize::Zeroizing::new(url))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "postgres")]
impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PostgresUrl(…)")
    }
}
