//! How is what is stored changed? Every change is one transaction with its audit row; command line and HTTP share it.

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::prepare_keys::{FreshKeys, KeyMaker};
use super::rights::Caller;
use crate::clock::{Clock, UnixMillis};
use crate::entropy::{Entropy, new_uuid};
use crate::keys::lifecycle::{AnnouncementPeriod, KeyState};
use crate::keys::{MasterKeys, PrivateKey, RsaBits};
use crate::oauth::metadata::Issuer;
use crate::secret::HashMemory;
use crate::store::{AuditAction, AuditEntry, ChangeContext, ObjectKind, Store, StoreError, Transaction};

/// The bounds that the operator sets.
#[derive(Clone, Debug)]
pub struct AdministrationPolicy {
    /// The issuer.
    pub issuer: Issuer,
    /// Seconds that a token lives where its API does not say.
    pub default_token_lifetime: u32,
    /// Seconds that a token may live at most.
    pub max_token_lifetime: u32,
    /// Secrets that a client may have at one time.
    pub max_live_secrets: usize,
    /// How long a secret works on that its client replaces.
    pub overlap: OverlapPolicy,
    /// For how many days a secret must not have been used before it is called safe to retire.
    pub quiet_days: u32,
    /// How long a signing key is announced before it signs.
    pub announcement: AnnouncementPeriod,
    /// For how many seconds a key signs before the next one takes over by itself; `None`: until somebody rotates it.
    pub rotation_seconds: Option<u32>,
    /// For how many seconds a server may go on signing that hears nothing of a rotation.
    pub max_staleness: u32,
    /// The size of new RSA keys.
    pub rsa_bits: RsaBits,
}

impl AdministrationPolicy {
    /// The bounds of `dev`: generous, and nobody waits for a key to be announced.
    pub const fn of_dev(issuer: Issuer) -> Self {
        Self {
            issuer,
            default_token_lifetime: 3600,
            max_token_lifetime: 2_592_000,
            max_live_secrets: 10,
            overlap: OverlapPolicy { default: 86_400, longest: 604_800 },
            quiet_days: 30,
            announcement: AnnouncementPeriod { max_age_seconds: 0, propagation_seconds: 0 },
            rotation_seconds: None,
            max_staleness: 0,
            rsa_bits: RsaBits::Bits2048,
        }
    }
}

/// How long, in seconds, a secret works on after its client has replaced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlapPolicy {
    /// Unless the client says.
    pub default: u32,
    /// The longest that a client may ask for.
    pub longest: u32,
}

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// There is no such object.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What is missing.
        kind: &'static str,
        /// Its name.
        id: String,
    },
    /// It collides with what is there.
    #[error("{0}")]
    Conflict(String),
    /// It is not allowed, whoever asks.
    #[error("{0}")]
    Refused(String),
    /// The caller lacks rights that the change would hand out or use.
    #[error("Insufficient scope, expected all of: {}", .0.join(","))]
    InsufficientScope(Vec<String>),
    /// Somebody else was quicker: it is no longer what the caller saw.
    #[error("it has been changed since it was read: read it again, and repeat the change on what is there now")]
    Outdated,
    /// What was given cannot be stored.
    #[error("{0}")]
    Invalid(String),
    /// The next signing key has not been announced for long enough.
    #[error(
        "the next signing key was announced too recently: verifiers may still hold a JWK Set without it until {earliest}; \
         rotate then, or force it"
    )]
    TooEarly {
        /// When it may be used.
        earliest: Timestamp,
    },
    /// A signing key that is in use was to be revoked.
    #[error(
        "the key {kid} is {state}, and only a retired key can be revoked without putting others in its place: rotate until \
         it is retired, or force it"
    )]
    KeyInUse {
        /// Which.
        kid: String,
        /// Where it stands.
        state: KeyState,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made, sealed or opened: a fault of ours.
    #[error("cannot make or use a signing key: {0}")]
    Key(String),
}

impl AdministrationError {
    /// There is no `kind` of this name, which may be whatever somebody sent.
    pub fn not_found(kind: &'static str, id: impl AsRef<str>) -> Self {
        Self::NotFound { kind, id: id.as_ref().escape_debug().to_string() }
    }

