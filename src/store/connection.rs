//! What is one connection to either engine, and how does a transaction begin on it?

use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
use diesel::result::{Error as QueryError, QueryResult};

/// A connection to SQLite or PostgreSQL that takes the same queries.
#[derive(diesel::MultiConnection)]
pub(super) enum AnyConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgresql(diesel::PgConnection),
}

/// The backend of [`AnyConnection`], for boxed queries.
pub(super) type AnyBackend = <AnyConnection as Connection>::Backend;

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionKind {
    /// Reads that all see the same state.
    Snapshot,
    /// Changes. SQLite takes the write lock at once: a transaction that first reads and then asks for it fails without
    /// waiting when another one wrote in between.
    Write,
}

impl TransactionKind {
    const fn sqlite(self) -> &'static str {
        match self {
            Self::Snapshot => "BEGIN DEFERRED",
            Self::Write => "BEGIN IMMEDIATE",
        }
    }

    // Writers read what other writers left: each waits for the row lock on `meta` and then sees all they committed.
    #[cfg(feature = "postgres")]
    const fn postgresql(self) -> &'static str {
        match self {
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

impl AnyConnection {
    /// Runs `body` in a transaction: committed if it succeeds, rolled back if it fails.
    pub(super) fn in_transaction<T, E: From<QueryError>>(
        &mut self,
        kind: TransactionKind,
        body: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.begin(kind)?;
        match body(self) {
            Ok(value) => {
                Self::commit_transaction(self)?;
                Ok(value)
            }
            Err(error) => match Self::rollback_transaction(self) {
                // A connection that is lost has rolled back by itself; the first error says more.
                Ok(()) | Err(QueryError::BrokenTransactionManager) => Err(error),
                Err(rollback_error) => {
                    tracing::warn!(%rollback_error, "rolling back failed");
                    Err(error)
                }
            },
        }
    }

    fn begin(&mut self, kind: TransactionKind) -> QueryResult<()> {
        match self {
            Self::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, kind.sqlite()),
            #[cfg(feature = "postgres")]
            Self::Postgresql(postgresql) => {
                AnsiTransactionManager::begin_transaction_sql(postgresql, kind.postgresql())
            }
        }
    }
}
