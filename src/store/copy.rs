//! How is a SQLite database copied while others use it, is a copy whole, and what is in it?

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use super::audit_chain::ChainLink;
use super::connection::AnyConnection;
use super::error::StoreError;
use super::migrate::{recognise, sqlite_master};
use super::open_error::OpenError;
use super::read::Revision;
use super::schema::{clients, meta};
use super::target::{Access, Target};
use crate::database_file::open_patiently;

/// What is in a database, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The revision of its last change.
    pub revision: Revision,
    /// How many clients.
    pub clients: u64,
    /// How many audit events.
    pub audit_events: i64,
    /// The hash of the last one, in hexadecimal.
    pub last_hash: String,
}

/// A connection to the SQLite file at `path`, whatever is in it.
pub(super) fn connect(path: &str) -> Result<AnyConnection, OpenError> {
    let target = Target::SqliteFile { path: path.to_owned() };
    target.connect(Access::Migrate).map_err(|error| OpenError::from_connect(path, error))
}

/// A connection to the SQLite file at `path`, which must be one of ours that this version can read or bring up to date.
pub(super) fn connect_to_ours(path: &str) -> Result<AnyConnection, OpenError> {
    let attempt = || {
        let mut connection = connect(path)?;
        recognise(&mut connection, path)?;
        Ok(connection)
    };
    open_patiently(attempt, |error| matches!(error, OpenError::Locked { .. }))
}

/// What is true of the moment and of no later one: a session that was ended, or a link that was used up, would come back with
/// the state in which it was still good, and the servers that ran then do not run.
const LEFT_OUT: [&str; 3] = ["console_sessions", "one_time_links", "servers"];

/// Writes everything in `from` that is to last, as it is at one moment, into the empty file `to`, with no log beside it. Whoever
/// writes goes on meanwhile.
pub(super) fn copy(from: &mut AnyConnection, to: &Path) -> Result<(), StoreError> {
    let to = to.to_str().ok_or_else(|| StoreError::Query { detail: "the path of a copy must be UTF-8".to_owned() })?;
    from.batch_execute(&format!("VACUUM INTO '{}'", to.replace('\'', "''")))?;
    leave_out(to)
}

/// Takes out of the copy `path` what no copy may hold.
fn leave_out(path: &str) -> Result<(), StoreError> {
    let unreachable = |error: OpenError| StoreError::ConnectionLost { detail: error.to_string() };
    let mut copy = connect(path).map_err(unreachable)?;
    // The tables of an earlier version are copied too.
    let there = sqlite_master::table.filter(sqlite_master::name.eq_any(LEFT_OUT)).select(sqlite_master::name);
    let there: Vec<String> = there.load(&mut copy)?;
    // Nor may it lie in what SQLite has set free.
    copy.batch_execute("PRAGMA secure_delete = ON; PRAGMA journal_mode = DELETE")?;
    Ok(there.iter().try_for_each(|table| copy.batch_execute(&format!("DELETE FROM {table}")))?)
}

/// What SQLite finds wrong with a database, if anything: its structure, its indices, its constraints, its references.
pub(super) fn fault_of(connection: &mut AnyConnection) -> Result<Option<String>, StoreError> {
    match find_fault(connection) {
        Err(StoreError::Damaged { detail }) => Ok(Some(detail)),
        outcome => outcome,
    }
}

fn find_fault(connection: &mut AnyConnection) -> Result<Option<String>, StoreError> {
    let checked = pragma_integrity_check::table.select(pragma_integrity_check::integrity_check);
    let checked: String = checked.first(connection)?;
    if checked != "ok" {
        return Ok(Some(checked));
    }
    let dangling = pragma_foreign_key_check::table.select(pragma_foreign_key_check::table_name);
    let dangling: Option<String> = dangling.first(connection).optional()?;
    Ok(dangling.map(|table| format!("a row of {table} refers to one that is not there")))
}

impl Contents {
    pub(super) fn of(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let revision = Revision(meta::table.select(meta::revision).first(connection)?);
        let clients: i64 = clients::table.count().get_result(connection)?;
        let ChainLink { position, hash } = ChainLink::last(connection)?;
        Ok(Self { revision, clients: clients.unsigned_abs(), audit_events: position, last_hash: hash })
    }
}

diesel::table! {
    pragma_integrity_check (integrity_check) {
        integrity_check -> Text,
    }
}

diesel::table! {
    pragma_foreign_key_check (table_name) {
        #[sql_name = "table"]
        table_name -> Text,
    }
}
