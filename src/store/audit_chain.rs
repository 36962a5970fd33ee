//! Has anyone changed, removed or slipped in an audit event? Each carries a hash over itself and the one before.
//!
//! The chain is not keyed: it shows tampering to whoever keeps a copy of a later hash, and every careless change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use diesel::prelude::*;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::read::Reader;
use super::schema::audit_events;

/// How many events are read at a time.
const BATCH: i64 = 1000;

/// What checking the audit events has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainVerdict {
    /// They are as they were written.
    Intact {
        /// How many there are.
        events: i64,
        /// The hash of the last one, in hexadecimal; to be kept elsewhere and compared later.
        last_hash: String,
    },
    /// They are not.
    Broken {
        /// The place of the first event that is wrong, counted from 1.
        position: i64,
        /// What is wrong.
        fault: ChainFault,
    },
}

/// What is wrong with an audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// There is none at this place.
    #[error("the event is missing")]
    Missing,
    /// It does not match its own hash.
    #[error("the event was changed")]
    Changed,
    /// It was not written after the one before it.
    #[error("the event does not follow the one before it")]
    Unlinked,
}

/// An event of the chain, after which it can be continued. It stands for everything that was changed until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainLink {
    pub(super) position: i64,
    pub(super) hash: String,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
pub(super) struct EventRow {
    pub(super) id: String,
    pub(super) position: i64,
    pub(super) revision: i64,
    pub(super) at: i64,
    pub(super) actor_kind: String,
    pub(super) actor: Option<String>,
    pub(super) action: String,
    pub(super) object_kind: String,
    pub(super) object_id: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) previous_hash: String,
    pub(super) hash: String,
}

impl Reader {
    /// Checks every audit event from the first to the last, and that the last one belongs to the last change.
    pub fn verify_chain(&mut self) -> Result<ChainVerdict, StoreError> {
        let mut link = ChainLink::start();
        let mut revision = 0;
        loop {
            let rows = self.attempt(|connection| batch_after(connection, link.position))?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if let Some(fault) = link.fault_of(&row) {
                    return Ok(ChainVerdict::Broken { position: link.position + 1, fault });
                }
                revision = row.revision;
                link = ChainLink { position: row.position, hash: row.hash };
            }
        }
        // Every change is recorded: if the last one is not, events were cut off at the end.
        if self.revision()?.0 != revision {
            return Ok(ChainVerdict::Broken { position: link.position + 1, fault: ChainFault::Missing });
        }
        Ok(ChainVerdict::Intact { events: link.position, last_hash: link.hash })
    }
}

impl Reader {
    /// The first of the events at `positions`, lowest first, that is not as it was written after the one before it: with the
    /// effort of reading those, not all. What was cut off or rewritten as a whole, only [`Self::verify_chain`] and a hash that was
    /// kept elsewhere can show.
    pub fn verify_events(&mut self, positions: &[i64]) -> Result<Option<(i64, ChainFault)>, StoreError> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        let with_previous: BTreeSet<i64> =
            positions.iter().flat_map(|position| [position.saturating_sub(1), *position]).collect();
        let wanted: Vec<i64> = with_previous.into_iter().collect();
        let rows: Vec<EventRow> = self.attempt(|connection| {
            let rows = audit_events::table.filter(audit_events::position.eq_any(&wanted));
            Ok(rows.select(EventRow::as_select()).load(connection)?)
        })?;
        let by_position: BTreeMap<i64, &EventRow> = rows.iter().map(|row| (row.position, row)).collect();
        let link_before = |position: i64| match by_position.get(&(position - 1)) {
            Some(row) => Some(ChainLink { position: row.position, hash: row.hash.clone() }),
            None => Some(ChainLink::start()).filter(|start| start.position == position - 1),
        };
        Ok(positions.into_iter().find_map(|position| {
            let fault = match (link_before(position), by_position.get(&position)) {
                (Some(link), Some(row)) => link.fault_of(row),
                _ => Some(ChainFault::Missing),
            };
            fault.map(|fault| (position, fault))
        }))
    }
}

impl ChainLink {
    /// Before the first event.
    fn start() -> Self {
        Self { position: 0, hash: "0".repeat(64) }
    }

    /// At the last event.
    pub(super) fn last(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let last = audit_events::table
            .order(audit_events::position.desc())
            .select((audit_events::position, audit_events::hash))
            .first(connection);
        Ok(last.optional()?.map_or_else(Self::start, |(position, hash)| Self { position, hash }))
    }

    /// Is this event the one that is there at its place?
    pub(super) fn is_there(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        if *self == Self::start() {
            return Ok(true);
        }
        let there = audit_events::table.filter(audit_events::position.eq(self.position)).select(audit_events::hash);
        let hash: Option<String> = there.first(connection).optional()?;
        Ok(hash.as_ref() == Some(&self.hash))
    }

    fn fault_of(&self, row: &EventRow) -> Option<ChainFault> {
        if row.position != self.position + 1 {
            Some(ChainFault::Missing)
        } else if row.previous_hash != self.hash {
            Some(ChainFault::Unlinked)
        } else if row.hash != row.computed_hash() {
            Some(ChainFault::Changed)
        } else {
            None
        }
    }
}

impl EventRow {
    /// SHA-256 over everything but `hash`. Each field is preceded by its length, so that no two events with different
    /// fields are the same bytes.
    pub(super) fn computed_hash(&self) -> String {
        let mut context = Context::new(&SHA256);
        context.update(b"tokenhouse audit event 1");
        let (position, revision, at) = (self.position.to_string(), self.revision.to_string(), self.at.to_string());
        let fields: [Option<&str>; 13] = [
            Some(&self.previous_hash),
            Some(&self.id),
            Some(&position),
            Some(&revision),
            Some(&at),
            Some(&self.actor_kind),
            self.actor.as_deref(),
            Some(&self.action),
            Some(&self.object_kind),
            Some(&self.object_id),
            self.before.as_deref(),
            self.after.as_deref(),
            self.request_id.as_deref(),
        ];
        for field in fields {
            // An absent field is not the same as an empty one.
            context.update(&[u8::from(field.is_some())]);
            let bytes = field.unwrap_or_default().as_bytes();
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        }
        let digest = context.finish();
        digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn batch_after(connection: &mut AnyConnection, position: i64) -> Result<Vec<EventRow>, StoreError> {
    Ok(audit_events::table
        .filter(audit_events::position.gt(position))
        .order(audit_events::position)
        .limit(BATCH)
        .select(EventRow::as_select())
        .load(connection)?)
}
