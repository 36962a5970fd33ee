//! How is one consistent view of the database read?

use diesel::prelude::*;
use uuid::Uuid;

use super::audit_chain::ChainLink;
use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::migrate::NEWEST;
use super::open::Store;
use super::pool::Borrowed;
use super::schema::meta;

/// How often the database has been changed; it only grows, by one with every change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub i64);

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after the object with this id, in lists that are ordered by id.
    pub after: Option<Uuid>,
    /// How many to leave out first.
    pub offset: u32,
    /// How many to return at most.
    pub limit: u32,
}

impl Page {
    /// The whole list.
    pub const ALL: Self = Self { after: None, offset: 0, limit: u32::MAX };
}

/// Reads the database, at one point in time. A [`Transaction`](super::Transaction) reads in the same way.
pub struct Reader {
    connection: Borrowed,
    failure: Option<StoreError>,
}

/// Which database, and how often it has been changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The id that the database got when it was made: another one is another database.
    pub database_id: String,
    /// The revision of its last change.
    pub revision: Revision,
    /// That change, by which a history is told from another one that has as many changes.
    pub last_change: ChainLink,
}

impl Store {
    /// The revision of the last change, in one small query.
    pub fn revision(&self) -> Result<Revision, StoreError> {
        revision(&mut *self.pools.reader()?)
    }

    /// Where the database stands, in two small queries: what a replica asks again and again.
    pub fn position(&self) -> Result<Position, StoreError> {
        if self.file.as_ref().is_some_and(|file| !file.is_in_place()) {
            return Err(StoreError::FileReplaced);
        }
        let mut reader = self.pools.reader()?;
        let (database_id, revision, works_from): (_, _, String) =
            meta::table.select((meta::id, meta::revision, meta::works_from)).first(&mut *reader)?;
        if works_from > *NEWEST {
            return Err(StoreError::Outgrown);
        }
        let last_change = ChainLink::last(&mut reader)?;
        Ok(Position { database_id, revision: Revision(revision), last_change })
    }

    /// Runs `read`, which sees one state of the database whatever is written meanwhile.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&mut Reader) -> Result<T, E>) -> Result<T, E> {
        let mut reader = Reader::new(self.pools.reader()?);
        let outcome =
            in_transaction(&mut reader, TransactionKind::Snapshot, |reader| read(reader).map_err(Failure::Caller));
        outcome.map_err(|failure| match failure {
            Failure::Store(error) => error.into(),
            Failure::Caller(error) => error,
        })
    }
}

impl Reader {
    pub(super) const fn new(connection: Borrowed) -> Self {
        Self { connection, failure: None }
    }

    /// The revision of the last change, including one that is being made.
    pub fn revision(&mut self) -> Result<Revision, StoreError> {
        self.attempt(revision)
    }

    /// Runs one step. PostgreSQL answers nothing more in a transaction of which a step has failed, and commits nothing.
    pub(super) fn attempt<T>(
        &mut self,
        step: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let outcome = step(&mut self.connection);
        if let Err(error) = &outcome {
            self.failure.get_or_insert_with(|| error.clone());
        }
        outcome
    }

    /// Why the first step failed that did.
    pub(super) const fn failure(&self) -> Option<&StoreError> {
        self.failure.as_ref()
    }
}

impl AsMut<AnyConnection> for Reader {
    fn as_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

fn revision(connection: &mut AnyConnection) -> Result<Revision, StoreError> {
    Ok(Revision(meta::table.select(meta::revision).first(connection)?))
}

/// A failure of the transaction itself or of what ran in it.
pub(super) enum Failure<E> {
    Store(StoreError),
    Caller(E),
}

impl<E> From<diesel::result::Error> for Failure<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
