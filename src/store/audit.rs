//! Who changed what, when and how? An entry per change, written with it and kept for good.

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::audit_chain::{ChainLink, EventRow};
use super::connection::AnyBackend;
use super::error::StoreError;
use super::object_kind::ObjectKind;
use super::read::{Page, Reader, Revision};
use super::rows::column::{Place, json_text};
use super::schema::audit_events;
use super::write::Transaction;
use crate::clock::UnixMillis;
use crate::entropy::{SystemEntropy, new_uuid};
use crate::fail_point;
use crate::oauth::named_enum::named_enum;

named_enum! {
    /// What was done to an object.
    AuditAction {
        /// It was made.
        Create = "create",
        /// It was changed.
        Update = "update",
        /// It was deleted.
        Delete = "delete",
        /// It was taken over from another system or a file.
        Import = "import",
        /// It was handed out, such as a private key.
        Export = "export",
        /// Another took its place.
        Rotate = "rotate",
        /// It was withdrawn before its time.
        Revoke = "revoke",
        /// It will expire.
        Retire = "retire",
        /// It was sealed under another master key.
        Reseal = "reseal",
        /// Its hash was replaced by a better one of the same secret.
        Rehash = "rehash",
        /// A backup took its place.
        Restore = "restore",
        /// Somebody signed in to the console.
        SignIn = "sign_in",
    }
}

/// What to record about a change. Neither `before` nor `after` may hold a secret.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub object_kind: ObjectKind,
    /// To which.
    pub object_id: String,
    /// What was so before.
    pub before: Option<Value>,
    /// What is so now.
    pub after: Option<Value>,
}

/// A recorded change.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// Its id.
    pub id: Uuid,
    /// Its place in the order of all events, from 1.
    pub position: i64,
    /// The revision that the change led to.
    pub revision: Revision,
    /// When.
    pub at: UnixMillis,
    /// `cli`, `client` or `system`.
    pub actor_kind: String,
    /// The user's name or the client id.
    pub actor: Option<String>,
    /// What was done, as [`AuditAction`] names it; a newer version may know more.
    pub action: String,
    /// To what, as [`ObjectKind`] names it; a newer version may know more.
    pub object_kind: String,
    /// To which.
    pub object_id: String,
    /// What was so before.
    pub before: Option<Value>,
    /// What is so now.
    pub after: Option<Value>,
    /// The HTTP request, by its `X-Request-Id`.
    pub request_id: Option<String>,
    /// SHA-256 in hexadecimal over this event and the hash of the one before it.
    pub hash: String,
}

/// Which events: those that match everything given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this kind of object.
    pub object_kind: Option<ObjectKind>,
    /// Of this object.
    pub object_id: Option<String>,
    /// By this user or client.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<AuditAction>,
    /// At this time or later.
    pub since: Option<UnixMillis>,
    /// Before this time.
    pub until: Option<UnixMillis>,
    /// Recorded before the event at this position.
    pub before: Option<i64>,
}

impl Reader {
    /// The events that match, newest first.
    pub fn list_audit_events(&mut self, filter: &AuditFilter, page: Page) -> Result<Vec<AuditEvent>, StoreError> {
        self.attempt(|connection| {
            let rows: Vec<EventRow> = matching(filter)
                .order(audit_events::position.desc())
                .offset(page.offset.into())
                .limit(page.limit.into())
                .select(EventRow::as_select())
                .load(connection)?;
            rows.into_iter().map(EventRow::into_event).collect()
        })
    }

    /// The position of the event with this id.
    pub fn audit_position(&mut self, id: Uuid) -> Result<Option<i64>, StoreError> {
        self.attempt(|connection| {
            let events = audit_events::table.filter(audit_events::id.eq(id.to_string()));
            Ok(events.select(audit_events::position).first(connection).optional()?)
        })
    }

    /// How many events match.
    pub fn count_audit_events(&mut self, filter: &AuditFilter) -> Result<u64, StoreError> {
        self.attempt(|connection| {
            let count: i64 = matching(filter).count().get_result(connection)?;
            Ok(count.unsigned_abs())
        })
    }
}

impl Transaction {
    /// Records a change that this transaction makes. Without at least one entry the transaction is undone.
    pub fn record(&mut self, entry: AuditEntry) -> Result<(), StoreError> {
        let previous = match self.chain_end.take() {
            Some(link) => link,
            None => self.attempt(ChainLink::last)?,
        };
        let json = |value: Option<Value>| value.as_ref().map(json_text).transpose();
        let mut row = EventRow {
            id: new_uuid(self.context.at, &SystemEntropy).to_string(),
            position: previous.position + 1,
            revision: self.revision.0,
            at: self.context.at.0,
            actor_kind: self.context.actor.kind().to_owned(),
            actor: self.context.actor.name().map(str::to_owned),
            action: entry.action.as_str().to_owned(),
            object_kind: entry.object_kind.as_str().to_owned(),
            object_id: entry.object_id,
            before: json(entry.before)?,
            after: json(entry.after)?,
            request_id: self.context.request_id.clone(),
            previous_hash: previous.hash,
            hash: String::new(),
        };
        row.hash = row.computed_hash();
        fail_point::reach("write.unrecorded");
        self.attempt(|connection| {
            diesel::insert_into(audit_events::table).values(&row).execute(connection)?;
            Ok(())
        })?;
        self.chain_end = Some(ChainLink { position: row.position, hash: row.hash });
        self.recorded = true;
        Ok(())
    }
}

impl EventRow {
    fn into_event(self) -> Result<AuditEvent, StoreError> {
        let place = Place("audit_events", &self.id);
        let json = |text: Option<&str>| text.map(|text| place.json(text)).transpose();
        Ok(AuditEvent {
            id: place.id()?,
            position: self.position,
            revision: Revision(self.revision),
            at: UnixMillis(self.at),
            before: json(self.before.as_deref())?,
            after: json(self.after.as_deref())?,
            actor_kind: self.actor_kind,
            actor: self.actor,
            action: self.action,
            object_kind: self.object_kind,
            object_id: self.object_id,
            request_id: self.request_id,
            hash: self.hash,
        })
    }
}

fn matching(filter: &AuditFilter) -> audit_events::BoxedQuery<'_, AnyBackend> {
    let mut query = audit_events::table.into_boxed();
    if let Some(kind) = filter.object_kind {
        query = query.filter(audit_events::object_kind.eq(kind.as_str()));
    }
    if let Some(id) = &filter.object_id {
        query = query.filter(audit_events::object_id.eq(id));
    }
    if let Some(actor) = &filter.actor {
        query = query.filter(audit_events::actor.eq(actor));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit_events::action.eq(action.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_events::position.lt(before));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit_events::at.ge(since.0));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_events::at.lt(until.0));
    }
    query
}
