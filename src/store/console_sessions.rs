//! Who is signed in to the console? Kept by the hash of the session's id, without a revision and an audit entry of its own.

use diesel::prelude::*;
use uuid::Uuid;

use super::connection::{AnyConnection, TransactionKind, in_transaction};
use super::error::StoreError;
use super::open::Store;
use super::rows::column::Place;
use super::schema::console_sessions;
use super::usage::take_turn;
use super::write::Transaction;
use crate::clock::UnixMillis;

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of its id, in hexadecimal.
    pub id_hash: String,
    /// Our own id of the client.
    pub client_row_id: Uuid,
    /// With what its holder last proved who it is.
    pub proof: SessionProof,
    /// When it was begun.
    pub begun_at: UnixMillis,
    /// When it was last used, to the minute.
    pub seen_at: UnixMillis,
    /// When its holder last proved who it is.
    pub proved_at: UnixMillis,
}

/// With what the holder of a session proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionProof {
    /// The secret or registered key with our own id.
    Credential(Uuid),
    /// A key that the client publishes itself.
    PublishedKey,
    /// A one-time link that was made on the host.
    Link,
}

impl SessionProof {
    const fn name(self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::PublishedKey => "published_key",
            Self::Link => "link",
        }
    }

    fn credential_id(self) -> Option<String> {
        match self {
            Self::Credential(id) => Some(id.to_string()),
            Self::PublishedKey | Self::Link => None,
        }
    }

    fn parse(place: Place<'_>, name: &str, credential_id: Option<&str>) -> Result<Self, StoreError> {
        match (name, credential_id) {
            ("credential", Some(id)) => place.parse(id).map(Self::Credential),
            ("published_key", None) => Ok(Self::PublishedKey),
            ("link", None) => Ok(Self::Link),
            _ => Err(place.unreadable("it does not say with what it was begun")),
        }
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = console_sessions, treat_none_as_default_value = false)]
struct SessionRow {
    id_hash: String,
    client_row_id: String,
    proof: String,
    credential_id: Option<String>,
    begun_at: i64,
    seen_at: i64,
    proved_at: i64,
}

impl SessionRow {
    fn new(session: &StoredSession) -> Self {
        Self {
            id_hash: session.id_hash.clone(),
            client_row_id: session.client_row_id.to_string(),
            proof: session.proof.name().to_owned(),
            credential_id: session.proof.credential_id(),
            begun_at: session.begun_at.0,
            seen_at: session.seen_at.0,
            proved_at: session.proved_at.0,
        }
    }

    fn into_session(self) -> Result<StoredSession, StoreError> {
        // Not the row's own id, which stands for the session's: that of its client.
        let place = Place("console_sessions", &self.client_row_id);
        Ok(StoredSession {
            client_row_id: place.id()?,
            proof: SessionProof::parse(place, &self.proof, self.credential_id.as_deref())?,
            begun_at: UnixMillis(self.begun_at),
            seen_at: UnixMillis(self.seen_at),
            proved_at: UnixMillis(self.proved_at),
            id_hash: self.id_hash,
        })
    }
}

impl Transaction {
    /// Begins a session.
    pub fn insert_console_session(&mut self, session: &StoredSession) -> Result<(), StoreError> {
        let row = SessionRow::new(session);
        self.change(|connection, _| {
            diesel::insert_into(console_sessions::table).values(&row).execute(connection)?;
            Ok(())
        })
    }

