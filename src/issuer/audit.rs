//! How is a recorded change shown? The same to the command line and to the Management API.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::document::entries::to_timestamp;
use crate::store::AuditEvent;

/// A recorded change: who did what to which object, when, on which request, and how it was before and after.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditEventEntry {
    /// Its id.
    id: String,
    /// Its place in the order of all events, from 1 without a gap.
    position: i64,
    /// The revision of the configuration that the change led to.
    revision: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Option<String>,
    /// `cli`, `client` or `system`.
    actor_kind: String,
    /// The name of the user at the command line, or the client id.
    actor: Option<String>,
    /// What was done.
    action: String,
    /// To what.
    object_kind: String,
    /// To which.
    object_id: String,
    /// What was so before; never a secret or a hash.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// What is so now; never a secret or a hash.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// The HTTP request, by its `X-Request-Id`.
    request_id: Option<String>,
    /// SHA-256 in hexadecimal over this event and the hash of the one before it.
    hash: String,
}

impl From<AuditEvent> for AuditEventEntry {
    fn from(event: AuditEvent) -> Self {
        Self {
            id: event.id.to_string(),
            position: event.position,
            revision: event.revision.0,
            at: to_timestamp(event.at).map(|at| at.to_string()),
            actor_kind: event.actor_kind,
            actor: event.actor,
            action: event.action,
            object_kind: event.object_kind,
            object_id: event.object_id,
            before: event.before,
            after: event.after,
            request_id: event.request_id,
            hash: event.hash,
        }
    }
}
