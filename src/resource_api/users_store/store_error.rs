//! Why did reading or writing fail: is there such a user already, is the database away, or is the program wrong?

use diesel::result::{DatabaseErrorKind, Error as QueryError};
use thiserror::Error;

/// Why the users could not be read or changed. Whatever it is, nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The client has another user with that e-mail address.
    #[error("the client has another user with this email")]
    EmailTaken,
    /// Trying again later may help: another process writes, the disk is full, or every connection is in use.
    #[error("the database of the resource API cannot answer: {detail}")]
    Unavailable {
        /// The engine's words.
        detail: String,
    },
    /// A stored value is outside its grammar: something else than Tokenhouse wrote it.
    #[error("the user {id} in the database of the resource API cannot be read: its {what} is malformed")]
    Unreadable {
        /// The row's id.
        id: String,
        /// The column.
        what: &'static str,
    },
    /// A fault of the program or of the file.
    #[error("the database of the resource API refused a statement: {detail}")]
    Query {
        /// The engine's words.
        detail: String,
    },
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        // diesel gives most of SQLite's result codes as their text only.
        const AWAY: &[&str] = &["is locked", "disk is full", "readonly database", "disk I/O error", "unable to open"];
        let detail = error.to_string();
        match error {
            QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) if detail.contains("email_folded") => {
                Self::EmailTaken
            }
            _ if AWAY.iter().any(|text| detail.contains(text)) => Self::Unavailable { detail },
            _ => Self::Query { detail },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("database is locked", true)]
    #[case("database or disk is full", true)]
    #[case("attempt to write a readonly database", true)]
    #[case("no such column: colour", false)]
    #[case("database disk image is malformed", false)]
    fn a_database_that_is_away_is_told_from_a_fault(#[case] message: &str, #[case] away: bool) {
        let error = QueryError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()));
        assert_eq!(matches!(StoreError::from(error), StoreError::Unavailable { .. }), away);
    }
}
