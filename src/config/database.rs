//! Which database holds the issuer's state? Section `database`.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::{Read, Reader};
use super::secret::Secret;

/// Section `database`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Most connections at a time.
    pub pool_size: u32,
    /// How long PostgreSQL may take to let a connection in.
    pub connect_timeout: Duration,
    /// How long one statement may take on PostgreSQL.
    pub statement_timeout: Duration,
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of the embedded SQLite, given as `sqlite:PATH`.
    Sqlite(PathBuf),
    /// A PostgreSQL server; the URL may hold a password.
    Postgres(Secret<String>),
}

impl DatabaseSettings {
    pub(super) fn read(from: &mut Reader<'_>) -> Read<Self> {
        let url = from.required_secret("database.url", DatabaseUrl::parse);
        let pool_size = from.integer("database.pool_size");
        let connect_timeout = from.seconds("database.connect_timeout_seconds");
        let statement_timeout = from.seconds("database.statement_timeout_seconds");
        Ok(Self {
            url: url?,
            pool_size: pool_size?,
            connect_timeout: connect_timeout?,
            statement_timeout: statement_timeout?,
        })
    }
}

impl DatabaseUrl {
    /// Parses `sqlite:PATH`, `postgres://…` or `postgresql://…`; the latter two only in a build with the feature `postgres`.
    ///
    /// # Errors
    /// Says in words that follow the value, and do not hold it, what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return match path {
                "" => Err("names no file after sqlite:".to_owned()),
                ":memory:" => Err("is in memory, which every start empties; `tokenhouse dev` runs so".to_owned()),
                _ if path.starts_with("//") => {
                    Err("is not sqlite:PATH; leave out the slashes after sqlite:".to_owned())
                }
                _ if path.contains(['\0', '?']) => Err("is not sqlite:PATH".to_owned()),
                _ => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err("is neither sqlite:PATH nor postgres://…".to_owned());
        }
        if cfg!(feature = "postgres") {
            Ok(Self::Postgres(Secret::new(text.to_owned())))
        } else {
            Err("is for PostgreSQL, which this build leaves out; build with `--features postgres`".to_owned())
        }
    }
}
