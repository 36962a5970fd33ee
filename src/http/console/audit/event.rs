//! How is an event told? In a sentence, with the members that differ, and whole for whoever wants it so.

use serde_json::Value;

use super::super::frame::Section;
use super::super::time::Instant;
use super::difference::{MemberChange, changes};
use super::words;
use crate::clock::UnixMillis;
use crate::store::{Actor, AuditEvent};

/// An event as a page shows it.
pub(super) struct ToldEvent {
    /// Its place among all events.
    pub(super) position: i64,
    pub(super) revision: i64,
    pub(super) at: Instant,
    /// Who it was; empty: the server itself.
    pub(super) actor: String,
    /// What that is: "client", "on the host".
    pub(super) actor_kind: String,
    pub(super) deed: String,
    /// The object, if its name says more.
    pub(super) object: Option<String>,
    /// Where the object's page is, and what it is called there.
    pub(super) page: Option<(Section, String)>,
    pub(super) changes: Vec<MemberChange>,
    /// Before and after, as they are kept.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) hash: String,
}

impl ToldEvent {
    /// `event` at `now`, for somebody who may open `sections`.
    pub(super) fn of(event: AuditEvent, sections: &[Section], now: UnixMillis) -> Self {
        let page = words::page_of(&event.action, &event.object_kind, &event.object_id);
        let page =
            page.filter(|(section, _)| sections.contains(section)).map(|(section, name)| (section, name.to_owned()));
        Self {
            position: event.position,
            revision: event.revision.0,
            at: Instant::near(event.at, now),
            actor_kind: actor_kind(&event.actor_kind),
            actor: event.actor.unwrap_or_default(),
            deed: words::deed(&event.action, &event.object_kind),
            page,
            changes: changes(event.before.as_ref(), event.after.as_ref()),
            before: event.before.as_ref().map(whole),
            after: event.after.as_ref().map(whole),
            object: Some(event.object_id).filter(|_| words::names_object(&event.action)),
            request_id: event.request_id,
            hash: event.hash,
        }
    }

    /// Is there anything that differs?
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// What an actor is; what a newer version has written stays as it is.
fn actor_kind(kind: &str) -> String {
    let known = [
        (Actor::Client { client_id: String::new() }.kind(), "client"),
        (Actor::Cli { user: String::new() }.kind(), "user on the host"),
        (Actor::System.kind(), "the server itself"),
    ];
    known.iter().find(|(name, _)| *name == kind).map_or(kind, |(_, words)| words).to_owned()
}

fn whole(value: &Value) -> String {
    // A value that came from JSON can be written as JSON.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
