//! How is what is stored changed? Every change is one transaction with its audit row; command line and HTTP share it.

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::clock::{Clock, UnixMillis};
use crate::entropy::{Entropy, new_uuid};
use crate::keys::lifecycle::AnnouncementPeriod;
use crate::keys::{MasterKey, RsaBits};
use crate::oauth::metadata::Issuer;
use crate::secret::HashMemory;
use crate::store::{Actor, AuditAction, AuditEntry, ChangeContext, ObjectKind, Store, StoreError, Transaction};

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
    /// How long a signing key is announced before it signs.
    pub announcement: AnnouncementPeriod,
    /// The size of new RSA keys.
    pub rsa_bits: RsaBits,
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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made or sealed: a fault of ours.
    #[error("cannot make a signing key: {0}")]
    Key(String),
}

impl AdministrationError {
    pub(super) fn not_found(kind: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { kind, id: id.into() }
    }

    pub(super) fn invalid(error: impl std::fmt::Display) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Changes what is stored. Blocks: call it off the async workers.
#[derive(Debug)]
pub struct Administration {
    pub(super) store: Store,
    pub(super) master_key: Arc<MasterKey>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) policy: AdministrationPolicy,
}

impl Administration {
    /// Administers `store`.
    pub fn new(
        store: Store,
        master_key: Arc<MasterKey>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        policy: AdministrationPolicy,
    ) -> Self {
        Self { store, master_key, clock, entropy, policy }
    }

    /// Makes one change: all of `steps` or nothing.
    ///
    /// # Errors
    /// What `steps` refuse, or what the store does.
    pub fn change<T>(
        &self,
        actor: &Actor,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, AdministrationError> {
        let context = self.context(actor);
        let written = self.store.write(&context, |transaction| steps(&mut self.begin(transaction, &context)))?;
        Ok(written.value)
    }

    /// Makes one change to see how it ends, and takes it back.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub fn rehearse<T>(
        &self,
        actor: &Actor,
        steps: impl FnOnce(&mut Change<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, AdministrationError> {
        let context = self.context(actor);
        let ended = self.store.write(&context, |transaction| {
            // As an error, so that the transaction is rolled back.
            Err::<Infallible, _>(Rehearsal::Done(steps(&mut self.begin(transaction, &context))))
        });
        match ended {
            Err(Rehearsal::Done(outcome)) => outcome,
            Err(Rehearsal::Failed(error)) => Err(error.into()),
            Ok(written) => match written.value {},
        }
    }

    fn context(&self, actor: &Actor) -> ChangeContext {
        ChangeContext { actor: actor.clone(), at: self.clock.now(), request_id: None }
    }

    fn begin<'c>(&'c self, transaction: &'c mut Transaction, context: &ChangeContext) -> Change<'c> {
        Change { transaction, admin: self, now: context.at, memory: HashMemory::default() }
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
/// `rotate_keys`.
pub struct Change<'c> {
    pub(super) transaction: &'c mut Transaction,
    pub(super) admin: &'c Administration,
    pub(super) now: UnixMillis,
    pub(super) memory: HashMemory,
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
        let entry = AuditEntry { action, object_kind, object_id: object_id.to_owned(), before, after };
        Ok(self.transaction.record(entry)?)
    }
}

/// An entry of the configuration document as the audit trail keeps it.
pub(super) fn audited(entry: &impl serde::Serialize) -> Option<Value> {
    serde_json::to_value(entry).ok()
}
