//! How is the database opened, and what stays open with it?

use std::sync::{Arc, Mutex};

use diesel::connection::SimpleConnection as _;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::file_identity::FileIdentity;
use super::leaving::Talking;
use super::migrate::{MIGRATIONS, bring_up_to_date};
use super::open_error::OpenError;
use super::pool::{PoolUse, Pools};
use super::settings::{Migrate, StoreSettings};
use super::target::{Access, Target};
use super::writable::Writable;
use crate::database_file::open_patiently;
use crate::fail_point;

/// An open database. Clones share it; every method blocks its thread until the database has answered.
#[derive(Clone)]
pub struct Store {
    pub(super) pools: Pools,
    pub(super) target: Target,
    /// A database in memory lives as long as one connection to it.
    anchor: Option<Arc<Mutex<AnyConnection>>>,
    /// Which file was opened; none for a database that is no file.
    pub(super) file: Option<FileIdentity>,
    pub(super) writable: Writable,
}

impl Store {
    /// Opens the database and makes its tables if it is empty; changes them only if `migrate` allows it.
    pub fn open(settings: &StoreSettings, migrate: Migrate) -> Result<Self, OpenError> {
        let mut store = Self::unopened(settings)?;
        let first = store.first_connection(migrate)?;
        store.anchor = matches!(store.target, Target::SqliteMemory { .. }).then(|| Arc::new(Mutex::new(first)));
        Ok(store)
    }

    /// The same without asking the database anything yet, for one that may be away: [`Self::look_at_tables`] then does what opening it
    /// would have done.
    pub fn unopened(settings: &StoreSettings) -> Result<Self, OpenError> {
        let target = Target::prepare(&settings.database)?;
        let pools = Pools::new(&target, settings.pool_size);
        let writable = Writable::on(&target);
        Ok(Self { pools, anchor: None, file: target.file_identity(), target, writable })
    }

    /// Makes the tables of the database if it is empty; changes them only if `migrate` allows it.
    pub fn look_at_tables(&self, migrate: Migrate) -> Result<(), OpenError> {
        self.first_connection(migrate).map(drop)
    }

    fn first_connection(&self, migrate: Migrate) -> Result<AnyConnection, OpenError> {
        let is_locked = |error: &OpenError| matches!(error, OpenError::Locked { .. });
        let first = open_patiently(|| first_connection(&self.target, migrate), is_locked)?;
        // A backup took its place while this waited for the lock.
        if self.file.as_ref().is_some_and(|file| !file.is_in_place()) {
            return Err(OpenError::from_store(&self.target.name(), StoreError::FileReplaced));
        }
        Ok(first)
    }
}

impl Store {
    /// Its connections, by what they are for.
    pub fn connections(&self) -> Vec<PoolUse> {
        self.pools.in_use()
    }

    /// Makes the log of an SQLite database a part of its file, so that the file alone holds everything: what a process that ends
    /// does for those who then copy the file.
    ///
    /// # Errors
    /// If the database does not let it. Nothing is lost then: the log is read at the next start.
    pub fn fold_log(&self) -> Result<(), StoreError> {
        if self.target.has_one_writer() {
            self.pools.writer()?.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

/// A connection to a database whose tables are those that this version needs.
fn first_connection(target: &Target, migrate: Migrate) -> Result<AnyConnection, OpenError> {
    let database = target.name();
    let _talking = Talking::begin();
    let mut first = target.connect(Access::Migrate).map_err(|error| OpenError::from_connect(&database, error))?;
    bring_up_to_date(&mut first, &database, migrate, &MIGRATIONS)?;
    fail_point::reach("database.unsettled");
    target.settle(&mut first).map_err(|error| OpenError::from_store(&database, error.into()))?;
    Ok(first)
}
