//! Why can the database not be opened, and what can the operator do about it?

use std::path::PathBuf;

use thiserror::Error;

use crate::database_file::DatabaseFileError;

/// Why the database of the resource API could not be opened. The text says what to do next.
#[derive(Debug, Error)]
pub enum DatabaseError {
    /// There can be no database file at the path.
    #[error(transparent)]
    File(#[from] DatabaseFileError),
    /// The file is not SQLite's.
    #[error("{database} is not a SQLite database: name another file, or move this one away and start again")]
    NotADatabase {
        /// What was opened.
        database: String,
    },
    /// The file is SQLite's, but broken.
    #[error("{database} is damaged ({detail}): restore it from a backup")]
    Damaged {
        /// What was opened.
        database: String,
        /// SQLite's words.
        detail: String,
    },
    /// The database belongs to another program, or to the issuer.
    #[error("{database} holds other tables than those of the resource API: name another file")]
    Foreign {
        /// What was opened.
        database: String,
    },
    /// A newer version has changed the tables.
    #[error(
        "{database} was made by a newer Tokenhouse: this version does not know the migration {migration}; \
         install the newer version"
    )]
    Newer {
        /// What was opened.
        database: String,
        /// The first migration that is unknown.
        migration: String,
    },
    /// Another process keeps the database locked.
    #[error("{database} is locked by another process: stop it, or wait until it is done, and try again")]
    Locked {
        /// What was opened.
        database: String,
    },
    /// Anything else, such as a full disk.
    #[error("{database} cannot be opened: {detail}")]
    Other {
        /// What was opened.
        database: String,
        /// SQLite's words.
        detail: String,
    },
}

impl DatabaseError {
    /// What SQLite means by `detail` while `database` is being opened; diesel gives its result codes as their text
    /// only.
    pub(super) fn from_sqlite(database: &str, detail: String) -> Self {
        let database = database.to_owned();
        let says = |texts: &[&str]| texts.iter().any(|text| detail.contains(text));
        if says(&["not a database"]) {
            Self::NotADatabase { database }
        } else if says(&["malformed", "disk I/O error"]) {
            Self::Damaged { database, detail }
        } else if says(&["is locked"]) {
            Self::Locked { database }
        } else if says(&["readonly"]) {
            Self::File(DatabaseFileError::PermissionDenied { path: PathBuf::from(database) })
        } else {
            Self::Other { database, detail }
        }
    }
}