    pub(super) fn invalid(error: impl std::fmt::Display) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Changes what is stored. Blocks: call it off the async workers.
#[derive(Debug)]
pub struct Administration {
    pub(super) store: Store,
    pub(super) master_keys: Arc<MasterKeys>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) policy: AdministrationPolicy,
    pub(super) key_maker: Arc<dyn KeyMaker>,
}

impl Administration {
    /// Administers `store`.
    pub fn new(
        store: Store,
        master_keys: Arc<MasterKeys>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        policy: AdministrationPolicy,
    ) -> Self {
        Self { store, master_keys, clock, entropy, policy, key_maker: Arc::new(FreshKeys) }
    }

    /// Takes new signing keys from `maker`.
    #[must_use]
    pub fn with_keys_from(self, maker: Arc<dyn KeyMaker>) -> Self {
        Self { key_maker: maker, ..self }
    }

    /// Makes one change: all of `steps` or nothing.
    ///
    /// # Errors
    /// What `steps` refuse, or what the store does.
    pub fn change<T>(
        &self,
        caller: &Caller,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, AdministrationError> {
        self.change_with_keys(caller, Vec::new(), steps)
    }

    /// Makes one change, which may put the signing keys `prepared` to use.
    pub(super) fn change_with_keys<T>(
        &self,
        caller: &Caller,
        prepared: Vec<PrivateKey>,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, AdministrationError> {
        let context = self.context(caller);
        let written = self.store.write(&context, |transaction| {
            steps(&mut Change { prepared, ..self.begin(transaction, caller, &context) })
        })?;
        Ok(written.value)
    }

    /// Makes one change to see how it ends, and takes it back.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub(super) fn rehearse<T>(
        &self,
        caller: &Caller,
        prepared: Vec<PrivateKey>,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, AdministrationError> {
        let context = self.context(caller);
        let ended = self.store.write(&context, |transaction| {
            // As an error, so that the transaction is rolled back.
            Err::<Infallible, _>(Rehearsal::Done(steps(&mut Change {
                prepared,
                ..self.begin(transaction, caller, &context)
            })))
        });
        match ended {
            Err(Rehearsal::Done(outcome)) => outcome,
            Err(Rehearsal::Failed(error)) => Err(error.into()),
            Ok(written) => match written.value {},
        }
    }

    fn context(&self, caller: &Caller) -> ChangeContext {
        let Caller { actor, request_id, .. } = caller.clone();
        ChangeContext { actor, at: self.clock.now(), request_id }
    }

    fn begin<'c>(
        &'c self,
        transaction: &'c mut Transaction,
        caller: &'c Caller,
        context: &ChangeContext,
    ) -> Change<'c> {
        Change {
            transaction,
            admin: self,
            caller,
            now: context.at,
            memory: HashMemory::default(),
            prepared: Vec::new(),
            creation: AuditAction::Create,
        }
    }

    /// The store that is administered.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The bounds that the operator set.
    pub const fn policy(&self) -> &AdministrationPolicy {
        &self.policy
    }

    /// The time it goes by.
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

/// How a rehearsal ends.
enum Rehearsal<T> {
    Done(Result<T, AdministrationError>),
    Failed(StoreError),
}

impl<T> From<StoreError> for Rehearsal<T> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// One change in the making. Its methods stand beside what they change: `apis`, `clients`, `secrets`, `grants`,
/// `rotate_keys`, `revoke_key`, `reseal_keys`, `carry_keys`.
pub struct Change<'c> {
    pub(super) transaction: &'c mut Transaction,
    pub(super) admin: &'c Administration,
    pub(super) caller: &'c Caller,
    pub(super) now: UnixMillis,
    pub(super) memory: HashMemory,
    /// Signing keys that were made before the change began, to be used instead of making some while others wait.
    pub(super) prepared: Vec<PrivateKey>,
    /// What the audit trail calls it when something is made: an import does not create.
    pub(super) creation: AuditAction,
}

