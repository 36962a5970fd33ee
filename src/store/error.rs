//! Why did reading or writing fail: was the request wrong, is the database away, or is the program?

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as QueryError};
use thiserror::Error;

use super::object_kind::ObjectKind;

/// Why the store could not do what it was asked. Whatever it is, the transaction changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Another object already has what must be unique.
    #[error("there is already {what}")]
    Conflict {
        /// What there already is.
        what: Conflict,
    },
    /// The object to change is not there (any more).
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: ObjectKind,
    },
    /// The object refers to a client or an API that is not there (any more).
    #[error("the object refers to a client or an API that does not exist")]
    DanglingReference,
    /// Every connection was in use for too long.
    #[error("no database connection became free in time")]
    PoolExhausted,
    /// Another process holds the database for too long, or a statement took too long.
    #[error("the database is busy: {detail}")]
    Busy {
        /// The engine's words.
        detail: String,
    },
    /// The server went away, or cannot be reached.
    #[error("the database cannot be reached: {detail}")]
    ConnectionLost {
        /// The engine's words.
        detail: String,
    },
    /// The file of the database is no longer where it was: what is read and written here is nobody's any more.
    #[error("the database file was deleted or replaced while it was open: restart the server")]
    FileReplaced,
    /// A newer version has taken away what this one uses.
    #[error(
        "the database was changed for a newer version and this one cannot work on it any more: install the newer version"
    )]
    Outgrown,
    /// The disk is full.
    #[error("the database's disk is full: make room on it; no restart is needed")]
    DiskFull,
    /// The database may only be read.
    #[error("the database is read-only")]
    ReadOnly,
    /// The disk did not do what it was asked. SQLite says no more; a disk that is full may be told so too.
    #[error("the database's disk is full or fails: {detail}")]
    DiskFails {
        /// The engine's words.
        detail: String,
    },
    /// The file is damaged.
    #[error("the database is damaged: {detail}")]
    Damaged {
        /// The engine's words.
        detail: String,
    },
    /// A stored value is outside its grammar: something else than Tokenhouse wrote it.
    #[error("the row {id} of the table {table} cannot be read: {why}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row's id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// A fault of the program: something was changed without an audit entry.
    #[error("a change was made without an audit entry")]
    Unrecorded,
    /// A fault of the program: a transaction was carried on after one of its steps had failed.
    #[error("a transaction was carried on after a step of it had failed")]
    Spoiled,
    /// A fault of the program, or of the database in a way not listed above.
    #[error("the database refused a statement: {detail}")]
    Query {
        /// The engine's words.
        detail: String,
    },
}

/// What there is already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Conflict {
    /// An API identifier is the audience of one API.
    #[error("an API with this identifier")]
    ApiIdentifier,
    /// A scope stands once in its API.
    #[error("a scope with this value in the API")]
    ScopeValue,
    /// A client id names one client.
    #[error("a client with this client id")]
    ClientId,
    /// A generated secret belongs to one client.
    #[error("a client with this very secret")]
    SecretId,
    /// A `kid` names one key of a client.
    #[error("a key of this client with this kid")]
    ClientKid,
    /// A client has one grant per API.
    #[error("a grant of this client for the API")]
    Grant,
    /// A `kid` names one key.
    #[error("a signing key with this kid")]
    Kid,
    /// One key per algorithm signs, and one is next.
    #[error("another key of this algorithm in that state")]
    KeyState,
    /// Some other id.
    #[error("an object with this id")]
    Id,
}

impl StoreError {
    /// Is the database away, rather than the request or the program wrong? Trying again later may help.
    pub const fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::PoolExhausted
                | Self::Busy { .. }
                | Self::ConnectionLost { .. }
                | Self::DiskFull
                | Self::ReadOnly
                | Self::DiskFails { .. }
                | Self::FileReplaced
                | Self::Outgrown
                | Self::Damaged { .. }
        )
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::DatabaseError(kind, information) => from_database(kind, &*information),
            QueryError::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            QueryError::BrokenTransactionManager => {
                Self::ConnectionLost { detail: "the connection broke within a transaction".to_owned() }
            }
            other => Self::Query { detail: other.to_string() },
        }
    }
}

// Only `message` is ever kept: an engine's `details` may quote the values of the row.
fn from_database(kind: DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> StoreError {
    let detail = information.message().to_owned();
    match kind {
        DatabaseErrorKind::UniqueViolation => StoreError::Conflict { what: conflict(information) },
        DatabaseErrorKind::ForeignKeyViolation => StoreError::DanglingReference,
        DatabaseErrorKind::ReadOnlyTransaction => StoreError::ReadOnly,
        DatabaseErrorKind::SerializationFailure => StoreError::Busy { detail },
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            StoreError::ConnectionLost { detail }
        }
        _ => from_message(detail),
    }
}

