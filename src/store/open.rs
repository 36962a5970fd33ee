//! How is the database opened, and what stays open with it?

use std::sync::{Arc, Mutex};

use diesel::r2d2::Error as ConnectError;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::file_identity::FileIdentity;
use super::migrate::{MIGRATIONS, bring_up_to_date};
use super::open_error::{MISTAKES, OpenError};
use super::pool::{PoolUse, Pools};
use super::settings::{Migrate, StoreSettings};
use super::target::{Access, Target};
use crate::database_file::open_patiently;

/// An open database. Clones share it; every method blocks its thread until the database has answered.
#[derive(Clone)]
pub struct Store {
    pub(super) pools: Pools,
    pub(super) target: Target,
    /// A database in memory lives as long as one connection to it.
    anchor: Option<Arc<Mutex<AnyConnection>>>,
    /// Which file was opened; none for a database that is no file.
    pub(super) file: Option<FileIdentity>,
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
        Ok(Self { pools, anchor: None, file: target.file_identity(), target })
    }

    /// Makes the tables of the database if it is empty; changes them only if `migrate` allows it.
    pub fn look_at_tables(&self, migrate: Migrate) -> Result<(), OpenError> {
        self.first_connection(migrate).map(drop)
    }

    fn first_connection(&self, migrate: Migrate) -> Result<AnyConnection, OpenError> {
        let is_locked = |error: &OpenError| matches!(error, OpenError::Locked { .. });
        open_patiently(|| first_connection(&self.target, migrate), is_locked)
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
    let mut first = target.connect(Access::Migrate).map_err(|error| connect_error(&database, error))?;
    bring_up_to_date(&mut first, &database, migrate, &MIGRATIONS)?;
    target.settle(&mut first).map_err(|error| OpenError::from_store(&database, error.into()))?;
    Ok(first)
}

fn connect_error(database: &str, error: ConnectError) -> OpenError {
    match error {
        ConnectError::QueryError(error) => OpenError::from_store(database, StoreError::from(error)),
        ConnectError::ConnectionError(error) => {
            // libpq writes a line for each address that it tried, and some hints.
            let detail = with_advice(&without_url(error.to_string().trim_end().replace('\n', " ")));
            OpenError::Unreachable { database: database.to_owned(), detail }
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