    /// Ends the sessions of a client but for the `kept` that were begun last.
    pub fn end_oldest_console_sessions_of(&mut self, client_row_id: Uuid, kept: u32) -> Result<(), StoreError> {
        let of_client = console_sessions::client_row_id.eq(client_row_id.to_string());
        let surplus = console_sessions::table
            .filter(of_client)
            .order((console_sessions::begun_at.desc(), console_sessions::id_hash))
            .offset(i64::from(kept))
            .limit(i64::MAX)
            .select(console_sessions::id_hash);
        let surplus: Vec<String> = self.attempt(|connection| Ok(surplus.load(connection)?))?;
        for id_hash in surplus {
            self.change(|connection, _| {
                diesel::delete(console_sessions::table.find(id_hash)).execute(connection)?;
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Store {
    /// The session whose id has this hash.
    pub fn find_console_session(&self, id_hash: &str) -> Result<Option<StoredSession>, StoreError> {
        let row = console_sessions::table.find(id_hash).select(SessionRow::as_select());
        let row: Option<SessionRow> = row.first(&mut *self.pools.reader()?).optional()?;
        row.map(SessionRow::into_session).transpose()
    }

    /// Notes when a session was last used; a time only moves forward.
    pub fn touch_console_session(&self, id_hash: &str, at: UnixMillis) -> Result<(), StoreError> {
        self.change_console_sessions(|connection| {
            let earlier = console_sessions::table.find(id_hash).filter(console_sessions::seen_at.lt(at.0));
            diesel::update(earlier).set(console_sessions::seen_at.eq(at.0)).execute(connection)
        })
        .map(drop)
    }

    /// Notes that the holder of a session has proved anew who it is; `false` if there is no such session.
    pub fn prove_console_session(
        &self,
        id_hash: &str,
        proof: SessionProof,
        at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let changed = self.change_console_sessions(|connection| {
            let proven = (
                console_sessions::proof.eq(proof.name()),
                console_sessions::credential_id.eq(proof.credential_id()),
                console_sessions::proved_at.eq(at.0),
            );
            diesel::update(console_sessions::table.find(id_hash)).set(proven).execute(connection)
        })?;
        Ok(changed > 0)
    }

    /// Ends a session.
    pub fn end_console_session(&self, id_hash: &str) -> Result<(), StoreError> {
        self.change_console_sessions(|connection| {
            diesel::delete(console_sessions::table.find(id_hash)).execute(connection)
        })
        .map(drop)
    }

    /// Ends every session of a client; returns how many there were.
    pub fn end_console_sessions_of(&self, client_row_id: Uuid) -> Result<u64, StoreError> {
        self.change_console_sessions(|connection| {
            let of_client = console_sessions::client_row_id.eq(client_row_id.to_string());
            diesel::delete(console_sessions::table.filter(of_client)).execute(connection)
        })
    }

    /// How many sessions a client has that were last used, and begun, after these times.
    pub fn count_console_sessions_of(
        &self,
        client_row_id: Uuid,
        seen_after: UnixMillis,
        begun_after: UnixMillis,
    ) -> Result<u64, StoreError> {
        let of_client = console_sessions::client_row_id.eq(client_row_id.to_string());
        let used = console_sessions::seen_at.gt(seen_after.0).and(console_sessions::begun_at.gt(begun_after.0));
        let open = console_sessions::table.filter(of_client.and(used)).count();
        let count: i64 = open.get_result(&mut *self.pools.reader()?)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Forgets the sessions that were last used, or begun, before these times.
    pub fn forget_console_sessions(&self, seen_before: UnixMillis, begun_before: UnixMillis) -> Result<(), StoreError> {
        let over = || {
            let idle = console_sessions::seen_at.lt(seen_before.0);
            console_sessions::table.filter(idle.or(console_sessions::begun_at.lt(begun_before.0)))
        };
        // Looked at first: who has nothing to forget does not write every minute.
        if over().count().get_result::<i64>(&mut *self.pools.reader()?)? == 0 {
            return Ok(());
        }
        self.change_console_sessions(|connection| diesel::delete(over()).execute(connection)).map(drop)
    }

    /// Runs one statement; returns how many rows it changed.
    fn change_console_sessions(
        &self,
        change: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> Result<u64, StoreError> {
        let changed = in_transaction(&mut *self.pools.writer()?, TransactionKind::Write, |connection| {
            take_turn(connection)?;
            Ok(change(connection)? as u64)
        });
        self.noting(changed)
    }
}
