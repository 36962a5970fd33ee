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

/// Runs `body` on something that holds a connection, in a transaction: committed if it succeeds, rolled back if it fails.
pub(super) fn in_transaction<Holder: AsMut<AnyConnection>, T, E: From<QueryError>>(
    holder: &mut Holder,
    kind: TransactionKind,
    body: impl FnOnce(&mut Holder) -> Result<T, E>,
) -> Result<T, E> {
    begin(holder.as_mut(), kind)?;
    match body(holder) {
        Ok(value) => {
            AnyConnection::commit_transaction(holder.as_mut())?;
            Ok(value)
        }
        Err(error) => {
            // A connection that is lost has rolled back by itself. In any case the first error says more.
            match AnyConnection::rollback_transaction(holder.as_mut()) {
                Ok(()) | Err(QueryError::BrokenTransactionManager) => {}
                Err(rollback_error) => tracing::warn!(%rollback_error, "rolling back failed"),
            }
            Err(error)
        }
    }
}

impl AsMut<Self> for AnyConnection {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

fn begin(connection: &mut AnyConnection, kind: TransactionKind) -> QueryResult<()> {
    match connection {
        AnyConnection::Sqlite(sqlite) => AnsiTransactionManager::begin_transaction_sql(sqlite, kind.sqlite()),
        #[cfg(feature = "postgres")]
        AnyConnection::Postgresql(postgresql) => {
            AnsiTransactionManager::begin_transaction_sql(postgresql, kind.postgresql())
        }
    }
}
