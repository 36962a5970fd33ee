//! Which servers run on this database, and what does each serve? As each tells of itself, every few seconds.

use diesel::prelude::*;
use uuid::Uuid;

use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::open::Store;
use super::read::{Reader, Revision};
use super::rows::column::Place;
use super::schema::servers;
use super::usage::take_turn;
use crate::clock::UnixMillis;
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// What a server says of itself.
    ServerState {
        /// It reads the database for the first time.
        Loading = "loading",
        /// All is well.
        Issuing = "issuing",
        /// It issues tokens, but something is wrong.
        Degraded = "degraded",
        /// It has not heard of changes for too long, and issues nothing.
        Stale = "stale",
        /// It has no key to sign with, and issues nothing.
        NotIssuing = "not_issuing",
        /// It has been told to stop.
        Stopping = "stopping",
    }
}

/// A server that runs, or did a short while ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningServer {
    /// Of the process.
    pub id: Uuid,
    /// The name of its machine and the number of its process.
    pub name: String,
    /// Of the program.
    pub version: String,
    /// What it serves.
    pub revision: Revision,
    /// How it is; none if a newer version says what this one does not know.
    pub state: Option<ServerState>,
    /// When it was started.
    pub started_at: UnixMillis,
    /// When it last told of itself.
    pub seen_at: UnixMillis,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = servers)]
struct ServerRow {
    id: String,
    name: String,
    version: String,
    revision: i64,
    state: String,
    started_at: i64,
    seen_at: i64,
}

impl Reader {
    /// The servers that have told of themselves of late, in the order in which they were started.
    pub fn list_servers(&mut self) -> Result<Vec<RunningServer>, StoreError> {
        self.attempt(|connection| {
            let rows = servers::table.order((servers::started_at, servers::id)).select(ServerRow::as_select());
            let rows: Vec<ServerRow> = rows.load(connection)?;
            rows.into_iter().map(ServerRow::into_server).collect()
        })
    }
}

impl ServerRow {
    fn into_server(self) -> Result<RunningServer, StoreError> {
        Ok(RunningServer {
            id: Place("servers", &self.id).id()?,
            name: self.name,
            version: self.version,
            revision: Revision(self.revision),
            state: self.state.parse().ok(),
            started_at: UnixMillis(self.started_at),
            seen_at: UnixMillis(self.seen_at),
        })
    }
}

impl Store {
    /// Notes what a server tells of itself, and forgets those that have not since `forgotten_before`: they were killed.
    pub fn note_server(&self, server: &RunningServer, forgotten_before: UnixMillis) -> Result<(), StoreError> {
        let row = ServerRow {
            id: server.id.to_string(),
            name: server.name.clone(),
            version: server.version.clone(),
            revision: server.revision.0,
            state: server.state.map_or("unknown", ServerState::as_str).to_owned(),
            started_at: server.started_at.0,
            seen_at: server.seen_at.0,
        };
        self.change_servers(|connection| {
            if diesel::update(servers::table.find(&row.id)).set(&row).execute(connection)? == 0 {
                diesel::insert_into(servers::table).values(&row).execute(connection)?;
            }
            let gone = servers::table.filter(servers::seen_at.lt(forgotten_before.0));
            diesel::delete(gone).execute(connection).map(drop)
        })
    }

    /// Notes that a server runs no more.
    pub fn remove_server(&self, id: Uuid) -> Result<(), StoreError> {
        self.change_servers(|connection| {
            diesel::delete(servers::table.find(id.to_string())).execute(connection).map(drop)
        })
    }

    fn change_servers(&self, change: impl FnOnce(&mut AnyConnection) -> QueryResult<()>) -> Result<(), StoreError> {
        self.noting(in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            take_turn(connection)?;
            change(connection)?;
            Ok(())
        }))
    }
}