impl Change<'_> {
    pub(super) fn new_id(&self) -> Uuid {
        new_uuid(self.now, self.admin.entropy.as_ref())
    }

    /// Writes the audit row of one step.
    pub(super) fn record(
        &mut self,
        action: AuditAction,
        object_kind: ObjectKind,
        object_id: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), AdministrationError> {
        let action = if action == AuditAction::Create { self.creation } else { action };
        let entry = AuditEntry { action, object_kind, object_id: object_id.to_owned(), before, after };
        Ok(self.transaction.record(entry)?)
    }
}

/// Longest JSON text of what is kept of Auth0's fields, in bytes.
const MAX_AUTH0_FIELDS_BYTES: usize = 16 * 1024;
/// Longest JSON text of a client's claims, in bytes: verifiers refuse a token of more than 8 KiB.
const MAX_CLAIMS_BYTES: usize = 4 * 1024;
/// How deep either may be nested. The audit trail and the document put a few levels around it, and JSON that is more than 127
/// deep can be written but not read again: one such client would make the trail unreadable.
const MAX_NESTING: usize = 32;

/// Auth0's other fields, if they are not too long or too deep to be kept.
pub(super) fn validated_auth0_fields(fields: &Map<String, Value>) -> Result<Map<String, Value>, AdministrationError> {
    bounded("the fields that are kept without being used", fields, MAX_AUTH0_FIELDS_BYTES)
}

/// The claims of a client, if they are not too long or too deep for a token.
///
/// # Errors
/// If they are.
pub fn validated_claims(claims: &Map<String, Value>) -> Result<Map<String, Value>, AdministrationError> {
    bounded("the claims", claims, MAX_CLAIMS_BYTES)
}

fn bounded(
    what: &str,
    members: &Map<String, Value>,
    max_bytes: usize,
) -> Result<Map<String, Value>, AdministrationError> {
    if members.values().any(|value| is_deeper_than(value, MAX_NESTING - 1)) {
        return Err(AdministrationError::Invalid(format!(
            "{what} are nested more than {MAX_NESTING} levels deep: make them flatter"
        )));
    }
    let length = serde_json::to_string(members).map_err(AdministrationError::invalid)?.len();
    if length > max_bytes {
        return Err(AdministrationError::Invalid(format!(
            "{what} take {length} bytes as JSON, and {max_bytes} is the limit: leave some of them out"
        )));
    }
    Ok(members.clone())
}

/// Are there more than `levels` objects and arrays in each other?
fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let Some(inner) = levels.checked_sub(1) else { return value.is_object() || value.is_array() };
    match value {
        Value::Object(members) => members.values().any(|value| is_deeper_than(value, inner)),
        Value::Array(items) => items.iter().any(|value| is_deeper_than(value, inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// An entry of the configuration document as the audit trail keeps it.
pub(super) fn audited(entry: &impl serde::Serialize) -> Option<Value> {
    serde_json::to_value(entry).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(levels: usize) -> Map<String, Value> {
        let innermost = Map::from_iter([("innermost".to_owned(), json!(1))]);
        (1..levels).fold(innermost, |inner, _| Map::from_iter([("a".to_owned(), Value::Object(inner))]))
    }

    #[test]
    fn what_is_kept_is_bounded_in_length_and_depth() {
        let of_length = |bytes: usize| Map::from_iter([("x".to_owned(), json!("y".repeat(bytes - 8)))]);
        for (validate, longest) in [
            (validated_auth0_fields as fn(&Map<String, Value>) -> _, MAX_AUTH0_FIELDS_BYTES),
            (validated_claims, MAX_CLAIMS_BYTES),
        ] {
            assert_eq!(validate(&of_length(longest)).unwrap(), of_length(longest));
            assert!(validate(&of_length(longest + 1)).unwrap_err().to_string().contains("is the limit"));
            assert_eq!(validate(&nested(MAX_NESTING)).unwrap(), nested(MAX_NESTING));
            assert!(validate(&nested(MAX_NESTING + 1)).unwrap_err().to_string().contains("levels deep"));
            let lists = (0..MAX_NESTING).fold(json!(1), |inner, _| json!([inner]));
            validate(&Map::from_iter([("x".to_owned(), lists)])).unwrap_err();
        }
    }
}
