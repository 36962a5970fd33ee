//! Why can the database not be opened, and what can the operator do about it?

use diesel::r2d2::Error as ConnectError;
use thiserror::Error;

use super::error::StoreError;
use crate::database_file::DatabaseFileError;

/// Why a store could not be opened. The text says what to do next.
#[derive(Debug, Error)]
pub enum OpenError {
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
    /// The database belongs to another program.
    #[error("{database} holds tables of another program: name another database")]
    Foreign {
        /// What was opened.
        database: String,
    },
    /// A newer version has changed the tables.
    #[error(
        "{database} was changed for a newer Tokenhouse, and this version cannot work on it: it does not know the migration {migration}; \
         install the newer version"
    )]
    Newer {
        /// What was opened.
        database: String,
        /// The first migration that is unknown.
        migration: String,
    },
    /// There is nothing in it, and nothing may be made.
    #[error("{database} is empty: start `tokenhouse serve` first, or name the right database")]
    Empty {
        /// What was opened.
        database: String,
    },
    /// This version needs other tables, and may not change them.
    #[error(
        "{database} must be migrated ({}): make a backup, then run `tokenhouse migrate` or start with --migrate",
        .pending.join(", ")
    )]
    MigrationNeeded {
        /// What was opened.
        database: String,
        /// The migrations it lacks, in order.
        pending: Vec<String>,
    },
    /// A migration failed; nothing was changed.
    #[error("migrating {database} failed: {detail}; nothing was changed")]
    MigrationFailed {
        /// What was opened.
        database: String,
        /// The engine's words.
        detail: String,
    },
    /// Another process keeps the database locked.
    #[error("{database} is locked by another process: stop it, or wait until it is done, and try again")]
    Locked {
        /// What was opened.
        database: String,
    },
    /// The server does not answer or does not let us in.
    #[error("{database} cannot be reached: {detail}")]
    Unreachable {
        /// What was opened.
        database: String,
        /// The engine's words, without anything of the URL.
        detail: String,
    },
    /// Anything else, such as a full disk.
    #[error("{database} cannot be opened: {source}")]
    Store {
        /// What was opened.
        database: String,
        /// Why.
        source: StoreError,
    },
}

/// What only the operator can mend of a PostgreSQL server that does not let us in: libpq's or the server's words, and what to do.
const MISTAKES: &[(&str, &str)] = &[
    (
        "certificate verify failed",
        "sslrootcert in database.url must name the certificate of the CA that signed the server's",
    ),
    ("does not match host name", "name the host in database.url as the server's certificate does"),
    ("root certificate file", "sslrootcert in database.url must name a file with the certificate of the CA"),
    ("could not read root certificate", "sslrootcert in database.url must name a file with certificates in PEM"),
    ("server does not support SSL", "turn TLS on in the server, or leave sslmode out where the network is safe"),
    ("password authentication failed", "correct user and password in database.url"),
    ("no password supplied", "give the password in database.url or database.url_file"),
    ("no pg_hba.conf entry", "let this user in from this host in the server's pg_hba.conf"),
    ("does not exist", "make the database and its user, or correct database.url"),
    ("is not understood", "correct database.url"),
];

impl OpenError {
    /// What it means that no connection to `database` can be made.
    pub(super) fn from_connect(database: &str, error: ConnectError) -> Self {
        match error {
            ConnectError::QueryError(error) => Self::from_store(database, StoreError::from(error)),
            ConnectError::ConnectionError(error) => {
                // libpq writes a line for each address that it tried, and some hints.
                let detail = with_advice(&without_url(error.to_string().trim_end().replace('\n', " ")));
                Self::Unreachable { database: database.to_owned(), detail }
            }
        }
    }

    /// Is the database only away, so that it helps to try again, and nobody need do anything here?
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { detail, .. } => !MISTAKES.iter().any(|(text, _)| detail.contains(text)),
            Self::Locked { .. } => true,
            Self::Store { source, .. } => source.is_unavailable(),
            _ => false,
        }
    }

    /// What `source` means when it happens while `database` is being opened.
    pub(super) fn from_store(database: &str, source: StoreError) -> Self {
        let database = database.to_owned();
        match source {
            StoreError::Busy { .. } => Self::Locked { database },
            StoreError::Damaged { detail } if detail.contains("not a database") => Self::NotADatabase { database },
            StoreError::Damaged { detail } => Self::Damaged { database, detail },
            StoreError::ConnectionLost { detail } => Self::Unreachable { database, detail },
            source => Self::Store { database, source },
        }
    }
}

/// libpq's complaints about a URL that it cannot read quote parts of it, in the worst case of the password.
fn without_url(detail: String) -> String {
    let is_about_the_server = ["connection to server", "could not ", "FATAL", "Unable to open", "unable to open"];
    if is_about_the_server.iter().any(|text| detail.contains(text)) {
        detail
    } else {
        "its URL is not understood: write postgres://user:password@host:5432/name, and percent-encode what is not a \
         letter or digit in the password"
            .to_owned()
    }
}

/// What libpq says of TLS, with what to do about it.
fn with_advice(detail: &str) -> String {
    let advice = MISTAKES.iter().find(|(text, _)| detail.contains(text));
    advice.map_or_else(|| detail.to_owned(), |(_, advice)| format!("{detail}: {advice}"))
}
