//! Why can the resource API not start?

use std::path::PathBuf;

use thiserror::Error;
use tokenhouse_verifier::remote::ConfigurationError;

/// A setting or a database with which the resource API cannot work. The texts are for its operator.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The issuer's keys could never be fetched.
    #[error("the issuer's keys cannot be fetched with these settings")]
    Issuer(#[source] ConfigurationError),
    /// The database file cannot be made, read or written.
    #[error("the database file {path} cannot be opened")]
    File {
        /// The configured path.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The path of the database file is not UTF-8.
    #[error("the path of the database file {0} is not UTF-8")]
    PathNotUtf8(PathBuf),
    /// Not an SQLite database, or a damaged one.
    #[error(
        "{database} is not an SQLite database, or is damaged: {detail}; restore it from a backup or name another file"
    )]
    Damaged {
        /// The database.
        database: String,
        /// What SQLite says.
        detail: String,
    },
    /// Tables of something else.
    #[error("{database} holds the tables of another program; name another file")]
    Foreign {
        /// The database.
        database: String,
    },
    /// A migration that this version does not know.
    #[error(
        "{database} has the migration {migration}, which this version does not know: run the version that made it, or a newer one"
    )]
    Newer {
        /// The database.
        database: String,
        /// The version of the migration.
        migration: String,
    },
    /// A migration failed; the database is as it was.
    #[error("{database} could not be migrated: {detail}")]
    Migration {
        /// The database.
        database: String,
        /// What went wrong.
        detail: String,
    },
}
