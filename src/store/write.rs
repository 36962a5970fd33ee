//! How is a change made? One transaction: the next revision, the change, its audit entries; or nothing at all.

use std::ops::{Deref, DerefMut};

use diesel::prelude::*;

use super::audit_chain::ChainLink;
use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::listen::announce;
use super::migrate::NEWEST;
use super::open::Store;
use super::pool::Borrowed;
use super::read::{Reader, Revision};
use super::schema::meta;
use crate::clock::UnixMillis;
use crate::fail_point;

/// Who makes a change, when, and on which request.
#[derive(Clone, Debug)]
pub struct ChangeContext {
    /// Who.
    pub actor: Actor,
    /// When; also the time of change of what is changed.
    pub at: UnixMillis,
    /// The HTTP request, by its `X-Request-Id`.
    pub request_id: Option<String>,
}

/// Who makes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person at the command line.
    Cli {
        /// The name in the operating system.
        user: String,
    },
    /// A client of the Management API, or one that changes its own secret.
    Client {
        /// Its client id.
        client_id: String,
    },
    /// Tokenhouse itself, such as when keys rotate on schedule.
    System,
}

impl Actor {
    /// The word for it in the database.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Cli { .. } => "cli",
            Self::Client { .. } => "client",
            Self::System => "system",
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Cli { user } => Some(user),
            Self::Client { client_id } => Some(client_id),
            Self::System => None,
        }
    }
}

/// The outcome of [`Store::write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What the closure returned.
    pub value: T,
    /// The database's revision: that of this change, or of the last one if nothing was changed.
    pub revision: Revision,
    /// Was anything changed?
    pub changed: bool,
}

/// A change in the making. It reads as a [`Reader`] does, and sees what it has changed itself.
///
/// After an error from any of its methods nothing can be saved any more: return the error.
pub struct Transaction {
    reader: Reader,
    pub(super) context: ChangeContext,
    pub(super) revision: Revision,
    /// The end of the audit chain, once it was looked up.
    pub(super) chain_end: Option<ChainLink>,
    pub(super) recorded: bool,
    changed: bool,
}

impl Store {
    /// Runs `change` in a transaction and commits it if it succeeds and has [recorded](Transaction::record) something.
    ///
    /// A closure that recorded nothing leaves no trace, not even in the revision. Changing without recording is an
    /// error of the program: [`StoreError::Unrecorded`].
    pub fn write<T, E: From<StoreError>>(
        &self,
        context: &ChangeContext,
        change: impl FnOnce(&mut Transaction) -> Result<T, E>,
    ) -> Result<Written<T>, E> {
        let mut transaction = Transaction::new(self.pools.writer()?, context.clone());
        let outcome = in_transaction(&mut transaction, TransactionKind::Write, |transaction| {
            fail_point::reach("write.begun");
            transaction.revision = next_revision(transaction.as_mut()).map_err(End::Store)?;
            fail_point::reach("write.revised");
            let value = change(transaction).map_err(End::Caller)?;
            let written = transaction.finish(value)?;
            announce(transaction.as_mut(), written.revision).map_err(End::Store)?;
            fail_point::reach("write.changed");
            Ok(written)
        });
        fail_point::reach("write.ended");
        match (&outcome, transaction.reader.failure()) {
            (Ok(_), _) => self.writable.note_success(),
            (Err(End::Store(cause)), _) | (Err(End::Caller(_)), Some(cause)) => self.writable.note_failure(cause),
            (Err(End::Unchanged(_) | End::Caller(_)), _) => {}
        }
        match outcome {
            Ok(written) | Err(End::Unchanged(written)) => Ok(written),
            Err(End::Store(error)) => Err(error.into()),
            Err(End::Caller(error)) => Err(error),
        }
    }
}

impl Transaction {
    const fn new(connection: Borrowed, context: ChangeContext) -> Self {
        let reader = Reader::new(connection);
        Self { reader, context, revision: Revision(0), chain_end: None, recorded: false, changed: false }
    }

    /// Runs one step that changes something.
    pub(super) fn change<T>(
        &mut self,
        step: impl FnOnce(&mut AnyConnection, Stamp) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let stamp = Stamp { revision: self.revision.0, at: self.context.at };
        self.changed = true;
        self.reader.attempt(|connection| step(connection, stamp))
    }

    fn finish<T, E>(&self, value: T) -> Result<Written<T>, End<T, E>> {
        if self.reader.failure().is_some() {
            return Err(End::Store(StoreError::Spoiled));
        }
        match (self.recorded, self.changed) {
            (true, _) => Ok(Written { value, revision: self.revision, changed: true }),
            (false, true) => Err(End::Store(StoreError::Unrecorded)),
            // As an error, so that it is rolled back.
            (false, false) => {
                let revision = Revision(self.revision.0 - 1);
                Err(End::Unchanged(Written { value, revision, changed: false }))
            }
        }
    }
}

impl Deref for Transaction {
    type Target = Reader;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.reader
    }
}

impl AsMut<AnyConnection> for Transaction {
    fn as_mut(&mut self) -> &mut AnyConnection {
        self.reader.as_mut()
    }
}

/// What every aggregate that a transaction changes is marked with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) revision: i64,
    pub(super) at: UnixMillis,
}

/// The first statement of every change. On PostgreSQL its row lock makes writers wait for each other, so that revisions
/// become visible in their order; on SQLite the transaction has the write lock already.
fn next_revision(connection: &mut AnyConnection) -> Result<Revision, StoreError> {
    let of_this_version = meta::table.filter(meta::works_from.le(NEWEST.as_str()));
    let updated = diesel::update(of_this_version).set(meta::revision.eq(meta::revision + 1)).execute(connection)?;
    if updated == 0 {
        return Err(StoreError::Outgrown);
    }
    Ok(meta::table.select(meta::revision).first(connection).map(Revision)?)
}

/// Why a transaction is rolled back.
enum End<T, E> {
    Unchanged(Written<T>),
    Store(StoreError),
    Caller(E),
}

impl<T, E> From<diesel::result::Error> for End<T, E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}