/// diesel gives SQLite's result codes, and most of PostgreSQL's, as their text only.
fn from_message(detail: String) -> StoreError {
    const BUSY: &[&str] = &[
        "database is locked",
        "table is locked",
        "canceling statement due to",
        "deadlock detected",
        "out of memory",
        "out of shared memory",
    ];
    const FULL: &[&str] = &["database or disk is full", "No space left on device", "Disk quota exceeded"];
    const FAILS: &[&str] = &["disk I/O error", "Input/output error", "File too large"];
    const READ_ONLY: &[&str] = &["readonly database", "in a read-only transaction"];
    const DAMAGED: &[&str] =
        &["disk image is malformed", "file is not a database", "malformed database schema", "invalid page in block"];
    const LOST: &[&str] = &["terminating connection", "unable to open database file", "the database system is"];
    let says = |texts: &[&str]| texts.iter().any(|text| detail.contains(text));
    if says(BUSY) {
        StoreError::Busy { detail }
    } else if says(FULL) {
        StoreError::DiskFull
    } else if says(READ_ONLY) {
        StoreError::ReadOnly
    } else if says(FAILS) {
        StoreError::DiskFails { detail }
    } else if says(DAMAGED) {
        StoreError::Damaged { detail }
    } else if says(LOST) {
        StoreError::ConnectionLost { detail }
    } else {
        StoreError::Query { detail }
    }
}

/// PostgreSQL names the constraint, SQLite its columns (also for the two partial indices on the keys' states).
fn conflict(information: &dyn DatabaseErrorInformation) -> Conflict {
    const NAMES: &[(&str, Conflict)] = &[
        ("apis_identifier_key", Conflict::ApiIdentifier),
        ("apis.identifier", Conflict::ApiIdentifier),
        ("api_scopes_api_id_value_key", Conflict::ScopeValue),
        ("api_scopes.value", Conflict::ScopeValue),
        ("clients_client_id_key", Conflict::ClientId),
        ("clients.client_id", Conflict::ClientId),
        ("client_secrets_by_secret_id", Conflict::SecretId),
        ("client_secrets.secret_id", Conflict::SecretId),
        ("client_keys_client_row_id_kid_key", Conflict::ClientKid),
        ("client_keys.kid", Conflict::ClientKid),
        ("grants_client_row_id_api_id_key", Conflict::Grant),
        ("grants.api_id", Conflict::Grant),
        ("signing_keys_pkey", Conflict::Kid),
        ("signing_keys.kid", Conflict::Kid),
        ("signing_keys_one_", Conflict::KeyState),
        ("signing_keys.alg", Conflict::KeyState),
    ];
    let text = information.constraint_name().unwrap_or_else(|| information.message());
    NAMES.iter().find(|(name, _)| text.contains(name)).map_or(Conflict::Id, |(_, conflict)| *conflict)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("database is locked")]
    #[case("database or disk is full")]
    #[case("attempt to write a readonly database")]
    #[case("database disk image is malformed")]
    #[case("canceling statement due to statement timeout")]
    #[case("cannot execute UPDATE in a read-only transaction")]
    #[case("terminating connection due to administrator command")]
    #[case("disk I/O error")]
    #[case("out of memory")]
    #[case("could not write to file \"base/5/16384\": Input/output error")]
    fn an_engine_that_is_away_is_told_from_a_wrong_statement(#[case] message: &str) {
        let error = QueryError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
        assert!(StoreError::from(error).is_unavailable(), "{message}");
    }

    #[rstest]
    #[case("database or disk is full")]
    #[case("could not extend file \"base/5/16384\": No space left on device")]
    #[case("could not extend file \"base/5/16384\": Disk quota exceeded")]
    fn a_full_disk_is_called_so(#[case] message: &str) {
        let error = QueryError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
        assert_eq!(StoreError::from(error), StoreError::DiskFull);
    }

    #[test]
    fn a_wrong_statement_is_not_taken_for_an_engine_that_is_away() {
        let message = "no such column: colour".to_owned();
        let error = StoreError::from(QueryError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message)));
        assert!(!error.is_unavailable());
        assert_eq!(error, StoreError::Query { detail: "no such column: colour".to_owned() });
    }
}
