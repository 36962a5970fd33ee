//! How is the database opened, and what stays open with it?

use std::sync::{Arc, Mutex};

use super::connection::AnyConnection;
use super::file_identity::FileIdentity;
use super::migrate::{MIGRATIONS, bring_up_to_date};
use super::open_error::OpenError;
use super::pool::{PoolUse, Pools};
use super::settings::{Migrate, StoreSettings};
use super::target::{Access, Target};
use crate::database_file::open_patiently;
use crate::fail_point;

/// An open database. Clones share it; every method blocks its thread until the database has answered.
#[derive(Clone)]
pub struct Store {
    pub(super) pools: Pools,
    /// A database in memory lives as long as one connection to it.
    _anchor: Option<Arc<Mutex<AnyConnection>>>,
    /// Which file was opened; none for a database that is no file.
    pub(super) file: Option<FileIdentity>,
}

impl Store {
    /// Opens the database and makes its tables if it is empty; changes them only if `migrate` allows it.
    pub fn open(settings: &StoreSettings, migrate: Migrate) -> Result<Self, OpenError> {
        let target = Target::prepare(&settings.database)?;
        let open = || {
            let file = target.file_identity();
            let first = first_connection(&target, migrate)?;
            match file {
                // A backup took its place while this waited for the lock.
                Some(file) if !file.is_in_place() => Err(OpenError::Locked { database: target.name() }),
                file => Ok((first, file)),
            }
        };
        let (first, file) = open_patiently(open, |error| matches!(error, OpenError::Locked { .. }))?;
        let anchor = matches!(target, Target::SqliteMemory { .. }).then(|| Arc::new(Mutex::new(first)));
        Ok(Self { pools: Pools::new(&target, settings.pool_size), _anchor: anchor, file })
    }
}

impl Store {
    /// Its connections, by what they are for.
    pub fn connections(&self) -> Vec<PoolUse> {
        self.pools.in_use()
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
    let mut first = target.connect(Access::Migrate).map_err(|error| OpenError::from_connect(&database, error))?;
    bring_up_to_date(&mut first, &database, migrate, &MIGRATIONS)?;
    fail_point::reach("database.unsettled");
    target.settle(&mut first).map_err(|error| OpenError::from_store(&database, error.into()))?;
    Ok(first)
}
